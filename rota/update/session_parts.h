/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/session_parts.h -- what the parts of the session share; nobody else includes it.
 *
 * session.c           the machinery: begin, feed and end a file
 * session_room.c      limits, and what lies in the workspace
 * session_root.c      root (TUF 5.3)
 * session_online.c    timestamp and snapshot (TUF 5.4, 5.5)
 * session_search.c    targets and delegated roles (TUF 5.6): which is next
 * session_role.c      what the file of one says
 * session_names.c     what roles are called
 * session_steps.h     the rows of which a profile makes its table of states
 *
 * and what not every profile links:
 *
 * session_plain.c     the specification and nothing beside
 * session_bind.c      a role asked for by name (SPEC 4.4), hashed bins (TAP 15): to the letter and device
 * session_keys.c      keys that the session has come to, for who else has a use for them
 * session_clock.c     the present without a clock (SPEC 5): to the letter and device
 * session_compare.c   two snapshots compared (TUF 5.5.5): plain and to the letter
 * session_letter.c    files on disk verified anew
 * session_device.c    floors, horizon, the hint: SPEC 4.3 to 4.6
 * session_slots.c     roots that are skipped, and those that wait for their slot (SPEC 4.6)
 */
#ifndef ROTA_UPDATE_SESSION_PARTS_H
#define ROTA_UPDATE_SESSION_PARTS_H

#include "rota/update/session.h"

/* Which file is read, or was read last: s->want tells whether it is to be kept, and what else is wanted. */
enum rota_session_state {
	ROTA_ST_ROOT_LOAD, /* read a root by its digest: the trusted one, or that which the walk has come to */
	ROTA_ST_ROOT_NEXT, /* read a later root against the keys of the one at hand */
	ROTA_ST_ROOT_SELF, /* read the later root again, against its own keys */
	ROTA_ST_TIMESTAMP,
	ROTA_ST_SNAPSHOT,
	ROTA_ST_META, /* read the snapshot again for what it lists of one role */
	ROTA_ST_ROLE, /* read the file of a role that signs targets */
	ROTA_ST_OWN, /* states that a profile has beside */
	ROTA_ST_SNAPSHOT_OLD =
		ROTA_ST_OWN, /* plain, letter: read the trusted one again, to compare */
	ROTA_ST_HINT = ROTA_ST_OWN, /* device: read which root to skip to */
};

/* Top-level roles, as bits of a key's marks, and as indices of thresholds; and whose file a state reads: then the
 * number is also that of an enum rota_tuf_type, and the file of each lists that of the next. */
enum rota_top_role {
	ROTA_TOP_ROOT,
	ROTA_TOP_TIMESTAMP,
	ROTA_TOP_SNAPSHOT,
	ROTA_TOP_TARGETS,
	ROTA_VISITED = ROTA_TOP_TARGETS, /* the role being visited, top-level or not */
	ROTA_BY, /* the keys that sign the file to be read: of the root at hand, of a delegation */
	ROTA_HINT = ROTA_TUF_NONE, /* no role: the hint */
};

/* Marks of keys, beside 1 << ROTA_TOP_... */
#define ROTA_MARK_TOP 0x0Fu /* all four */
#define ROTA_MARK_BY 0x10u
#define ROTA_MARK_HELD 0x20u /* of a pending delegation */
#define ROTA_MARK_FILE 0x40u /* of the file being read */
#define ROTA_MARK_CURRENT 0x80u /* of its role or delegation whose name and threshold come next */
#define ROTA_KEEPS_ALL 0xFFu

struct rota_step {
	uint8_t role; /* enum rota_top_role: whose file it is */
	uint8_t by; /* enum rota_top_role: whose signatures count */
	uint8_t keep; /* marks of the keys that stay when its own begin */
	uint8_t file; /* what is known of it: where that struct rota_tuf_file stands in the session; 0: nothing */
	bool at_hand; /* only a copy at hand will do */
	uint8_t fetch, hash, sigs; /* enum rota_clause; sigs NONE: the digest is trusted already */
	enum rota_err (*event)(struct rota_session *s, const struct rota_tuf_event *e);
	enum rota_err (*then)(struct rota_session *s); /* the file is verified */
};

#define ROTA_STEP_UNIT 4u /* of what `file` counts */

struct rota_session_profile {
	bool letter; /* its root comes with the client, and files may be spelled in other ways */
	bool clock; /* it needs one */
	const struct rota_step *steps; /* by enum rota_session_state */
	/* Enter this state; or go another way, where the profile has one. */
	enum rota_err (*goes)(struct rota_session *s, enum rota_session_state state);
	/* The file is missing or does not pass; ROTA_OK: that is no failure, s->state is another one. */
	enum rota_err (*relents)(struct rota_session *s, enum rota_err err);

	/* Or NULL. */
	enum rota_err (*times)(struct rota_session *s); /* of a file whose signatures passed */
	/* Raise the floor of a role whose file passed. It is to be kept, unless s->found.kept. */
	enum rota_err (*raises)(struct rota_session *s);
};

