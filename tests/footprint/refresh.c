/* SPDX-License-Identifier: Apache-2.0 */
/* What the footprint is measured on: a device of profile m3 that follows a real repository, with BearSSL, on a
 * Cortex-M3 in QEMU. tools/footprint links it, runs it and takes it apart.
 *
 * The device leaves the factory with root 1. It then runs three sessions: the first finds root 2 and reads all of
 * the repository that concerns it; the second comes when nothing has changed; the third when a new release was
 * published. Each but the second looks for the rollout policy and a release of its product, each asked together
 * with the role that must list it, and holds the bytes of those files against what the role lists.
 *
 * Files come through semihosting from the folder that make-metadata made, in place of a link. Those that the
 * device kept before, and whose digest is already trusted, count as read from its own flash.
 *
 * Of this file, nothing counts as the client's but `session`, and the part of `workspace` that it asks for. */
#include "boards/cortexm/semihosting.h"
#include "boards/cortexm/stack.h"
#include "boards/mps2-an385/ticks.h"
#include "ports/crypto_bearssl/crypto_bearssl.h"
#include "rota/base/mem.h"
#include "rota/update/session.h"

#define PIECE_LEN 128
#define NAME_MAX 64
#define KEPT_MAX 24
#define WORKSPACE_LEN 8192
#define INSTRUCTION_NS 64u /* as tools/footprint starts QEMU */

/* The repository at one moment, and what the device is to find there. */
struct scene {
	const char *name; /* in figures */
	const char *state; /* before or after the new release, in file names */
	bool targets; /* look for policy and release too */
	const char *release;
};

static const struct scene scenes[] = {
	{ "first", "before", true, "releases/lamp/1.46.0/release.json" },
	{ "idle", "before", false, NULL },
	{ "changed", "after", true, "releases/lamp/1.49.0/release.json" },
};

struct traffic {
	uint32_t link, flash, requests;
};

static struct rota_session session;
static uint64_t workspace[WORKSPACE_LEN / sizeof(uint64_t)];

static struct rota_floors floors; /* the session's, in the device profile */
static struct {
	struct rota_trusted trusted;
	struct rota_floors floors;
} journal; /* stands for what is on flash */
static char kept[KEPT_MAX][NAME_MAX]; /* names of the files on flash */
static unsigned kept_count;
static rota_num now_s;
static struct traffic traffic;
static uint8_t piece[PIECE_LEN];

/* ---- saying it ---- */

static char *put(char *to, const char *text)
{
	while (*text != '\0')
		*to++ = *text++;
	*to = '\0';
	return to;
}

static char *put_bytes(char *to, struct rota_span text)
{
	for (size_t i = 0; i < text.len; i++)
		*to++ = (char)text.p[i];
	*to = '\0';
	return to;
}

static char *put_number(char *to, uint32_t number)
{
	char digits[11];
	unsigned at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return put(to, &digits[at]);
}

static void say(const char *scene, const char *what, uint32_t number)
{
	char line[NAME_MAX];

	put(put_number(put(put(put(put(line, scene), "_"), what), " "), number), "\n");
	semihosting_write(line);
}

static _Noreturn void give_up(const char *what, const char *about)
{
	char line[2 * NAME_MAX];

	put(put(put(put(line, what), ": "), about), "\n");
	semihosting_write(line);
	semihosting_exit(1);
}

/* ---- files ---- */

static size_t length(const char *text)
{
	size_t len = 0;

	while (text[len] != '\0')
		len++;
	return len;
}

static bool is_kept(const char *name)
{
	for (unsigned i = 0; i < kept_count; i++) {
		if (memcmp(kept[i], name, length(name) + 1) == 0)
			return true;
	}
	return false;
}

static void keep(const char *name)
{
	if (is_kept(name))
		return;
	if (kept_count == KEPT_MAX)
		give_up("no room to keep", name);
	put(kept[kept_count++], name);
}

/* "7.releases.json"; "timestamp.after.json", since that one file changes. */
static void meta_name(char *to, const struct scene *scene, struct rota_span role, uint64_t version)
{
	if (version == 0)
		put(put(put(put_bytes(to, role), "."), scene->state), ".json");
	else
		put(put_bytes(put(put_number(to, (uint32_t)version), "."), role), ".json");
}

static void read_now(void)
{
	int file = semihosting_open("now");
	size_t len = file < 0 ? 0 : semihosting_read(file, piece, sizeof(piece));

	for (size_t i = 0; i < len && piece[i] != '\n'; i++)
		now_s = now_s * 10 + (piece[i] - (rota_num)'0');
	if (now_s == 0)
		give_up("now", "no seconds in this file");
	semihosting_close(file);
}

/* ---- the session's wants ---- */

static void fetch(const struct scene *scene, const struct rota_want *want)
{
	char name[NAME_MAX];
	bool flash;
	size_t len;
	int file;

	meta_name(name, scene, want->role, want->version);
	flash = want->sha256 != NULL && !want->fresh && is_kept(name);
	traffic.requests += !flash;
	file = semihosting_open(name);
	if (file < 0) {
		rota_session_fetched(&session, ROTA_ERR_NOT_FOUND);
		return;
	}
	if (flash)
		rota_session_copy(&session);
	while ((len = semihosting_read(file, piece, sizeof(piece))) > 0) {
		*(flash ? &traffic.flash : &traffic.link) += (uint32_t)len;
		if (rota_session_feed(&session, rota_span(piece, len)) != ROTA_OK)
			break;
	}
	semihosting_close(file);
	rota_session_fetched(&session, ROTA_OK);
}

