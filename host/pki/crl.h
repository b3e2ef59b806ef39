/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/crl.h -- the part of a revocation list that is signed (RFC 5280, 5.1; SPEC 29.7). The signature goes beside it by
 * rota_der_add_signed(). */
#ifndef HOST_PKI_CRL_H
#define HOST_PKI_CRL_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <openssl/x509.h>

#define ROTA_REVOKED_SERIAL_MAX 20 /* RFC 5280, 4.1.2.2 */
/* Of one authority: with 40 bytes each, 4 MB, which a device still fetches. */
#define ROTA_REVOKED_MAX 100000

struct rota_revoked {
	uint8_t serial[ROTA_REVOKED_SERIAL_MAX]; /* content octets of the INTEGER */
	uint8_t len;
	uint64_t at_s;
};

struct rota_crl_plan {
	const X509 *issuer;
	uint64_t number; /* rises by one */
	uint64_t from_s, next_s;
	const struct rota_revoked *list; /* in the order in which they were revoked */
	size_t count;
};

/* ROTA_ERR_LIMIT: more than ROTA_REVOKED_MAX. ROTA_ERR_STATE: the issuer is no CA of ours. */
ROTA_MUST_USE enum rota_err rota_crl_tbs(
	const struct rota_crl_plan *plan, struct rota_bytes *out, struct rota_fail *why);

#endif
