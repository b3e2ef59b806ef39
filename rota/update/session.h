/* SPDX-License-Identifier: Apache-2.0 */
/* rota/update/session.h -- one TUF session: from a trusted root to a verified target (TUF 5.1 to 5.7).
 *
 * The session does no input or output. It says what it wants, the application does it, and tells how it
 * went:
 *
 *     rota_session_init(&s, &config, &trusted, workspace);
 *     for (;;) {
 *             switch (rota_session_want(&s)->kind) {
 *             case ROTA_WANT_FETCH:   open the file; rota_session_feed() its bytes as they come;
 *                                     rota_session_fetched(&s, how it ended);
 *             case ROTA_WANT_KEEP:    make the file fetched last durable, then commit
 *                                     rota_session_trusted(&s); rota_session_kept(&s, how it ended);
 *             case ROTA_WANT_NOTHING: refreshed: rota_session_find() a target, or stop;
 *             case ROTA_WANT_FOUND:   rota_session_target() is verified;
 *             case ROTA_WANT_FAILED:  rota_session_why();
 *             }
 *     }
 *
 * Files are read in pieces and never held. What is too much to hold is read again: a FETCH whose digest is
 * already trusted may be answered from flash, disk, gateway or network, and its digest is checked again; of what lies at
 * hand rota_session_copy() says so, since it may be damaged where the network's is whole.
 * Nothing that a file says is used before its last byte was verified.
 *
 * Files of other people's repositories are spelled in other ways than SPEC 2. There the application feeds the
 * canonical respelling (host/adapter), and says with rota_session_raw() how long the file itself was and what
 * its digest is: lengths and hashes are of the file, signatures are of the canonical bytes.
 *
 * After a failure everything that was kept stays kept; a new session goes on from there.
 */
#ifndef ROTA_UPDATE_SESSION_H
#define ROTA_UPDATE_SESSION_H

#include "rota/codec/tuf.h"
#include "rota/port/clock.h"
#include "rota/store/state.h"
#include "rota/trust/rootslot.h"
#include "rota/trust/sigs.h"
#include "rota/update/why.h"

/* Of a file's name in snapshot, in the table that compares two snapshots: a second name with the same tag
 * takes 2^128 attempts. */
#define ROTA_LISTED_TAG_LEN 16

/* A small device's, in the device profile and in the plain one; and a machine's. */
extern const struct rota_limits rota_limits_m3;
extern const struct rota_limits rota_limits_m3_plain;
extern const struct rota_limits rota_limits_linux;

/* By which rules a session goes. What only one of them needs is linked only into programs that name it. */
struct rota_session_profile;

/* The specification, for any canonical repository and a device with a journal: one root after the other, the trusted
 * snapshot compared in full with the new one (TUF 5.5.5), and nothing beside. No floor is kept, and a verified role
 * file is always a KEEP. It needs a clock. */
extern const struct rota_session_profile rota_session_plain;

/* The device profile (SPEC 4.3 to 4.6): in place of the comparison floors stand, every file carries x-rota-issued and
 * lives no longer than its role may, roots are skipped by the hint and have slots. */
extern const struct rota_session_profile rota_session_device;

/* The plain one to the letter, for other people's repositories and a client that has files alone (SPEC 4.9): of
 * `trusted` only the root counts, and that as well as timestamp and snapshot are read at hand and verified anew. */
extern const struct rota_session_profile rota_session_letter;

struct rota_session_config {
	const struct rota_crypto *crypto;
	const struct rota_limits *limits;
	/* The fixed update start time (TUF 5.1); the caller reads the clock once. */
	struct rota_time start;
	const struct rota_session_profile *profile;
	struct rota_floors *
		floors; /* device profile: a copy of the trusted ones, raised in place. To be committed with
			   each KEEP, and dropped with a session that fails */
};

enum rota_want_kind {
	ROTA_WANT_FETCH,
	ROTA_WANT_KEEP,
	ROTA_WANT_NOTHING,
	ROTA_WANT_FOUND,
	ROTA_WANT_FAILED,
};

struct rota_want {
	enum rota_want_kind kind;
	bool at_hand; /* FETCH: only a copy at hand will do; without one it is NOT_FOUND */
	bool fresh; /* FETCH: a copy at hand was tried and is damaged: go to the network */
	bool hint; /* FETCH: "root-hint" (SPEC 4.6). It may be missing, is never kept, and does not count as the
		      file fetched last: that one is asked for again behind it */
	bool floor_fell; /* KEEP: the role's keys were so replaced that its floor fell (SPEC 4.3) */
	struct rota_span role; /* FETCH, KEEP: "root", "timestamp", ... valid until the next call */
	rota_num
		version; /* FETCH: 0 for the file without a version in its name (timestamp, and all but
				   root where the repository has no consistent snapshots) */
	rota_num kept_version; /* KEEP: version of the file to keep */
	rota_num length; /* FETCH: where it is listed; else 0 */
	rota_num
		current; /* FETCH: the version that is wanted where the digest is not known: a copy at hand of
			     this version will do, rota_session_copy(); else 0 */
	const uint8_t *
		sha256; /* FETCH: the digest, when it is known: a copy at hand will do; else NULL */
	uint32_t max_len; /* FETCH: more is refused */
};

