/* SPDX-License-Identifier: Apache-2.0 */
/* Method: each state that fetches a file has a row in a table: whose signatures count, what to look for in the
 * file, and what to check and do when its last byte was verified. One function begins a file, one feeds it, one
 * ends it; the rows hold the TUF workflow. Only done() functions change what is trusted, and they run after digest
 * and threshold have passed.
 *
 * Keys stand in one ring, each once. While a file brings its own, those that sign it, and those of delegations
 * that are yet to be visited, stay by their marks; all others make room. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"
#include "rota/trust/horizon.h"
#include "rota/trust/rootslot.h"

const struct rota_limits rota_limits_m3 = {
	.schemes = rota_schemes_p256,
	.keys = 16,
	.role_keys = 4,
	.key_len = ROTA_P256_KEY_LEN,
	.sigs = 4,
	.sig_len = ROTA_P256_SIG_LEN,
	.pending = 4,
	.visited = 8,
	.role_len = 32,
	.names_len = 288,
	.text_len = 192,
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
	.role_len = ROTA_ROLE_NAME_MAX,
	.names_len = 4096,
	.text_len = 2048,
	.streams = &rota_sigs_streamed,
	.listed =
		65536 + 16, /* hashed bins of the largest repositories, and the roles above them */
	.components = 8,
};

/* ---- begin ---- */

/* The arrays that the limits ask for. To say how much they need takes no session, which is too large for the
 * stack of a microcontroller. */
struct room {
	struct rota_keyring keys;
	struct rota_sigs sigs;
	struct rota_buf names, text, hold, visited, listed, pending, pending_names, pending_keys;
};

static void take_room(struct room *r, struct rota_arena *a, const struct rota_crypto *crypto,
	const struct rota_limits *l)
{
	rota_keyring_init(&r->keys, a, l->schemes, l->keys, l->key_len);
	rota_sigs_init(&r->sigs, a, crypto, l->sigs, l->sig_len, l->streams);
	r->names = rota_arena_take(a, l->names_len);
	r->text = rota_arena_take(a, l->text_len);
	r->hold = rota_arena_take(a, l->text_len);
	r->visited = rota_arena_take(a, (size_t)l->visited * ROTA_FLOOR_TAG_LEN);
	r->listed = rota_arena_take(a, l->listed * sizeof(struct rota_listed));
	r->pending = rota_arena_take(a, l->pending * sizeof(struct rota_pending));
	r->pending_names = rota_arena_take(a, (size_t)l->pending * l->role_len);
	r->pending_keys = rota_arena_take(a, (size_t)l->pending * l->role_keys * sizeof(uint16_t));
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
	s->keys = r->keys;
	s->sigs = r->sigs;
	s->names = r->names;
	s->text = r->text;
	s->hold = r->hold;
	s->visited = (uint8_t(*)[ROTA_FLOOR_TAG_LEN])(void *)r->visited.p;
	s->listed = (struct rota_listed *)(void *)r->listed.p;
	s->pending = (struct rota_pending *)(void *)r->pending.p;
	s->pending_names = r->pending_names.p;
	s->pending_keys = (uint16_t *)(void *)r->pending_keys.p;
	for (uint16_t i = 0; i < s->config.limits->pending; i++)
		s->pending[i].slot = i;
}

/* The present: a clock below the time floor is no clock (SPEC 5.1, 5.2). */
void rota_session_set_now(struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;
	uint64_t floor_s = t->time_floor_s;

	if (s->config.start.trusted && s->config.start.unix_s < floor_s)
		s->config.start.trusted = false;
	if (t->timestamp_version != 0 && t->timestamp_issued_s > floor_s)
		floor_s = t->timestamp_issued_s;
	s->now_s = s->config.start.trusted ? s->config.start.unix_s : floor_s;
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
	take_room(&r, &a, config->crypto, config->limits);
	ROTA_TRY(rota_arena_end(&a));
	use_room(s, &r);
	rota_session_set_now(s);
	rota_root_begin(s);
	return ROTA_OK;
}

