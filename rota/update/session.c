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

/* ---- what every file has in common ---- */

void rota_session_settle(struct rota_session *s, enum rota_err err)
{
	if (err == ROTA_OK)
		return;
	rota_sigs_drop(&s->room.sigs);
	s->why.err = err;
	s->want.kind = ROTA_WANT_FAILED;
}

static bool fetches(const struct rota_session *s)
{
	return s->want.kind == ROTA_WANT_FETCH;
}

static enum rota_err on_key(struct rota_session *s, const struct rota_tuf_event *e)
{
	struct rota_key *key;

	if (e->kind == ROTA_TUF_KEY)
		return rota_keyring_add(&s->room.keys, s->config.crypto, e, ROTA_MARK_FILE);
	key = rota_keyring_find(&s->room.keys, s->config.crypto, &e->text, ROTA_MARK_FILE);
	if (key != NULL)
		key->marks |= ROTA_MARK_CURRENT;
	return ROTA_OK;
}

static enum rota_err on_event(void *ctx, const struct rota_tuf_event *e)
{
	struct rota_session *s = ctx;
	const struct rota_step *step = s->step;
	enum rota_err err;

	if (e->kind == ROTA_TUF_SIGNATURE) {
		err = rota_sigs_add(&s->room.sigs, e);
		if (err == ROTA_ERR_FORMAT)
			s->why.clause = ROTA_CLAUSE_SPEC_4_2;
		return err;
	}
	if (e->kind == ROTA_TUF_SIGNED) {
		rota_keyring_keep(&s->room.keys, step->keep);
		s->reading = s->reading || step->keep != ROTA_KEEPS_ALL;
		rota_sigs_signed(&s->room.sigs);
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

	rota_sigs_update(&s->room.sigs, bytes);
}

/* Longest file that is read where no length is listed (SPEC 4.8). */
static uint32_t max_len(const struct rota_session *s)
{
	const struct rota_limits *l = s->config.limits;

	switch (s->step->type) {
	case ROTA_TUF_ROOT:
		return l->root_len != 0 ? l->root_len : ROTA_ROOT_MAX_LEN;
	case ROTA_TUF_TIMESTAMP:
		return ROTA_TIMESTAMP_MAX_LEN;
	default:
		return l->meta_len != 0 ? l->meta_len : ROTA_META_MAX_LEN;
	}
}

/* What is known of the file that the state reads. */
static const struct rota_tuf_file *known(const struct rota_session *s)
{
	switch (s->state) {
	case ROTA_ST_ROOT_LOAD:
		return &s->root.file;
	case ROTA_ST_SNAPSHOT:
	case ROTA_ST_META: /* then it is the trusted one */
		return &s->trusted.listed;
	default:
		return &s->meta;
	}
}

/* Only root has its version in its name wherever it comes from. */
static void describe(struct rota_session *s)
{
	const struct rota_trusted *t = &s->trusted;
	const struct rota_tuf_file *file = known(s);
	struct rota_want *w = &s->want;

	w->max_len = max_len(s);
	if (s->state == ROTA_ST_TIMESTAMP)
		return;
	if (s->state >= ROTA_ST_OWN) {
		s->config.profile->describe(s);
		return;
	}
	if (s->consistent || s->role == ROTA_TOP_ROOT)
		w->version = file->version;
	if (file->has_sha256)
		w->sha256 = file->sha256;
	else if (s->role == ROTA_VISITED)
		w->current = file->version;
	else if (s->role == ROTA_TOP_SNAPSHOT && t->snapshot_version == file->version)
		w->sha256 = t->snapshot_sha256;
	w->length = file->length;
	if (w->length - 1 < w->max_len) /* 0: not listed */
		w->max_len = (uint32_t)w->length;
	w->at_hand = s->state == ROTA_ST_ROOT_LOAD && s->config.profile->letter; /* TUF 5.2 */
}

static void begin_file(struct rota_session *s)
{
	const struct rota_step *step = s->step;
	const struct rota_tuf_sink sink = {
		.ctx = s, .event = on_event, .signed_bytes = on_signed_bytes
	};

	s->why = (struct rota_why){ .err = ROTA_OK, .clause = ROTA_CLAUSE_NONE };
	s->got_len = 0;
	s->raw = false;
	s->copy = false;
	memset(&s->found, 0, sizeof(s->found));
	s->config.crypto->sha256_init(&s->sha256);
	rota_sigs_begin(&s->room.sigs, s->threshold[step->by], (uint8_t)(1u << step->by));
	rota_tuf_init(&s->tuf, (enum rota_tuf_type)step->type, &sink, &s->room.text);
	describe(s);
}

enum rota_err rota_session_enter(struct rota_session *s, enum rota_session_state state)
{
	const struct rota_step *step = state < ROTA_ST_OWN
		? &rota_session_steps[state]
		: s->config.profile->own[state - ROTA_ST_OWN];

	s->state = (uint8_t)state;
	s->step = step;
	s->role = step->role;
	s->want = (struct rota_want){ .kind = ROTA_WANT_FETCH, .role = rota_session_role(s) };
	begin_file(s);
	return ROTA_OK;
}

enum rota_err rota_session_keep(
	struct rota_session *s, enum rota_err (*then)(struct rota_session *s))
{
	s->then = then;
	s->want.kind = ROTA_WANT_KEEP;
	s->want.kept_version = s->tuf.head.version;
	return ROTA_OK;
}

enum rota_err rota_session_expiry(
	struct rota_session *s, enum rota_clause clause, uint64_t expires_s)
{
	s->why.clause = clause;
	return expires_s <= s->now_s ? ROTA_ERR_EXPIRED : ROTA_OK;
}

bool rota_session_turns(struct rota_session *s, enum rota_turn at)
{
	return s->config.profile->turns(s, at);
}

enum rota_err rota_session_refuse(struct rota_session *s, enum rota_err err)
{
	struct rota_want *w = &s->want;

