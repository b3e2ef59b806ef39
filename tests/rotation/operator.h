/* SPDX-License-Identifier: Apache-2.0 */
/* tests/rotation/operator.h -- a repository whose online keys change every few hours, in memory, and who runs it.
 *
 * Roots come from host/series as in earnest: made, judged, put on the timeline, which says who signs and what is
 * published. Keys are in memory, and none is ever destroyed, so that a thief may have each one.
 */
#ifndef TESTS_ROTATION_OPERATOR_H
#define TESTS_ROTATION_OPERATOR_H

#include "host/series/series.h"

#include <openssl/evp.h>

#define OPERATOR_ROOTS_MAX 2048 /* a year of four a day, landing and emergency roots, and some */
#define OPERATOR_ROOT_KEYS 4

struct operator_key {
	EVP_PKEY *pkey;
	uint8_t point[ROTA_P256_KEY_LEN];
};

/* One root, and the keys that only its tokens have. Those of an ordinary root stay with the next ones. */
struct operator_root {
	json_t *content; /* NULL: there is none of this version */
	struct rota_bytes file;
	struct rota_timeslot slot; /* as it stands in the root */
	struct operator_key snapshot, timestamp;
};

/* A file that lies in the repository. */
struct operator_file {
	uint64_t version;
	struct rota_bytes file;
};

struct operator
{
	struct operator_root root[OPERATOR_ROOTS_MAX]; /* by version */
	uint64_t signed_to, published; /* newest root, and the newest that devices find */
	uint64_t live; /* the oldest whose keys may still sign */
	json_t *changed; /* for the hint: roots that changed root's keys */
	struct operator_key root_key[OPERATOR_ROOT_KEYS], targets_key, releases_key;
	unsigned root_first; /* of the three root keys that count; two of them sign */
	struct operator_file targets, releases, snapshot, timestamp;
	uint64_t snapshot_issued_s,
		signers; /* newest root under which the snapshot is signed, times all */
	struct rota_bytes hint;
	struct rota_fail why;
};

/* Root 1, which is plain, and everything that it takes, published. What cannot be made ends the program. */
struct operator* operator_new(uint64_t now_s);
void operator_free(struct operator* o);

/* A ceremony: so many slots from from_s on, behind the root that was signed last. */
void operator_series(struct operator* o, uint64_t now_s, uint64_t from_s, unsigned slots);

/* SPEC 23.9: an ordinary root behind all that are signed. `replace`: with another root key in the place of the
 * oldest. */
void operator_emergency(struct operator* o, uint64_t now_s, bool replace);

/* What `rota publish` does, in its two steps: timestamp and snapshot by whose turn it is; then roots that have begun. */
void operator_stamp(struct operator* o, uint64_t now_s);
void operator_publish(struct operator* o, uint64_t now_s);

/* Targets and releases anew, from the next stamp on. */
void operator_release(struct operator* o, uint64_t now_s);

/* Until when the keys of a root may sign: an hour after its slot, which later roots may have ended early.
 * ROTA_SLOT_OPEN: no end is known. */
uint64_t operator_retires(const struct operator* o, uint64_t version);

/* A snapshot and a timestamp by the keys of that root alone, issued at issued_s, with versions far ahead. */
void operator_forge(const struct operator* o, uint64_t version, uint64_t issued_s,
	struct operator_file *snapshot, struct operator_file *timestamp);

#endif
