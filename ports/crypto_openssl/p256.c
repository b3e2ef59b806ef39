/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-256 from raw forms. To parse a SubjectPublicKeyInfo costs more than twice what the verification
 * does; a key that is copied from one template with the curve's parameters, and then given its point, costs
 * a twentieth of the parsing. The template is made once per process and only read afterwards. */
#include "ports/crypto_openssl/p256.h"
#include "ports/crypto_openssl/ecdsa.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_PKEY *template; /* the curve's parameters, no point; NULL when libcrypto has no P-256 */

static void make_template(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

	if (ctx != NULL && EVP_PKEY_paramgen_init(ctx) > 0 &&
		EVP_PKEY_CTX_set_group_name(ctx, "P-256") > 0)
		EVP_PKEY_paramgen(ctx, &template);
	EVP_PKEY_CTX_free(ctx);
}

/* A key with the point `raw`, or NULL: no memory, or no point of the curve. */
static EVP_PKEY *make_key(struct rota_span raw)
{
	EVP_PKEY *key = EVP_PKEY_new();

	if (key != NULL && EVP_PKEY_copy_parameters(key, template) > 0 &&
		EVP_PKEY_set1_encoded_public_key(key, raw.p, raw.len) > 0)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static bool verifies(EVP_PKEY *key, const unsigned char *der, size_t der_len, const uint8_t *digest)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0 &&
		EVP_PKEY_verify(ctx, der, der_len, digest, ROTA_SHA256_LEN) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

enum rota_err crypto_openssl_p256_verify(
	struct rota_span key, struct rota_span sig, const uint8_t digest[static ROTA_SHA256_LEN])
{
	EVP_PKEY *pkey = NULL;
	unsigned char *der = NULL;
	size_t der_len;
	enum rota_err err = ROTA_ERR_SIGNATURE;

	pthread_once(&once, make_template);
	if (template == NULL)
		return ROTA_ERR_UNSUPPORTED;
	/* libcrypto reads compressed and hybrid points too; the raw form is one. */
	if (key.len != ROTA_P256_KEY_LEN || key.p[0] != 0x04 || sig.len != ROTA_P256_SIG_LEN)
		return ROTA_ERR_SIGNATURE;
	pkey = make_key(key);
	der_len = crypto_openssl_ecdsa_der(sig, &der);
	if (pkey != NULL && der_len > 0 && verifies(pkey, der, der_len, digest))
		err = ROTA_OK;
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	ERR_clear_error(); /* a refusal leaves nothing behind for the caller's TLS to trip over */
	return err;
}
