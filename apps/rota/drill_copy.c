/* SPDX-License-Identifier: Apache-2.0 */
/* The copies of a drill, and the commands that are run on them. */
#include "apps/rota/ceremony.h"
#include "apps/rota/drill.h"
#include "apps/rota/verb.h"
#include "host/repo/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAYLOAD_LEN 2000
#define MEMORY "/dev/shm"
#define MAJOR_MAX 255U /* of a version (SPEC 1.3) */
#define DRILL_RELEASES 32 /* more than any case makes */

/* ---- commands ---- */

/* The child's exit status; -1: it did not end by itself. */
static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t begin_child(struct drill *d)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(d->log, STDOUT_FILENO);
		dup2(d->log, STDERR_FILENO);
	}
	return pid;
}

/* What a link of the original leads to is copied: through a link in the copy the drill would write to the real thing. */
enum rota_err drill_copy(struct drill *d, const char *from, const char *to)
{
	pid_t pid = begin_child(d);

	if (pid == 0) {
		execlp("cp", "cp", "-aL", from, to, (char *)NULL);
		_exit(127);
	}
	if (pid > 0 && wait_for(pid) == 0)
		return ROTA_OK;
	return rota_fail(&d->why, ROTA_ERR_IO, "cp -aL %s %s failed", from, to);
}

enum rota_err drill_rota(struct drill *d, const char *dir, ...)
{
	char *words[DRILL_WORDS_MAX];
	int count = 0;
	va_list args;
	pid_t pid;

	va_start(args, dir);
	do
		words[count] = va_arg(args, char *);
	while (words[count++] != NULL && count < DRILL_WORDS_MAX);
	va_end(args);
	pid = begin_child(d);
	if (pid == 0) {
		int status;

		verb_set_dir(dir);
		status = verb_run(count - 1, words);
		fflush(NULL);
		_exit(status);
	}
	if (pid < 0 || wait_for(pid) != 0)
		return rota_fail(&d->why, ROTA_ERR_DENIED,
			"rota %s %s failed on the copy; see %s/log", words[0],
			words[1] ? words[1] : "", d->base);
	return ROTA_OK;
}

enum rota_err drill_ceremony(struct drill *d, const char *folder)
{
	struct ceremony c;

	ROTA_TRY(ceremony_open(folder, &c, &d->why));
	ceremony_close(&c);
	ROTA_TRY(drill_rota(d, d->ours, "ceremony", "sign", "--yes", "--fingerprint", c.fingerprint,
		folder, NULL));
	return drill_rota(d, d->ours, "ceremony", "finish", folder, NULL);
}

enum rota_err drill_add(struct drill *d, const char *dir, unsigned major, bool ci, bool both_keys)
{
	char *version = rota_text("%u.0.0", major), *image = rota_text("%s/%u.img", d->base, major),
	     *payload = rota_text("%s/%u.bin", d->base, major);
	const char *kind = ci ? "--ci" : both_keys ? "--both-keys" : "--key=1";
	uint8_t bytes[PAYLOAD_LEN];
	enum rota_err err;

	memset(bytes, (int)major, sizeof(bytes));
	err = rota_file_write(payload, ROTA_SPAN(bytes), 0644, &d->why);
	if (err == ROTA_OK)
		err = drill_rota(d, dir, "image", "sign", kind, "--version", version, "--hardware",
			DRILL_HARDWARE, "--out", image, payload, NULL);
	if (err == ROTA_OK)
		err = drill_rota(d, dir, "release", "add", "--version", version, "--image", image,
			ci ? "--ci" : NULL, NULL);
	free(version);
	free(payload);
	free(image);
	return err;
}

enum rota_err drill_release(
	struct drill *d, const char *dir, unsigned major, bool ci, bool both_keys)
{
	char *version = rota_text("%u.0.0", major);
	enum rota_err err = drill_add(d, dir, major, ci, both_keys);

	if (err == ROTA_OK)
		err = drill_rota(d, dir, "rollout", "set", "--version", version, "--channel",
			ci ? "ci" : "production", NULL);
	free(version);
	return err;
}

/* Whether the role lists release MAJOR.0.0. */
static enum rota_err is_released(
	struct drill *d, struct rota_listing *listing, unsigned major, bool *there)
{
	char *path =
		rota_text("%s/%s/%u.0.0/release.json", listing->role, d->mine.dir.product, major);
	const json_t *entry;
	enum rota_err err = rota_listing_get(listing, path, &entry, &d->why);

	*there = err == ROTA_OK && entry;
	free(path);
	return err;
}

