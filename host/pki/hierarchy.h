/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/hierarchy.h -- the certificate authorities of an authority directory, and the records burnt into ROM.
 *
 *     DIR/ca/device-ca.pem        issues IDevIDs
 *     DIR/ca/operational-ca.pem   issues LDevIDs
 *     DIR/ca/server-ca.pem        issues the update server's certificate
 *     DIR/server/{cert,key}.pem   that certificate, its key (0600)
 *     DIR/trust/recovery-keys.json, DIR/trust/image-keys.json
 */
#ifndef HOST_PKI_HIERARCHY_H
#define HOST_PKI_HIERARCHY_H

#include "host/pki/cert.h"
#include "host/repo/metadata.h"

/* Self-sign the three authorities: 20 years. */
ROTA_MUST_USE enum rota_err rota_hierarchy_make(struct rota_desk *desk, struct rota_fail *why);

/* A new certificate for one of them ("device-ca"), as rota.ini names its key now; the one before goes to ca/NAME-WAS.pem, was: the first
 * eight digits of its key's id. Done again after a cut it is done already. */
ROTA_MUST_USE enum rota_err rota_hierarchy_renew(
	struct rota_desk *desk, const char *name, struct rota_fail *why);

/* SHA-256 of the SubjectPublicKeyInfo of a certificate file, as retirements name it (SPEC 16.1). */
ROTA_MUST_USE enum rota_err rota_hierarchy_spki(
	const char *path, uint8_t sha256[static ROTA_SHA256_LEN], struct rota_fail *why);

/* The TLS server's key and certificate for localhost and `names` (DNS names or addresses). */
ROTA_MUST_USE enum rota_err rota_hierarchy_server(
	struct rota_desk *desk, const char *const *names, size_t name_count, struct rota_fail *why);

/* SPEC 12.2 and 12.3, from the tokens' public keys. */
ROTA_MUST_USE enum rota_err rota_hierarchy_records(struct rota_desk *desk, struct rota_fail *why);

#endif
