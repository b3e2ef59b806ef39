/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/hmac.h"
#include "rota/base/mem.h"

#define BLOCK_LEN 64
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

static void begin_padded(struct rota_sha256 *h, const struct rota_crypto *crypto,
	uint8_t block[static BLOCK_LEN], uint8_t pad)
{
	for (size_t i = 0; i < BLOCK_LEN; i++)
		block[i] ^= pad;
	crypto->sha256_init(h);
	crypto->sha256_update(h, rota_span(block, BLOCK_LEN));
}

void rota_hmac_begin(struct rota_hmac *h, const struct rota_crypto *crypto, struct rota_span key)
{
	uint8_t block[BLOCK_LEN] = { 0 };

	if (key.len > BLOCK_LEN) {
		crypto->sha256_init(&h->inner);
		crypto->sha256_update(&h->inner, key);
		crypto->sha256_final(&h->inner, block);
	} else if (key.len > 0) {
		memcpy(block, key.p, key.len);
	}
	begin_padded(&h->inner, crypto, block, INNER_PAD);
	begin_padded(&h->outer, crypto, block, INNER_PAD ^ OUTER_PAD); /* the first one undone */
	rota_wipe(block, sizeof(block));
}

void rota_hmac_update(struct rota_hmac *h, const struct rota_crypto *crypto, struct rota_span data)
{
	crypto->sha256_update(&h->inner, data);
}

void rota_hmac_end(
	struct rota_hmac *h, const struct rota_crypto *crypto, uint8_t out[static ROTA_HMAC_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	crypto->sha256_final(&h->inner, digest);
	crypto->sha256_update(&h->outer, ROTA_SPAN(digest));
	crypto->sha256_final(&h->outer, out);
	rota_wipe(digest, sizeof(digest));
	rota_wipe(h, sizeof(*h));
}
