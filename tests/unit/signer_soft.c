/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/signer_soft.h"
#include "host/sign/p256.h"
#include "rota/codec/der.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct one {
	struct soft *soft;
	size_t n;
};

void soft_make(struct soft *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < SOFT_TOKENS; i++)
		s->key[i] = EVP_EC_gen("P-256");
}

void soft_free(struct soft *s)
{
	for (size_t i = 0; i < SOFT_TOKENS; i++)
		EVP_PKEY_free(s->key[i]);
}

static enum rota_err soft_public(
	void *ctx, const char *key, uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct one *one = ctx;

	*why = (struct rota_fail){ 0 }; /* as one that copies it from another process */
	if (rota_p256_of_pkey(one->soft->key[one->n], out))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_IO, "key %s", key);
}

static enum rota_err soft_sign(void *ctx, const char *key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_fail *why)
{
	struct one *one = ctx;
	EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(one->soft->key[one->n], NULL);
	uint8_t der[ROTA_DER_ECDSA_MAX];
	size_t len = sizeof(der);
	bool good = sign && EVP_PKEY_sign_init(sign) == 1 &&
		EVP_PKEY_sign(sign, der, &len, digest, ROTA_SHA256_LEN) == 1;

	EVP_PKEY_CTX_free(sign);
	if (!good ||
		rota_der_ecdsa_decode(rota_span(der, len), rota_buf(sig, ROTA_P256_SIG_LEN)) !=
			ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "key %s", key);
	if (one->soft->mood[one->n] == SOFT_LIES)
		sig[40] ^= 1;
	return ROTA_OK;
}

static enum rota_err soft_open(
	void *ctx, const struct rota_token *token, struct rota_signer *out, struct rota_fail *why)
{
	struct soft *s = ctx;
	size_t n = (size_t)(token->name[1] - '0');
	struct one *one;

	s->opened[n]++;
	if (s->mood[n] == SOFT_ABSENT)
		return rota_fail(why, ROTA_ERR_DENIED, "token %s: absent", token->name);
	one = malloc(sizeof(*one));
	if (!one)
		abort();
	*one = (struct one){ .soft = s, .n = n };
	*out = (struct rota_signer){
		.ctx = one, .public_key = soft_public, .sign = soft_sign, .close = free
	};
	return ROTA_OK;
}

struct rota_opener soft_opener(struct soft *s)
{
	return (struct rota_opener){ .ctx = s, .open = soft_open };
}

void soft_authdir(struct rota_authdir *dir, size_t seats, unsigned threshold)
{
	static const char *const names[SOFT_TOKENS] = { "t0", "t1", "t2", "t3", "t4", "t5", "t6",
		"t7" };
	struct rota_party *party = &dir->parties[0];

	*dir = (struct rota_authdir){ .token_count = SOFT_TOKENS, .party_count = 1 };
	*party = (struct rota_party){
		.name = "role", .is_role = true, .seat_count = seats, .threshold = threshold
	};
	for (size_t i = 0; i < SOFT_TOKENS; i++)
		dir->tokens[i].name = dir->tokens[i].owner = names[i];
	for (size_t i = 0; i < seats; i++)
		party->seats[i] = (struct rota_seat){ .token = &dir->tokens[i], .key = "key" };
}
