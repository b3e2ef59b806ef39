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

/* The session fails, unless it has gone on. */
static void settle(struct rota_session *s, enum rota_err err)
{
	if (err == ROTA_OK)
		return;
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
		return rota_keyring_add(&s->room.keys, e, ROTA_MARK_FILE);
	key = rota_keyring_find(&s->room.keys, ROTA_MARK_FILE, e->text);
	if (key != NULL)
		key->marks |= ROTA_MARK_CURRENT;
	return ROTA_OK;
}

static struct rota_session *owner(struct rota_tuf *d)
{
	return ROTA_JSON_OWNER(d, struct rota_session, tuf);
}

static enum rota_err on_event(struct rota_tuf *d, const struct rota_tuf_event *e)
{
	struct rota_session *s = owner(d);
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
		s->reading = true;
		rota_sigs_signed(&s->room.sigs);
		return ROTA_OK;
	}
	if (step->event == NULL)
		return ROTA_OK;
	if (e->kind == ROTA_TUF_KEY || e->kind == ROTA_TUF_ROLE_KEYID)
		return on_key(s, e);
	return step->event(s, e);
}

static void on_signed_bytes(struct rota_tuf *d, struct rota_span bytes)
{
	rota_sigs_update(&owner(d)->room.sigs, bytes);
}

/* What is to be fetched, of which so much is known. Only root has its version in its name wherever it comes from. Of the
 * trusted snapshot, and of one of the same version without a listed digest, the digest is the trusted one's. */
static void describe(struct rota_session *s, const struct rota_tuf_file *file)
{
	const struct rota_trusted *t = &s->trusted;
	unsigned role = s->step->role;
	struct rota_want *w = &s->want;

	if (s->consistent || role == ROTA_TOP_ROOT)
		w->version = file->version;
	if (file->has_sha256)
		w->sha256 = file->sha256;
	else if (role == ROTA_VISITED)
		w->current = file->version;
	else if (role == ROTA_TOP_SNAPSHOT && t->snapshot.version == file->version)
		w->sha256 = t->snapshot.sha256;
	w->length = file->length;
	if (w->length - 1 < w->max_len) /* 0: not listed */
		w->max_len = (uint32_t)w->length;
}

enum rota_err rota_session_enter(struct rota_session *s, enum rota_session_state state)
{
	static const struct rota_tuf_sink sink = { on_event, on_signed_bytes };
	const struct rota_step *step = &s->config.profile->steps[state];
	struct rota_want *w = &s->want;

	s->state = (uint8_t)state;
	s->step = step;
	memset(w, 0, sizeof(*w)); /* ROTA_WANT_FETCH */
	w->at_hand = step->at_hand;
	w->max_len = s->config.limits->max_len[step->role];
	w->role = rota_session_role(s, step->role);
	if (step->file != 0)
		describe(s, (const void *)((const uint8_t *)s + step->file * ROTA_STEP_UNIT));
	s->why = (struct rota_why){ .err = ROTA_OK, .clause = ROTA_CLAUSE_NONE };
	memset(&s->found, 0, sizeof(s->found));
	s->config.crypto->sha256_init(&s->sha256);
	rota_sigs_begin(&s->room.sigs, s->threshold[step->by], (uint8_t)(1u << step->by));
	rota_tuf_init(&s->tuf, (enum rota_tuf_type)step->role, &sink, &s->room.text);
	return ROTA_OK;
}

/* Read the file from its beginning, from the network alone. */
static enum rota_err enter_fresh(struct rota_session *s)
{
	ROTA_TRY(rota_session_enter(s, (enum rota_session_state)s->state));
	s->want.fresh = true;
	return ROTA_OK;
}

enum rota_err rota_session_go(struct rota_session *s, enum rota_session_state state)
{
	return s->config.profile->goes(s, state);
}

enum rota_err rota_session_keep(
	struct rota_session *s, enum rota_err (*then)(struct rota_session *s))
{
	if (s->found.kept && !s->want.fresh)
		return then(s);
	s->then = then;
	s->want.kind = ROTA_WANT_KEEP;
	s->want.kept_version = s->tuf.head.version;
	return ROTA_OK;
}

enum rota_err rota_session_expiry(
	struct rota_session *s, enum rota_clause clause, rota_num expires_s)
{
	s->why.clause = clause;
	return expires_s <= s->now_s ? ROTA_ERR_EXPIRED : ROTA_OK;
}

/* The clause of an error that the decoder found. */
static enum rota_clause clause_of(enum rota_err err)
{
	if (err == ROTA_ERR_SPELLING)
		return ROTA_CLAUSE_SPEC_2;
	return err == ROTA_ERR_LIMIT ? ROTA_CLAUSE_SPEC_4_8 : ROTA_CLAUSE_SPEC_3;
}

enum rota_err rota_session_refuse(struct rota_session *s, enum rota_err err)
{
	/* A copy at hand that is damaged is no failure: the same file is asked of the network. */
	if (s->found.copy)
		return enter_fresh(s);
	if (s->why.clause == ROTA_CLAUSE_NONE)
		s->why.clause = clause_of(err);
	err = s->config.profile->relents(s, err);
	return err == ROTA_ERR_NOT_FOUND && s->state == ROTA_ST_ROOT_NEXT ? rota_root_end_walk(s)
									  : err;
}

