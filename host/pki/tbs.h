/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/tbs.h -- the part of a device's certificate that is signed (RFC 5280, 4.1), made of our own values alone (SPEC 29.4).
 *
 * Of a request for a certificate nothing is taken but its key. The same values give the same bytes, so who must not believe
 * what somebody else made, as the log writer must not believe the parser, makes them again and compares: rota_tbs_is().
 */
#ifndef HOST_PKI_TBS_H
#define HOST_PKI_TBS_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/port/crypto.h"

#include <openssl/x509.h>

#define ROTA_TBS_SERIAL_LEN 16
/* A hardware serial: X.520's ub-serial-number, of characters that a PrintableString has. */
#define ROTA_HARDWARE_SERIAL_MAX 64
/* Of a URL in a certificate. */
#define ROTA_TBS_URL_MAX 200
/* What a certificate's part to be signed may have: two URLs, an issuer's name, and room. */
#define ROTA_TBS_MAX 2048

enum rota_tbs_profile {
	ROTA_TBS_IDEVID, /* subject serialNumber; no end */
	ROTA_TBS_LDEVID, /* subject commonName, for TLS clients */
	ROTA_TBS_OCSP, /* subject commonName, signs answers of RFC 6960, is never asked about itself */
};

struct rota_tbs_plan {
	enum rota_tbs_profile profile;
	const char *name; /* IDEVID: the hardware serial; others: the common name */
	const uint8_t *point; /* 65 bytes */
	uint8_t serial
		[ROTA_TBS_SERIAL_LEN]; /* top bit clear, the one below set: positive, and of one length */
	uint64_t from_s, to_s; /* IDEVID: to_s is not looked at */
	const X509 *issuer;
	const char *ocsp_url, *crl_url; /* LDEVID; NULL: none */
};

/* ROTA_ERR_FORMAT: name or URL that a certificate cannot have. ROTA_ERR_STATE: the issuer is no CA of ours. */
ROTA_MUST_USE enum rota_err rota_tbs_make(
	const struct rota_tbs_plan *plan, struct rota_bytes *out, struct rota_fail *why);

/* Whether `tbs` is what the plan gives; serial, from_s and to_s are taken from it into `plan`, whoever calls judges them. */
ROTA_MUST_USE enum rota_err rota_tbs_is(
	struct rota_tbs_plan *plan, struct rota_span tbs, struct rota_fail *why);

/* Of the bytes of one certificate: issuer's SubjectPublicKeyInfo || serial (SPEC 1.1). */
void rota_tbs_device_id(const X509 *issuer, const uint8_t serial[static ROTA_TBS_SERIAL_LEN],
	uint8_t out[static ROTA_SHA256_LEN]);

/* The serial of an IDevID: of product, hardware serial and key, so that who asks again gets the same certificate (SPEC 29.4). */
void rota_tbs_idevid_serial(const char *product, const char *hardware_serial,
	const uint8_t point[static ROTA_P256_KEY_LEN], uint8_t out[static ROTA_TBS_SERIAL_LEN]);

/* Whether it may be a subject's serialNumber. */
bool rota_hardware_serial_ok(const char *serial);

#endif
