/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/loghead.h"
#include "host/identity/cert.h"
#include "rota/base/hex.h"
#include "rota/base/writer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <string.h>

#define COUNT_MAX 9007199254740991u /* 2^53 - 1, SPEC 2.1 */
#define SALT_LEN 32

bool rota_loghead_read(const char *text, struct rota_loghead *out)
{
	const char *blank = strchr(text, ' ');

	out->count = 0;
	if (blank == NULL || blank == text || text[0] == '0')
		return false;
	for (const char *p = text; p < blank; p++) {
		if (*p < '0' || *p > '9' || out->count > COUNT_MAX / 10)
			return false;
		out->count = out->count * 10 + (uint64_t)(*p - '0');
	}
	return out->count <= COUNT_MAX &&
		rota_hex_decode(rota_span_cstr(blank + 1), ROTA_BUF(out->head)) == ROTA_OK;
}

void rota_loghead_message(struct rota_span device, const struct rota_loghead *h,
	uint8_t out[static ROTA_LOGHEAD_MESSAGE_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_LOGHEAD_MESSAGE_LEN));

	rota_write_span(&w, ROTA_STR("rota-log-v1"));
	rota_write_span(&w, device);
	rota_write_le64(&w, h->count);
	rota_write_span(&w, ROTA_SPAN(h->head));
}

/* ---- schemes ---- */

static const struct scheme {
	const char *type; /* of the key */
	const char *group; /* NULL: the type has none */
	const char *md; /* NULL: none of its own */
	int bits_min, bits_max;
	bool pss;
} schemes[] = {
	{ "EC", "prime256v1", "SHA256", 256, 256, false },
	{ "EC", "secp384r1", "SHA384", 384, 384, false },
	{ "ED25519", NULL, NULL, 0, 512, false },
	{ "RSA", NULL, "SHA256", 2048, 8 * ROTA_LOGHEAD_SIG_MAX, true },
};

static const struct scheme *scheme_of(const EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "EC") &&
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct scheme *s = &schemes[i];
		int bits = EVP_PKEY_get_bits(key);

		if (EVP_PKEY_is_a(key, s->type) && bits >= s->bits_min && bits <= s->bits_max &&
			(s->group == NULL || strcmp(group, s->group) == 0))
			return s;
	}
	return NULL;
}

typedef int begin_fn(EVP_MD_CTX *ctx, EVP_PKEY_CTX **pctx, const char *md, OSSL_LIB_CTX *lib,
	const char *props, EVP_PKEY *key, const OSSL_PARAM params[]);

static bool begin(EVP_MD_CTX *ctx, begin_fn *init, EVP_PKEY *key, const struct scheme *s)
{
	EVP_PKEY_CTX *pctx = NULL;

	if (ctx == NULL || init(ctx, &pctx, s->md, NULL, NULL, key, NULL) != 1)
		return false;
	return !s->pss ||
		(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, SALT_LEN) == 1);
}

/* ---- sign ---- */

static EVP_PKEY *open_key(const char *uri)
{
	OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	if (store != NULL)
		OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
	while (store != NULL && key == NULL && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info == NULL)
			break;
		key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	return key;
}

static enum rota_err sign_with(EVP_PKEY *key, struct rota_span message,
	uint8_t sig[static ROTA_LOGHEAD_SIG_MAX], size_t *len)
{
	const struct scheme *s = scheme_of(key);
	EVP_MD_CTX *ctx;
	bool good;

	if (s == NULL)
		return ROTA_ERR_UNSUPPORTED;
	ctx = EVP_MD_CTX_new();
	*len = ROTA_LOGHEAD_SIG_MAX;
	good = begin(ctx, EVP_DigestSignInit_ex, key, s) &&
		EVP_DigestSign(ctx, sig, len, message.p, message.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_loghead_sign_with(EVP_PKEY *key, const char *name, struct rota_span device,
	const struct rota_loghead *h, uint8_t sig[static ROTA_LOGHEAD_SIG_MAX], size_t *len,
	struct rota_fail *why)
{
	uint8_t message[ROTA_LOGHEAD_MESSAGE_LEN];
	enum rota_err err;

	rota_loghead_message(device, h, message);
	err = sign_with(key, ROTA_SPAN(message), sig, len);
	ERR_clear_error();
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, err, "the key at %s %s", name,
		err == ROTA_ERR_UNSUPPORTED
			? "is of a kind that signs no log heads (P-256, P-384, Ed25519, RSA do)"
			: "does not sign");
}

enum rota_err rota_loghead_sign(const char *key, struct rota_span device,
	const struct rota_loghead *h, uint8_t sig[static ROTA_LOGHEAD_SIG_MAX], size_t *len,
	struct rota_fail *why)
{
	EVP_PKEY *handle = open_key(key);
	enum rota_err err;

	if (handle == NULL) {
		ERR_clear_error();
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "no private key at %s", key);
	}
	err = rota_loghead_sign_with(handle, key, device, h, sig, len, why);
	EVP_PKEY_free(handle);
	return err;
}

/* ---- verify ---- */

static enum rota_err verify_with(EVP_PKEY *key, struct rota_span message, struct rota_span sig)
{
	const struct scheme *s = key != NULL ? scheme_of(key) : NULL;
	EVP_MD_CTX *ctx;
	bool good;

	if (s == NULL)
		return ROTA_ERR_UNSUPPORTED;
	ctx = EVP_MD_CTX_new();
	good = begin(ctx, EVP_DigestVerifyInit_ex, key, s) &&
		EVP_DigestVerify(ctx, sig.p, sig.len, message.p, message.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? ROTA_OK : ROTA_ERR_SIGNATURE;
}

enum rota_err rota_loghead_verify(struct rota_span certificate, struct rota_span device,
	const struct rota_loghead *h, struct rota_span sig)
{
	uint8_t message[ROTA_LOGHEAD_MESSAGE_LEN];
	struct rota_cert cert;
	const uint8_t *at;
	enum rota_err err;
	EVP_PKEY *key;

	ROTA_TRY(rota_cert_read(certificate, &cert));
	if (device.len != ROTA_LOGHEAD_ID_LEN || !rota_span_eq(cert.common_name, device))
		return ROTA_ERR_DENIED;
	if (sig.len == 0 || sig.len > ROTA_LOGHEAD_SIG_MAX)
		return ROTA_ERR_SIGNATURE;
	at = cert.spki.p;
	key = d2i_PUBKEY(NULL, &at, (long)cert.spki.len);
	rota_loghead_message(device, h, message);
	err = verify_with(key, ROTA_SPAN(message), sig);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return err;
}
