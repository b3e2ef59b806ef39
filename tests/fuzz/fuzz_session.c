/* SPDX-License-Identifier: Apache-2.0 */
/* Whole TUF sessions: the input is a list of edits (tuf_edit.h) of a small repository, its server and its device,
 * with sessions in between. Its first byte chooses the profile, and whether the device comes from the factory. A
 * witness that knows who signed what judges all that a session trusts (tuf_witness.h). Besides: each session ends,
 * a failure names its clause, and where nothing hostile was done the target is found. */
#include "rota/codec/key.h"
#include "rota/update/session.h"
#include "tests/fuzz/tuf_edit.h"
#include "tests/fuzz/tuf_keys.h"
#include "tests/fuzz/tuf_witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WANTS_MAX 1500 /* 256 roots (SPEC 4.8), each read twice, and the rest */
#define SESSIONS_MAX 2 /* of one input */
#define FIRST_HONEST 5 /* targets that are there as long as nobody touched them */
#define FIRST_IN_BINS 3 /* the last of those stand in bins, which the plain profile does not know */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
	const char *role, *path;
} targets[] = {
	{ "rollouts", "rollouts/lamp.json" },
	{ "a", "a/x" },
	{ "", "top.txt" },
	{ "", "a/b/y" },
	{ "c", "c/y" },
	{ "", "nowhere" },
	{ "", "c/y" },
	{ "rollouts", "top.txt" },
	{ "rollouts", "a/x" },
	{ "a", "a/b/y" },
};

struct device {
	struct tuf_scene scene;
	struct tuf_witness witness;
	struct rota_trusted trusted;
	struct rota_floors floors, raised; /* committed; the session's */
	enum tuf_profile profile;
	unsigned fetches;
};

/* ---- answers ---- */

/* The copy at hand that will do for what is wanted, if any. */
static const struct tuf_file *copy_of(const struct device *d, const struct rota_want *w)
{
	for (int r = 0; r < TUF_ROLES; r++) {
		const struct tuf_file *f = d->witness.kept[r];

		if (f == NULL || w->fresh ||
			!rota_span_eq(w->role, rota_span_cstr(tuf_role_names[r])))
			continue;
		if (w->at_hand && w->sha256 == NULL)
			return f;
		if (w->sha256 != NULL ? memcmp(w->sha256, f->sha256, ROTA_SHA256_LEN) == 0
				      : d->profile == TUF_LETTER && w->current != 0 &&
					w->current == f->version)
			return f;
	}
	return NULL;
}

static const struct tuf_lie *lie_about(const struct device *d, struct rota_span role)
{
	for (int i = 0; i < d->scene.lie_count; i++) {
		if (rota_span_eq(role, rota_span_cstr(tuf_role_names[d->scene.lie[i].role])))
			return &d->scene.lie[i];
	}
	return NULL;
}

/* Feed `bytes`, a byte of it another one where flip_at says so. Returns whether all of it was taken. */
static bool feed(
	const struct device *d, struct rota_session *s, struct rota_span bytes, size_t flip_at)
{
	static uint8_t copy[16384];
	struct rota_span rest = bytes;
	size_t piece = d->scene.piece != 0 ? d->scene.piece : bytes.len;

	if (flip_at != 0 && bytes.len <= sizeof(copy)) {
		memcpy(copy, bytes.p, bytes.len);
		copy[flip_at] ^= 1;
		rest = rota_span(copy, bytes.len);
	}
	for (; rest.len > 0; rest = rota_span_skip(rest, piece)) {
		if (rota_session_feed(s, rota_span_slice(rest, 0, piece)) != ROTA_OK)
			return false;
	}
	return true;
}

/* Read a file into the session as it stands, or as a lie has it. */
static void answer(struct device *d, struct rota_session *s, struct rota_span role,
	const struct tuf_file *f, const struct tuf_lie *lie, bool damaged)
{
	size_t body_len = f->len - f->body_at - 1, flip_at = 0, len = f->len;
	bool whole;

	if (damaged || (lie != NULL && lie->flip_at != 0))
		flip_at = f->body_at + (damaged ? 9 : lie->flip_at) % body_len;
	if (lie != NULL && lie->cut < len)
		len -= lie->cut;
	whole = feed(d, s, rota_span(f->bytes, len), flip_at) && flip_at == 0 && len == f->len;
	if (whole && f->raw && d->profile != TUF_LETTER)
		whole = rota_session_feed(s, ROTA_STR("\n")) == ROTA_OK;
	if (f->raw && d->profile == TUF_LETTER &&
		rota_session_raw(s, f->listed_len, f->sha256) != ROTA_OK)
		abort();
	if (whole)
		tuf_witness_seen(&d->witness, role, f);
	rota_session_fetched(s, ROTA_OK);
}

