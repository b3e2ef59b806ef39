/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/request.h -- what a device asks for a certificate with (SPEC 29.3), made by its root of trust.
 *
 * In the factory it says which key it made, and signs that with it. Later it asks for an LDevID with a PKCS#10 of the
 * new key, endorsed by its identity or by the LDevID that it has, over a nonce of the authority. What a certificate
 * will say is not its to choose. Who judges these bytes is host/notary/certify.h.
 */
#ifndef HOST_IDENTITY_REQUEST_H
#define HOST_IDENTITY_REQUEST_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/port/rot.h"

#define ROTA_EST_PREFIX "rota-est-v1" /* SPEC 28.1: what an endorsement signs */

/* kind (u8) || nonce (32) || signature (64) */
#define ROTA_ENDORSEMENT_LEN 97
enum rota_endorser { ROTA_ENDORSED_BY_IDENTITY = 1, ROTA_ENDORSED_BY_LDEVID };

/* point || agree point || length (u8) || hardware serial of at most 64 bytes || signature */
#define ROTA_BIRTH_MAX (65 + 65 + 1 + 64 + 64)

/* For the device CA, into `room` (ROTA_BIRTH_MAX is enough). ROTA_ERR_LIMIT: the serial is longer. Else as the root of
 * trust says. */
ROTA_MUST_USE enum rota_err rota_request_birth(const struct rota_rot *rot,
	const struct rota_crypto *crypto, const uint8_t agree[static ROTA_P256_KEY_LEN],
	struct rota_span serial, const uint8_t nonce[static 32], struct rota_buf room,
	struct rota_span *out);

/* A PKCS#10 (DER) of an LDevID key of the root of trust; the caller frees. Errors as rota_rotkey_open(); ROTA_ERR_IO: it
 * does not sign. */
ROTA_MUST_USE enum rota_err rota_request_csr(const struct rota_rot *rot, enum rota_rot_key key,
	struct rota_bytes *der, struct rota_fail *why);

/* What is signed of a request. */
void rota_request_digest(const struct rota_crypto *crypto, const uint8_t nonce[static 32],
	struct rota_span csr, const uint8_t device[static ROTA_SHA256_LEN],
	uint8_t out[static ROTA_SHA256_LEN]);

/* `by`: the identity, or the LDevID whose certificate goes along. */
ROTA_MUST_USE enum rota_err rota_request_endorse(const struct rota_rot *rot,
	const struct rota_crypto *crypto, enum rota_rot_key by, const uint8_t nonce[static 32],
	struct rota_span csr, const uint8_t device[static ROTA_SHA256_LEN],
	uint8_t out[static ROTA_ENDORSEMENT_LEN]);

#endif
