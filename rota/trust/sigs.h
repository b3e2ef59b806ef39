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

struct rota_sig {
	const struct rota_key *key; /* in the ring */
	struct rota_span raw; /* empty: malformed, or found invalid */
	bool running; /* its streamed verification is, and must be finished */
	bool valid; /* found so by it */
};

struct rota_sigs;

/* Schemes that need key and signature before the message, and a context for each signature. A program that names
 * rota_sigs_streamed links them (sigs_streamed.c), one that verifies only schemes over a digest does not. */
struct rota_sigs_streams {
	size_t room; /* bytes of a context */
	void (*begin)(struct rota_sigs *s);
	void (*update)(struct rota_sigs *s, struct rota_span bytes);
	void (*finish)(
		struct rota_sigs *s); /* all that run: each is valid then, or worth nothing */
};

extern const struct rota_sigs_streams rota_sigs_streamed;

/* Its owner gives it ring and room; the rest is private to sigs.c and sigs_streamed.c, and begins as zeros. */
struct rota_sigs {
	const struct rota_keyring *ring; /* whose limits also say: sigs, sig_len, streams */
	rota_num threshold;
	uint8_t marks; /* the role's are the keys that have one of these */
	uint16_t count;
	struct rota_sig *sig; /* limits->sigs of them */
	uint8_t *raw; /* limits->sig_len bytes for each */
	struct rota_verify *verify; /* streams->room bytes for each, with streams */
	struct rota_sha256 sha256;
};

/* The file was given up: release what runs. Harmless at any time, and to what is zeros. */
void rota_sigs_drop(struct rota_sigs *s);

/* A new file, signed by `threshold` of the keys in the ring that have one of the marks. The role's keys stay in the ring
 * until the verdict; their marks count while signatures are added. */
static inline void rota_sigs_begin(struct rota_sigs *s, rota_num threshold, uint8_t marks)
{
	rota_sigs_drop(s);
	s->threshold = threshold;
	s->marks = marks;
}

/* One signature of the file, a ROTA_TUF_SIGNATURE. By an unknown key, or malformed: ROTA_OK, not counted.
 * ROTA_ERR_FORMAT: a second signature under the same key id (SPEC 4.2). ROTA_ERR_LIMIT: more signatures by
 * known keys than there is room for, or one by a key of a streamed scheme without streams. */
ROTA_MUST_USE enum rota_err rota_sigs_add(struct rota_sigs *s, const struct rota_tuf_event *e);

/* All signatures are there; the signed bytes follow. */
static inline void rota_sigs_signed(struct rota_sigs *s)
{
	s->ring->crypto->sha256_init(&s->sha256);
	if (s->ring->limits->streams != NULL)
		s->ring->limits->streams->begin(s);
}

static inline void rota_sigs_update(struct rota_sigs *s, struct rota_span bytes)
{
	s->ring->crypto->sha256_update(&s->sha256, bytes);
	if (s->ring->limits->streams != NULL)
		s->ring->limits->streams->update(s, bytes);
}

/* The signed bytes are over: ROTA_OK, or ROTA_ERR_THRESHOLD. */
ROTA_MUST_USE enum rota_err rota_sigs_verdict(struct rota_sigs *s);

#endif
