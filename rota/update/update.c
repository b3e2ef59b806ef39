/* SPDX-License-Identifier: Apache-2.0 */
/* Method: a table of states (update_steps.c). A state that acts is run at once and names the next; a state
 * that wants something waits for feed() and done(). */
#include "rota/update/update_keys.h"
#include "rota/base/arena.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

/* ---- begin ---- */

/* Apart from the cycle, which is too large for the stack of a microcontroller. */
struct room {
	struct rota_buf names, value, scratch, components;
};

static void take_room(struct room *r, struct rota_arena *a, const struct rota_limits *l)
{
	r->names = rota_arena_take(a, ROTA_POLICY_NAMES_ROOM);
	r->value = rota_arena_take(a, ROTA_POLICY_VALUE_ROOM);
	r->scratch = rota_arena_take(a, ROTA_STATE_LEN_MAX);
	r->components = rota_arena_take(a, l->components * sizeof(struct rota_component));
}

static void use_room(struct rota_update *u, const struct room *r, const struct rota_limits *l)
{
	u->names = r->names;
	u->value = r->value;
	u->scratch = r->scratch;
	u->components.components = (struct rota_component *)(void *)r->components.p;
	u->components.component_room = l->components;
}

_Static_assert(ROTA_RELEASE_NAMES_ROOM <= ROTA_POLICY_NAMES_ROOM, "one room for both decoders");
_Static_assert(ROTA_RELEASE_VALUE_ROOM <= ROTA_POLICY_VALUE_ROOM, "one room for both decoders");

size_t rota_update_room(const struct rota_limits *limits)
{
	struct room r;
	struct rota_arena a = rota_arena(rota_buf(NULL, 0));

	take_room(&r, &a, limits);
	/* and what aligning the workspace may cost */
	return a.wanted + sizeof(uint64_t) + rota_session_room(limits);
}

