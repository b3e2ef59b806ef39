/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/idevid.h -- the certificate that a device was born with: whose it is, proved by its issuer's signature (SPEC 1.1, 29.4).
 *
 * Not whether it was revoked, nor when: it has no end.
 */
#ifndef HOST_PKI_IDEVID_H
#define HOST_PKI_IDEVID_H

#include "host/base/fail.h"
#include "rota/port/crypto.h"

#include <openssl/x509.h>

struct rota_idevid {
	uint8_t device[ROTA_SHA256_LEN]; /* id */
	uint8_t point[ROTA_P256_KEY_LEN]; /* identity key */
};

/* ROTA_ERR_FORMAT: no certificate with a P-256 key, signed with ECDSA and SHA-256. ROTA_ERR_SIGNATURE: not issued by `ca`. */
ROTA_MUST_USE enum rota_err rota_idevid_read(
	const X509 *ca, struct rota_span der, struct rota_idevid *out, struct rota_fail *why);

/* The id of the device whose certificate of `ca` has this serial (content octets; SPEC 13.4). */
void rota_device_id(const X509 *ca, struct rota_span serial, uint8_t out[static ROTA_SHA256_LEN]);

/* Whether a certificate (DER) was issued by `ca`: its issuer's name, and a signature that verifies. Errors as above. */
ROTA_MUST_USE enum rota_err rota_cert_issued_by(
	const X509 *ca, struct rota_span der, struct rota_fail *why);

#endif
