/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/session_parts.h -- what the parts of the session share; nobody else includes it.
 *
 * session.c           the machinery: begin, feed and end a file
 * session_load.c      what lies on disk, to the letter (TUF 5.2)
 * session_top.c       root and timestamp (TUF 5.3, 5.4)
 * session_snapshot.c  snapshot (TUF 5.5)
 * session_search.c    targets and delegated roles (TUF 5.6)
 * session_steps.c     the table of states
 */
#ifndef ROTA_UPDATE_SESSION_PARTS_H
#define ROTA_UPDATE_SESSION_PARTS_H

#include "rota/update/session.h"

enum rota_session_state {
	ROTA_ST_ROOT_LOAD, /* read the trusted root, by its digest */
	ROTA_ST_ROOT_OWN, /* to the letter: read it again, against its own keys */
	ROTA_ST_TIMESTAMP_LOAD, /* and what lies beside it */
	ROTA_ST_SNAPSHOT_LOAD,
	ROTA_ST_ROOT_NEXT, /* read root N+1 against the keys of N */
	ROTA_ST_ROOT_SELF, /* read it again against its own keys */
	ROTA_ST_ROOT_KEEP,
	ROTA_ST_TIMESTAMP,
	ROTA_ST_TIMESTAMP_KEEP,
	ROTA_ST_SNAPSHOT_OLD, /* read the trusted snapshot, to compare the next one with it */
	ROTA_ST_SNAPSHOT,
	ROTA_ST_SNAPSHOT_KEEP,
	ROTA_ST_META, /* read the snapshot again for what it lists of one role */
	ROTA_ST_ROLE, /* read the file of a role that signs targets */
	ROTA_ST_ROLE_KEEP,
	ROTA_ST_READY,
	ROTA_ST_FOUND,
	ROTA_ST_FAILED,
	ROTA_ST_COUNT
};

/* Top-level roles, as bits of rota_key.marks. */
enum rota_top_role { ROTA_TOP_ROOT, ROTA_TOP_TIMESTAMP, ROTA_TOP_SNAPSHOT, ROTA_TOP_TARGETS };

struct rota_step {
	const char *name; /* for the drawing in docs/ */
	enum rota_want_kind want;

	/* A state that fetches a file; describe is NULL in every other. */
	enum rota_tuf_type type;
	uint32_t max_len; /* where no length is listed */
	enum rota_clause fetch;
	enum rota_clause hash;
	enum rota_clause sigs; /* NONE: the digest is trusted already */
	void (*describe)(const struct rota_session *s, struct rota_want *out);
	uint64_t (*listed_length)(const struct rota_session *s); /* 0: not listed */
	enum rota_err (*authority)(struct rota_session *s); /* put it into s->by */
	enum rota_err (*event)(struct rota_session *s, const struct rota_tuf_event *e);
	void (*done)(struct rota_session *s); /* the file is verified */
	void (*missing)(struct rota_session *s); /* there is none; NULL: a failure */
	void (*refused)(struct rota_session *s); /* it does not pass; NULL: a failure */

	/* A state that keeps a file. */
	void (*kept)(struct rota_session *s);
};

extern const struct rota_step rota_session_steps[ROTA_ST_COUNT];

void rota_session_enter(struct rota_session *s, enum rota_session_state state);
void rota_session_fail(struct rota_session *s, enum rota_err err, enum rota_clause clause);
void rota_session_set_now(struct rota_session *s);

/* The file does not pass: ask for another copy where there may be one, else fail. */
void rota_session_refuse(struct rota_session *s, enum rota_err err, enum rota_clause clause);

/* enum rota_top_role of a role's name, or -1. */
int rota_session_top_role(struct rota_span name);

/* Name of the role whose file is being read or kept, or was when the session failed. */
struct rota_span rota_session_role(const struct rota_session *s);

/* session_top.c */
void rota_root_load_describe(const struct rota_session *s, struct rota_want *out);
void rota_root_next_describe(const struct rota_session *s, struct rota_want *out);
void rota_root_self_describe(const struct rota_session *s, struct rota_want *out);
enum rota_err rota_root_none_authority(struct rota_session *s);
enum rota_err rota_root_next_authority(struct rota_session *s);
enum rota_err rota_root_self_authority(struct rota_session *s);
enum rota_err rota_root_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_root_load_done(struct rota_session *s);
void rota_root_next_done(struct rota_session *s);
void rota_root_self_done(struct rota_session *s);
void rota_root_next_missing(struct rota_session *s);
void rota_root_kept(struct rota_session *s);
uint64_t rota_no_listed_length(const struct rota_session *s);

void rota_timestamp_describe(const struct rota_session *s, struct rota_want *out);
enum rota_err rota_timestamp_authority(struct rota_session *s);
enum rota_err rota_meta_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_timestamp_done(struct rota_session *s);
void rota_timestamp_kept(struct rota_session *s);

/* Its own fields, and what it lists of snapshot, become the trusted ones. */
void rota_timestamp_take(struct rota_session *s);

/* session_load.c */
void rota_root_own_done(struct rota_session *s);
void rota_timestamp_load_describe(const struct rota_session *s, struct rota_want *out);
void rota_timestamp_load_done(struct rota_session *s);
void rota_timestamp_load_missing(struct rota_session *s);
void rota_snapshot_load_describe(const struct rota_session *s, struct rota_want *out);
enum rota_err rota_snapshot_load_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_snapshot_load_done(struct rota_session *s);
void rota_snapshot_load_missing(struct rota_session *s);

/* session_snapshot.c */
void rota_snapshot_old_describe(const struct rota_session *s, struct rota_want *out);
enum rota_err rota_snapshot_old_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_snapshot_old_done(struct rota_session *s);

void rota_snapshot_describe(const struct rota_session *s, struct rota_want *out);
uint64_t rota_snapshot_listed_length(const struct rota_session *s);
enum rota_err rota_snapshot_authority(struct rota_session *s);
enum rota_err rota_snapshot_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_snapshot_done(struct rota_session *s);
void rota_snapshot_kept(struct rota_session *s);

/* Put the keys of a top-level role, and its threshold, into s->by. */
enum rota_err rota_session_top_authority(struct rota_session *s, enum rota_top_role role);

/* session_search.c */
void rota_search_begin(struct rota_session *s);
void rota_search_meta_describe(const struct rota_session *s, struct rota_want *out);
void rota_search_meta_done(struct rota_session *s);
void rota_search_role_describe(const struct rota_session *s, struct rota_want *out);
/* The role whose lifetime counts for the file being visited: for a bin the role that it is a bin of. */
struct rota_span rota_search_duty(const struct rota_session *s);
uint64_t rota_search_listed_length(const struct rota_session *s);
enum rota_err rota_search_role_authority(struct rota_session *s);
enum rota_err rota_search_event(struct rota_session *s, const struct rota_tuf_event *e);
void rota_search_role_done(struct rota_session *s);
void rota_search_role_kept(struct rota_session *s);

#endif
