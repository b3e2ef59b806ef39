/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/ed25519.h"
#include "ports/crypto_openssl/p256.h"
#include "ports/crypto_openssl/sha256.h"

static enum rota_err verify_digest(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	(void)ctx;
	if (alg != ROTA_ALG_ECDSA_P256)
		return ROTA_ERR_UNSUPPORTED;
	return crypto_openssl_p256_verify(key, sig, digest);
}

static enum rota_err verify_begin(void *ctx, struct rota_verify *v, enum rota_alg alg,
	struct rota_span key, struct rota_span sig)
{
	(void)ctx;
	if (alg != ROTA_ALG_ED25519)
		return ROTA_ERR_UNSUPPORTED;
	return crypto_openssl_ed25519_begin(v, key, sig);
}

const struct rota_crypto rota_crypto_openssl = {
	.algs = 1u << ROTA_ALG_ECDSA_P256 | 1u << ROTA_ALG_ED25519,
	.sha256_init = crypto_openssl_sha256_init,
	.sha256_update = crypto_openssl_sha256_update,
	.sha256_final = crypto_openssl_sha256_final,
	.verify_digest = verify_digest,
	.verify_begin = verify_begin,
	.verify_update = crypto_openssl_ed25519_update,
	.verify_finish = crypto_openssl_ed25519_finish,
};
