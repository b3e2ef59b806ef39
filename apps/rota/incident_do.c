/* SPDX-License-Identifier: Apache-2.0 */
/* A step is done: its command with its words filled in, in a process of its own; or a line of rota.ini, and a record. */
#include "apps/rota/ceremony.h"
#include "apps/rota/incident.h"
#include "apps/rota/incident_steps.h"
#include "apps/rota/verb.h"
#include "host/repo/bundle_keys.h"
#include "host/sign/p256.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_KEYS "trust/image-keys.json"
#define IMAGE_KEYS_MAX 65536 /* which has three */
#define LOCK_WAIT_S 20

/* ---- words ---- */

struct words {
	char **at;
	size_t count;
};

static void add(struct words *w, char *word)
{
	if (w->count < INCIDENT_WORDS_MAX - 1)
		w->at[w->count++] = word;
	else
		free(word);
}

static void add_file(struct words *w, const struct incident_scene *c, const char *name)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_path(c, name, path);
	add(w, rota_text("%s", path));
}

static char *pem_of(const struct incident_scene *c, const struct incident_key *key)
{
	char *name = rota_text("%s.pem", key->successor), path[ROTA_FILE_PATH_MAX];

	incident_path(c, name, path);
	free(name);
	return rota_text("%s", path);
}

/* "--OPTION TEXT" for each text of a list of the record. */
static void add_list(
	struct words *w, const struct incident_scene *c, const char *list, const char *option)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(c->record, list), i, one)
	{
		add(w, rota_text("--%s", option));
		add(w, rota_text("%s", json_string_value(one)));
	}
}

static void add_replace(struct words *w, const struct incident_scene *c)
{
	for (size_t i = 0; i < c->key_count; i++) {
		char *pem = pem_of(c, &c->key[i]);

		add(w, rota_text("--replace"));
		add(w, rota_text("%.16s=%s", c->key[i].id, pem));
		free(pem);
	}
}

/* What a signer would have compared; a drill has nobody to read it to. */
static void add_fingerprint(struct words *w, const struct incident_scene *c)
{
	char folder[ROTA_FILE_PATH_MAX];
	struct ceremony ceremony;
	struct rota_fail ignored;

	incident_path(c, "ceremony", folder);
	if (!c->unasked || ceremony_open(folder, &ceremony, &ignored) != ROTA_OK)
		return;
	add(w, rota_text("--yes"));
	add(w, rota_text("--fingerprint"));
	add(w, rota_text("%s", ceremony.fingerprint));
	ceremony_close(&ceremony);
}

/* The next officer's token; none where [keys approval] says no further: then its first signs. */
static void add_officer(struct words *w, const struct incident_scene *c)
{
	const struct rota_party *party = rota_authdir_party(&c->s->dir, "approval");
	size_t at = incident_approvals(c);

	if (!party || at >= party->seat_count)
		return;
	add(w, rota_text("--token"));
	add(w, rota_text("%s", party->seats[at].token->name));
}

static void add_approved(struct words *w, const struct incident_scene *c)
{
	if (!incident_is_sealed(c))
		return;
	add(w, rota_text("--approved"));
	add_file(w, c, "emergency");
}

static void add_old_ca(struct words *w, const struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];

	incident_old_ca(c, path);
	add(w, rota_text("%s", path));
}

static const struct incident_key *image_key(const struct incident_scene *c)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (strcmp(c->key[i].use, "ci-image") == 0)
			return &c->key[i];
	return &c->key[0];
}

/* A text of the key at hand; NULL: `name` is none. */
static const char *key_text(const struct incident_scene *c, const char *name)
{
	const struct incident_key *key = &c->key[c->at < c->key_count ? c->at : 0];

	if (strcmp(name, "{token}") == 0)
		return key->to;
	if (strcmp(name, "{successor}") == 0)
		return key->successor;
	if (strcmp(name, "{use}") == 0)
		return key->use;
	return strcmp(name, "{reason}") == 0
		? json_string_value(json_object_get(c->record, "reason"))
		: NULL;
}

