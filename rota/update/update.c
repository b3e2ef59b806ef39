/* SPDX-License-Identifier: Apache-2.0 */
/* Method: a table of states (update_steps.c). A state that acts is run at once and names the next; a state
 * that wants something waits for feed() and done(). Durable things happen in one order everywhere: change the
 * state, note the event, commit both at once, and only then do what the commit allows. */
#include "rota/update/update_parts.h"
#include "rota/base/mem.h"

/* ---- begin ---- */

static void take_room(struct rota_update *u, struct rota_arena *a, const struct rota_limits *l)
{
	size_t room = l->components * sizeof(struct rota_component);

	u->names = rota_arena_take(a, ROTA_POLICY_NAMES_ROOM);
	u->value = rota_arena_take(a, ROTA_POLICY_VALUE_ROOM);
	u->scratch = rota_arena_take(a, ROTA_STATE_LEN_MAX);
	u->components.components = (struct rota_component *)(void *)rota_arena_take(a, room).p;
	u->components.component_room = l->components;
}

_Static_assert(ROTA_RELEASE_NAMES_ROOM <= ROTA_POLICY_NAMES_ROOM, "one room for both decoders");
_Static_assert(ROTA_RELEASE_VALUE_ROOM <= ROTA_POLICY_VALUE_ROOM, "one room for both decoders");

size_t rota_update_room(const struct rota_limits *limits)
{
	struct rota_update u;
	struct rota_arena a = rota_arena(rota_buf(NULL, 0));

	take_room(&u, &a, limits);
	/* and what aligning the workspace may cost */
	return a.wanted + sizeof(uint64_t) + rota_session_room(limits);
}

static bool complete(const struct rota_update_config *c)
{
	const struct rota_device *d = c->device;

	if (c->session.crypto == NULL || c->session.limits == NULL || c->journal == NULL ||
		d == NULL)
		return false;
	if (!c->session.device || c->session.limits->components == 0 || c->slots_count == 0 ||
		c->slots_count > ROTA_STATE_COMPONENTS_MAX)
		return false;
	return rota_name_valid(d->product) && rota_name_valid(d->hardware) &&
		rota_name_valid(d->channel) && rota_name_valid(d->release_role) && d->id.len > 0 &&
		d->spki.len > 0;
}

static enum rota_err load(struct rota_update *u)
{
	struct rota_span payload;

	ROTA_TRY(rota_journal_load(u->config.journal, u->scratch, &payload));
	rota_sha256_of(u->config.session.crypto, payload, u->committed);
	return rota_state_decode(payload, &u->state);
}

static void go(struct rota_update *u, enum rota_update_state next);

enum rota_err rota_update_init(
	struct rota_update *u, const struct rota_update_config *config, struct rota_buf workspace)
{
	struct rota_arena a = rota_arena(workspace);

	memset(u, 0, sizeof(*u));
	u->config = *config;
	if (!complete(config))
		return ROTA_ERR_ARGUMENT;
	take_room(u, &a, config->session.limits);
	ROTA_TRY(rota_arena_end(&a));
	ROTA_TRY(load(u));
	ROTA_TRY(rota_session_init(&u->session, &config->session, &u->state.trusted, a.rest));
	if (u->state.next_seq == 1)
		rota_update_note(
			u, ROTA_EVENT_STARTED, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE });
	go(u, ROTA_UP_JUDGE);
	return ROTA_OK;
}

enum rota_err rota_update_factory(struct rota_journal *journal, const struct rota_state *state)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;
	enum rota_err err = rota_journal_load(journal, ROTA_BUF(room), &payload);

	if (err != ROTA_ERR_NOT_FOUND)
		return err == ROTA_OK ? ROTA_ERR_STATE : err;
	ROTA_TRY(rota_state_encode(state, ROTA_BUF(room), &payload));
	return rota_journal_commit(journal, payload);
}

/* ---- events and commits ---- */

uint64_t rota_update_clock(const struct rota_update *u)
{
	struct rota_time start = u->config.session.start;

	/* SPEC 5.1: a clock below the time floor is none */
	return start.trusted && start.unix_s >= u->state.trusted.time_floor_s ? start.unix_s : 0;
}

