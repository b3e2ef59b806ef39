/* SPDX-License-Identifier: Apache-2.0 */
/* A key's own method is marked as deprecated; see rotkey.h for why it is used. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "host/identity/rotkey.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EC_KEY_METHOD *method;
static int at = -1; /* of our pointer in a key's extra data */

/* r || s as libcrypto has it. */
static ECDSA_SIG *as_sig(const uint8_t raw[static ROTA_P256_SIG_LEN])
{
	BIGNUM *r = BN_bin2bn(raw, ROTA_P256_SIG_LEN / 2, NULL);
	BIGNUM *s = BN_bin2bn(raw + ROTA_P256_SIG_LEN / 2, ROTA_P256_SIG_LEN / 2, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();

	if (r != NULL && s != NULL && sig != NULL && ECDSA_SIG_set0(sig, r, s) == 1)
		return sig;
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return NULL;
}

static ECDSA_SIG *sign_sig(
	const unsigned char *digest, int len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	struct rota_rotkey *k = EC_KEY_get_ex_data(key, at);
	uint8_t raw[ROTA_P256_SIG_LEN];

	(void)kinv, (void)r;
	if (k == NULL)
		return NULL;
	k->err = len == ROTA_SHA256_LEN ? k->rot->sign(k->rot->ctx, k->key, digest, raw)
					: ROTA_ERR_UNSUPPORTED;
	return k->err == ROTA_OK ? as_sig(raw) : NULL;
}

static int sign(int type, const unsigned char *digest, int len, unsigned char *out,
	unsigned int *out_len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	ECDSA_SIG *sig = sign_sig(digest, len, kinv, r, key);
	int der_len;

	(void)type;
	*out_len = 0;
	if (sig == NULL)
		return 0;
	der_len = i2d_ECDSA_SIG(sig, &out);
	ECDSA_SIG_free(sig);
	if (der_len <= 0)
		return 0;
	*out_len = (unsigned int)der_len;
	return 1;
}

static void set_up(void)
{
	at = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	if (method != NULL)
		EC_KEY_METHOD_set_sign(method, sign, NULL, sign_sig);
}

static bool fill(EC_KEY *key, struct rota_rotkey *k, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	return key != NULL && EC_KEY_set_method(key, method) == 1 &&
		EC_KEY_set_ex_data(key, at, k) == 1 &&
		EC_KEY_oct2key(key, point, ROTA_P256_KEY_LEN, NULL) == 1;
}

static EVP_PKEY *wrapped(struct rota_rotkey *k, const uint8_t point[static ROTA_P256_KEY_LEN])
{
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *out = EVP_PKEY_new();

	if (out != NULL && fill(key, k, point) && EVP_PKEY_assign_EC_KEY(out, key) == 1)
		return out;
	EC_KEY_free(key);
	EVP_PKEY_free(out);
	return NULL;
}

const char *rota_rotkey_name(enum rota_rot_key key)
{
	static const char *const names[ROTA_ROT_KEYS] = {
		[ROTA_ROT_IDENTITY] = "identity",
		[ROTA_ROT_LDEVID_0] = "ldevid 0",
		[ROTA_ROT_LDEVID_1] = "ldevid 1",
		[ROTA_ROT_AGREE_0] = "agree 0",
		[ROTA_ROT_AGREE_1] = "agree 1",
	};

	return key < ROTA_ROT_KEYS ? names[key] : "?";
}

enum rota_err rota_rotkey_open(struct rota_rotkey *k, EVP_PKEY **out, struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err = k->rot->key_point(k->rot->ctx, k->key, point);

	*out = NULL;
	if (err != ROTA_OK)
		return rota_fail(why, err, "key %s of the root of trust (%s): %s",
			rota_rotkey_name(k->key), k->rot->name, rota_err_str(err));
	(void)pthread_once(&once, set_up);
	k->err = ROTA_OK;
	if (method != NULL && at >= 0)
		*out = wrapped(k, point);
	ERR_clear_error();
	return *out != NULL ? ROTA_OK : rota_fail(why, ROTA_ERR_FULL, "out of memory");
}
