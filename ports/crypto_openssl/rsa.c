/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/crypto_openssl/rsa.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* SPEC 2.4: bits of a modulus. */
#define BITS_MIN 2048
#define BITS_MAX 4096

#define SALT_LEN 32

/* The key of a DER RSAPublicKey that is all of `raw`, or NULL. */
static EVP_PKEY *make_key(struct rota_span raw)
{
	const unsigned char *at = raw.p;
	EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)raw.len);

	if (key != NULL && at == raw.p + raw.len && EVP_PKEY_get_bits(key) >= BITS_MIN &&
		EVP_PKEY_get_bits(key) <= BITS_MAX)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static bool verifies(EVP_PKEY *key, struct rota_span sig, const uint8_t *digest)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
		EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, SALT_LEN) > 0 &&
		EVP_PKEY_verify(ctx, sig.p, sig.len, digest, ROTA_SHA256_LEN) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

enum rota_err crypto_openssl_rsa_verify(
	struct rota_span key, struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	EVP_PKEY *pkey = make_key(key);
	enum rota_err err = ROTA_ERR_SIGNATURE;

	if (pkey != NULL && sig.len == (size_t)EVP_PKEY_get_size(pkey) &&
		verifies(pkey, sig, digest))
		err = ROTA_OK;
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return err;
}
