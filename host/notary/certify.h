/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/certify.h -- may this key have a certificate, and what stands in it (SPEC 28.6, 29.3, 29.4)?
 *
 * Asked twice of the same request, by who judges it and by the log writer, who believes nobody: both come to the same plan, and
 * only a certificate of that plan is signed. Of the request nothing is taken but a key; whose it is says the device's IDevID.
 *
 * | party | csr | endorsement | identity | ldevid |
 * | --- | --- | --- | --- | --- |
 * | device-ca | what the device answered to MAKE (28.6) | the station's nonce (32) | empty | empty |
 * | operational-ca | PKCS#10 | kind (u8) || nonce (32) || signature (64) | IDevID | the live LDevID, where it endorses; else empty |
 */
#ifndef HOST_NOTARY_CERTIFY_H
#define HOST_NOTARY_CERTIFY_H

#include "host/base/json.h"
#include "host/identity/request.h"
#include "host/notary/revoked.h"
#include "host/pki/tbs.h"
#include "rota/crypto/hmac.h"

/* Of `csr`, `identity` and `ldevid` each. */
#define ROTA_CERTIFY_PART_MAX 4096
#define ROTA_CERTIFY_ENDORSEMENT_MAX ROTA_ENDORSEMENT_LEN

struct rota_certify {
	const struct rota_crypto *crypto;
	const struct rota_hmac *nonce; /* begun with the daemon's secret (29.2) */
	const char *product;
	const X509 *device_ca, *operational_ca;
	const char *ocsp_url, *crl_url; /* NULL: none */
};

/* SPEC 29.8 */
#define ROTA_RESPONDER_LIFE_MAX_S ((uint64_t)90 * 86400)

/* Who answers OCSP in an authority's name. */
struct rota_responder {
	char name[ROTA_HARDWARE_SERIAL_MAX + 1];
	uint8_t point[ROTA_P256_KEY_LEN];
	const X509 *issuer;
};

struct rota_certify_answer {
	enum rota_tbs_profile profile;
	char name[ROTA_HARDWARE_SERIAL_MAX + 1]; /* hardware serial, or device id in hex */
	uint8_t point[ROTA_P256_KEY_LEN];
	uint8_t device[ROTA_SHA256_LEN]; /* whose it will be */
	/* Certificates that must not be revoked: their serials, content octets; empty: none. They point into `room`. */
	struct rota_span idevid_serial, ldevid_serial;
	struct rota_bytes room[2]; /* owned */
};

/* The body of a request of kind `certificate`. rota_certify_free() after success. The error is the refusal's (refusal.h): member, identity
 * (a certificate that is not this authority's, or an endorsement that nobody of the device signed), expired (its nonce). */
ROTA_MUST_USE enum rota_err rota_certify(const struct rota_certify *c, const json_t *body,
	uint64_t now_s, struct rota_certify_answer *out, struct rota_fail *why);
void rota_certify_free(struct rota_certify_answer *a);

/* Whether the device, and the LDevID that endorses, still count (SPEC 19.10). Refused: revoked. */
ROTA_MUST_USE enum rota_err rota_certify_standing(const struct rota_certify_answer *a,
	const struct rota_revocations *r, const char *scope, struct rota_fail *why);

/* The body of a request of kind `ocsp` in a role. Refused: member. */
ROTA_MUST_USE enum rota_err rota_certify_responder(const struct rota_certify *c, const char *role,
	const json_t *body, struct rota_responder *out, struct rota_fail *why);

/* Serial, from_s and to_s are for the caller to choose, or to judge. */
struct rota_tbs_plan rota_certify_responder_plan(const struct rota_responder *r);

/* The certificate that follows; points into `c` and `a`. Of an LDevID serial, from_s and to_s are for the caller to choose, or to judge. */
struct rota_tbs_plan rota_certify_plan(
	const struct rota_certify *c, const struct rota_certify_answer *a);

#endif