/* What decides where the session goes returns ROTA_OK when it has gone on; else the session fails by that error, and
 * by the clause that stands in s->why. */

/* session.c */
enum rota_err rota_session_enter(struct rota_session *s, enum rota_session_state state);

/* The same, or whatever the profile has in its place. */
enum rota_err rota_session_go(struct rota_session *s, enum rota_session_state state);

/* The file just verified is to be kept, unless it is already, and then. */
enum rota_err rota_session_keep(
	struct rota_session *s, enum rota_err (*then)(struct rota_session *s));

/* The file does not pass: ask for another copy or another file where there may be one. */
enum rota_err rota_session_refuse(struct rota_session *s, enum rota_err err);

/* TUF 5.3.10, 5.4.4, 5.5.6, 5.6.5: ROTA_OK, or ROTA_ERR_EXPIRED. */
enum rota_err rota_session_expiry(
	struct rota_session *s, enum rota_clause clause, rota_num expires_s);

/* session_room.c */

/* Lay out what these limits ask for from address `at`; where it ends. */
uintptr_t rota_session_lay_out(
	struct rota_session_arrays *r, const struct rota_limits *l, uintptr_t at);

/* session_names.c */

/* enum rota_top_role of a role's name, or -1. */
int rota_session_top_role(struct rota_span name);

/* Name of the role of this number, enum rota_top_role. */
struct rota_span rota_session_role(const struct rota_session *s, unsigned role);

/* session_root.c */

/* Read again the root that the walk is at, and then. */
enum rota_err rota_root_load(struct rota_session *s, enum rota_err (*then)(struct rota_session *s));

/* Ask for a root behind the one at hand: the next one; or the one of this version. */
enum rota_err rota_root_next(struct rota_session *s);
enum rota_err rota_root_ask(struct rota_session *s, rota_num version);

/* The keys of the root that the walk is at count from here on. */
enum rota_err rota_root_leave_walk(struct rota_session *s);

/* There is no later root. */
enum rota_err rota_root_end_walk(struct rota_session *s);

/* The root just read, `trusted.root`, becomes the one that everything below is checked against. */
void rota_root_adopt(struct rota_session *s);

/* The root that the walk is at is the trusted one from now on, and to be kept. */
enum rota_err rota_root_trust(struct rota_session *s);

enum rota_err rota_root_event(struct rota_session *s, const struct rota_tuf_event *e);
enum rota_err rota_root_load_done(struct rota_session *s);
enum rota_err rota_root_next_done(struct rota_session *s);
enum rota_err rota_root_self_done(struct rota_session *s);

/* session_slots.c */
enum rota_err rota_slots_go(struct rota_session *s, enum rota_session_state state);
enum rota_err rota_slots_relent(struct rota_session *s, enum rota_err err);
enum rota_err rota_slots_load_done(struct rota_session *s);
enum rota_err rota_slots_self_done(struct rota_session *s);
enum rota_err rota_slots_timestamp_done(struct rota_session *s);
enum rota_err rota_hint_done(struct rota_session *s);

/* session_device.c */
enum rota_err rota_hint_ask(struct rota_session *s);

/* session_compare.c */
enum rota_err rota_compare_go(struct rota_session *s, enum rota_session_state state);
enum rota_err rota_compare_relent(struct rota_session *s, enum rota_err err);
enum rota_err rota_compare_event(struct rota_session *s, const struct rota_tuf_event *e);
enum rota_err rota_compare_done(struct rota_session *s);

/* session_online.c */
enum rota_err rota_meta_event(struct rota_session *s, const struct rota_tuf_event *e);
enum rota_err rota_timestamp_done(struct rota_session *s);

/* Its own fields, and what it lists of snapshot, become the trusted ones. */
void rota_timestamp_take(struct rota_session *s);
enum rota_err rota_snapshot_done(struct rota_session *s);

/* session_search.c */
void rota_search_begin(struct rota_session *s);
enum rota_err rota_search_meta_done(struct rota_session *s);
enum rota_err rota_search_enter_role(struct rota_session *s);
enum rota_err rota_search_passed(struct rota_session *s);

/* Name and tag of the role being visited. */
struct rota_span rota_search_name(const struct rota_session *s);
const uint8_t *rota_search_tag(const struct rota_session *s);

/* session_role.c */
enum rota_err rota_role_event(struct rota_session *s, const struct rota_tuf_event *e);
enum rota_err rota_role_done(struct rota_session *s);

/* session_clock.c */

/* What tells the present may have changed. */
void rota_clock_read(struct rota_session *s);

/* session_bind.c */
enum rota_err rota_bind_event(struct rota_session *s, const struct rota_tuf_event *e);

/* Whether the role being visited is a bin of the role asked for. */
bool rota_role_in_bin(const struct rota_session *s);

#endif
