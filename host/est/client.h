/* SPDX-License-Identifier: Apache-2.0 */
/* host/est/client.h -- a device asks for a certificate (RFC 7030, SPEC 29.6): what goes out, what comes back.
 *
 * Bodies are base64 of DER, in lines or in one. What comes back is a CMS of certificates and nothing else, of which one is
 * wanted: that of the asked key. Whoever asks looks at it as at anything that comes from a network.
 */
#ifndef HOST_EST_CLIENT_H
#define HOST_EST_CLIENT_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/port/crypto.h"

/* Of an answer: a certificate of at most 2,304 bytes in CMS, in base64. */
#define ROTA_EST_ANSWER_MAX 4096

#define ROTA_EST_ENROL "est/simpleenroll" /* under the IDevID */
#define ROTA_EST_REENROL "est/simplereenroll" /* under an LDevID */
#define ROTA_EST_NONCE "est/nonce"
#define ROTA_EST_TYPE "Content-Type: application/pkcs10"
#define ROTA_EST_ENDORSEMENT "X-Rota-Endorsement: "
#define ROTA_EST_IDEVID "X-Rota-IDevID: " /* with an LDevID: whose it is */
#define ROTA_EST_IDEVID_MAX 1536 /* bytes of that */

/* The request's body. The caller frees. */
void rota_est_body(struct rota_span csr, struct rota_bytes *out);

/* The certificate of this point in an answer, as DER; the caller frees. ROTA_ERR_FORMAT: it is no such CMS.
 * ROTA_ERR_NOT_FOUND: no certificate in it is of that key. ROTA_ERR_LIMIT: longer than ROTA_EST_ANSWER_MAX. */
ROTA_MUST_USE enum rota_err rota_est_answer(struct rota_span body,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_bytes *der,
	struct rota_fail *why);

#endif