/* ---- what every file has in common ---- */

void rota_session_fail(struct rota_session *s, enum rota_err err, enum rota_clause clause)
{
	rota_sigs_drop(&s->sigs);
	s->why = (struct rota_why){ .err = err, .clause = clause };
	s->state = ROTA_ST_FAILED;
}

static bool fetches(const struct rota_session *s)
{
	return rota_session_step(s)->done != NULL;
}

static enum rota_err on_key(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_key *key;

	if (e->kind == ROTA_TUF_KEY)
		return rota_keyring_add(&s->keys, s->config.crypto, e, ROTA_MARK_FILE);
	key = rota_keyring_find(&s->keys, s->config.crypto, e->id, ROTA_MARK_FILE);
	if (key != NULL)
		key->marks |= ROTA_MARK_CURRENT;
	return ROTA_OK;
}

static enum rota_err on_event(void *ctx, const struct rota_tuf_event *e)
{
	struct rota_session *s = ctx;
	const struct rota_step *step = rota_session_step(s);
	enum rota_err err;

	if (e->kind == ROTA_TUF_SIGNATURE) {
		err = rota_sigs_add(&s->sigs, e->id, e->text);
		if (err == ROTA_ERR_FORMAT)
			s->why.clause = ROTA_CLAUSE_SPEC_4_2;
		return err;
	}
	if (e->kind == ROTA_TUF_SIGNED) {
		rota_keyring_keep(&s->keys, step->keep);
		s->reading = s->reading || step->keep != ROTA_KEEPS_ALL;
		rota_sigs_signed(&s->sigs);
		return ROTA_OK;
	}
	if (step->event == NULL)
		return ROTA_OK;
	if (e->kind == ROTA_TUF_KEY || e->kind == ROTA_TUF_ROLE_KEYID)
		return on_key(s, e);
	return step->event(s, e);
}

static void on_signed_bytes(void *ctx, struct rota_span bytes)
{
	struct rota_session *s = ctx;

	rota_sigs_update(&s->sigs, bytes);
}

static void begin_file(struct rota_session *s)
{
	const struct rota_step *step = rota_session_step(s);
	struct rota_tuf_sink sink = {
		.ctx = s, .event = on_event, .signed_bytes = on_signed_bytes
	};

	s->why = (struct rota_why){ .err = ROTA_OK, .clause = ROTA_CLAUSE_NONE };
	s->got_len = 0;
	s->raw = false;
	s->copy = false;
	memset(&s->found, 0, sizeof(s->found));
	s->config.crypto->sha256_init(&s->sha256);
	rota_sigs_begin(&s->sigs,
		(struct rota_authority){ .ring = &s->keys,
			.threshold = s->threshold[step->by],
			.marks = (uint8_t)(1u << step->by) });
	if (s->state == ROTA_ST_HINT)
		rota_hint_begin(s);
	else
		rota_tuf_init(
			&s->tuf, (enum rota_tuf_type)step->type, sink, s->names, s->text, s->hold);
}

void rota_session_enter(struct rota_session *s, enum rota_session_state state)
{
	s->state = (uint8_t)state;
	s->role = rota_session_step(s)->role;
	s->fresh = false;
	if (fetches(s))
		begin_file(s);
}

/* A copy at hand that is damaged is no failure: the same file is asked of the network. */
static bool asks_again(const struct rota_session *s)
{
	struct rota_want w;

	rota_session_want(s, &w);
	if (s->fresh || w.at_hand)
		return false;
	return s->copy || (s->config.profile->device && w.sha256 != NULL);
}

