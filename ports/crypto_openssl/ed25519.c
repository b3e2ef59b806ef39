/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 hashes the message after the signature's R, in two passes for a signer but one for a verifier; yet
 * libcrypto offers the verifier one shot only. So the message is staged, in room that doubles. */
#include "ports/crypto_openssl/ed25519.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/stream.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LEN 32
#define SIG_LEN 64
#define ROOM_MIN ((size_t)4096)

struct staged {
	struct crypto_openssl_stream head;
	EVP_PKEY *key;
	uint8_t *message;
	size_t len;
	size_t room;
	enum rota_err failed;
	uint8_t sig[SIG_LEN];
};

_Static_assert(sizeof(struct staged) <= sizeof(struct rota_verify), "a running verification fits");

static struct staged *staged(struct rota_verify *v)
{
	return (struct staged *)(void *)v->opaque;
}

enum rota_err crypto_openssl_ed25519_begin(
	struct rota_verify *v, struct rota_span key, struct rota_span sig)
{
	struct staged *s = staged(v);

	if (key.len != KEY_LEN || sig.len != SIG_LEN)
		return ROTA_ERR_SIGNATURE;
	memset(s, 0, sizeof(*s));
	s->head.alg = ROTA_ALG_ED25519;
	memcpy(s->sig, sig.p, SIG_LEN);
	s->key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key.p, key.len);
	if (s->key == NULL) {
		ERR_clear_error();
		return ROTA_ERR_FULL;
	}
	return ROTA_OK;
}

/* Room for `len` more bytes. */
static enum rota_err grow(struct staged *s, size_t len)
{
	size_t room = s->room > 0 ? s->room : ROOM_MIN;
	uint8_t *message;

	if (len > ROTA_CRYPTO_OPENSSL_STAGE_MAX - s->len)
		return ROTA_ERR_LIMIT;
	if (s->len + len <= s->room)
		return ROTA_OK;
	while (room < s->len + len)
		room *= 2;
	message = realloc(s->message, room);
	if (message == NULL)
		return ROTA_ERR_FULL;
	s->message = message;
	s->room = room;
	return ROTA_OK;
}

void crypto_openssl_ed25519_update(struct rota_verify *v, struct rota_span data)
{
	struct staged *s = staged(v);

	if (s->failed != ROTA_OK || data.len == 0)
		return;
	s->failed = grow(s, data.len);
	if (s->failed != ROTA_OK)
		return;
	memcpy(s->message + s->len, data.p, data.len);
	s->len += data.len;
}

static enum rota_err verdict(const struct staged *s)
{
	EVP_MD_CTX *ctx;
	bool good;

	if (s->failed != ROTA_OK)
		return s->failed;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return ROTA_ERR_FULL;
	good = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, s->key, NULL) > 0 &&
		EVP_DigestVerify(ctx, s->sig, SIG_LEN, s->message, s->len) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? ROTA_OK : ROTA_ERR_SIGNATURE;
}

enum rota_err crypto_openssl_ed25519_finish(struct rota_verify *v)
{
	struct staged *s = staged(v);
	enum rota_err err = verdict(s);

	free(s->message);
	EVP_PKEY_free(s->key);
	memset(s, 0, sizeof(*s));
	ERR_clear_error();
	return err;
}