	if (s->copy && !w->at_hand && !w->fresh) {
		/* A copy at hand that is damaged is no failure: the same file is asked of the network. */
		w->fresh = true;
		begin_file(s);
		return ROTA_OK;
	}
	err = s->config.profile->relents(s, err);
	return err == ROTA_ERR_NOT_FOUND && s->state == ROTA_ST_ROOT_NEXT ? rota_root_end_walk(s)
									  : err;
}

ROTA_APART static enum rota_clause clause_of(const struct rota_session *s, enum rota_err err)
{
	if (rota_json_misspelt(&s->tuf.json))
		return ROTA_CLAUSE_SPEC_2;
	return err == ROTA_ERR_LIMIT ? ROTA_CLAUSE_SPEC_4_8 : ROTA_CLAUSE_SPEC_3;
}

enum rota_err rota_session_feed(struct rota_session *s, struct rota_span piece)
{
	if (!fetches(s))
		return ROTA_ERR_STATE;
	if (s->why.err != ROTA_OK)
		return s->why.err;
	if (piece.len > s->want.max_len - s->got_len) {
		s->why = (struct rota_why){ ROTA_ERR_LENGTH, (enum rota_clause)s->step->hash };
		return s->why.err;
	}
	s->got_len += (uint32_t)piece.len;
	s->config.crypto->sha256_update(&s->sha256, piece);
	s->why.err = rota_tuf_feed(&s->tuf, piece);
	if (s->why.err != ROTA_OK && s->why.clause == ROTA_CLAUSE_NONE)
		s->why.clause = clause_of(s, s->why.err);
	return s->why.err;
}

/* Length and digest, where they are known. */
static enum rota_err check_bytes(struct rota_session *s)
{
	const struct rota_want *w = &s->want;
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

/* Length and digest; then form; then signatures. s->why.clause is that of the check at hand. */
static enum rota_err check_file(struct rota_session *s)
{
	const struct rota_step *step = s->step;
	enum rota_err err;

	s->why.clause = (enum rota_clause)step->hash;
	ROTA_TRY(check_bytes(s));
	err = rota_tuf_end(&s->tuf);
	s->why.clause = clause_of(s, err);
	ROTA_TRY(err);
	if (step->sigs == ROTA_CLAUSE_NONE)
		return ROTA_OK;
	s->why.clause = (enum rota_clause)step->sigs;
	ROTA_TRY(rota_sigs_verdict(&s->room.sigs));
	return s->config.profile->times != NULL ? s->config.profile->times(s) : ROTA_OK;
}

void rota_session_again(struct rota_session *s)
{
	bool copy = s->copy;

	if (!fetches(s))
		return;
	rota_sigs_drop(&s->room.sigs);
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
	if (!fetches(s) || !s->config.profile->letter)
		return ROTA_ERR_STATE;
	s->raw = true;
	s->got_len = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
	memcpy(s->digest, sha256, ROTA_SHA256_LEN);
	return ROTA_OK;
}

void rota_session_fetched(struct rota_session *s, enum rota_err how)
{
	const struct rota_step *step = s->step;
	enum rota_err err = s->why.err;

	if (!fetches(s))
		return;
	if (err == ROTA_OK && how != ROTA_OK) {
		err = how;
		s->why.clause = (enum rota_clause)step->fetch;
	} else if (err == ROTA_OK) {
		err = check_file(s);
	}
	rota_session_settle(s, err == ROTA_OK ? step->then(s) : rota_session_refuse(s, err));
}

void rota_session_kept(struct rota_session *s, enum rota_err how)
{
	if (s->want.kind != ROTA_WANT_KEEP)
		return;
	s->why.clause = ROTA_CLAUSE_SPEC_9;
	rota_session_settle(s, how == ROTA_OK ? s->then(s) : how);
}

/* ---- begin ---- */

enum rota_err rota_session_init(struct rota_session *s, const struct rota_session_config *config,
	const struct rota_trusted *trusted, struct rota_buf workspace)
{
	const struct rota_limits *l = config->limits;

	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->trusted = *trusted;
	if (trusted->root_version == 0 ||
		(config->profile->raises != NULL && config->floors == NULL))
		return ROTA_ERR_ARGUMENT;
	if (workspace.len < rota_session_room(l))
		return ROTA_ERR_LIMIT;
	memset(workspace.p, 0, workspace.len);
	rota_session_lay_out(&s->room, l, workspace.p);
	s->room.keys.schemes = l->schemes;
	s->room.keys.max = l->keys;
	s->room.keys.raw_max = l->key_len;
	s->room.sigs.crypto = config->crypto;
	s->room.sigs.ring = &s->room.keys;
	s->room.sigs.streams = l->streams;
	s->room.sigs.max = l->sigs;
	s->room.sigs.raw_max = l->sig_len;
	s->room.text.names.len = l->names_len;
	s->room.text.value.len = l->text_len;
	s->room.text.hold.len = l->text_len;
	for (uint16_t i = 0; i < l->pending; i++)
		s->room.pending[i].slot = i;
	s->now_s = config->start.unix_s;
	if (!rota_session_turns(s, ROTA_TURN_TIME) && !config->start.trusted)
		return ROTA_ERR_ARGUMENT;
	return rota_root_begin(s);
}

/* ---- what is asked and answered ---- */

void rota_session_want(const struct rota_session *s, struct rota_want *out)
{
	*out = s->want;
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
	rota_sigs_drop(&s->room.sigs);
}
