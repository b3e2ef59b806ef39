/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/p256.h"
#include "host/base/bytes.h"
#include "host/base/json.h"
#include "rota/codec/der.h"
#include "rota/codec/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rota_p256_spki(
	const uint8_t point[static ROTA_P256_KEY_LEN], uint8_t out[static ROTA_P256_SPKI_LEN])
{
	/* RFC 5480: SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING point } */
	static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE,
		0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03,
		0x42, 0x00 };

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), point, ROTA_P256_KEY_LEN);
}

void rota_p256_pem(
	const uint8_t point[static ROTA_P256_KEY_LEN], char out[static ROTA_P256_PEM_MAX])
{
	uint8_t spki[ROTA_P256_SPKI_LEN];
	char text[128]; /* 124 characters of base64 and a NUL */

	rota_p256_spki(point, spki);
	EVP_EncodeBlock((unsigned char *)text, spki, sizeof(spki));
	snprintf(out, ROTA_P256_PEM_MAX,
		"-----BEGIN PUBLIC KEY-----\n%.64s\n%.60s\n-----END PUBLIC KEY-----\n", text,
		text + 64);
}

json_t *rota_p256_key_object(const uint8_t point[static ROTA_P256_KEY_LEN])
{
	char pem[ROTA_P256_PEM_MAX];

	rota_p256_pem(point, pem);
	return json_pack("{s:s,s:{s:s},s:s}", "keytype", "ecdsa", "keyval", "public", pem, "scheme",
		"ecdsa-sha2-nistp256");
}

void rota_p256_key_id(
	const uint8_t point[static ROTA_P256_KEY_LEN], char out[static ROTA_DIGEST_HEX])
{
	/* The canonical bytes of rota_p256_key_object(), in which lines end raw (SPEC 2.3). */
	static const char around[] = "{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"%s\"},"
				     "\"scheme\":\"ecdsa-sha2-nistp256\"}";
	char pem[ROTA_P256_PEM_MAX], canonical[sizeof(around) + sizeof(pem)];

	rota_p256_pem(point, pem);
	snprintf(canonical, sizeof(canonical), around, pem);
	rota_digest_hex(rota_span_cstr(canonical), out);
}

enum rota_err rota_p256_of_object(const json_t *key, uint8_t out[static ROTA_P256_KEY_LEN])
{
	const char *type = json_string_value(json_object_get(key, "keytype"));
	const char *scheme = json_string_value(json_object_get(key, "scheme"));
	const char *public =
		json_string_value(json_object_get(json_object_get(key, "keyval"), "public"));
	size_t len = 0;

	if (!type || !scheme || !public)
		return ROTA_ERR_FORMAT;
	if (!rota_scheme_is(&rota_scheme_p256, rota_span_cstr(type), rota_span_cstr(scheme)))
		return ROTA_ERR_UNSUPPORTED;
	return rota_key_raw(
		&rota_scheme_p256, rota_span_cstr(public), rota_buf(out, ROTA_P256_KEY_LEN), &len);
}

EVP_PKEY *rota_p256_pkey(const uint8_t point[static ROTA_P256_KEY_LEN])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;
	char group[] = "P-256";
	uint8_t copy[ROTA_P256_KEY_LEN];
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group) - 1),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy)),
		OSSL_PARAM_END,
	};

	memcpy(copy, point, sizeof(copy));
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

bool rota_p256_unhex(const char *hex, uint8_t out[static ROTA_P256_KEY_LEN])
{
	EVP_PKEY *pkey =
		rota_unhex(hex, rota_buf(out, ROTA_P256_KEY_LEN)) ? rota_p256_pkey(out) : NULL;
	bool good = pkey != NULL;

	EVP_PKEY_free(pkey);
	return good;
}

bool rota_p256_of_pkey(const EVP_PKEY *pkey, uint8_t out[static ROTA_P256_KEY_LEN])
{
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(pkey, &spki);
	size_t raw = 0;
	bool good = len > 0 &&
		rota_key_raw_spki(&rota_scheme_p256, rota_span(spki, (size_t)len),
			rota_buf(out, ROTA_P256_KEY_LEN), &raw) == ROTA_OK;

	OPENSSL_free(spki);
	return good;
}

bool rota_p256_verify(const uint8_t point[static ROTA_P256_KEY_LEN],
	const uint8_t digest[static ROTA_SHA256_LEN], const uint8_t sig[static ROTA_P256_SIG_LEN])
{
	EVP_PKEY *pkey = rota_p256_pkey(point);
	EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	uint8_t room[ROTA_DER_ECDSA_MAX];
	struct rota_span der;
	bool good = false;

	if (ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		rota_der_ecdsa_encode(rota_span(sig, ROTA_P256_SIG_LEN), ROTA_BUF(room), &der) ==
			ROTA_OK)
		good = EVP_PKEY_verify(ctx, der.p, der.len, digest, ROTA_SHA256_LEN) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}
