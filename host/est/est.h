/* SPDX-License-Identifier: Apache-2.0 */
/* host/est/est.h -- bodies of EST (RFC 7030, as SPEC 29.6 takes it): what an enroller sends, and what it gets.
 *
 * Both are base64 of DER. A request is a PKCS#10, taken as bytes: who judges it is the signing daemon. An answer is a PKCS#7 that carries
 * certificates and nothing else: SignedData without content and signers (RFC 5652, 5.1; RFC 7030, 4.1.3).
 */
#ifndef HOST_EST_EST_H
#define HOST_EST_EST_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

/* DER of a request (SPEC 29.3), and of a certificate that goes along. */
#define ROTA_EST_PART_MAX 4096
/* The same as base64, in lines of 64 with CR and LF. */
#define ROTA_EST_BODY_MAX 6144

/* DER from base64 as tools write it: line ends anywhere in it. ROTA_ERR_LIMIT: more than ROTA_EST_BODY_MAX, or than the room.
 * ROTA_ERR_FORMAT: not base64. */
ROTA_MUST_USE enum rota_err rota_est_read(struct rota_span body, struct rota_buf to, size_t *len);

/* Base64, lines of 64, of a PKCS#7 with these certificates (DER, one behind the other). */
void rota_est_certs(struct rota_span certificates, struct rota_bytes *out);

/* The same of all certificates of a PEM file. ROTA_ERR_FORMAT: it has none. */
ROTA_MUST_USE enum rota_err rota_est_certs_of(
	const char *path, struct rota_bytes *out, struct rota_fail *why);

#endif
