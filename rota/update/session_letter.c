/* SPDX-License-Identifier: Apache-2.0 */
/* The specification to the letter (SPEC 4.9): TUF 5.2, and where the trusted metadata of 5.4.3 and 5.5.5 comes from.
 *
 * A device has a journal that says which files are trusted. A plain client has the files alone, and a disk may
 * damage them, so they count only after they have passed their signatures anew: root by its own keys, timestamp
 * and snapshot by root's. A timestamp or snapshot that does not pass is as good as none, since the next one
 * replaces it; a root that does not is an error. One that has expired counts: rollback is held against it. */
#include "rota/update/session_parts.h"
#include "rota/base/mem.h"

enum { ROOT_AT_HAND = ROTA_ST_SNAPSHOT_OLD + 1, TIMESTAMP_AT_HAND, SNAPSHOT_AT_HAND };

static enum rota_err enter(struct rota_session *s, int state)
{
	return rota_session_enter(s, (enum rota_session_state)state);
}

static void describe(struct rota_session *s)
{
	struct rota_want *w = &s->want;

	w->at_hand = true;
	if (s->state == ROTA_ST_SNAPSHOT_OLD) {
		rota_compare_describe(s);
	} else if (s->state == ROOT_AT_HAND) {
		w->version = s->root.file.version;
		w->sha256 = s->root.file.sha256;
	}
}

/* ---- what lies on disk ---- */

static void root_loaded(struct rota_session *s)
{
	struct rota_trusted root = { .root_version = s->root.file.version };

	memcpy(root.root_sha256, s->root.file.sha256, ROTA_SHA256_LEN);
	s->trusted = root;
	(void)rota_clock_turn(s);
	(void)enter(s, ROOT_AT_HAND);
}

static enum rota_err root_done(struct rota_session *s)
{
	return enter(s, TIMESTAMP_AT_HAND);
}

static enum rota_err timestamp_done(struct rota_session *s)
{
	if (s->found.meta)
		rota_timestamp_take(s);
	(void)rota_clock_turn(s);
	return enter(s, SNAPSHOT_AT_HAND);
}

static enum rota_err snapshot_done(struct rota_session *s)
{
	s->trusted.snapshot_version = s->tuf.head.version;
	memcpy(s->trusted.snapshot_sha256, s->digest, ROTA_SHA256_LEN);
	return rota_root_next(s);
}

/* ---- the profile ---- */

static bool turns(struct rota_session *s, enum rota_turn at)
{
	if (at == ROTA_TURN_TIME)
		return rota_clock_turn(s);
	if (at != ROTA_TURN_ROOT_LOADED || s->walk != ROTA_WALK_ON)
		return rota_compare_turn(s, at);
	root_loaded(s);
	return true;
}

/* A timestamp or snapshot on disk may be damaged. */
static enum rota_err relents(struct rota_session *s, enum rota_err err)
{
	if (s->state == TIMESTAMP_AT_HAND)
		return enter(s, SNAPSHOT_AT_HAND);
	if (s->state == SNAPSHOT_AT_HAND)
		return rota_root_next(s);
	return rota_compare_relent(s, err);
}

static const struct rota_step root_at_hand = { .role = ROTA_TOP_ROOT,
	.type = ROTA_TUF_ROOT,
	.by = ROTA_BY,
	.keep = ROTA_KEEPS_ALL,
	.fetch = ROTA_CLAUSE_TUF_5_2,
	.hash = ROTA_CLAUSE_TUF_5_2,
	.sigs = ROTA_CLAUSE_TUF_5_2,
	.then = root_done };

static const struct rota_step timestamp_at_hand = { .role = ROTA_TOP_TIMESTAMP,
	.type = ROTA_TUF_TIMESTAMP,
	.by = ROTA_TOP_TIMESTAMP,
	.keep = ROTA_KEEPS_ALL,
	.fetch = ROTA_CLAUSE_TUF_5_4_1,
	.hash = ROTA_CLAUSE_TUF_5_4_1,
	.sigs = ROTA_CLAUSE_TUF_5_4_2,
	.event = rota_meta_event,
	.then = timestamp_done };

static const struct rota_step snapshot_at_hand = { .role = ROTA_TOP_SNAPSHOT,
	.type = ROTA_TUF_SNAPSHOT,
	.by = ROTA_TOP_SNAPSHOT,
	.keep = ROTA_KEEPS_ALL,
	.fetch = ROTA_CLAUSE_TUF_5_5_1,
	.hash = ROTA_CLAUSE_TUF_5_5_1,
	.sigs = ROTA_CLAUSE_TUF_5_5_3,
	.then = snapshot_done };

static const struct rota_step *const own[] = { [ROTA_ST_SNAPSHOT_OLD - ROTA_ST_OWN] =
						       &rota_compare_step,
	[ROOT_AT_HAND - ROTA_ST_OWN] = &root_at_hand,
	[TIMESTAMP_AT_HAND - ROTA_ST_OWN] = &timestamp_at_hand,
	[SNAPSHOT_AT_HAND - ROTA_ST_OWN] = &snapshot_at_hand };

const struct rota_session_profile rota_session_letter = {
	.letter = true,
	.own = own,
	.describe = describe,
	.turns = turns,
	.relents = relents,
	.binds = rota_role_binds,
	.bins = rota_role_bins,
	.lists = rota_compare_lists,
};
