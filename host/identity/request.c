/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/request.h"
#include "host/identity/rotkey.h"
#include "rota/base/writer.h"
#include "rota/crypto/factory.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#define SERIAL_MAX 64 /* RFC 5280, ub-serial-number */
#define NONCE_LEN 32

/* The factory's digest of nonce || made. */
static void birth_digest(const struct rota_crypto *crypto, const uint8_t nonce[static NONCE_LEN],
	struct rota_span made, uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR(ROTA_FACTORY_PREFIX));
	crypto->sha256_update(&h, rota_span(nonce, NONCE_LEN));
	crypto->sha256_update(&h, made);
	crypto->sha256_final(&h, out);
}

enum rota_err rota_request_birth(const struct rota_rot *rot, const struct rota_crypto *crypto,
	const uint8_t agree[static ROTA_P256_KEY_LEN], struct rota_span serial,
	const uint8_t nonce[static 32], struct rota_buf room, struct rota_span *out)
{
	uint8_t point[ROTA_P256_KEY_LEN], digest[ROTA_SHA256_LEN], sig[ROTA_P256_SIG_LEN];
	struct rota_writer w = rota_writer(room);

	if (serial.len < 1 || serial.len > SERIAL_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rot->key_point(rot->ctx, ROTA_ROT_IDENTITY, point));
	rota_write_span(&w, ROTA_SPAN(point));
	rota_write_span(&w, rota_span(agree, ROTA_P256_KEY_LEN));
	rota_write_u8(&w, (uint8_t)serial.len);
	rota_write_span(&w, serial);
	birth_digest(crypto, nonce, rota_writer_span(&w), digest);
	ROTA_TRY(rot->sign(rot->ctx, ROTA_ROT_IDENTITY, digest, sig));
	rota_write_span(&w, ROTA_SPAN(sig));
	return rota_writer_end(&w, out);
}

/* No name and no attribute: nothing of them would be taken. */
static bool make_csr(EVP_PKEY *key, struct rota_bytes *der)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *raw = NULL;
	int len = -1;

	if (req != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
		X509_REQ_set_pubkey(req, key) == 1 && X509_REQ_sign(req, key, EVP_sha256()) > 0)
		len = i2d_X509_REQ(req, &raw);
	X509_REQ_free(req);
	if (len > 0)
		rota_bytes_add(der, rota_span(raw, (size_t)len));
	OPENSSL_free(raw);
	return len > 0;
}

enum rota_err rota_request_csr(const struct rota_rot *rot, enum rota_rot_key key,
	struct rota_bytes *der, struct rota_fail *why)
{
	struct rota_rotkey k = { .rot = rot, .key = key };
	EVP_PKEY *pkey;
	bool made;

	*der = (struct rota_bytes){ 0 };
	ROTA_TRY(rota_rotkey_open(&k, &pkey, why));
	made = make_csr(pkey, der);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	if (made)
		return ROTA_OK;
	return rota_fail(why, k.err != ROTA_OK ? k.err : ROTA_ERR_IO,
		"key %s of the root of trust (%s) does not sign a request: %s",
		rota_rotkey_name(key), rot->name,
		rota_err_str(k.err != ROTA_OK ? k.err : ROTA_ERR_IO));
}

void rota_request_digest(const struct rota_crypto *crypto, const uint8_t nonce[static 32],
	struct rota_span csr, const uint8_t device[static ROTA_SHA256_LEN],
	uint8_t out[static ROTA_SHA256_LEN])
{
	uint8_t of_csr[ROTA_SHA256_LEN];
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, csr);
	crypto->sha256_final(&h, of_csr);
	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR(ROTA_EST_PREFIX));
	crypto->sha256_update(&h, rota_span(nonce, NONCE_LEN));
	crypto->sha256_update(&h, ROTA_SPAN(of_csr));
	crypto->sha256_update(&h, rota_span(device, ROTA_SHA256_LEN));
	crypto->sha256_final(&h, out);
}

enum rota_err rota_request_endorse(const struct rota_rot *rot, const struct rota_crypto *crypto,
	enum rota_rot_key by, const uint8_t nonce[static 32], struct rota_span csr,
	const uint8_t device[static ROTA_SHA256_LEN], uint8_t out[static ROTA_ENDORSEMENT_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_request_digest(crypto, nonce, csr, device, digest);
	out[0] = by == ROTA_ROT_IDENTITY ? ROTA_ENDORSED_BY_IDENTITY : ROTA_ENDORSED_BY_LDEVID;
	memcpy(out + 1, nonce, NONCE_LEN);
	return rot->sign(rot->ctx, by, digest, out + 1 + NONCE_LEN);
}
