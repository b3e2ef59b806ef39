/* SPDX-License-Identifier: Apache-2.0 */
/* host/sign/p256.h -- P-256 public keys and signatures in the forms that metadata, images and certificates use.
 *
 * Raw forms as in host/port/signer.h. Everything is for public data.
 */
#ifndef HOST_SIGN_P256_H
#define HOST_SIGN_P256_H

#include "host/base/digest.h"
#include "rota/port/crypto.h"

#include <jansson.h>
#include <openssl/evp.h>

#define ROTA_P256_SPKI_LEN 91
#define ROTA_P256_PEM_MAX 179 /* text and NUL */

void rota_p256_spki(
	const uint8_t point[static ROTA_P256_KEY_LEN], uint8_t out[static ROTA_P256_SPKI_LEN]);
void rota_p256_pem(
	const uint8_t point[static ROTA_P256_KEY_LEN], char out[static ROTA_P256_PEM_MAX]);

/* SPEC 3.3: the key object that we write (caller decrefs) and its id. */
json_t *rota_p256_key_object(const uint8_t point[static ROTA_P256_KEY_LEN]);
void rota_p256_key_id(
	const uint8_t point[static ROTA_P256_KEY_LEN], char out[static ROTA_DIGEST_HEX]);

/* The raw key of a key object; ROTA_ERR_UNSUPPORTED for another scheme, ROTA_ERR_FORMAT when damaged. */
ROTA_MUST_USE enum rota_err rota_p256_of_object(
	const json_t *key, uint8_t out[static ROTA_P256_KEY_LEN]);

/* An OpenSSL key; NULL when the point is not on the curve. The caller frees. */
EVP_PKEY *rota_p256_pkey(const uint8_t point[static ROTA_P256_KEY_LEN]);

/* The raw point of an OpenSSL key; false when it is none on P-256. */
bool rota_p256_of_pkey(const EVP_PKEY *pkey, uint8_t out[static ROTA_P256_KEY_LEN]);

/* A point from 130 hex digits; false when it is none of the curve. */
bool rota_p256_unhex(const char *hex, uint8_t out[static ROTA_P256_KEY_LEN]);

/* Whether the raw signature over this digest verifies. */
bool rota_p256_verify(const uint8_t point[static ROTA_P256_KEY_LEN],
	const uint8_t digest[static ROTA_SHA256_LEN], const uint8_t sig[static ROTA_P256_SIG_LEN]);

#endif