static void fill(struct words *w, const struct incident_scene *c, const char *name)
{
	static const struct {
		const char *name, *file;
	} files[] = { { "{folder}", "ceremony" }, { "{root}", "root.json" },
		{ "{order}", "order.json" }, { "{pack}", "recovery.pack" },
		{ "{old-pem}", "old.pem" }, { "{emergency}", "emergency" } };
	static const struct {
		const char *name, *list, *option;
	} lists[] = { { "{hardware}", "hardware", "hardware" },
		{ "{devices}", "devices", "device" }, { "{releases}", "releases", "digest" } };
	const char *text = key_text(c, name);

	if (text)
		add(w, rota_text("%s", text));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(name, files[i].name) == 0)
			add_file(w, c, files[i].file);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(name, lists[i].name) == 0)
			add_list(w, c, lists[i].list, lists[i].option);
	if (strcmp(name, "{id}") == 0)
		add(w, rota_text("%.16s", c->key[c->at < c->key_count ? c->at : 0].id));
	else if (strcmp(name, "{pem}") == 0)
		add(w, pem_of(c, &c->key[c->at < c->key_count ? c->at : 0]));
	else if (strcmp(name, "{old-ca}") == 0)
		add_old_ca(w, c);
	else if (strcmp(name, "{image-pem}") == 0)
		add(w, pem_of(c, image_key(c)));
	else if (strcmp(name, "{replace}") == 0)
		add_replace(w, c);
	else if (strcmp(name, "{fingerprint}") == 0)
		add_fingerprint(w, c);
	else if (strcmp(name, "{officer}") == 0)
		add_officer(w, c);
	else if (strcmp(name, "{approved}") == 0)
		add_approved(w, c);
	else if (strcmp(name, "{yes}") == 0 && c->unasked)
		add(w, rota_text("--yes"));
}

size_t incident_words(struct incident_scene *c, const struct incident_step *step,
	char *words[static INCIDENT_WORDS_MAX])
{
	struct words w = { words, 0 };
	const char *p = step->command ? step->command : "";

	while (*p) {
		size_t len = strcspn(p, " ");
		char *word = rota_text("%.*s", (int)len, p);

		if (*word == '{' && c->record) {
			fill(&w, c, word);
			free(word);
		} else {
			add(&w, word);
		}
		p += len;
		p += strspn(p, " ");
	}
	words[w.count] = NULL;
	return w.count;
}

void incident_words_free(char **words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(words[i]);
}

/* ---- doing ---- */

/* Options of a verb stand in static memory: each command has a process, and none sees another one's. */
static int run_words(struct incident_scene *c, char **words, size_t count)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		if (c->log >= 0) {
			dup2(c->log, STDOUT_FILENO);
			dup2(c->log, STDERR_FILENO);
		}
		verb_set_dir(c->s->dir.dir);
		status = verb_run((int)count, words);
		fflush(NULL);
		_exit(status);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum rota_err incident_do(struct incident_scene *c, const struct incident_step *step)
{
	char *words[INCIDENT_WORDS_MAX];
	size_t count;
	int status;

	if (step->act) {
		ROTA_TRY(step->act(c));
		return incident_note(c, step->name);
	}
	count = incident_words(c, step, words);
	status = run_words(c, words, count);
	incident_words_free(words, count);
	if (status != 0)
		return rota_fail(&c->s->why, ROTA_ERR_DENIED,
			"step %s of incident %s failed; nothing after it was begun", step->name,
			c->what->name);
	return incident_note(c, step->name);
}

/* ---- rota.ini ---- */

/* The seat as a word of the section's text; NULL: it is not there. */
static const char *find_seat(const char *text, const char *section, const char *seat)
{
	const char *at = strstr(text, section), *end;
	size_t len = strlen(seat);

	if (!at)
		return NULL;
	end = strstr(at + strlen(section), "\n[");
	for (at = strstr(at, seat); at && (!end || at < end); at = strstr(at + 1, seat))
		if (isspace((unsigned char)at[-1]) && (!at[len] || isspace((unsigned char)at[len])))
			return at;
	return NULL;
}

static enum rota_err write_ini(struct incident_scene *c, const char *path, const char *text)
{
	struct rota_authdir probe;
	struct rota_bytes before;
	enum rota_err err;

	ROTA_TRY(rota_file_read(path, ROTA_INI_BYTES_MAX, &before, &c->s->why));
	err = rota_file_write(path, rota_span_cstr(text), 0644, &c->s->why);
	if (err == ROTA_OK && rota_authdir_load(c->s->dir.dir, &probe, &c->s->why) == ROTA_OK) {
		rota_authdir_free(&probe);
	} else if (err == ROTA_OK) {
		struct rota_fail ignored;

		err = c->s->why.err;
		if (rota_file_write(path, rota_bytes_span(&before), 0644, &ignored) != ROTA_OK)
			rota_fail_in(&c->s->why, "%s was changed, and is wrong", path);
	}
	rota_bytes_free(&before);
	return err;
}

static enum rota_err change_seat(struct incident_scene *c, const char *path)
{
	const struct incident_key *key = &c->key[c->at];
	const struct rota_party *party = rota_authdir_party(&c->s->dir, key->use);
	char *section = rota_text("[%s %s]", party->is_role ? "role" : "keys", key->use);
	char *old = rota_text("%s:%s", key->token, key->label), *text = NULL;
	struct rota_bytes ini = { 0 };
	enum rota_err err;
	const char *at;

