/* SPDX-License-Identifier: Apache-2.0 */
/* Method: each state that fetches a file has a row in a table: what to ask for, whose signatures count,
 * what to look for in the file, and what to check and do when its last byte was verified. One function
 * begins a file, one feeds it, one ends it; the rows hold the TUF workflow. Only done() functions change
 * what is trusted, and they run after digest and threshold have passed. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"
#include "rota/trust/horizon.h"

const struct rota_limits rota_limits_m3 = {
	.schemes = rota_schemes_p256,
	.keys = 16,
	.role_keys = 4,
	.key_len = ROTA_P256_KEY_LEN,
	.sigs = 4,
	.sig_len = ROTA_P256_SIG_LEN,
	.pending = 4,
	.visited = 8,
	.names_len = 288,
	.text_len = 192,
	.streams = false,
	.components = 2,
};

const struct rota_limits rota_limits_linux = {
	.schemes = rota_schemes_all,
	.keys = 1024,
	.role_keys = 64,
	.key_len = 550, /* RSA-4096 as DER RSAPublicKey: 526 */
	.sigs = 64,
	.sig_len = 512,
	.pending = 256,
	.visited = 1024,
	.names_len = 4096,
	.text_len = 2048,
	.streams = true,
	.listed =
		65536 + 16, /* hashed bins of the largest repositories, and the roles above them */
	.components = 8,
};

/* ---- begin ---- */

/* The arrays that the limits ask for. To say how much they need takes no session, which is too large for the
 * stack of a microcontroller. */
struct room {
	struct rota_keyring root_keys, file_keys, by_keys;
	struct rota_sigs sigs;
	struct rota_buf names, text, hold, visited, listed, pending;
};

static void take_room(struct room *r, struct rota_arena *a, const struct rota_crypto *crypto,
	const struct rota_limits *l)
{
	rota_keyring_init(&r->root_keys, a, l->schemes, l->keys, l->key_len);
	rota_keyring_init(&r->file_keys, a, l->schemes, l->keys, l->key_len);
	rota_keyring_init(&r->by_keys, a, l->schemes, l->role_keys, l->key_len);
	rota_sigs_init(&r->sigs, a, crypto, l->sigs, l->sig_len, l->streams);
	r->names = rota_arena_take(a, l->names_len);
	r->text = rota_arena_take(a, l->text_len);
	r->hold = rota_arena_take(a, l->text_len);
	r->visited = rota_arena_take(a, (size_t)l->visited * ROTA_FLOOR_TAG_LEN);
	r->listed = rota_arena_take(a, l->listed * sizeof(struct rota_listed));
	r->pending = rota_arena_take(a, l->pending * sizeof(struct rota_pending));
	for (uint16_t i = 0; i < l->pending; i++) {
		struct rota_authority by = { .threshold = 0 };

		rota_keyring_init(&by.keys, a, l->schemes, l->role_keys, l->key_len);
		if (rota_arena_end(a) == ROTA_OK)
			((struct rota_pending *)(void *)r->pending.p)[i].by = by;
	}
}

size_t rota_session_room(const struct rota_limits *limits)
{
	struct room r;
	struct rota_arena a = rota_arena(rota_buf(NULL, 0));

	take_room(&r, &a, NULL, limits);
	return a.wanted + sizeof(uint64_t); /* and what aligning the workspace may cost */
}

static void use_room(struct rota_session *s, const struct room *r)
{
	s->root_keys = r->root_keys;
	s->file_keys = r->file_keys;
	s->by.keys = r->by_keys;
	s->sigs = r->sigs;
	s->names = r->names;
	s->text = r->text;
	s->hold = r->hold;
	s->visited = (uint8_t(*)[ROTA_FLOOR_TAG_LEN])(void *)r->visited.p;
	s->listed = (struct rota_listed *)(void *)r->listed.p;
	s->pending = (struct rota_pending *)(void *)r->pending.p;
}

