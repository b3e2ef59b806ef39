/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/cert.h -- X.509 certificates whose issuer's key lies in a token.
 *
 * OpenSSL builds the part to be signed; the token signs its SHA-256; the three parts of the certificate are put
 * together here. Only ECDSA P-256 with SHA-256.
 */
#ifndef HOST_PKI_CERT_H
#define HOST_PKI_CERT_H

#include "host/sign/tokens.h"

#include <openssl/x509.h>

enum rota_cert_kind {
	ROTA_CERT_CA, /* signs certificates and CRLs, no further CA below */
	ROTA_CERT_DEVICE, /* IDevID, LDevID: TLS client */
	ROTA_CERT_SERVER, /* TLS server, with subject alternative names */
};

struct rota_cert_plan {
	enum rota_cert_kind kind;
	const char *organization; /* subject O, or NULL */
	const char *common_name; /* subject CN, or NULL */
	const char *serial_number; /* subject serialNumber, or NULL */
	const uint8_t *point; /* subject's public key, 65 bytes */
	uint64_t from, to; /* seconds since 1970; `to` 0: no end (99991231235959Z, IEEE 802.1AR) */
	const char *alt_names; /* OpenSSL's form "DNS:localhost,IP:127.0.0.1", or NULL */
	const X509 *issuer; /* NULL: self-signed */
};

/* The caller frees *out. */
ROTA_MUST_USE enum rota_err rota_cert_issue(const struct rota_cert_plan *plan,
	struct rota_tokens *tokens, const struct rota_seat *ca, X509 **out, struct rota_fail *why);

/* PEM text of a certificate; one of a file, at most 64 KiB. */
void rota_cert_pem(const X509 *cert, struct rota_bytes *out);
ROTA_MUST_USE enum rota_err rota_cert_load(const char *path, X509 **out, struct rota_fail *why);

/* Seconds since 1970 of a time in a certificate or a list; 0: it is none, or before. */
uint64_t rota_cert_unix(const ASN1_TIME *t); /* NULL is allowed */

/* SPEC 1.1: SHA-256(SubjectPublicKeyInfo DER of the issuer || serialNumber content octets), as hex. */
void rota_pki_device_id(const X509 *issuer, const X509 *idevid, char out[65]);

/* A new P-256 key pair outside any token: the private key as PEM (PKCS#8) that the caller wipes and frees. */
ROTA_MUST_USE enum rota_err rota_cert_new_key(
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_bytes *pem, struct rota_fail *why);

#endif