static void keep_file(const struct scene *scene, const struct rota_want *want)
{
	char name[NAME_MAX];

	meta_name(name, scene, want->role, want->kept_version);
	keep(name);
	journal.trusted = *rota_session_trusted(&session);
	journal.floors = floors;
	rota_session_kept(&session, ROTA_OK);
}

/* By number: the sentences of rota/update/why.h would be counted as the client's. */
static _Noreturn void refused(const struct scene *scene)
{
	struct rota_why why = *rota_session_why(&session);

	say(scene->name, "error", why.err);
	say(scene->name, "clause", why.clause);
	semihosting_exit(1);
}

static void run(const struct scene *scene, enum rota_want_kind until)
{
	struct rota_want want;

	for (want = *rota_session_want(&session); want.kind != until;
		want = *rota_session_want(&session)) {
		if (want.kind == ROTA_WANT_FETCH)
			fetch(scene, &want);
		else if (want.kind == ROTA_WANT_KEEP)
			keep_file(scene, &want);
		else
			refused(scene);
	}
}

/* The bytes of a target that was found, against what its role lists. */
static void check_target(const char *what, const struct scene *scene)
{
	const struct rota_target *target = rota_session_target(&session);
	const struct rota_crypto *crypto = &rota_crypto_bearssl;
	char name[NAME_MAX];
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_sha256 hash;
	uint64_t got = 0;
	size_t len;
	int file;

	if (!rota_session_consistent(&session)) /* the digest would not stand in its name */
		give_up(scene->name, "no consistent snapshots");
	put(put(put(put(name, what), "."), scene->state), ".json");
	file = semihosting_open(name);
	traffic.requests++;
	crypto->sha256_init(&hash);
	while (file >= 0 && (len = semihosting_read(file, piece, sizeof(piece))) > 0) {
		crypto->sha256_update(&hash, rota_span(piece, len));
		got += len;
	}
	semihosting_close(file);
	crypto->sha256_final(&hash, digest);
	if (got != target->length || memcmp(digest, target->sha256, sizeof(digest)) != 0)
		give_up(name, "is not what its role lists");
	traffic.link += (uint32_t)got;
}

static struct rota_span span(const char *text)
{
	return rota_span((const uint8_t *)text, length(text));
}

static void find(const struct scene *scene, const char *role, const char *path, const char *what)
{
	enum rota_err err = FOOTPRINT_BINDS ? rota_session_find_in(&session, span(role), span(path))
					    : rota_session_find(&session, span(path));

	if (err != ROTA_OK)
		give_up(scene->name, path);
	run(scene, ROTA_WANT_FOUND);
	check_target(what, scene);
}

/* ---- the sessions ---- */

static void factory(void)
{
	const struct rota_crypto *crypto = &rota_crypto_bearssl;
	struct rota_sha256 hash;
	int file = semihosting_open("1.root.json");
	size_t len;

	crypto->sha256_init(&hash);
	while (file >= 0 && (len = semihosting_read(file, piece, sizeof(piece))) > 0)
		crypto->sha256_update(&hash, rota_span(piece, len));
	semihosting_close(file);
	crypto->sha256_final(&hash, journal.trusted.root.sha256);
	journal.trusted.root.version = 1;
	keep("1.root.json");
}

static void begin(const struct scene *scene)
{
	const struct rota_session_config config = {
		.crypto = &rota_crypto_bearssl,
		.limits = &FOOTPRINT_LIMITS,
		.start = { .unix_s = now_s, .trusted = true },
		.profile = &FOOTPRINT_PROFILE,
		.floors = &floors,
	};
	const struct rota_trusted trusted = journal.trusted;
	size_t room = rota_session_room(config.limits);

	traffic = (struct traffic){ 0 };
	floors = journal.floors;
	if (room > sizeof(workspace) ||
		rota_session_init(&session, &config, &trusted,
			rota_buf((uint8_t *)workspace, room)) != ROTA_OK)
		give_up(scene->name, "no room for the session");
}

/* Asked before anything else, and of nobody who signs metadata. There is none. */
static void look_for_recovery(void)
{
	int file = semihosting_open("recovery.lamp.json");

	traffic.requests++;
	if (file >= 0)
		give_up("recovery.lamp.json", "this device has no reader for it");
}

static void play(const struct scene *scene)
{
	ticks_start();
	begin(scene);
	look_for_recovery();
	run(scene, ROTA_WANT_NOTHING);
	if (scene->targets) {
		find(scene, "rollouts", "rollouts/lamp.json", "policy");
		find(scene, "releases", scene->release, "release");
	}
	rota_session_drop(&session);
	say(scene->name, "kinsn", ticks_since_start() / 1000 * TICK_NS / INSTRUCTION_NS);
	say(scene->name, "link", traffic.link);
	say(scene->name, "flash", traffic.flash);
	say(scene->name, "requests", traffic.requests);
}

int main(void)
{
	read_now();
	factory();
	stack_paint();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		play(&scenes[i]);
	say("ram", "stack", (uint32_t)stack_used());
	say("ram", "session", sizeof(session));
	say("ram", "floors", sizeof(floors));
	say("ram", "workspace", (uint32_t)rota_session_room(&FOOTPRINT_LIMITS));
	return 0;
}