void rota_session_refuse(struct rota_session *s, enum rota_err err, enum rota_clause clause)
{
	const struct rota_step *step = rota_session_step(s);

	if (step->spare) {
		rota_sigs_drop(&s->sigs);
		step->missing(s);
	} else if (asks_again(s)) {
		rota_sigs_drop(&s->sigs);
		s->fresh = true;
		begin_file(s);
	} else if (!rota_root_relent(s)) {
		rota_session_fail(s, err, clause);
	}
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
		s->why = (struct rota_why){ ROTA_ERR_LENGTH, rota_session_step(s)->hash };
		return s->why.err;
	}
	s->got_len += piece.len;
	s->config.crypto->sha256_update(&s->sha256, piece);
	s->why.err = s->state == ROTA_ST_HINT ? rota_json_feed(&s->tuf.json, piece)
					      : rota_tuf_feed(&s->tuf, piece);
	if (s->why.err != ROTA_OK && s->why.clause == ROTA_CLAUSE_NONE)
		s->why.clause = clause_of(s, s->why.err);
	return s->why.err;
}

/* Length and digest, where they are known. */
static enum rota_err check_bytes(struct rota_session *s, const struct rota_want *w)
{
	uint8_t digest[ROTA_SHA256_LEN];

	if (!s->raw) {
		s->config.crypto->sha256_final(&s->sha256, digest);
		memcpy(s->digest, digest, ROTA_SHA256_LEN);
	}
	if (s->got_len > w->max_len) /* rota_session_raw(): none of it was counted before */
		return ROTA_ERR_LENGTH;
	if (w->length != 0 && s->got_len != w->length)
		return ROTA_ERR_LENGTH;
	if (w->sha256 != NULL && memcmp(w->sha256, s->digest, ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_HASH;
	return ROTA_OK;
}

/* SPEC 4.5, and 4.6 for what the keys of a slot sign. */
static struct rota_why check_times(const struct rota_session *s)
{
	const struct rota_tuf_head *head = &s->tuf.head;
	struct rota_span role = s->state == ROTA_ST_ROLE ? rota_role_duty(s) : rota_session_role(s);

	if (rota_horizon_check(role, head->issued_s, head->expires_s, s->config.start) != ROTA_OK)
		return (struct rota_why){ ROTA_ERR_TIME, ROTA_CLAUSE_SPEC_4_5 };
	if ((s->state == ROTA_ST_TIMESTAMP || s->state == ROTA_ST_SNAPSHOT) &&
		!s->config.start.trusted && !rota_root_slot_covers(s->root.slot, head->issued_s))
		return (struct rota_why){ ROTA_ERR_TIME, ROTA_CLAUSE_SPEC_4_6 };
	return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
}

/* Length and digest; then form; then signatures. */
static struct rota_why check_file(struct rota_session *s, const struct rota_want *w)
{
	const struct rota_step *step = rota_session_step(s);
	enum rota_err err = check_bytes(s, w);

	if (err != ROTA_OK)
		return (struct rota_why){ err, (enum rota_clause)step->hash };
	err = s->state == ROTA_ST_HINT ? rota_json_end(&s->tuf.json) : rota_tuf_end(&s->tuf);
	if (err != ROTA_OK)
		return (struct rota_why){ err, clause_of(s, err) };
	if (step->sigs == ROTA_CLAUSE_NONE)
		return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
	err = rota_sigs_verdict(&s->sigs);
	if (err != ROTA_OK)
		return (struct rota_why){ err, (enum rota_clause)step->sigs };
	if (!s->config.profile->device)
		return (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
	return check_times(s);
}

void rota_session_again(struct rota_session *s)
{
	bool copy = s->copy;

	if (!fetches(s))
		return;
	rota_sigs_drop(&s->sigs);
	begin_file(s);
	s->copy = copy;
}

void rota_session_copy(struct rota_session *s)
{
	s->copy = true;
}

enum rota_err rota_session_raw(
	struct rota_session *s, uint64_t length, const uint8_t sha256[static ROTA_SHA256_LEN])
{
	if (!fetches(s) || s->config.profile->device)
		return ROTA_ERR_STATE;
	s->raw = true;
	s->got_len = length;
	memcpy(s->digest, sha256, ROTA_SHA256_LEN);
	return ROTA_OK;
}

void rota_session_fetched(struct rota_session *s, enum rota_err how)
{
	const struct rota_step *step = rota_session_step(s);
	struct rota_want w;
	struct rota_why why = s->why;

	if (!fetches(s))
		return;
	rota_session_want(s, &w);
	if (why.err == ROTA_OK && how == ROTA_ERR_NOT_FOUND && step->missing != NULL) {
		step->missing(s);
		return;
	}
	if (why.err == ROTA_OK && how != ROTA_OK)
		why = (struct rota_why){ how, (enum rota_clause)step->fetch };
	if (why.err == ROTA_OK)
		why = check_file(s, &w);
	if (why.err != ROTA_OK)
		rota_session_refuse(s, why.err, why.clause);
	else
		step->done(s);
}

void rota_session_kept(struct rota_session *s, enum rota_err how)
{
	const struct rota_step *step = rota_session_step(s);

	if (step->kept == NULL)
		return;
	if (how != ROTA_OK)
		rota_session_fail(s, how, ROTA_CLAUSE_SPEC_9);
	else
		step->kept(s);
}

/* ---- what is asked and answered ---- */

static uint32_t max_len(const struct rota_session *s)
{
	const struct rota_limits *l = s->config.limits;

	switch (s->role) {
	case ROTA_TOP_ROOT:
		return l->root_len != 0 ? l->root_len : ROTA_ROOT_MAX_LEN;
	case ROTA_TOP_TIMESTAMP:
		return ROTA_TIMESTAMP_MAX_LEN;
	case ROTA_HINT:
		return ROTA_HINT_MAX_LEN;
	default:
		return l->meta_len != 0 ? l->meta_len : ROTA_META_MAX_LEN;
	}
}

/* What is known of the file that the state reads. Only root has its version in its name wherever it comes from. */
static void describe(const struct rota_session *s, struct rota_want *out)
{
	const struct rota_trusted *t = &s->trusted;
	uint64_t version = 0;

	switch (s->state) {
	case ROTA_ST_ROOT_LOAD:
		out->version = s->root.version;
		out->sha256 = s->root.sha256;
		out->at_hand = !s->config.profile->device; /* TUF 5.2: it came with the client */
		break;
	case ROTA_ST_ROOT_SELF:
		out->sha256 = s->meta.sha256;
		out->version = s->meta.version;
		break;
	case ROTA_ST_ROOT_NEXT:
		out->version = s->meta.version;
		break;
	case ROTA_ST_SNAPSHOT:
		version = t->listed_version;
		out->length = t->listed_length;
		if (t->listed_has_sha256)
			out->sha256 = t->listed_sha256;
		else if (t->snapshot_version == version)
			out->sha256 = t->snapshot_sha256;
		break;
	case ROTA_ST_META:
		version = t->snapshot_version;
		out->sha256 = t->snapshot_sha256;
		out->length = t->listed_length;
		break;
	case ROTA_ST_ROLE:
		version = s->meta.version;
		out->length = s->meta.length;
		if (s->meta.has_sha256)
			out->sha256 = s->meta.sha256;
		else
			out->current = version;
		break;
	case ROTA_ST_TIMESTAMP:
	case ROTA_ST_HINT:
		break;
	default:
		s->config.profile->describe(s, out);
	}
	if (s->consistent && version != 0)
		out->version = version;
}

void rota_session_want(const struct rota_session *s, struct rota_want *out)
{
	*out = (struct rota_want){ .kind = (enum rota_want_kind)rota_session_step(s)->want,
		.role = rota_session_role(s),
		.fresh = s->fresh,
		.hint = s->state == ROTA_ST_HINT };
	if (out->kind == ROTA_WANT_FETCH) {
		describe(s, out);
		out->max_len = max_len(s);
		if (out->length != 0 && out->length < out->max_len)
			out->max_len = out->length;
	}
	if (out->kind == ROTA_WANT_KEEP) {
		out->kept_version = s->tuf.head.version;
		out->floor_fell = s->state == ROTA_ST_ROLE_KEEP && s->floor_fell;
	}
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