/* A verified target. */
struct rota_target {
	rota_num length;
	uint8_t sha256[ROTA_SHA256_LEN];
	rota_num role_version; /* of the role file that lists it */
};

/* A pending delegation: the role as its delegator describes it. Its name stands behind its keys. */
struct rota_pending {
	rota_num threshold;
	uint16_t len; /* of all of it, in bytes; 0 behind the last one */
	uint16_t name_len;
	uint16_t key_count;
	uint16_t key[]; /* places in the ring */
};

/* What the session knows of the root whose keys are in the ring, beside version and digest: those are in `trusted`. */
struct rota_root {
	rota_num expires_s;
	struct rota_root_slot slot;
	uint64_t online; /* tag of which keys timestamp and snapshot have */
};

/* The file being read, and what it said so far: zeros where it begins. */
struct rota_found {
	uint32_t got_len;
	bool raw; /* digest and got_len are those that the application said */
	bool copy; /* it is a copy at hand: if it does not pass, the file is asked of the network */
	bool meta; /* of the file looked for: rota_session.meta */
	bool target; /* listed: rota_session.target */
	bool path_match; /* of the delegation being read */
	bool terminated; /* a terminating delegation was followed */
	bool kept; /* the same was trusted before: it need not be kept again */
	uint8_t roles; /* bit per top-level role */
	uint16_t pending_len; /* bytes of the delegations that cover the path */
	uint32_t listed; /* entries of a snapshot that is compared */
	/* Of the trusted snapshot's entries, those that it lists, or that the new one lists again. */
	uint32_t met;
};

/* What the trusted snapshot lists. */
struct rota_listed {
	uint8_t tag[ROTA_LISTED_TAG_LEN];
	rota_num version;
};

/* What lies in the workspace. */
struct rota_session_arrays {
	struct rota_keyring keys; /* of the file at hand and of the roles that are yet to be read */
	uint8_t *pending; /* delegations: those just found, and at its end a stack of the others */
	uint8_t *visited; /* tags of roles; the last is that being visited */
	struct rota_listed *listed; /* what the trusted snapshot lists, in its order (TUF 5.5.5) */
	struct rota_tuf_room text;
	struct rota_sigs sigs;
};

/* Private to session.c and its parts (session_*.c). What is small and used often comes first, large members last: on a
 * Cortex-M an offset that fits the short instructions halves the code that uses it. */
struct rota_session {
	uint8_t state;
	bool consistent;
	struct rota_why why;

	/* the walk along roots (TUF 5.3) */
	bool rotated; /* since the trusted root: keys of timestamp or snapshot */
	bool ahead; /* the root at hand is not to be kept yet */
	bool hinted; /* the hint was asked for behind this root */
	bool misled; /* and was of no use: it is not asked again */
	bool reading; /* the keys in the ring are not all of `root` any more */

	/* the search (TUF 5.6.7) */
	uint16_t visited_count;

	struct rota_found found;
	uint32_t listed_count; /* that the trusted snapshot lists */
	struct rota_pending *
		pending; /* the stack: its first role is being visited, without one top-level targets are */
	const struct rota_step *step; /* of the state */
	enum rota_err (*then)(struct rota_session
			*s); /* when the file was kept, or the root was read by its digest */
	struct rota_session_config config;
	struct rota_want want;
	struct rota_span want_role;
	struct rota_span want_path;
	struct rota_session_arrays room;
	rota_num threshold
		[5]; /* by enum rota_top_role, and of the role that signs what is read next */
	rota_num now_s; /* the present: SPEC 5.1, 5.2 */
	union {
		struct { /* on the walk */
			rota_num skip_to; /* what the hint says */
			struct rota_tuf_file
				kept_root; /* device: the root that is kept, where the walk is ahead of it */
			uint32_t root_updates;
		};
		struct rota_target target; /* in a search */
	};
	struct rota_root root;
	struct rota_tuf_file
		meta; /* what is known of the next root before its second reading, or of a role's
				      file before its first */
	struct rota_trusted trusted;
	union {
		struct rota_sha256 sha256; /* of the file, while it is read */
		uint8_t digest[ROTA_SHA256_LEN]; /* when it was */
	};
	struct rota_tuf tuf;
};

/* Begin a session from `trusted` (a copy is taken).
 * workspace  room for the arrays that config->limits ask for; rota_session_room() says how much. In use
 *            until the session is dropped.
 * config->crypto and config->limits stay in use too.
 * ROTA_ERR_LIMIT: the workspace is too small. ROTA_ERR_ARGUMENT: no trusted root (TUF 5.2), or no floors, or a plain
 * session without a clock. */