/* The present: a clock below the time floor is no clock (SPEC 5.1, 5.2). */
static void set_now(struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;
	uint64_t floor_s = t->time_floor_s;

	if (s->config.start.trusted && s->config.start.unix_s < floor_s)
		s->config.start.trusted = false;
	if (t->timestamp_version != 0 && t->timestamp_issued_s > floor_s)
		floor_s = t->timestamp_issued_s;
	s->now_s = s->config.start.trusted ? s->config.start.unix_s : floor_s;
}

/* To the letter the rest is what the files at hand say (session_load.c). */
static void forget_all_but_root(struct rota_trusted *t)
{
	struct rota_trusted root = { .root_version = t->root_version };

	memcpy(root.root_sha256, t->root_sha256, ROTA_SHA256_LEN);
	*t = root;
}

enum rota_err rota_session_init(struct rota_session *s, const struct rota_session_config *config,
	const struct rota_trusted *trusted, struct rota_buf workspace)
{
	struct rota_arena a = rota_arena(workspace);
	struct room r;

	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->trusted = *trusted;
	if (trusted->root_version == 0)
		return ROTA_ERR_ARGUMENT;
	if (!config->device)
		forget_all_but_root(&s->trusted);
	take_room(&r, &a, config->crypto, config->limits);
	ROTA_TRY(rota_arena_end(&a));
	use_room(s, &r);
	set_now(s);
	rota_session_enter(s, ROTA_ST_ROOT_LOAD);
	return ROTA_OK;
}

/* ---- what every file has in common ---- */

void rota_session_fail(struct rota_session *s, enum rota_err err, enum rota_clause clause)
{
	rota_sigs_drop(&s->sigs);
	s->why = (struct rota_why){ .err = err, .clause = clause };
	if (s->state != ROTA_ST_FAILED)
		s->failed_in = s->state;
	s->state = ROTA_ST_FAILED;
}

static bool fetches(const struct rota_session *s)
{
	return rota_session_steps[s->state].describe != NULL;
}

static enum rota_err on_event(void *ctx, const struct rota_tuf_event *e)
{
	struct rota_session *s = ctx;
	enum rota_err err;

	switch (e->kind) {
	case ROTA_TUF_SIGNATURE:
		err = rota_sigs_add(&s->sigs, e->id, e->text);
		if (err == ROTA_ERR_FORMAT)
			s->why.clause = ROTA_CLAUSE_SPEC_4_2;
		return err;
	case ROTA_TUF_SIGNED:
		return rota_sigs_signed(&s->sigs);
	case ROTA_TUF_KEY:
	case ROTA_TUF_ROLE_KEYID:
	case ROTA_TUF_ROLE_PATH:
	case ROTA_TUF_ROLE_PREFIX:
	case ROTA_TUF_ROLE:
	case ROTA_TUF_BINS:
	case ROTA_TUF_META:
	case ROTA_TUF_TARGET:
	default:
		return rota_session_steps[s->state].event(s, e);
	}
}

static void on_signed_bytes(void *ctx, struct rota_span bytes)
{
	struct rota_session *s = ctx;

	rota_sigs_update(&s->sigs, bytes);
}

static void begin_file(struct rota_session *s)
{
	const struct rota_step *step = &rota_session_steps[s->state];
	struct rota_tuf_sink sink = {
		.ctx = s, .event = on_event, .signed_bytes = on_signed_bytes
	};

	s->why = (struct rota_why){ .err = ROTA_OK, .clause = ROTA_CLAUSE_NONE };
	s->got_len = 0;
	s->raw = false;
	s->copy = false;
	s->meta_found = false;
	s->config.crypto->sha256_init(&s->sha256);
	if (step->authority(s) != ROTA_OK) {
		rota_session_fail(s, ROTA_ERR_LIMIT, ROTA_CLAUSE_SPEC_4_8);
		return;
	}
	rota_sigs_begin(&s->sigs, &s->by);
	rota_tuf_init(&s->tuf, step->type, sink, s->names, s->text, s->hold);
}

