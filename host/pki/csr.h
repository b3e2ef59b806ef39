/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/csr.h -- a request for a certificate (PKCS#10, RFC 2986), of which one thing is wanted: a P-256 key, and that whoever
 * asks has its private half. Names and attributes in it are passed over: what a certificate says is not the asker's to choose. */
#ifndef HOST_PKI_CSR_H
#define HOST_PKI_CSR_H

#include "rota/port/crypto.h"

#define ROTA_CSR_MAX 4096 /* SPEC 29.3 */

/* ROTA_ERR_LIMIT: longer than ROTA_CSR_MAX. ROTA_ERR_FORMAT: not of that shape, not version 1, not a P-256 key with ECDSA and
 * SHA-256. ROTA_ERR_SIGNATURE: not signed by its own key. */
ROTA_MUST_USE enum rota_err rota_csr_read(
	struct rota_span der, uint8_t point[static ROTA_P256_KEY_LEN]);

/* The point of a SubjectPublicKeyInfo of P-256. ROTA_ERR_FORMAT: another algorithm, or not 65 bytes of a point on the curve. */
ROTA_MUST_USE enum rota_err rota_spki_point(
	struct rota_span spki, uint8_t point[static ROTA_P256_KEY_LEN]);

#endif
