/* SPDX-License-Identifier: Apache-2.0 */
/* Durable things happen in one order everywhere: change the state, note the event, commit both at once, and
 * only then do what the commit allows. */
#include "rota/update/update_parts.h"
#include "rota/base/mem.h"

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

/* The role whose metadata the session failed over; empty where it did not. */
static struct rota_span failed_role(const struct rota_update *u)
{
	struct rota_want want;

	want = *rota_session_want(&u->session);
	if (rota_update_step(u)->found == NULL || want.kind != ROTA_WANT_FAILED)
		return rota_span(NULL, 0);
	return want.role;
}

static struct rota_span step_word(const struct rota_update *u)
{
	struct rota_span role = failed_role(u);

	return role.len > 0 ? role : rota_span_cstr(rota_update_step(u)->word);
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
		.version = u->about_version != 0 ? u->about_version : u->state.installed.version,
		.step = step_word(u),
		.why = why };
	memcpy(e->image, u->state.pending.components[0].digest, sizeof(e->image));
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

/* What was decided goes into the device log first: the journal then says how far that counts. A log that its flash takes
 * no more stops no update: the head stays, and the server sees an event without one. */
static void write_log(struct rota_update *u)
{
	for (uint8_t i = 0; u->config.log != NULL && i < u->event_count; i++) {
		struct rota_event *e = &u->events[i];
		struct rota_devlog_entry entry = { .at_s = e->at_s,
			.seq = e->seq,
			.version = e->version,
			.counter = u->state.retired.counter_floor,
			.kind = (uint8_t)e->kind,
			.clause = (uint8_t)e->why.clause,
			.err = (uint8_t)e->why.err,
			.attempt = e->attempt };

		memcpy(entry.release, e->release, sizeof(entry.release));
		memcpy(entry.image, e->image, sizeof(entry.image));
		if (rota_devlog_append(u->config.log, u->config.session.crypto, &u->state.logged,
			    &entry, &u->state.logged) == ROTA_OK)
			e->logged = u->state.logged;
	}
}

static enum rota_err commit_if_changed(struct rota_update *u)
{
	const struct rota_crypto *crypto = u->config.session.crypto;
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_span payload;

	ROTA_TRY(rota_state_encode(&u->state, u->scratch, &payload));
	rota_sha256_of(crypto, payload, digest);
	if (memcmp(digest, u->committed, ROTA_SHA256_LEN) != 0)
		ROTA_TRY(rota_journal_commit(u->config.journal, payload));
	memcpy(u->committed, digest, ROTA_SHA256_LEN);
	u->unsaved = false;
	return ROTA_OK;
}

enum rota_err rota_update_commit(struct rota_update *u)
{
	struct rota_logged logged = u->state.logged;
	enum rota_err err;

	write_log(u);
	err = commit_if_changed(u);
	if (err != ROTA_OK) { /* their numbers may not be durable: they were never said */
		u->event_count = 0;
		u->state.logged = logged;
		u->config.log = NULL; /* or they are durable: the next cycle sees what counts */
	}
	hand_out(u);
	/* Slots that are being confirmed come first (update_bound.c). */
	if (err == ROTA_OK && u->state.pending.phase != ROTA_INSTALL_CONFIRM)
		err = rota_bound_finish(u);
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
		return unlisted || rota_update_step(u)->found == NULL;
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
	u->outcome.role = failed_role(u);
	trouble_tag(u, tag);
	if (u->state.told <= (ROTA_UPDATE_TOLD_MAX - 1) * ROTA_UPDATE_TOLD_COST &&
		tells(u, why, &kind) && memcmp(tag, u->state.refused, sizeof(tag)) != 0) {
		u->state.told = (uint8_t)(u->state.told + ROTA_UPDATE_TOLD_COST);
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