static enum rota_err too_long(struct rota_session *s)
{
	s->why = (struct rota_why){ ROTA_ERR_LENGTH, (enum rota_clause)s->step->hash };
	return s->why.err;
}

enum rota_err rota_session_feed(struct rota_session *s, struct rota_span piece)
{
	if (!fetches(s))
		return ROTA_ERR_STATE;
	if (s->why.err != ROTA_OK)
		return s->why.err;
	if (piece.len > s->want.max_len - s->found.got_len)
		return too_long(s);
	s->found.got_len += (uint32_t)piece.len;
	s->config.crypto->sha256_update(&s->sha256, piece);
	s->why.err = rota_tuf_feed(&s->tuf, piece);
	return s->why.err;
}

/* Length and digest, where they are known. */
static enum rota_err check_bytes(struct rota_session *s)
{
	const struct rota_want *w = &s->want;

	if (!s->found.raw)
		s->config.crypto->sha256_final(&s->sha256, s->digest);
	if (w->length != 0 && s->found.got_len != w->length)
		return ROTA_ERR_LENGTH;
	if (w->sha256 != NULL && memcmp(w->sha256, s->digest, ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_HASH;
	return ROTA_OK;
}

/* Length and digest; then form; then signatures. s->why.clause is that of the check at hand; NONE: of the form. */
static enum rota_err check_file(struct rota_session *s)
{
	const struct rota_step *step = s->step;

	s->why.clause = (enum rota_clause)step->hash;
	ROTA_TRY(check_bytes(s));
	s->why.clause = ROTA_CLAUSE_NONE;
	ROTA_TRY(rota_tuf_end(&s->tuf));
	if (step->sigs == ROTA_CLAUSE_NONE)
		return ROTA_OK;
	s->why.clause = (enum rota_clause)step->sigs;
	ROTA_TRY(rota_sigs_verdict(&s->room.sigs));
	return s->config.profile->times != NULL ? s->config.profile->times(s) : ROTA_OK;
}

void rota_session_again(struct rota_session *s)
{
	bool copy = s->found.copy, fresh = s->want.fresh;

	if (!fetches(s) || !s->config.profile->letter)
		return;
	(void)rota_session_enter(s, (enum rota_session_state)s->state);
	s->found.copy = copy;
	s->want.fresh = fresh;
}

void rota_session_copy(struct rota_session *s)
{
	const struct rota_want *w = &s->want;

	s->found.copy = !w->at_hand && !w->fresh && (w->sha256 != NULL || w->current != 0);
}

enum rota_err rota_session_raw(
	struct rota_session *s, uint64_t length, const uint8_t sha256[static ROTA_SHA256_LEN])
{
	if (!fetches(s) || !s->config.profile->letter)
		return ROTA_ERR_STATE;
	if (length > s->want.max_len)
		(void)too_long(s); /* rota_session_fetched() says so */
	s->found.raw = true;
	s->found.got_len = (uint32_t)length;
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
	settle(s, err == ROTA_OK ? step->then(s) : rota_session_refuse(s, err));
}

void rota_session_kept(struct rota_session *s, enum rota_err how)
{
	if (s->want.kind != ROTA_WANT_KEEP)
		return;
	s->why.clause = ROTA_CLAUSE_SPEC_9;
	settle(s, how == ROTA_OK ? s->then(s) : how);
}

/* ---- begin ---- */

enum rota_err rota_session_init(struct rota_session *s, const struct rota_session_config *config,
	const struct rota_trusted *trusted, struct rota_buf workspace)
{
	const struct rota_limits *l = config->limits;
	uintptr_t at = (uintptr_t)workspace.p;

	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->room.keys.crypto = config->crypto;
	s->room.keys.limits = l; /* from here on it may be dropped */
	s->room.sigs.ring = &s->room.keys;
	s->trusted = *trusted;
	s->trusted.root.has_sha256 = true;
	if (trusted->root.version == 0 ||
		(config->profile->raises != NULL && config->floors == NULL) ||
		(config->profile->clock && !config->start.trusted))
		return ROTA_ERR_ARGUMENT;
	if (rota_session_lay_out(&s->room, l, at) - at > workspace.len)
		return ROTA_ERR_LIMIT;
	memset(workspace.p, 0, workspace.len);
	s->room.text.json.names.len = l->names_len;
	s->room.text.json.value.len = l->text_len;
	s->room.text.hold.len = l->hold_len;
	rota_search_begin(s); /* so that the snapshot's first reading finds top-level targets */
	s->now_s = config->start.unix_s;
	return rota_root_load(s, rota_root_next);
}

/* ---- what is asked and answered ---- */

const struct rota_want *rota_session_want(const struct rota_session *s)
{
	return &s->want;
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

rota_num rota_session_now(const struct rota_session *s)
{
	return s->now_s;
}

rota_num rota_session_floor_now(const struct rota_session *s)
{
	return s->config.start.trusted ? s->config.start.unix_s : s->trusted.time_floor_s;
}

const struct rota_why *rota_session_why(const struct rota_session *s)
{
	return &s->why;
}

void rota_session_drop(struct rota_session *s)
{
	rota_sigs_drop(&s->room.sigs);
}