void rota_update_about(
	struct rota_update *u, const uint8_t *release, uint64_t version, uint8_t attempt)
{
	u->about_set = release != NULL;
	if (release != NULL)
		memcpy(u->about_release, release, ROTA_SHA256_LEN);
	u->about_version = version;
	u->about_attempt = attempt;
	u->outcome.version = version;
}

static struct rota_span step_word(const struct rota_update *u)
{
	const char *word = rota_update_steps[u->at].word;
	struct rota_want want;

	if (word != NULL)
		return rota_span_cstr(word);
	rota_session_want(&u->session, &want);
	return want.role;
}

void rota_update_note(struct rota_update *u, enum rota_event_kind kind, struct rota_why why)
{
	struct rota_event *e;

	if (u->event_count == ROTA_UPDATE_EVENTS_MAX)
		return; /* update_parts.h: no step notes more */
	e = &u->events[u->event_count++];
	*e = (struct rota_event){ .kind = kind,
		.seq = u->state.next_seq++,
		.at_s = rota_update_clock(u),
		.version = u->state.installed.version,
		.step = step_word(u),
		.why = why };
	if (u->has_campaign)
		e->campaign = rota_campaign_id(&u->campaign);
	if (!u->about_set)
		return;
	e->has_release = true;
	e->version = u->about_version;
	e->attempt = u->about_attempt;
	memcpy(e->release, u->about_release, ROTA_SHA256_LEN);
}

static void hand_out(struct rota_update *u)
{
	for (uint8_t i = 0; i < u->event_count; i++) {
		if (u->config.event != NULL)
			u->config.event(u->config.event_ctx, &u->events[i]);
	}
	u->event_count = 0;
}

static enum rota_err commit_if_changed(struct rota_update *u)
{
	const struct rota_crypto *crypto = u->config.session.crypto;
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_span payload;

	ROTA_TRY(rota_state_encode(&u->state, u->scratch, &payload));
	rota_sha256_of(crypto, payload, digest);
	if (memcmp(digest, u->committed, ROTA_SHA256_LEN) == 0)
		return ROTA_OK;
	ROTA_TRY(rota_journal_commit(u->config.journal, payload));
	memcpy(u->committed, digest, ROTA_SHA256_LEN);
	return ROTA_OK;
}

enum rota_err rota_update_commit(struct rota_update *u)
{
	enum rota_err err = commit_if_changed(u);

	if (err != ROTA_OK)
		u->event_count = 0; /* their numbers may not be durable: they were never said */
	hand_out(u);
	return err;
}

/* ---- how a cycle ends ---- */

/* Name of a trouble: what is wrong, at which step, with which release. */
static void trouble_tag(const struct rota_update *u, uint8_t tag[static ROTA_FLOOR_TAG_LEN])
{
	const struct rota_crypto *crypto = u->config.session.crypto;
	uint8_t what[2] = { (uint8_t)u->outcome.why.err, (uint8_t)u->outcome.why.clause };
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_SPAN(what));
	crypto->sha256_update(&h, u->outcome.step);
	if (u->about_set)
		crypto->sha256_update(&h, ROTA_SPAN(u->about_release));
	crypto->sha256_final(&h, digest);
	memcpy(tag, digest, ROTA_FLOOR_TAG_LEN);
}

_Static_assert(ROTA_CLAUSE_COUNT <= UINT8_MAX, "a clause fits the byte of a tag");

/* Whether there is anything to tell the server, and as what. A server that cannot be reached is no news, least
 * of all to the server; a download that breaks off is. */
static bool tells(const struct rota_update *u, struct rota_why why, enum rota_event_kind *kind)
{
	bool unlisted = why.err == ROTA_ERR_NOT_FOUND &&
		(why.clause == ROTA_CLAUSE_SPEC_4_4 || why.clause == ROTA_CLAUSE_TUF_5_6_7);

	switch (rota_err_class(why.err)) {
	case ROTA_CLASS_REFUSED:
	case ROTA_CLASS_MALFORMED:
		*kind = ROTA_EVENT_REFUSED;
		return true;
	case ROTA_CLASS_RETRY:
		*kind = unlisted ? ROTA_EVENT_REFUSED : ROTA_EVENT_FAILED;
		return unlisted || rota_update_steps[u->at].word != NULL;
	case ROTA_CLASS_OK:
	case ROTA_CLASS_STORAGE:
	case ROTA_CLASS_BUG:
	default:
		*kind = ROTA_EVENT_FAILED;
		return true;
	}
}

