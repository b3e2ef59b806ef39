/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/ed25519.h"
#include "ports/crypto_openssl/p256.h"
#include "ports/crypto_openssl/p384.h"
#include "ports/crypto_openssl/rsa.h"
#include "ports/crypto_openssl/sha256.h"
#include "ports/crypto_openssl/stream.h"

static enum rota_err verify_digest(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	(void)ctx;
	if (alg == ROTA_ALG_ECDSA_P256)
		return crypto_openssl_p256_verify(key, sig, digest);
	if (alg == ROTA_ALG_RSA_PSS)
		return crypto_openssl_rsa_verify(key, sig, digest);
	return ROTA_ERR_UNSUPPORTED;
}

static enum rota_err verify_begin(void *ctx, struct rota_verify *v, enum rota_alg alg,
	struct rota_span key, struct rota_span sig)
{
	(void)ctx;
	if (alg == ROTA_ALG_ED25519)
		return crypto_openssl_ed25519_begin(v, key, sig);
	if (alg == ROTA_ALG_ECDSA_P384)
		return crypto_openssl_p384_begin(v, key, sig);
	return ROTA_ERR_UNSUPPORTED;
}

static bool is_p384(const struct rota_verify *v)
{
	const struct crypto_openssl_stream *head = (const void *)v->opaque;

	return head->alg == ROTA_ALG_ECDSA_P384;
}

static void verify_update(struct rota_verify *v, struct rota_span data)
{
	if (is_p384(v))
		crypto_openssl_p384_update(v, data);
	else
		crypto_openssl_ed25519_update(v, data);
}

static enum rota_err verify_finish(struct rota_verify *v)
{
	return is_p384(v) ? crypto_openssl_p384_finish(v) : crypto_openssl_ed25519_finish(v);
}

const struct rota_crypto rota_crypto_openssl = {
	.algs = 1u << ROTA_ALG_ECDSA_P256 | 1u << ROTA_ALG_ED25519 | 1u << ROTA_ALG_RSA_PSS |
		1u << ROTA_ALG_ECDSA_P384,
	.sha256_init = crypto_openssl_sha256_init,
	.sha256_update = crypto_openssl_sha256_update,
	.sha256_final = crypto_openssl_sha256_final,
	.verify_digest = verify_digest,
	.verify_begin = verify_begin,
	.verify_update = verify_update,
	.verify_finish = verify_finish,
};