void rota_session_enter(struct rota_session *s, enum rota_session_state state)
{
	s->state = (uint8_t)state;
	s->fresh = false;
	if (fetches(s))
		begin_file(s);
}

/* A copy at hand that is damaged is no failure: the same file is asked of the network. */
void rota_session_refuse(struct rota_session *s, enum rota_err err, enum rota_clause clause)
{
	struct rota_want w;

	rota_session_want(s, &w);
	if (rota_session_steps[s->state].refused != NULL) {
		rota_sigs_drop(&s->sigs);
		rota_session_steps[s->state].refused(s);
		return;
	}
	if (s->fresh || w.at_hand || !(s->copy || (s->config.device && w.sha256 != NULL))) {
		rota_session_fail(s, err, clause);
		return;
	}
	rota_sigs_drop(&s->sigs);
	s->fresh = true;
	begin_file(s);
}

static enum rota_clause clause_of(const struct rota_session *s, enum rota_err err)
{
	if (rota_json_misspelt(&s->tuf.json))
		return ROTA_CLAUSE_SPEC_2;
	return err == ROTA_ERR_LIMIT ? ROTA_CLAUSE_SPEC_4_8 : ROTA_CLAUSE_SPEC_3;
}

enum rota_err rota_session_feed(struct rota_session *s, struct rota_span piece)
{
	struct rota_want w;

	if (!fetches(s))
		return ROTA_ERR_STATE;
	if (s->why.err != ROTA_OK)
		return s->why.err;
	rota_session_want(s, &w);
	if (piece.len > w.max_len - s->got_len) {
		s->why = (struct rota_why){ ROTA_ERR_LENGTH, rota_session_steps[s->state].hash };
		return s->why.err;
	}
	s->got_len += piece.len;
	s->config.crypto->sha256_update(&s->sha256, piece);
	s->why.err = rota_tuf_feed(&s->tuf, piece);
	if (s->why.err != ROTA_OK && s->why.clause == ROTA_CLAUSE_NONE)
		s->why.clause = clause_of(s, s->why.err);
	return s->why.err;
}

/* Length and digest, where they are known; then form; then signatures. */
static struct rota_why check_file(struct rota_session *s, const struct rota_want *w)
{
	const struct rota_step *step = &rota_session_steps[s->state];
	uint64_t listed = step->listed_length(s);
	enum rota_err err;

	if (!s->raw)
		s->config.crypto->sha256_final(&s->sha256, s->digest);
	if (s->got_len > w->max_len) /* rota_session_raw(): none of it was counted before */
		return (struct rota_why){ ROTA_ERR_LENGTH, step->hash };
	if (listed != 0 && s->got_len != listed)
		return (struct rota_why){ ROTA_ERR_LENGTH, step->hash };
	if (w->sha256 != NULL && memcmp(w->sha256, s->digest, ROTA_SHA256_LEN) != 0)
		return (struct rota_why){ ROTA_ERR_HASH, step->hash };
	err = rota_tuf_end(&s->tuf);
	if (err != ROTA_OK)
		return (struct rota_why){ err, clause_of(s, err) };
	if (step->sigs == ROTA_CLAUSE_NONE)
		return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
	err = rota_sigs_verdict(&s->sigs);
	if (err != ROTA_OK)
		return (struct rota_why){ err, step->sigs };
	if (!s->config.device)
		return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
	return (struct rota_why){
		rota_horizon_check(s->state == ROTA_ST_ROLE ? rota_search_duty(s) : w->role,
			s->tuf.head.issued_s, s->tuf.head.expires_s, s->config.start),
		ROTA_CLAUSE_SPEC_4_5
	};
}