enum rota_update_state rota_update_stop(
	struct rota_update *u, enum rota_err err, enum rota_clause clause)
{
	struct rota_why why = { .err = err, .clause = clause };
	uint8_t tag[ROTA_FLOOR_TAG_LEN];
	enum rota_event_kind kind;

	u->outcome.why = why;
	u->outcome.step = step_word(u);
	if (rota_update_steps[u->at].word == NULL)
		u->outcome.role = u->outcome.step;
	trouble_tag(u, tag);
	if (tells(u, why, &kind) && memcmp(tag, u->state.refused, sizeof(tag)) != 0) {
		memcpy(u->state.refused, tag, sizeof(tag));
		rota_update_note(u, kind, why);
	}
	/* The trouble at hand is worth more to the reader than that it could not be put down. */
	(void)rota_update_commit(u);
	return ROTA_UP_STOPPED;
}

static enum rota_update_state end(struct rota_update *u, enum rota_update_state state)
{
	enum rota_err err = rota_update_commit(u);

	if (err != ROTA_OK)
		return rota_update_stop(u, err, ROTA_CLAUSE_SPEC_9);
	u->outcome.step = rota_span_cstr(rota_update_steps[state].word);
	return state;
}

enum rota_update_state rota_update_idle(struct rota_update *u, enum rota_clause clause)
{
	u->outcome.why = (struct rota_why){ .err = ROTA_OK, .clause = clause };
	memset(u->state.refused, 0, sizeof(u->state.refused));
	if (u->policy_new)
		rota_update_note(u, ROTA_EVENT_CHECKED, u->outcome.why);
	return end(u, ROTA_UP_IDLE);
}

enum rota_update_state rota_update_reboot(struct rota_update *u)
{
	u->outcome.why = (struct rota_why){ .err = ROTA_OK, .clause = ROTA_CLAUSE_NONE };
	return end(u, ROTA_UP_REBOOT);
}

/* ---- metadata: the session's wants ---- */

/* The file is durable: what it changed is made so too. With the keys of `rollouts` so replaced that its floor
 * fell, its sequence falls in the same commit (SPEC 8.9). */
static enum rota_err keep_trusted(struct rota_update *u, const struct rota_want *want)
{
	u->state.trusted = *rota_session_trusted(&u->session);
	if (want->floor_fell && rota_span_eq(want->role, ROTA_STR("rollouts"))) {
		u->state.policy_sequence = 0;
		memset(u->state.policy_sha256, 0, ROTA_SHA256_LEN);
	}
	return rota_update_commit(u);
}

static enum rota_update_state session_failed(struct rota_update *u)
{
	const struct rota_update_step *step = &rota_update_steps[u->at];
	struct rota_why why = rota_session_why(&u->session);

	if (step->lacking != NULL && why.err == ROTA_ERR_NOT_FOUND &&
		(why.clause == ROTA_CLAUSE_SPEC_4_4 || why.clause == ROTA_CLAUSE_TUF_5_6_7))
		return step->lacking(u);
	return rota_update_stop(u, why.err, why.clause);
}

/* Whether the session has ended what it was asked for, and what comes then. */
static bool session_over(struct rota_update *u, enum rota_update_state *next)
{
	const struct rota_update_step *step = &rota_update_steps[u->at];
	struct rota_want want;

	rota_session_want(&u->session, &want);
	if (want.kind == ROTA_WANT_FETCH || want.kind == ROTA_WANT_KEEP)
		return false;
	*next = want.kind == ROTA_WANT_FAILED ? session_failed(u) : step->found(u);
	return true;
}