/* The hint (SPEC 4.6): the truth, or what a liar might say. */
static void answer_hint(struct device *d, struct rota_session *s)
{
	static const char *const lies[] = { "{\"changed\":[],\"newest\":9,\"version\":1}",
		"{\"changed\":[3],\"newest\":4,\"version\":1}",
		"{\"changed\":[2,3,4,5],\"newest\":5,\"version\":1}",
		"{\"changed\":[3],\"newest\":1,\"version\":1}",
		"{\"changed\":[],\"newest\":9007199254740991,\"version\":1}",
		"{\"changed\":[],\"newest\":3,\"version\":2}", "{\"newest\":3}", "{", "" };
	const struct tuf_file *root = *tuf_repo_newest(&d->scene.repo, TUF_ROOT, false);
	char text[80];
	int len = sprintf(text, "{\"changed\":[],\"newest\":%llu,\"version\":1}",
		(unsigned long long)root->version);
	struct rota_span hint = d->scene.hint == 0 ? rota_span(text, (size_t)len)
						   : rota_span_cstr(lies[d->scene.hint % 9]);

	if (hint.len == 0)
		rota_session_fetched(s, ROTA_ERR_NOT_FOUND);
	else
		rota_session_fetched(s, rota_session_feed(s, hint));
}

static void fetch(struct device *d, struct rota_session *s, const struct rota_want *w)
{
	const struct tuf_file *f = w->hint ? NULL : copy_of(d, w);
	const struct tuf_lie *lie = lie_about(d, w->role);
	bool damaged = f != NULL && (d->scene.damaged >> (f->role & 7) & 1) != 0;

	if (w->hint) {
		answer_hint(d, s);
		return;
	}
	if (f != NULL) {
		rota_session_copy(s);
		if (damaged && w->at_hand && (w->sha256 == NULL || d->profile == TUF_PLAIN))
			tuf_witness_lost(&d->witness, f->role);
		answer(d, s, f->role == TUF_ROOT ? ROTA_STR("root") : w->role, f, NULL, damaged);
		return;
	}
	if (!w->at_hand)
		f = lie != NULL && lie->instead != NULL
			? lie->instead
			: tuf_repo_serve(&d->scene.repo, w->role, w->version);
	if (w->at_hand || f == NULL || !f->sealed)
		rota_session_fetched(s, ROTA_ERR_NOT_FOUND);
	else if (++d->fetches == d->scene.fails_at)
		rota_session_fetched(s, ROTA_ERR_IO);
	else
		answer(d, s, w->role, f, lie, false);
}

/* ---- a session ---- */

static enum rota_want_kind run(struct device *d, struct rota_session *s)
{
	struct rota_want w;

	for (unsigned i = 0; i < WANTS_MAX; i++) {
		w = *rota_session_want(s);
		if (w.kind == ROTA_WANT_FETCH) {
			fetch(d, s, &w);
		} else if (w.kind == ROTA_WANT_KEEP) {
			(void)tuf_witness_kept(&d->witness, &w, rota_session_trusted(s));
			d->trusted = *rota_session_trusted(s);
			d->floors = d->raised;
			rota_session_kept(s, ROTA_OK);
		} else {
			return w.kind;
		}
	}
	abort(); /* a session ends */
}

static void find(struct device *d, struct rota_session *s)
{
	size_t at = d->scene.asked % (sizeof(targets) / sizeof(targets[0]));
	const char *role = d->profile == TUF_PLAIN ? "" : targets[at].role;
	const char *path = targets[at].path;
	size_t honest = d->profile == TUF_PLAIN ? FIRST_IN_BINS : FIRST_HONEST;
	enum rota_want_kind end = run(d, s);

	d->witness.role = role;
	d->witness.path = path;
	if (end == ROTA_WANT_NOTHING) {
		if (rota_session_find_in(s, rota_span_cstr(role), rota_span_cstr(path)) != ROTA_OK)
			abort();
		end = run(d, s);
	}
	if (end == ROTA_WANT_FOUND)
		tuf_witness_found(&d->witness, rota_session_target(s));
	else if (rota_session_why(s)->err == ROTA_OK ||
		rota_session_why(s)->clause == ROTA_CLAUSE_NONE)
		abort();
	if (!d->scene.hostile && at < honest && end != ROTA_WANT_FOUND)
		abort();
}

