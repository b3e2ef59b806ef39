/* SPDX-License-Identifier: Apache-2.0 */
/* host/port/db.h -- what a projection of the journal is kept in.
 *
 * The journal is the truth; a database is a view of it for questions, and can be made again from it. So a
 * backend stores rows and knows no rule: which event counts is decided in host/registry. The position is the
 * sequence of the last journal record that the view contains, and is stored in the same transaction as what the
 * record changed: a crash can neither lose nor repeat one.
 *
 * One thread at a time. Every function but begin() may be called only between begin() and commit() or rollback().
 */
#ifndef HOST_PORT_DB_H
#define HOST_PORT_DB_H

#include "host/base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROTA_DB_ID_LEN 65 /* 64 hex digits and NUL */
#define ROTA_DB_NAME_LEN 32 /* the longest event name and NUL, with room */
#define ROTA_DB_TEXT_LEN 257 /* a string of SPEC 13.2 and NUL */
#define ROTA_DB_SIG_MAX 512 /* SPEC 13.6 */
#define ROTA_DB_CERT_MAX 4096 /* of a device, DER */
#define ROTA_DB_ROOT_MAX 9007199254740991ULL /* 2^53 - 1, SPEC 2.1 */

struct rota_db_device {
	char id[ROTA_DB_ID_LEN];
	uint64_t last_seen_ms; /* when the server received something from it, Unix */
	uint64_t last_seq; /* highest event sequence */
	uint64_t floor_seq; /* events up to here are no longer kept one by one */
	uint64_t events; /* counted, each once */
	char state[ROTA_DB_NAME_LEN]; /* name of the event last_seq */
	char version[ROTA_DB_TEXT_LEN], release[ROTA_DB_TEXT_LEN]; /* last confirmed */
	uint64_t log_count; /* most entries of its device log that an event told of (SPEC 11.4) */
	uint64_t log_forks; /* events whose head does not follow from what was known */
	uint64_t
		log_unsigned; /* reports whose newest head was not signed, or not well (SPEC 13.6) */
	char checkpoint[ROTA_DB_TEXT_LEN]; /* of the signing log, as it told last (SPEC 22.5) */
	uint64_t checkpoints_strange; /* those that were not of the log that is published */
	uint64_t root; /* version of the root that it holds, as it told last; 0: it never did */
	/* of the last refusal, failure or revert; "" when none since the last confirmation */
	char step[ROTA_DB_TEXT_LEN], clause[ROTA_DB_TEXT_LEN], reason[ROTA_DB_TEXT_LEN];
};

struct rota_db_event {
	char device[ROTA_DB_ID_LEN];
	uint64_t seq;
	uint64_t received_ms;
	bool has_at;
	uint64_t at_s; /* the device's own time, Unix; meaningless without has_at */
	char name[ROTA_DB_NAME_LEN];
	char version[ROTA_DB_TEXT_LEN], release[ROTA_DB_TEXT_LEN], campaign[ROTA_DB_TEXT_LEN];
	char attempt[ROTA_DB_TEXT_LEN], slot[ROTA_DB_TEXT_LEN], step[ROTA_DB_TEXT_LEN];
	char clause[ROTA_DB_TEXT_LEN], reason[ROTA_DB_TEXT_LEN], detail[ROTA_DB_TEXT_LEN];
	char log[ROTA_DB_TEXT_LEN]; /* "COUNT HEAD", or empty */
	char checkpoint[ROTA_DB_TEXT_LEN]; /* "SIZE ROOT", or empty; not kept with the event */
	uint64_t
		root; /* version of the root that the device holds; 0: it does not say; not kept with the event */
};

/* Devices that are alike in what they need keys for (SPEC 25.8); texts as in rota_db_device. */
struct rota_db_holding {
	uint64_t root;
	char version[ROTA_DB_TEXT_LEN], release[ROTA_DB_TEXT_LEN];
	uint64_t devices;
};

/* The head of a device log as its device signed it: what can be shown to others. */
struct rota_db_proof {
	char device[ROTA_DB_ID_LEN];
	uint64_t record; /* journal record that brought it first: their order */
	uint64_t received_ms;
	uint64_t count; /* entries */
	char head[ROTA_DB_ID_LEN]; /* hex */
	uint8_t sig[ROTA_DB_SIG_MAX], cert[ROTA_DB_CERT_MAX]; /* cert: DER, whose key signed */
	size_t sig_len, cert_len;
};

struct rota_db {
	void *ctx;

	enum rota_err (*begin)(void *ctx, struct rota_fail *why);
	/* On return the transaction is durable. A failed commit leaves none open. */
	enum rota_err (*commit)(void *ctx, struct rota_fail *why);
	void (*rollback)(void *ctx);

	enum rota_err (*position)(void *ctx, uint64_t *out, struct rota_fail *why);
	enum rota_err (*set_position)(void *ctx, uint64_t position, struct rota_fail *why);

	/* ROTA_ERR_NOT_FOUND (why untouched): no such device. */
	enum rota_err (*device)(
		void *ctx, const char *id, struct rota_db_device *out, struct rota_fail *why);
	/* Make or replace. */
	enum rota_err (*set_device)(
		void *ctx, const struct rota_db_device *device, struct rota_fail *why);
	/* Add unless (device, seq) is there; *added says which. */
	enum rota_err (*add_event)(
		void *ctx, const struct rota_db_event *event, bool *added, struct rota_fail *why);
	/* `log` of an event that is kept. ROTA_ERR_NOT_FOUND (why untouched): there is no such event. */
	enum rota_err (*event_log)(void *ctx, const char *id, uint64_t seq,
		char out[static ROTA_DB_TEXT_LEN], struct rota_fail *why);
	/* Remove all but the `keep` highest sequences of a device; *floor is the highest one removed, 0 when
	 * there was nothing to remove. */
	enum rota_err (*prune_events)(
		void *ctx, const char *id, uint64_t keep, uint64_t *floor, struct rota_fail *why);
	/* Add unless (device, count, head) is there; *added says which. *heads: how many there are of that count now. */
	enum rota_err (*add_proof)(void *ctx, const struct rota_db_proof *proof, bool *added,
		uint64_t *heads, struct rota_fail *why);
	/* Remove all of a device but the `keep` newest, and of those with another head beside them of their count the
	 * `forked` oldest. */
	enum rota_err (*prune_proofs)(
		void *ctx, const char *id, uint64_t keep, uint64_t forked, struct rota_fail *why);
	/* The first one of a device after record `after`. ROTA_ERR_NOT_FOUND (why untouched): there is none. */
	enum rota_err (*proof)(void *ctx, const char *id, uint64_t after, struct rota_db_proof *out,
		struct rota_fail *why);
	/* Tell of all devices in groups, each device in one. Works outside of begin() as well. */
	enum rota_err (*holdings)(void *ctx,
		void (*each)(void *to, const struct rota_db_holding *holding), void *to,
		struct rota_fail *why);
	/* Remove everything, position included. */
	enum rota_err (*clear)(void *ctx, struct rota_fail *why);
};

#endif