	err = rota_file_read(path, ROTA_INI_BYTES_MAX, &ini, &c->s->why);
	at = err == ROTA_OK ? find_seat((const char *)ini.p, section, old) : NULL;
	if (err == ROTA_OK && !at)
		err = rota_fail(&c->s->why, ROTA_ERR_NOT_FOUND,
			"%s: %s has no signer %s; put %s:%s among its signers by hand", path,
			section, old, key->to, key->successor);
	if (err == ROTA_OK) {
		text = rota_text("%.*s%s:%s%s", (int)(at - (const char *)ini.p),
			(const char *)ini.p, key->to, key->successor, at + strlen(old));
		err = write_ini(c, path, text);
	}
	rota_bytes_free(&ini);
	free(section);
	free(old);
	free(text);
	return err;
}

static enum rota_err under_lock(struct incident_scene *c, const char *name,
	enum rota_err (*change)(struct incident_scene *, const char *))
{
	char path[ROTA_FILE_PATH_MAX], lock[ROTA_FILE_PATH_MAX];
	enum rota_err err;
	int fd;

	rota_authdir_path(&c->s->dir, "lock", lock);
	rota_authdir_path(&c->s->dir, name, path);
	ROTA_TRY(rota_lock_take(lock, LOCK_WAIT_S, &fd, &c->s->why));
	err = change(c, path);
	close(fd);
	return err;
}

enum rota_err incident_seat(struct incident_scene *c)
{
	return under_lock(c, "rota.ini", change_seat);
}

/* ---- the record of image keys ---- */

/* The row of the ci key; NULL: there is none. */
static json_t *ci_row(const json_t *file)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(file, "keys"), i, row)
	{
		const char *channel = json_string_value(json_object_get(row, "channel"));

		if (channel && strcmp(channel, "ci") == 0)
			return row;
	}
	return NULL;
}

static bool successor_hex(
	const struct incident_scene *c, char out[static 2 * ROTA_P256_KEY_LEN + 1])
{
	char *pem = pem_of(c, image_key(c));
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_fail ignored;
	bool known = rota_bundle_key_load(pem, point, &ignored) == ROTA_OK;

	if (known)
		rota_hex(ROTA_SPAN(point), out);
	free(pem);
	return known;
}

bool incident_is_recorded(const struct incident_scene *c)
{
	char hex[2 * ROTA_P256_KEY_LEN + 1], path[ROTA_FILE_PATH_MAX];
	struct rota_fail ignored;
	const char *now;
	json_t *file;
	bool recorded;

	rota_authdir_path(&c->s->dir, IMAGE_KEYS, path);
	if (!successor_hex(c, hex) ||
		rota_json_load(path, IMAGE_KEYS_MAX, &file, &ignored) != ROTA_OK)
		return false;
	now = json_string_value(json_object_get(ci_row(file), "public"));
	recorded = now && strcmp(now, hex) == 0;
	json_decref(file);
	return recorded;
}

/* The key that goes, as a file: an order that retires it names it by that. */
static enum rota_err keep_old(struct incident_scene *c, const char *hex)
{
	char path[ROTA_FILE_PATH_MAX], pem[ROTA_P256_PEM_MAX];
	uint8_t point[ROTA_P256_KEY_LEN];

	if (!hex || !rota_unhex(hex, ROTA_BUF(point)))
		return rota_fail(&c->s->why, ROTA_ERR_CORRUPT, "%s: no ci key", IMAGE_KEYS);
	rota_p256_pem(point, pem);
	incident_path(c, "old.pem", path);
	return rota_file_write(path, rota_span_cstr(pem), 0644, &c->s->why);
}

static enum rota_err change_record(struct incident_scene *c, const char *path)
{
	char hex[2 * ROTA_P256_KEY_LEN + 1];
	struct rota_bytes text;
	enum rota_err err;
	json_t *file;

	if (!successor_hex(c, hex))
		return rota_fail(&c->s->why, ROTA_ERR_NOT_FOUND, "the new ci key is not here yet");
	ROTA_TRY(rota_json_load(path, IMAGE_KEYS_MAX, &file, &c->s->why));
	err = keep_old(c, json_string_value(json_object_get(ci_row(file), "public")));
	if (err == ROTA_OK) {
		json_object_set_new(ci_row(file), "public", json_string(hex));
		err = rota_json_encode(file, ROTA_JSON_FILE, &text, &c->s->why);
	}
	if (err == ROTA_OK) {
		err = rota_file_write(path, rota_bytes_span(&text), 0644, &c->s->why);
		rota_bytes_free(&text);
	}
	json_decref(file);
	return err;
}

enum rota_err incident_record(struct incident_scene *c)
{
	return under_lock(c, IMAGE_KEYS, change_record);
}
