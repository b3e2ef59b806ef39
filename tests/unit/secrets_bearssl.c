/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/secrets.h"
#include "ports/crypto_bearssl/crypto_bearssl.h"
#include "ports/crypto_bearssl/secret.h"

const struct rota_crypto *const test_crypto = &rota_crypto_bearssl;
const struct rota_aead *const test_aead = &rota_aead_bearssl;
const bool test_signs_alike = true;

/* Digests of a count: a microcontroller in QEMU has no source of its own. */
static enum rota_err digests(void *ctx, struct rota_buf room)
{
	static uint32_t drawn;
	uint8_t digest[ROTA_SHA256_LEN];

	(void)ctx;
	for (size_t at = 0; at < room.len; at++) {
		if (at % sizeof(digest) == 0) {
			drawn++;
			rota_sha256_of(test_crypto, rota_span(&drawn, sizeof(drawn)), digest);
		}
		room.p[at] = digest[at % sizeof(digest)];
	}
	return ROTA_OK;
}

const struct rota_p256 *test_p256(void)
{
	static const struct rota_random random = { .fill = digests };
	static struct rota_p256_bearssl p256;

	rota_p256_bearssl_init(&p256, &random);
	return &p256.port;
}
