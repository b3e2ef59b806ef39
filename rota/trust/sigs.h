/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/sigs.h -- does a file carry the threshold of its role?
 *
 * The role's keys and threshold come from whoever delegates to it, and are given before the file is read.
 * The signatures come first in the file, then what they sign, piece by piece: schemes that sign a digest
 * share one running SHA-256, the others run side by side (rota/port/crypto.h).
 *
 * What counts is distinct public keys: a key that stands in the role under two ids, or signs twice, counts
 * once. A signature by an unknown key, or one that does not verify, is worth nothing and harms nothing.
 */
#ifndef ROTA_TRUST_SIGS_H
#define ROTA_TRUST_SIGS_H

#include "rota/trust/keyring.h"

/* The keys of one role, and how many of them it takes. */
struct rota_authority {
	const struct rota_keyring *ring;
	uint32_t threshold;
	uint8_t marks; /* the role's are the keys that have one of these */
};

struct rota_sig {
	uint16_t key; /* place in the authority's ring */
	uint16_t raw_len;
	uint8_t *raw;
	bool running; /* verify is, and must be finished */
	struct rota_verify *verify;
};

/* Private to sigs.c. */
struct rota_sigs {
	const struct rota_crypto *crypto;
	struct rota_authority by;
	struct rota_sig *sig;
	uint16_t count;
	uint16_t max;
	uint16_t raw_max;
	struct rota_sha256 sha256;
};

/* Take room for `max` signatures of `raw_max` bytes each; streams: whether there is to be room for
 * schemes that need a context each. Failure shows in rota_arena_end(). */
void rota_sigs_init(struct rota_sigs *s, struct rota_arena *a, const struct rota_crypto *crypto,
	uint16_t max, uint16_t raw_max, bool streams);

/* A new file, signed by `by`. The role's keys stay in the ring until the verdict; their marks count while
 * signatures are added. */
void rota_sigs_begin(struct rota_sigs *s, struct rota_authority by);

/* One signature of the file, its text as written. By an unknown key, or malformed: ROTA_OK, not counted.
 * ROTA_ERR_FORMAT: a second signature under the same key id (SPEC 4.2). ROTA_ERR_LIMIT: more signatures by
 * known keys than there is room for. */
ROTA_MUST_USE enum rota_err rota_sigs_add(
	struct rota_sigs *s, struct rota_span keyid, struct rota_span text);

/* All signatures are there; the signed bytes follow. */
ROTA_MUST_USE enum rota_err rota_sigs_signed(struct rota_sigs *s);

void rota_sigs_update(struct rota_sigs *s, struct rota_span bytes);

/* The signed bytes are over: ROTA_OK, or ROTA_ERR_THRESHOLD. */
ROTA_MUST_USE enum rota_err rota_sigs_verdict(struct rota_sigs *s);

/* The file was given up: release what runs. Harmless at any time. */
void rota_sigs_drop(struct rota_sigs *s);

#endif
