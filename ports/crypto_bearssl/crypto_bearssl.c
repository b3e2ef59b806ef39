/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_bearssl/crypto_bearssl.h"
#include "rota/base/mem.h"

#include "ports/crypto_bearssl/p256.h" /* after mem.h: BearSSL's headers bring the C library's own declarations */

/* The caller's room is a BearSSL context in disguise. */
_Static_assert(sizeof(struct rota_sha256) >= sizeof(br_sha256_context), "room for SHA-256");
_Static_assert(_Alignof(struct rota_sha256) >= _Alignof(br_sha256_context), "alignment of SHA-256");

/* br_sha256_init() would bring along BearSSL's table of hash functions, of which nothing is used. */
static void sha256_init(struct rota_sha256 *h)
{
	static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }; /* FIPS 180-4, 5.3.3 */
	br_sha256_context *context = (br_sha256_context *)h->opaque;

	memcpy(context->val, first, sizeof(first));
	context->count = 0;
}

static void sha256_update(struct rota_sha256 *h, struct rota_span data)
{
	if (data.len > 0)
		br_sha256_update((br_sha256_context *)h->opaque, data.p, data.len);
}

static void sha256_final(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN])
{
	br_sha256_out((const br_sha256_context *)h->opaque, out);
}

static enum rota_err p256_verify(
	struct rota_span key, struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	uint8_t point[ROTA_P256_KEY_LEN]; /* BearSSL's key is not const */
	br_ec_public_key pk = { .curve = BR_EC_secp256r1, .q = point, .qlen = sizeof(point) };

	/* BearSSL would take any signature of even length; the raw form is one. */
	if (key.len != ROTA_P256_KEY_LEN || sig.len != ROTA_P256_SIG_LEN)
		return ROTA_ERR_SIGNATURE;
	memcpy(point, key.p, sizeof(point));
	if (br_ecdsa_i31_vrfy_raw(
		    rota_bearssl_p256, digest, ROTA_SHA256_LEN, &pk, sig.p, sig.len) != 1)
		return ROTA_ERR_SIGNATURE;
	return ROTA_OK;
}

static enum rota_err verify_digest(void *ctx, enum rota_alg alg, struct rota_span key,
	struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	(void)ctx;
	if (alg != ROTA_ALG_ECDSA_P256)
		return ROTA_ERR_UNSUPPORTED;
	return p256_verify(key, sig, digest);
}

const struct rota_crypto rota_crypto_bearssl = {
	.algs = 1u << ROTA_ALG_ECDSA_P256,
	.sha256_init = sha256_init,
	.sha256_update = sha256_update,
	.sha256_final = sha256_final,
	.verify_digest = verify_digest,
};
