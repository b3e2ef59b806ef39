/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-384 with SHA-384, which no other scheme of the port shares: so the message is hashed here, as it
 * comes. */
#include "ports/crypto_openssl/p384.h"
#include "ports/crypto_openssl/ecdsa.h"
#include "ports/crypto_openssl/stream.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define KEY_LEN 97
#define SIG_LEN 96

struct running {
	struct crypto_openssl_stream head;
	EVP_PKEY *key;
	EVP_MD_CTX *hash;
	bool failed;
	uint8_t sig[SIG_LEN];
};

_Static_assert(sizeof(struct running) <= sizeof(struct rota_verify), "a running verification fits");

static struct running *running(struct rota_verify *v)
{
	return (struct running *)(void *)v->opaque;
}

/* A key with the point `raw`; NULL: no point of the curve, or no memory. */
static EVP_PKEY *make_key(struct rota_span raw)
{
	char group[] = "P-384";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)raw.p, raw.len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

enum rota_err crypto_openssl_p384_begin(
	struct rota_verify *v, struct rota_span key, struct rota_span sig)
{
	struct running *s = running(v);

	/* libcrypto reads compressed and hybrid points too; the raw form is one. */
	if (key.len != KEY_LEN || key.p[0] != 0x04 || sig.len != SIG_LEN)
		return ROTA_ERR_SIGNATURE;
	memset(s, 0, sizeof(*s));
	s->head.alg = ROTA_ALG_ECDSA_P384;
	memcpy(s->sig, sig.p, SIG_LEN);
	s->key = make_key(key);
	s->hash = EVP_MD_CTX_new();
	if (s->key != NULL && s->hash != NULL &&
		EVP_DigestVerifyInit_ex(s->hash, NULL, "SHA384", NULL, NULL, s->key, NULL) > 0)
		return ROTA_OK;
	EVP_MD_CTX_free(s->hash);
	EVP_PKEY_free(s->key);
	ERR_clear_error();
	return ROTA_ERR_SIGNATURE;
}

void crypto_openssl_p384_update(struct rota_verify *v, struct rota_span data)
{
	struct running *s = running(v);

	if (data.len != 0 && EVP_DigestVerifyUpdate(s->hash, data.p, data.len) <= 0)
		s->failed = true;
}

enum rota_err crypto_openssl_p384_finish(struct rota_verify *v)
{
	struct running *s = running(v);
	unsigned char *der = NULL;
	size_t der_len = crypto_openssl_ecdsa_der(ROTA_SPAN(s->sig), &der);
	enum rota_err err = ROTA_ERR_SIGNATURE;

	if (!s->failed && der_len > 0 && EVP_DigestVerifyFinal(s->hash, der, der_len) == 1)
		err = ROTA_OK;
	OPENSSL_free(der);
	EVP_MD_CTX_free(s->hash);
	EVP_PKEY_free(s->key);
	memset(s, 0, sizeof(*s));
	ERR_clear_error();
	return err;
}
