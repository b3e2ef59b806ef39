/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/ocsp.h -- whether one certificate is good: question and answer of RFC 6960 (SPEC 29.7).
 *
 * Taken is a question about one certificate, signed or not; the answer is signed by a key delegated to it, whose certificate goes
 * with it, and carries the question's nonce (RFC 9654).
 */
#ifndef HOST_PKI_OCSP_H
#define HOST_PKI_OCSP_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/port/crypto.h"

#include <openssl/x509.h>

#define ROTA_OCSP_REQUEST_MAX 1024
#define ROTA_OCSP_NONCE_MAX 32 /* RFC 9654: at least as many as 32 are taken */

struct rota_ocsp_question { /* spans point into the request */
	struct rota_span cert_id; /* CertID, whole: the answer repeats it */
	struct rota_span name_hash, key_hash; /* of the issuer, by the hash that it names */
	struct rota_span serial; /* content octets */
	struct rota_span nonce; /* content of the extension; empty: none */
	bool sha256; /* else SHA-1 */
};

/* ROTA_ERR_LIMIT: longer than ROTA_OCSP_REQUEST_MAX, or its nonce. ROTA_ERR_FORMAT: no question of RFC 6960.
 * ROTA_ERR_UNSUPPORTED: about several certificates, by another hash, or with a critical extension that is not known. */
ROTA_MUST_USE enum rota_err rota_ocsp_read(struct rota_span der, struct rota_ocsp_question *out);

/* Whether it asks for a certificate of this issuer. */
bool rota_ocsp_is_of(const struct rota_ocsp_question *q, const X509 *issuer);

enum rota_ocsp_state { ROTA_OCSP_GOOD, ROTA_OCSP_REVOKED, ROTA_OCSP_UNKNOWN };

struct rota_ocsp_verdict {
	enum rota_ocsp_state state;
	uint64_t revoked_s; /* REVOKED */
	uint64_t from_s, next_s; /* of the answer */
	const uint8_t *responder; /* point of the key that signs, 65 bytes */
};

/* How long an answer counts: as a device that came an hour ago is asked again. */
#define ROTA_OCSP_LIFE_S 3600

/* Until when an answer of `now` counts that is out of a list which ends then: no longer than the list. 0: the list is over. */
uint64_t rota_ocsp_until(uint64_t now, uint64_t list_ends);

/* ResponseData: what is signed. */
void rota_ocsp_tbs(const struct rota_ocsp_question *q, const struct rota_ocsp_verdict *v,
	struct rota_bytes *out);

/* The whole answer, with the responder's certificate (DER). */
void rota_ocsp_response(struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN],
	struct rota_span certificate, struct rota_bytes *out);

/* The same of what is no answer (RFC 6960, 2.3): unsigned. */
enum rota_ocsp_error {
	ROTA_OCSP_MALFORMED = 1,
	ROTA_OCSP_INTERNAL = 2,
	ROTA_OCSP_TRY_LATER = 3,
	ROTA_OCSP_UNAUTHORIZED = 6,
};
void rota_ocsp_failure(enum rota_ocsp_error error, struct rota_bytes *out);

#endif