void rota_session_again(struct rota_session *s)
{
	bool copy = s->copy;

	if (!fetches(s))
		return;
	rota_sigs_drop(&s->sigs);
	s->again = true;
	begin_file(s);
	s->again = false;
	s->copy = copy;
}

void rota_session_copy(struct rota_session *s)
{
	s->copy = true;
}

enum rota_err rota_session_raw(
	struct rota_session *s, uint64_t length, const uint8_t sha256[static ROTA_SHA256_LEN])
{
	if (!fetches(s) || s->config.device)
		return ROTA_ERR_STATE;
	s->raw = true;
	s->got_len = length;
	memcpy(s->digest, sha256, ROTA_SHA256_LEN);
	return ROTA_OK;
}

void rota_session_fetched(struct rota_session *s, enum rota_err how)
{
	const struct rota_step *step = &rota_session_steps[s->state];
	struct rota_want w;
	struct rota_why why;

	if (!fetches(s))
		return;
	rota_session_want(s, &w);
	if (s->why.err != ROTA_OK) {
		why = s->why;
		rota_session_refuse(s, why.err, why.clause);
		return;
	}
	if (how != ROTA_OK) {
		if (how == ROTA_ERR_NOT_FOUND && step->missing != NULL)
			step->missing(s);
		else
			rota_session_refuse(s, how, step->fetch);
		return;
	}
	why = check_file(s, &w);
	if (why.err != ROTA_OK)
		rota_session_refuse(s, why.err, why.clause);
	else
		step->done(s);
}

void rota_session_kept(struct rota_session *s, enum rota_err how)
{
	const struct rota_step *step = &rota_session_steps[s->state];

	if (step->kept == NULL)
		return;
	if (how != ROTA_OK)
		rota_session_fail(s, how, ROTA_CLAUSE_SPEC_9);
	else
		step->kept(s);
}

/* ---- what is asked and answered ---- */

static uint64_t max_len(const struct rota_session *s, const struct rota_step *step)
{
	const struct rota_limits *l = s->config.limits;

	if (step->type == ROTA_TUF_ROOT && l->root_len != 0)
		return l->root_len;
	if ((step->type == ROTA_TUF_SNAPSHOT || step->type == ROTA_TUF_TARGETS) && l->meta_len != 0)
		return l->meta_len;
	return step->max_len;
}

void rota_session_want(const struct rota_session *s, struct rota_want *out)
{
	const struct rota_step *step = &rota_session_steps[s->state];

	*out = (struct rota_want){ .kind = step->want, .fresh = s->fresh };
	if (step->describe != NULL) {
		step->describe(s, out);
		out->max_len = max_len(s, step);
		if (step->listed_length(s) != 0 && step->listed_length(s) < out->max_len)
			out->max_len = step->listed_length(s);
	}
	if (step->kept != NULL) {
		out->role = rota_session_role(s);
		out->kept_version = s->tuf.head.version;
		out->floor_fell = s->state == ROTA_ST_ROLE_KEEP && s->floor_fell;
	}
	if (s->state == ROTA_ST_FAILED)
		out->role = rota_session_role(s);
}

const struct rota_target *rota_session_target(const struct rota_session *s)
{
	return &s->target;
}

bool rota_session_consistent(const struct rota_session *s)
{
	return s->consistent;
}

const struct rota_trusted *rota_session_trusted(const struct rota_session *s)
{
	return &s->trusted;
}

uint64_t rota_session_now(const struct rota_session *s)
{
	return s->now_s;
}

uint64_t rota_session_floor_now(const struct rota_session *s)
{
	return s->config.start.trusted ? s->config.start.unix_s : s->trusted.time_floor_s;
}

struct rota_why rota_session_why(const struct rota_session *s)
{
	return s->why;
}

void rota_session_drop(struct rota_session *s)
{
	rota_sigs_drop(&s->sigs);
}

void rota_session_set_now(struct rota_session *s)
{
	set_now(s);
}
