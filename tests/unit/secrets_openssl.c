/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/secrets.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

const struct rota_crypto *const test_crypto = &rota_crypto_openssl;
const struct rota_aead *const test_aead = &rota_aead_openssl;
const bool test_signs_alike = false;

const struct rota_p256 *test_p256(void)
{
	return &rota_p256_openssl;
}
