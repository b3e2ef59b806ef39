/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/aead.h -- AES-GCM (SP 800-38D) with a prepared key.
 *
 * A prepared key is placed by the caller, begun once and ended once, and between them seals and opens as often as
 * the caller likes: the schedule of the block cipher is computed once. It belongs to one thread at a time. Keys have
 * 16 or 32 bytes, nonces 12, tags 16; data is sealed and opened in place, and may be empty.
 *
 * A nonce that comes twice under one key gives the key of the tag away. Nothing here can see that; whoever draws
 * nonces has a rule (rota/crypto/record.h, rota/crypto/hpke.h).
 */
#ifndef ROTA_PORT_AEAD_H
#define ROTA_PORT_AEAD_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_AEAD_NONCE_LEN 12
#define ROTA_AEAD_TAG_LEN 16

/* Large enough for every port: 256 bytes are what BearSSL takes, 60 words of schedule and what stands beside them. */
struct rota_aead_key {
	uint64_t opaque[32];
};

struct rota_aead {
	/* key: 16 or 32 bytes, copied. After an error there is nothing to end.
	 * ROTA_ERR_UNSUPPORTED: a length that this port has not. ROTA_ERR_FULL: no memory. */
	enum rota_err (*begin)(struct rota_aead_key *k, struct rota_span key);

	/* Wipes. */
	void (*end)(struct rota_aead_key *k);

	/* ROTA_ERR_FULL: no memory; nothing of `data` may be used. */
	enum rota_err (*seal)(const struct rota_aead_key *k,
		const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad,
		struct rota_buf data, uint8_t tag[static ROTA_AEAD_TAG_LEN]);

	/* ROTA_ERR_SIGNATURE: not what was sealed under this key, nonce and aad; `data` is zeros then. ROTA_ERR_FULL
	 * as above. */
	enum rota_err (*open)(const struct rota_aead_key *k,
		const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad,
		struct rota_buf data, const uint8_t tag[static ROTA_AEAD_TAG_LEN]);
};

#endif