static void session_done(struct rota_update *u, enum rota_err how)
{
	struct rota_want want;

	rota_session_want(&u->session, &want);
	if (want.kind == ROTA_WANT_KEEP)
		rota_session_kept(&u->session, how == ROTA_OK ? keep_trusted(u, &want) : how);
	else
		rota_session_fetched(&u->session, how);
}

/* Go on until something is wanted. */
static void go(struct rota_update *u, enum rota_update_state next)
{
	bool more = true;

	while (more) {
		const struct rota_update_step *step = &rota_update_steps[next];

		u->at = (uint8_t)next;
		more = step->act != NULL;
		if (step->act != NULL)
			next = step->act(u);
		else if (step->found != NULL)
			more = session_over(u, &next);
	}
}

/* ---- targets ---- */

void rota_update_read(struct rota_update *u, struct rota_span path, uint64_t length,
	const uint8_t sha256[static ROTA_SHA256_LEN])
{
	struct rota_reading *r = &u->reading;

	r->path = path;
	r->length = length;
	memcpy(r->sha256, sha256, ROTA_SHA256_LEN);
	r->got = 0;
	r->why = (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE };
	u->config.session.crypto->sha256_init(&r->hash);
}

enum rota_err rota_update_take(struct rota_update *u, struct rota_span piece)
{
	struct rota_reading *r = &u->reading;

	if (piece.len > r->length - r->got) {
		r->why = (struct rota_why){ ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_7_3 };
		return ROTA_ERR_LENGTH;
	}
	u->config.session.crypto->sha256_update(&r->hash, piece);
	r->got += piece.len;
	return ROTA_OK;
}

struct rota_why rota_update_verdict(struct rota_update *u, enum rota_err how)
{
	struct rota_reading *r = &u->reading;
	uint8_t digest[ROTA_SHA256_LEN];

	if (r->why.clause == ROTA_CLAUSE_TUF_5_7_3)
		return r->why; /* too long: the caller was told, and `how` says no more */
	if (how != ROTA_OK)
		return (struct rota_why){ how, ROTA_CLAUSE_TUF_5_7_3 };
	if (r->got != r->length)
		return (struct rota_why){ ROTA_ERR_LENGTH, ROTA_CLAUSE_TUF_5_7_3 };
	u->config.session.crypto->sha256_final(&r->hash, digest);
	if (memcmp(digest, r->sha256, ROTA_SHA256_LEN) != 0)
		return (struct rota_why){ ROTA_ERR_HASH, ROTA_CLAUSE_TUF_5_7_3 };
	return r->why;
}

/* ---- what is asked and answered ---- */

void rota_update_want(const struct rota_update *u, struct rota_update_want *out)
{
	const struct rota_update_step *step = &rota_update_steps[u->at];

	*out = (struct rota_update_want){ .kind = step->want };
	if (step->found != NULL) {
		rota_session_want(&u->session, &out->meta);
		out->kind = out->meta.kind == ROTA_WANT_KEEP ? ROTA_UPDATE_KEEP_META
							     : ROTA_UPDATE_FETCH_META;
	}
	if (step->feed != NULL) {
		out->path = u->reading.path;
		memcpy(out->sha256, u->reading.sha256, ROTA_SHA256_LEN);
		out->offset = u->reading.got;
		out->length = u->reading.length;
	}
}

enum rota_err rota_update_feed(struct rota_update *u, struct rota_span piece)
{
	const struct rota_update_step *step = &rota_update_steps[u->at];

	if (step->found != NULL)
		return rota_session_feed(&u->session, piece);
	return step->feed != NULL ? step->feed(u, piece) : ROTA_ERR_STATE;
}

void rota_update_done(struct rota_update *u, enum rota_err how)
{
	const struct rota_update_step *step = &rota_update_steps[u->at];

	if (step->found != NULL) {
		session_done(u, how);
		go(u, (enum rota_update_state)u->at);
	} else if (step->done != NULL) {
		go(u, step->done(u, how));
	}
}

void rota_update_outcome(const struct rota_update *u, struct rota_outcome *out)
{
	*out = u->outcome;
}

const struct rota_state *rota_update_state(const struct rota_update *u)
{
	return &u->state;
}

void rota_update_drop(struct rota_update *u)
{
	rota_session_drop(&u->session);
}
