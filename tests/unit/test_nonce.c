/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces that nobody remembers: of this server, for this device and this, within the hour (SPEC 29.2, 35.2). */
#include "host/identity/nonce.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/test.h"

#define AT UINT64_C(1800000000)

TEST(nonces)
{
	static const uint8_t device[ROTA_SHA256_LEN] = { 1 }, other[ROTA_SHA256_LEN] = { 2 };
	const struct rota_crypto *c = &rota_crypto_openssl;
	struct rota_hmac key, another;
	uint8_t nonce[ROTA_NONCE_LEN];

	rota_hmac_begin(&key, c, ROTA_STR("secret"));
	rota_hmac_begin(&another, c, ROTA_STR("secrets"));
	rota_nonce_make(c, &key, "est", device, AT, nonce);
	CHECK_OK(rota_nonce_check(c, &key, "est", device, AT, nonce));
	CHECK_OK(rota_nonce_check(c, &key, "est", device, AT + 3600, nonce));
	CHECK_EQ(rota_nonce_check(c, &key, "est", device, AT + 3601, nonce), ROTA_ERR_EXPIRED);
	CHECK_OK(rota_nonce_check(c, &key, "est", device, AT - 60, nonce));
	CHECK_EQ(rota_nonce_check(c, &key, "est", device, AT - 61, nonce), ROTA_ERR_EXPIRED);
	CHECK_EQ(rota_nonce_check(c, &key, "proof", device, AT, nonce), ROTA_ERR_SIGNATURE);
	CHECK_EQ(rota_nonce_check(c, &key, "est", other, AT, nonce), ROTA_ERR_SIGNATURE);
	CHECK_EQ(rota_nonce_check(c, &another, "est", device, AT, nonce), ROTA_ERR_SIGNATURE);
	for (size_t i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 1;
		CHECK_EQ(rota_nonce_check(c, &key, "est", device, AT, nonce), ROTA_ERR_SIGNATURE);
		nonce[i] ^= 1;
	}
}

TESTS(T(nonces))
