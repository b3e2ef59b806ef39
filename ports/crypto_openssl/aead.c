/* SPDX-License-Identifier: Apache-2.0 */
/* AES-GCM through EVP. The two ciphers are fetched once per process; a prepared key is a context that has its key, and
 * is given a nonce and a direction for each message. */
#include "ports/crypto_openssl/secret.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

struct prepared {
	EVP_CIPHER_CTX *ctx;
};

_Static_assert(sizeof(struct prepared) <= sizeof(struct rota_aead_key), "a prepared key fits");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *aes128, *aes256; /* NULL when libcrypto has them not */

static void fetch(void)
{
	aes128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	aes256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

static EVP_CIPHER_CTX *context(const struct rota_aead_key *k)
{
	const struct prepared *p = (const void *)k->opaque;

	return p->ctx;
}

static const EVP_CIPHER *cipher_of(size_t key_len)
{
	pthread_once(&once, fetch);
	if (key_len == 16)
		return aes128;
	return key_len == 32 ? aes256 : NULL;
}

static enum rota_err aead_begin(struct rota_aead_key *k, struct rota_span key)
{
	const EVP_CIPHER *cipher = cipher_of(key.len);
	struct prepared *p = (struct prepared *)(void *)k->opaque;

	if (cipher == NULL)
		return ROTA_ERR_UNSUPPORTED;
	p->ctx = EVP_CIPHER_CTX_new();
	if (p->ctx != NULL && EVP_CipherInit_ex2(p->ctx, cipher, key.p, NULL, 1, NULL) == 1)
		return ROTA_OK;
	EVP_CIPHER_CTX_free(p->ctx);
	ERR_clear_error();
	return ROTA_ERR_FULL;
}

static void aead_end(struct rota_aead_key *k)
{
	EVP_CIPHER_CTX_free(context(k)); /* which wipes */
}

static bool run(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct rota_span aad,
	struct rota_buf data, int encrypt)
{
	int len;

	return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, encrypt, NULL) == 1 &&
		(aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad.p, (int)aad.len) == 1) &&
		(data.len == 0 || EVP_CipherUpdate(ctx, data.p, &len, data.p, (int)data.len) == 1);
}

static enum rota_err aead_seal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	EVP_CIPHER_CTX *ctx = context(k);
	uint8_t none[1];
	int len;

	if (aad.len > INT_MAX || data.len > INT_MAX)
		return ROTA_ERR_ARGUMENT;
	if (run(ctx, nonce, aad, data, 1) && EVP_CipherFinal_ex(ctx, none, &len) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ROTA_AEAD_TAG_LEN, tag) == 1)
		return ROTA_OK;
	ERR_clear_error();
	return ROTA_ERR_FULL;
}

static enum rota_err aead_open(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	EVP_CIPHER_CTX *ctx = context(k);
	uint8_t expected[ROTA_AEAD_TAG_LEN], none[1]; /* libcrypto's is not const */
	int len;

	if (aad.len > INT_MAX || data.len > INT_MAX)
		return ROTA_ERR_ARGUMENT;
	memcpy(expected, tag, sizeof(expected));
	if (run(ctx, nonce, aad, data, 0) &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ROTA_AEAD_TAG_LEN, expected) == 1 &&
		EVP_CipherFinal_ex(ctx, none, &len) == 1)
		return ROTA_OK;
	OPENSSL_cleanse(data.p, data.len);
	ERR_clear_error();
	return ROTA_ERR_SIGNATURE;
}

const struct rota_aead rota_aead_openssl = {
	.begin = aead_begin,
	.end = aead_end,
	.seal = aead_seal,
	.open = aead_open,
};
