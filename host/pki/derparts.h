/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/derparts.h -- what certificates, CRLs and OCSP answers have in common: extensions, and the issuer's key id. Private to host/pki. */
#ifndef HOST_PKI_DERPARTS_H
#define HOST_PKI_DERPARTS_H

#include "host/base/fail.h"
#include "host/pki/derout.h"

#include <openssl/x509.h>

#define DER_KEY_ID_LEN 20 /* SHA-1 of a key (RFC 5280, 4.2.1.2) */

/* Extension: OID (content octets), whether it is critical, and the DER that it wraps. */
void der_add_extension(
	struct rota_bytes *to, struct rota_span oid, bool critical, struct rota_span value);

/* AuthorityKeyIdentifier. */
void der_add_authority(struct rota_bytes *to, struct rota_span key_id);

/* Name of the issuer as it stands in its certificate, and its key id; both point into it. ROTA_ERR_STATE: it has no key id. */
ROTA_MUST_USE enum rota_err der_issuer(const X509 *issuer, struct rota_span *name,
	struct rota_span *key_id, struct rota_fail *why);

#endif
