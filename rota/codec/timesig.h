/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/timesig.h -- a signature by a key of the role time, with the key beside it (SPEC 5.5).
 *
 * What a time key signs reaches devices that hold no more of it than a digest: the boot stage, whose watchdog
 * takes tickets, has 32 bytes for each key. So the key travels with the signature, and is believed by its digest.
 *
 *     algorithm id (u8) || length (u16) || raw public key || length (u16) || raw signature
 *
 * in the raw forms of rota/port/crypto.h.
 */
#ifndef ROTA_CODEC_TIMESIG_H
#define ROTA_CODEC_TIMESIG_H

#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/port/crypto.h"

/* RSA-4096, the longest scheme of SPEC 3.3: 526 bytes of DER RSAPublicKey, 512 of signature. */
#define ROTA_TIMESIG_KEY_MAX 526
#define ROTA_TIMESIG_SIG_MAX 512
#define ROTA_TIMESIG_MAX (1 + 2 + ROTA_TIMESIG_KEY_MAX + 2 + ROTA_TIMESIG_SIG_MAX)

struct rota_timesig {
	enum rota_alg alg;
	struct rota_span key, sig;
};

/* The next bytes of `r`, into which the spans point; a length of 0 or above its maximum fails the reader. */
void rota_timesig_read(struct rota_reader *r, struct rota_timesig *out);

void rota_timesig_write(struct rota_writer *w, const struct rota_timesig *by);

#endif
