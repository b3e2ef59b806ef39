/* SPDX-License-Identifier: Apache-2.0 */
/* The specification to the letter (SPEC 4.9): TUF 5.2, and where the trusted metadata of 5.4.3 and 5.5.5 comes from.
 *
 * A device has a journal that says which files are trusted. A plain client has the files alone, and a disk may
 * damage them, so they count only after they have passed their signatures anew: root by its own keys, timestamp
 * and snapshot by root's. A timestamp or snapshot that does not pass is as good as none, since the next one
 * replaces it; a root that does not is an error. One that has expired counts: rollback is held against it. */
#include "rota/base/mem.h"
#include "rota/update/session_steps.h"

enum { ROOT_AT_HAND = ROTA_ST_SNAPSHOT_OLD + 1, TIMESTAMP_AT_HAND, SNAPSHOT_AT_HAND };

static enum rota_err enter(struct rota_session *s, int state)
{
	return rota_session_enter(s, (enum rota_session_state)state);
}

/* ---- what lies on disk ---- */

/* The root that the session begins with. */
static enum rota_err begun(struct rota_session *s)
{
	struct rota_trusted root = { .root = s->trusted.root };

	s->trusted = root;
	return enter(s, ROOT_AT_HAND);
}

static enum rota_err load_done(struct rota_session *s)
{
	if (s->then == rota_root_next)
		s->then = begun;
	return rota_root_load_done(s);
}

static enum rota_err root_done(struct rota_session *s)
{
	return enter(s, TIMESTAMP_AT_HAND);
}

static enum rota_err timestamp_done(struct rota_session *s)
{
	if (s->found.meta)
		rota_timestamp_take(s);
	return enter(s, SNAPSHOT_AT_HAND);
}

/* The keys in the ring are still those of root: what was read beside brought none. */
static enum rota_err root_next(struct rota_session *s)
{
	s->reading = false;
	return rota_root_next(s);
}

static enum rota_err snapshot_done(struct rota_session *s)
{
	s->trusted.snapshot.version = s->tuf.head.version;
	memcpy(s->trusted.snapshot.sha256, s->digest, ROTA_SHA256_LEN);
	return root_next(s);
}

/* ---- the profile ---- */

static enum rota_err go(struct rota_session *s, enum rota_session_state state)
{
	rota_clock_read(s);
	return rota_compare_go(s, state);
}

/* A timestamp or snapshot on disk may be damaged. */
static enum rota_err relents(struct rota_session *s, enum rota_err err)
{
	if (s->state == TIMESTAMP_AT_HAND)
		return enter(s, SNAPSHOT_AT_HAND);
	if (s->state == SNAPSHOT_AT_HAND)
		return root_next(s);
	return rota_compare_relent(s, err);
}

static const struct rota_step steps[] = {
	[ROTA_ST_ROOT_LOAD] = { ROTA_STEP_ROOT_LOAD, .at_hand = true,
		.then = load_done }, /* TUF 5.2 */
	[ROTA_ST_ROOT_NEXT] = { ROTA_STEP_ROOT_NEXT, .then = rota_root_next_done },
	[ROTA_ST_ROOT_SELF] = { ROTA_STEP_ROOT_SELF, .then = rota_root_self_done },
	[ROTA_ST_TIMESTAMP] = { ROTA_STEP_TIMESTAMP, .then = rota_timestamp_done },
	[ROTA_ST_SNAPSHOT] = { ROTA_STEP_SNAPSHOT, .event = rota_compare_event,
		.then = rota_snapshot_done },
	[ROTA_ST_META] = { ROTA_STEP_META, .then = rota_search_meta_done },
	[ROTA_ST_ROLE] = { ROTA_STEP_ROLE, .event = rota_bind_event },
	[ROTA_ST_SNAPSHOT_OLD] = { ROTA_STEP_SNAPSHOT_OLD },
	[ROOT_AT_HAND] = { .role = ROTA_TOP_ROOT,
		.by = ROTA_BY,
		.keep = ROTA_KEEPS_ALL,
		.file = ROTA_STEP_FILE(trusted.root),
		.at_hand = true,
		.fetch = ROTA_CLAUSE_TUF_5_2,
		.hash = ROTA_CLAUSE_TUF_5_2,
		.sigs = ROTA_CLAUSE_TUF_5_2,
		.then = root_done },
	[TIMESTAMP_AT_HAND] = { .role = ROTA_TOP_TIMESTAMP,
		.by = ROTA_TOP_TIMESTAMP,
		.keep = ROTA_KEEPS_ALL,
		.at_hand = true,
		.fetch = ROTA_CLAUSE_TUF_5_4_1,
		.hash = ROTA_CLAUSE_TUF_5_4_1,
		.sigs = ROTA_CLAUSE_TUF_5_4_2,
		.event = rota_meta_event,
		.then = timestamp_done },
	[SNAPSHOT_AT_HAND] = { .role = ROTA_TOP_SNAPSHOT,
		.by = ROTA_TOP_SNAPSHOT,
		.keep = ROTA_KEEPS_ALL,
		.at_hand = true,
		.fetch = ROTA_CLAUSE_TUF_5_5_1,
		.hash = ROTA_CLAUSE_TUF_5_5_1,
		.sigs = ROTA_CLAUSE_TUF_5_5_3,
		.then = snapshot_done },
};

const struct rota_session_profile rota_session_letter = {
	.letter = true,
	.steps = steps,
	.goes = go,
	.relents = relents,
};