static enum rota_err pass_released(struct drill *d, const char *role)
{
	struct rota_listing listing;
	bool there = false;
	enum rota_err err = rota_listing_open(&d->mine.dir, role, &listing, &d->why);

	if (err != ROTA_OK)
		return err;
	for (unsigned major = MAJOR_MAX; err == ROTA_OK && major >= d->major && !there; major--) {
		err = is_released(d, &listing, major, &there);
		if (there)
			d->major = major + 1;
	}
	rota_listing_close(&listing);
	return err;
}

enum rota_err drill_first_major(struct drill *d)
{
	d->major = 1;
	ROTA_TRY(pass_released(d, "releases"));
	ROTA_TRY(pass_released(d, "ci"));
	if (d->major + DRILL_RELEASES <= MAJOR_MAX)
		return ROTA_OK;
	return rota_fail(&d->why, ROTA_ERR_LIMIT,
		"release %u.0.0 is listed, and a drill needs %d major versions above; rehearse on "
		"an authority that rota init --softhsm made",
		d->major - 1, DRILL_RELEASES);
}

/* ---- the copies ---- */

static enum rota_err load(struct session *s, const char *dir, struct rota_fail *why)
{
	if (session_open(s, dir, SESSION_READ) == ROTA_OK)
		return ROTA_OK;
	*why = s->why;
	return why->err;
}

void drill_honest_clock(struct drill *d)
{
	d->fleet->dir = &d->mine.dir;
	d->fleet->clock = rota_authdir_party(&d->mine.dir, "time");
	d->fleet->clock_tokens = &d->mine.tokens;
}

enum rota_err drill_reload(struct drill *d)
{
	if (d->mine_open)
		session_drop(&d->mine);
	d->mine_open = false;
	ROTA_TRY(load(&d->mine, d->ours, &d->why));
	d->mine_open = true;
	drill_honest_clock(d);
	return ROTA_OK;
}

static bool leads_out(const char *path)
{
	return !path || *path == '/' || strstr(path, "..") != NULL;
}

static bool lies_in(const struct rota_authdir *dir, const char *path)
{
	size_t len = strlen(dir->dir);

	return strncmp(path, dir->dir, len) == 0 && path[len] == '/' && !strstr(path, "/../");
}

/* "NAME = VALUE" of SoftHSM's settings: where the keys lie is said once, and is in the folder that the token is opened from. */
static bool keys_are_in(char *text)
{
	static const char name[] = "directories.tokendir";
	char *rest = text, *line;
	unsigned said = 0;
	bool in = true;

	while ((line = strsep(&rest, "\n")) != NULL) {
		line += strspn(line, " \t");
		if (strncmp(line, name, strlen(name)) != 0)
			continue;
		line += strcspn(line, "=");
		line += *line == '=';
		line += strspn(line, " \t");
		in &= *line && !leads_out(line);
		said++;
	}
	return in && said == 1;
}

/* Whether a token of the copy is a copy: of SoftHSM, with PIN and keys in there. */
static bool is_copied(const struct rota_authdir *dir, const struct rota_token *t)
{
	static const char softhsm[] = "SOFTHSM2_CONF=";
	const char *set = t->environment ? t->environment : "";
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	struct rota_fail none;
	bool in;

	if (!strstr(t->module, "softhsm") || strncmp(set, softhsm, strlen(softhsm)) != 0 ||
		strchr(set, ' ') || leads_out(set + strlen(softhsm)) || leads_out(t->pin_file))
		return false;
	rota_authdir_path(dir, set + strlen(softhsm), path);
	if (rota_file_read(path, ROTA_INI_BYTES_MAX, &text, &none) != ROTA_OK)
		return false;
	in = keys_are_in((char *)text.p);
	rota_bytes_free(&text);
	return in;
}

/* Whether all that the copy would write or sign with lies in it. */
static enum rota_err check_whole(struct drill *d, const struct rota_authdir *dir)
{
	if (!lies_in(dir, dir->repo))
		return rota_fail(&d->why, ROTA_ERR_DENIED,
			"the repository %s lies elsewhere, and a copy would write to it",
			dir->repo);
	if (dir->staging[0] && !lies_in(dir, dir->staging))
		return rota_fail(&d->why, ROTA_ERR_DENIED,
			"builds are staged in %s, which lies elsewhere, and a copy would write to "
			"it",
			dir->staging);
	if (dir->signd[0] || (dir->keeper && !d->kept))
		return rota_fail(&d->why, ROTA_ERR_DENIED,
			"%s names the real %s still: let that line begin without blanks",
			dir->ini.path, dir->signd[0] ? "signing daemon" : "keeper");
	for (size_t i = 0; i < dir->token_count; i++) {
		const struct rota_token *t = &dir->tokens[i];

		if (is_copied(dir, t))
			continue;
		return rota_fail(&d->why, ROTA_ERR_DENIED,
			"token %s is none of SoftHSM in the authority's own folder, and cannot be "
			"copied; rehearse on an authority that rota init --softhsm made",
			t->name);
	}
	return ROTA_OK;
}