static bool complete(const struct rota_update_config *c)
{
	const struct rota_device *d = c->device;

	if (c->session.crypto == NULL || c->session.limits == NULL || c->journal == NULL ||
		d == NULL)
		return false;
	if (c->session.profile != &rota_session_device || c->session.limits->components == 0 ||
		c->slots_count == 0 || c->slots_count > ROTA_STATE_COMPONENTS_MAX)
		return false;
	if (c->order != NULL &&
		(c->boot == NULL || c->order->places == NULL || c->order->rom == NULL ||
			c->order->desk == NULL))
		return false;
	if (c->keys != NULL &&
		(c->keys->work == NULL || c->keys->desk == NULL || c->keys->slots == NULL ||
			c->keys->aead == NULL))
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

enum rota_err rota_update_session(struct rota_update *u, struct rota_time start)
{
	rota_session_drop(&u->session);
	u->floors = u->state.floors;
	u->config.session.floors = &u->floors;
	u->config.session.start = start;
	return rota_session_init(
		&u->session, &u->config.session, &u->state.trusted, u->session_room);
}

static void go(struct rota_update *u, enum rota_update_state next);

enum rota_err rota_update_init(
	struct rota_update *u, const struct rota_update_config *config, struct rota_buf workspace)
{
	struct rota_arena a = rota_arena(workspace);
	struct room r;

	memset(u, 0, sizeof(*u));
	u->config = *config;
	if (!complete(config))
		return ROTA_ERR_ARGUMENT;
	take_room(&r, &a, config->session.limits);
	ROTA_TRY(rota_arena_end(&a));
	use_room(u, &r, config->session.limits);
	u->session_room = a.rest;
	ROTA_TRY(load(u));
	u->after = ROTA_UP_SEEK_POLICY;
	rota_bound_look(u);
	u->order_why.err = ROTA_ERR_NOT_FOUND;
	if (u->state.next_seq == 1) {
		u->state.next_seq += 1000 * rota_update_clock(u); /* SPEC 13.2 */
		rota_update_note(
			u, ROTA_EVENT_STARTED, (struct rota_why){ ROTA_OK, ROTA_CLAUSE_NONE });
	}
	/* The clock of a device whose flash was put back may have been set back as well. */
	if (rota_update_restored(u))
		u->config.session.start.trusted = false;
	ROTA_TRY(rota_update_session(u, u->config.session.start));
	go(u, ROTA_UP_BOUND);
	return ROTA_OK;
}

enum rota_err rota_update_factory(
	struct rota_journal *journal, const struct rota_state *state, struct rota_buf room)
{
	struct rota_span payload;
	enum rota_err err = rota_journal_load(journal, room, &payload);

	if (err != ROTA_ERR_NOT_FOUND)
		return err == ROTA_OK ? ROTA_ERR_STATE : err;
	ROTA_TRY(rota_state_encode(state, room, &payload));
	return rota_journal_commit(journal, payload);
}

/* ---- the table ---- */

const struct rota_update_step *rota_update_step(const struct rota_update *u)
{
	return u->at < ROTA_UP_COUNT ? &rota_update_steps[u->at]
				     : &u->config.keys->work->steps[u->at - ROTA_UP_KEYS];
}

/* ---- metadata: the session's wants ---- */

/* With the keys of a role so replaced that its floor fell, the sequence of its file falls in the same commit (SPEC 8.9,
 * 16.3). What retirements raised stays. */
static void drop_sequence(struct rota_state *s, struct rota_span role)
{
	if (rota_span_eq(role, ROTA_STR("rollouts"))) {
		s->policy_sequence = 0;
		memset(s->policy_sha256, 0, ROTA_SHA256_LEN);
	} else if (rota_span_eq(role, ROTA_STR("retirements"))) {
		s->retired.sequence = 0;
		memset(s->retired.sha256, 0, ROTA_SHA256_LEN);
	} else if (rota_span_eq(role, ROTA_STR("revocations"))) {
		memset(&s->revoked, 0, sizeof(s->revoked));
	}
}

/* The file is durable: what it changed is to be so with the next commit. */
static void keep_trusted(struct rota_update *u, const struct rota_want *want)
{
	u->state.trusted = *rota_session_trusted(&u->session);
	u->state.floors = u->floors;
	if (u->state.told > 0 && rota_span_eq(want->role, ROTA_STR("timestamp")))
		u->state.told--; /* one refresh of those that a told trouble stands for */
	u->unsaved = true;
	if (want->floor_fell)
		drop_sequence(&u->state, want->role);
	if (want->floor_fell && u->config.keys != NULL)
		u->config.keys->work->fell(u, want->role);
}

enum rota_err rota_update_find(struct rota_update *u, struct rota_span role)
{
	struct rota_writer w = rota_writer(ROTA_BUF(u->path));
	struct rota_span path;

	rota_write_span(&w, role);
	rota_write_u8(&w, '/');
	rota_write_span(&w, u->config.device->product);
	rota_write_span(&w, ROTA_STR(".json"));
	ROTA_TRY(rota_writer_end(&w, &path));
	u->path_len = (uint8_t)path.len;
	return rota_session_find_in(&u->session, role, path);
}

static enum rota_update_state session_failed(struct rota_update *u)
{
	const struct rota_update_step *step = rota_update_step(u);
	struct rota_why why = *rota_session_why(&u->session);

	if (step->lacking != NULL && why.err == ROTA_ERR_NOT_FOUND &&
		(why.clause == ROTA_CLAUSE_SPEC_4_4 || why.clause == ROTA_CLAUSE_TUF_5_6_7))
		return step->lacking(u);
	if (u->at >= ROTA_UP_KEYS)
		return u->config.keys->work->failed(u, why);
	if (u->config.keys != NULL)
		u->config.keys->work->late(u);
	return rota_update_trouble(u, why.err, why.clause);
}

/* Whether the session has ended what it was asked for, and what comes then. */
static bool session_over(struct rota_update *u, enum rota_update_state *next)
{
	const struct rota_update_step *step = rota_update_step(u);
	struct rota_want want;

	rota_bound_watch(u);
	if (step->until != NULL && step->until(u)) {
		*next = step->found(u);
		return true;
	}
	want = *rota_session_want(&u->session);
	if (want.kind == ROTA_WANT_FETCH || want.kind == ROTA_WANT_KEEP)
		return false;
	*next = want.kind == ROTA_WANT_FAILED ? session_failed(u) : step->found(u);
	return true;
}

static void session_done(struct rota_update *u, enum rota_err how)
{
	struct rota_want want;

	want = *rota_session_want(&u->session);
	if (want.kind != ROTA_WANT_KEEP) {
		rota_session_fetched(&u->session, how);
		return;
	}
	if (how == ROTA_OK)
		keep_trusted(u, &want);
	rota_session_kept(&u->session, how);
}

/* Go on until something is wanted. */
static void go(struct rota_update *u, enum rota_update_state next)
{
	bool more = true;

	while (more) {
		const struct rota_update_step *step;

		u->at = (uint8_t)next;
		step = rota_update_step(u);
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
	const struct rota_update_step *step = rota_update_step(u);

	*out = (struct rota_update_want){ .kind = step->want };
	if (step->found != NULL) {
		out->meta = *rota_session_want(&u->session);
		out->kind = out->meta.kind == ROTA_WANT_KEEP ? ROTA_UPDATE_KEEP_META
							     : ROTA_UPDATE_FETCH_META;
	}
	if (step->want == ROTA_UPDATE_FETCH_TIME)
		out->nonce = u->bound.nonce;
	if (step->feed != NULL && step->want != ROTA_UPDATE_FETCH_TIME) {
		out->path = u->reading.path;
		memcpy(out->sha256, u->reading.sha256, ROTA_SHA256_LEN);
		out->offset = u->reading.got;
		out->length = u->reading.length;
	}
	if (step->ask != NULL)
		step->ask(u, out);
}

enum rota_err rota_update_feed(struct rota_update *u, struct rota_span piece)
{
	const struct rota_update_step *step = rota_update_step(u);

	if (step->found != NULL)
		return rota_session_feed(&u->session, piece);
	return step->feed != NULL ? step->feed(u, piece) : ROTA_ERR_STATE;
}

void rota_update_copy(struct rota_update *u)
{
	rota_session_copy(&u->session);
}

void rota_update_done(struct rota_update *u, enum rota_err how)
{
	const struct rota_update_step *step = rota_update_step(u);

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

const struct rota_why *rota_update_order(const struct rota_update *u)
{
	return &u->order_why;
}

bool rota_update_saved(const struct rota_update *u)
{
	return !u->unsaved;
}

void rota_update_drop(struct rota_update *u)
{
	rota_session_drop(&u->session);
}