static const struct rota_session_profile *const profiles[TUF_PROFILES] = {
	[TUF_DEVICE] = &rota_session_device,
	[TUF_LETTER] = &rota_session_letter,
	[TUF_PLAIN] = &rota_session_plain,
};

static const struct rota_limits small = {
	.schemes = rota_schemes_all,
	.keys = 8,
	.key_len = 65,
	.sigs = 3,
	.sig_len = 64,
	.pending_len = ROTA_PENDING_LEN(2, 3, 8),
	.visited = 3,
	.names_len = 200,
	.text_len = 190,
	.hold_len = 190 + 2 * ROTA_TUF_KEYTYPE_MAX,
	.components = 2,
	.listed = 8,
	.roots = 2,
	.max_len = { ROTA_ROOT_MAX_LEN, ROTA_TIMESTAMP_MAX_LEN, ROTA_META_MAX_LEN,
		ROTA_META_MAX_LEN, ROTA_HINT_MAX_LEN },
};

static const struct rota_limits large = {
	.schemes = rota_schemes_all,
	ROTA_LIMITS_USUAL,
	.keys = 24,
	.key_len = 65,
	.sigs = 8,
	.sig_len = 64,
	.pending_len = ROTA_PENDING_LEN(6, 8, ROTA_ROLE_NAME_MAX),
	.visited = 12,
	.names_len = 288,
	.text_len = 192,
	.hold_len = 192 + 2 * ROTA_TUF_KEYTYPE_MAX,
	.streams = &rota_sigs_streamed,
	.components = 2,
	.listed = 32,
};

static void session(struct device *d)
{
	static uint8_t room[65536];
	struct rota_session_config config = { .crypto = tuf_crypto(),
		.limits = d->scene.small ? &small : &large,
		.start = { .unix_s = rota_num_nearest(d->scene.now_s),
			.trusted = d->scene.now_s != 0 },
		.profile = profiles[d->profile],
		.floors = &d->raised };
	struct rota_session s;
	bool begins = d->profile != TUF_PLAIN || d->scene.now_s != 0; /* it needs a clock */

	d->fetches = 0;
	d->raised = d->floors;
	/* a clock below the time floor is none (SPEC 5.1) */
	tuf_witness_session(
		&d->witness, d->scene.now_s < d->trusted.time_floor_s ? 0 : d->scene.now_s);
	if ((rota_session_init(&s, &config, &d->trusted, ROTA_BUF(room)) == ROTA_OK) != begins)
		abort();
	if (begins)
		find(d, &s);
	rota_session_drop(&s);
}

/* ---- where it starts ---- */

static void begin(struct device *d, struct jroom *room)
{
	const struct tuf_repo *first = tuf_repo_first();

	d->scene.repo = *first;
	d->scene.repo.room = room;
	d->scene.now_s = TUF_NOW;
}

/* One that left the factory, or one that refreshed once. */
static const struct device *starting(enum tuf_profile profile, bool refreshed)
{
	static struct device started[TUF_PROFILES][2];
	struct device *d = &started[profile][refreshed];
	const struct tuf_file *root = tuf_repo_first()->file[0];

	if (d->trusted.root.version != 0)
		return d;
	d->profile = profile;
	d->trusted.root.version = 1;
	memcpy(d->trusted.root.sha256, root->sha256, ROTA_SHA256_LEN);
	d->trusted.time_floor_s = profile == TUF_DEVICE ? TUF_NOW - 3600 : 0;
	tuf_witness_init(&d->witness, profile, root);
	begin(d, NULL);
	if (refreshed)
		session(d);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t bytes[1 << 20];
	static struct device d;
	struct jroom room = { bytes, sizeof(bytes), 0 };
	struct rota_span input = rota_span(data, len);
	enum tuf_profile profile;

	if (len == 0)
		return 0;
	profile = (data[0] & 4) != 0 ? TUF_PLAIN : (data[0] & 1) != 0 ? TUF_LETTER : TUF_DEVICE;
	d = *starting(profile, (data[0] & 2) != 0);
	begin(&d, &room);
	input = rota_span_skip(input, 1);
	for (int i = 0; i < SESSIONS_MAX && tuf_edit(&d.scene, &input); i++)
		session(&d);
	return 0;
}