ROTA_MUST_USE enum rota_err rota_session_init(struct rota_session *s,
	const struct rota_session_config *config, const struct rota_trusted *trusted,
	struct rota_buf workspace);

/* Bytes of workspace that these limits need. */
size_t rota_session_room(const struct rota_limits *limits);

/* What the session wants next; what it points to changes with the next call of any other function. */
const struct rota_want *rota_session_want(const struct rota_session *s);

/* The next bytes of the file being fetched. After an error the caller stops reading and goes on with
 * rota_session_fetched(). Only while a FETCH is wanted. */
ROTA_MUST_USE enum rota_err rota_session_feed(struct rota_session *s, struct rota_span piece);

/* What is fed now is a copy at hand, of the digest want.sha256 or of the version want.current. If it does not
 * pass, the file is asked of the network; a file that is no copy, and does not pass, fails the session. Before the
 * first rota_session_feed() of a file. */
void rota_session_copy(struct rota_session *s);

/* The file is fed anew from its first byte, in another spelling; what was fed of it is forgotten. For an
 * application that learns from ROTA_ERR_SPELLING or ROTA_ERR_FORMAT of rota_session_feed() that a file needs
 * respelling. In the device profile, and the plain one, it does nothing. */
void rota_session_again(struct rota_session *s);

/* What was fed is the canonical respelling of a file of `length` bytes with this digest: those are held
 * against what is listed. After the last rota_session_feed() of a file. ROTA_ERR_STATE: no FETCH is wanted,
 * or the session is not one to the letter: others read only files that are spelled canonically. */
ROTA_MUST_USE enum rota_err rota_session_raw(
	struct rota_session *s, uint64_t length, const uint8_t sha256[static ROTA_SHA256_LEN]);

/* The fetch is over: ROTA_OK when the file was read to its end; ROTA_ERR_NOT_FOUND when there is none (for
 * a next root that is the normal end of the walk); any other error as it is. */
void rota_session_fetched(struct rota_session *s, enum rota_err how);

/* The KEEP is over. An error fails the session. */
void rota_session_kept(struct rota_session *s, enum rota_err how);

/* Look for the target `path`, whichever role lists it (TUF 5.6.7). It stays in use until FOUND or FAILED. Only while
 * NOTHING or FOUND is wanted. */
ROTA_MUST_USE enum rota_err rota_session_find(struct rota_session *s, struct rota_span path);

/* The same; role: the delegated role that must list it (SPEC 4.4), in use as long; empty: any. ROTA_ERR_ARGUMENT: a
 * role, in a plain session. */
ROTA_MUST_USE enum rota_err rota_session_find_in(
	struct rota_session *s, struct rota_span role, struct rota_span path);

/* No role listed what was looked for (FAILED with ROTA_ERR_NOT_FOUND by TUF 5.6.7 or SPEC 4.4): that is no failure, and
 * another target may be looked for. Else ROTA_ERR_STATE. */
ROTA_MUST_USE enum rota_err rota_session_pass_over(struct rota_session *s);
/* A search for a target in a role (rota_session_find_in()) ends before that role's file: `key` is told of each of the keys
 * that verified top-level targets gives to the role, and NOTHING is wanted. ROTA_ERR_STATE: the search is not there yet;
 * to be asked with each FETCH. Where targets has no such delegation the search fails as any does. */
ROTA_MUST_USE enum rota_err rota_session_role_keys(struct rota_session *s, void *ctx,
	void (*key)(void *ctx, enum rota_alg alg, struct rota_span raw));

/* A digest of the keys and the threshold of root's own role, in the root that is kept. false: they are not at hand;
 * they are with the FETCH of each root that comes after. */
bool rota_session_root_keys(const struct rota_session *s, uint8_t out[static ROTA_SHA256_LEN]);

const struct rota_target *rota_session_target(const struct rota_session *s);

/* Whether the newest root says that names carry versions and digests (TUF 6.2). */
bool rota_session_consistent(const struct rota_session *s);

/* State to commit with a KEEP; in the device profile with config.floors. At other times it is not to be kept: its root may
 * be one that the walk only passes, or that no timestamp has shown yet (SPEC 4.6). */
const struct rota_trusted *rota_session_trusted(const struct rota_session *s);

/* Seconds since 1970 that this session takes for the present (SPEC 5): the trusted clock, or the floors. */
rota_num rota_session_now(const struct rota_session *s);

/* The same without what an online key says: the trusted clock, or the time floor (SPEC 5.2, 8.6). For what is
 * to hold against a thief of the online keys. */
rota_num rota_session_floor_now(const struct rota_session *s);

/* Why it failed; what was being read, or a search came to last, is the role of the last want. */
const struct rota_why *rota_session_why(const struct rota_session *s);

/* Release what a half-read file holds (streamed verifications). Always the last call, also where
 * rota_session_init() failed; harmless to a session that is zeros. */
void rota_session_drop(struct rota_session *s);

#endif