/* [authority] signd and [log] public of rota.ini. */
static bool is_of_daemon(const char *line)
{
	return strncmp(line, "signd", 5) == 0 || strncmp(line, "public", 6) == 0;
}

/* What the operator demands of releases: those of a drill were built by nobody, and go to all devices at once. */
static bool is_of_releases(const char *section)
{
	return strncmp(section, "[release]", 9) == 0 || strncmp(section, "[promotion]", 11) == 0;
}

static const char at_once[] = "\n[release]\nabort = revert\ncanary = 100\nfirst_ppm = 1000000\n"
			      "growth = 10\nsoak = 1d\neveryone = auto\n";

/* Nor may it ask the real keeper for anything. */
static void add_keeper(struct drill *d, struct rota_bytes *to)
{
	char *socket = drill_keeper_socket(d);

	d->kept = true;
	rota_bytes_print(to, "keeper = %s\n", socket);
	free(socket);
}

/* The copy signs with its own tokens: the daemon that the original asks would sign the real thing, into the real log. */
static enum rota_err write_settings(struct drill *d)
{
	char *path = rota_text("%s/rota.ini", d->ours);
	struct rota_bytes text = { 0 }, kept = { 0 };
	enum rota_err err = rota_file_read(path, ROTA_INI_BYTES_MAX, &text, &d->why);
	bool skipped = false;

	for (const char *p = (const char *)text.p; err == ROTA_OK && *p;) {
		size_t len = strcspn(p, "\n");

		len += p[len] == '\n';
		if (*p == '[')
			skipped = is_of_releases(p);
		if (strncmp(p, "keeper", 6) == 0)
			add_keeper(d, &kept);
		else if (!skipped && !is_of_daemon(p))
			rota_bytes_add(&kept, rota_span((const uint8_t *)p, len));
		p += len;
	}
	if (err == ROTA_OK) {
		rota_bytes_free(&text);
		rota_bytes_add_text(&kept, at_once);
		err = rota_file_write(path, rota_bytes_span(&kept), 0644, &d->why);
	}
	rota_bytes_free(&kept);
	free(path);
	return err;
}

static enum rota_err make_base(struct drill *d)
{
	const char *tmp = getenv("TMPDIR");
	const char *where = tmp && *tmp ? tmp : access(MEMORY, W_OK) == 0 ? MEMORY : "/tmp";
	char *log;

	d->base = rota_text("%s/rota-drill-XXXXXX", where);
	if (!mkdtemp(d->base))
		return rota_fail_errno(&d->why, errno, "no folder for the copy in %s", where);
	d->ours = rota_text("%s/ours", d->base);
	d->stolen = rota_text("%s/stolen", d->base);
	d->front = rota_text("%s/front", d->base);
	log = rota_text("%s/log", d->base);
	d->log = open(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	free(log);
	return d->log >= 0 ? ROTA_OK : rota_fail_errno(&d->why, errno, "%s/log", d->base);
}

enum rota_err drill_clear_front(struct drill *d)
{
	char *metadata = rota_text("%s/metadata", d->front),
	     *targets = rota_text("%s/targets/rollouts", d->front);
	enum rota_err err;

	rota_file_remove_tree(d->front);
	err = rota_file_mkdirs(metadata, 0755, &d->why);
	if (err == ROTA_OK)
		err = rota_file_mkdirs(targets, 0755, &d->why);
	free(metadata);
	free(targets);
	return err;
}

enum rota_err drill_begin(struct drill *d, const char *authority)
{
	ROTA_TRY(make_base(d));
	ROTA_TRY(drill_copy(d, authority, d->ours));
	ROTA_TRY(write_settings(d));
	ROTA_TRY(drill_reload(d));
	ROTA_TRY(check_whole(d, &d->mine.dir));
	return d->kept ? drill_keeper_begin(d) : ROTA_OK;
}

enum rota_err drill_steal(struct drill *d)
{
	ROTA_TRY(drill_copy(d, d->ours, d->stolen));
	ROTA_TRY(load(&d->thief, d->stolen, &d->why));
	d->thief_open = true;
	return ROTA_OK;
}
