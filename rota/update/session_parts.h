/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/session_parts.h -- what the parts of the session share; nobody else includes it.
 *
 * session.c         the machinery: begin, feed and end a file
 * session_root.c    root (TUF 5.3), skips and slots (SPEC 4.6)
 * session_device.c  the hint of which root to skip to
 * session_online.c  timestamp and snapshot (TUF 5.4, 5.5)
 * session_search.c  targets and delegated roles (TUF 5.6): which is next
 * session_role.c    what the file of one says
 * session_letter.c  what only the specification to the letter does: files on disk, two snapshots compared
 * session_steps.c   the table of states
 */
#ifndef ROTA_UPDATE_SESSION_PARTS_H
#define ROTA_UPDATE_SESSION_PARTS_H

#include "rota/update/session.h"

enum rota_session_state {
	ROTA_ST_ROOT_LOAD, /* read a root by its digest: the trusted one, or that which the walk has come to */
	ROTA_ST_ROOT_NEXT, /* read a later root against the keys of the one at hand */
	ROTA_ST_HINT, /* read which one to skip to */
	ROTA_ST_ROOT_SELF, /* read the later root again, against its own keys */
	ROTA_ST_ROOT_KEEP,
	ROTA_ST_TIMESTAMP,
	ROTA_ST_TIMESTAMP_KEEP,
	ROTA_ST_SNAPSHOT,
	ROTA_ST_SNAPSHOT_KEEP,
	ROTA_ST_META, /* read the snapshot again for what it lists of one role */
	ROTA_ST_ROLE, /* read the file of a role that signs targets */
	ROTA_ST_ROLE_KEEP,
	ROTA_ST_READY,
	ROTA_ST_FOUND,
	ROTA_ST_FAILED,
	ROTA_ST_OWN, /* states that a profile has beside: the rows are its own */
};

/* Top-level roles, as bits of a key's marks, and as indices of thresholds; then whose file a state reads. */
enum rota_top_role {
	ROTA_TOP_ROOT,
	ROTA_TOP_TIMESTAMP,
	ROTA_TOP_SNAPSHOT,
	ROTA_TOP_TARGETS,
	ROTA_BY, /* the keys that sign the file to be read: of the root at hand, of a delegation */
	ROTA_VISITED = ROTA_BY, /* the role being visited */
	ROTA_HINT, /* no role: the hint */
};

/* Marks of keys, beside 1 << ROTA_TOP_... */
#define ROTA_MARK_TOP 0x0Fu /* all four */
#define ROTA_MARK_BY 0x10u
#define ROTA_MARK_HELD 0x20u /* of a pending delegation */
#define ROTA_MARK_FILE 0x40u /* of the file being read */
#define ROTA_MARK_CURRENT 0x80u /* of its role or delegation whose name and threshold come next */
#define ROTA_KEEPS_ALL 0xFFu

/* What the root is read for. */
enum rota_walk {
	ROTA_WALK_ON, /* the next one is asked for behind it */
	ROTA_WALK_OVER, /* its keys count from here on */
	ROTA_WALK_KEEP, /* it is to be kept, now that a timestamp verified under it (SPEC 4.6) */
};

struct rota_step {
	uint8_t want; /* enum rota_want_kind */
	uint8_t role; /* enum rota_top_role: whose file it is */

	/* A state that fetches a file. */
	uint8_t type; /* enum rota_tuf_type */
	uint8_t by; /* enum rota_top_role: whose signatures count */
	uint8_t keep; /* marks of the keys that stay when its own begin */
	uint8_t fetch, hash, sigs; /* enum rota_clause; sigs NONE: the digest is trusted already */
	enum rota_err (*event)(struct rota_session *s, const struct rota_tuf_event *e);

	void (*then)(struct rota_session *s); /* the file is verified, or kept */
};

struct rota_session_profile {
	bool device; /* SPEC 4.3 to 4.6 */

	/* To the letter; NULL in the device profile. */
	const struct rota_step *own; /* of ROTA_ST_OWN and so on */
	void (*describe)(const struct rota_session *s, struct rota_want *out); /* what they read */
	/* There is no such file; or it does not pass, and at_hand is wanted. true: that is no failure. */
	bool (*missing)(struct rota_session *s, enum rota_err err);
	void (*loaded)(struct rota_session *s); /* the trusted root was read (TUF 5.2) */
	/* TUF 5.5.5 */
	bool (*compares)(struct rota_session *s); /* whether the trusted snapshot is read first */
	void (*lists)(struct rota_session *s, const struct rota_tuf_event *e);
	bool (*all_listed)(const struct rota_session *s);
};

extern const struct rota_step rota_session_steps[ROTA_ST_OWN];

/* session.c */
void rota_session_enter(struct rota_session *s, enum rota_session_state state);
void rota_session_fail(struct rota_session *s, enum rota_err err, enum rota_clause clause);
void rota_session_set_now(struct rota_session *s);

/* The file does not pass: ask for another copy or another file where there may be one, else fail. */
void rota_session_refuse(struct rota_session *s, enum rota_err err, enum rota_clause clause);

/* session_steps.c */

/* enum rota_top_role of a role's name, or -1. */
int rota_session_top_role(struct rota_span name);

/* Name of the role whose file is being read or kept, or was when the session failed. */
struct rota_span rota_session_role(const struct rota_session *s);

/* session_root.c */
void rota_root_begin(struct rota_session *s);

/* Ask for the root behind the one at hand. */
void rota_root_next(struct rota_session *s);
enum rota_err rota_root_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_root_load_done(struct rota_session *s);
void rota_root_next_done(struct rota_session *s);
void rota_root_self_done(struct rota_session *s);
void rota_root_missing(struct rota_session *s);
void rota_root_kept(struct rota_session *s);

/* Whether the walk has come to a root that is not to be kept yet. */
bool rota_root_ahead(const struct rota_session *s);

/* Read that root once more, to keep it. */
void rota_root_keep(struct rota_session *s);

/* What to do instead of failing, if anything: go on without the hint, or without a root that is not kept. */
bool rota_root_relent(struct rota_session *s);

/* session_device.c, session_root.c */
void rota_hint_begin(struct rota_session *s);
void rota_hint_done(struct rota_session *s);

/* session_online.c */
enum rota_err rota_meta_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_timestamp_done(struct rota_session *s);

/* Its own fields, and what it lists of snapshot, become the trusted ones. */
void rota_timestamp_take(struct rota_session *s);
void rota_timestamp_kept(struct rota_session *s);
void rota_snapshot_done(struct rota_session *s);

/* session_search.c */
void rota_search_begin(struct rota_session *s);
void rota_search_meta_done(struct rota_session *s);
void rota_search_enter_role(struct rota_session *s);
void rota_search_passed(struct rota_session *s);

/* Name and tag of the role being visited. */
struct rota_span rota_search_name(const struct rota_session *s);
const uint8_t *rota_search_tag(const struct rota_session *s);

/* session_role.c */
enum rota_err rota_role_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_role_done(struct rota_session *s);

/* The role whose lifetime counts for the file being visited: for a bin the role that it is a bin of. */
struct rota_span rota_role_duty(const struct rota_session *s);

#endif
