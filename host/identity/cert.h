/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/cert.h -- the few fields of an X.509 certificate that a request is judged by.
 *
 * A walk over the DER (RFC 5280, 4.1) that allocates nothing: parsing with OpenSSL costs most of a small
 * request's time. It proves nothing; whether the certificate is genuine is chain.h's to say, and the two see
 * the very same bytes.
 */
#ifndef HOST_IDENTITY_CERT_H
#define HOST_IDENTITY_CERT_H

#include "rota/base/err.h"
#include "rota/base/span.h"

struct rota_cert { /* spans point into the DER */
	struct rota_span
		serial; /* content octets of the INTEGER: at most 20 bytes (RFC 5280, 4.1.2.2) */
	struct rota_span issuer, subject; /* Name, whole element */
	struct rota_span spki; /* SubjectPublicKeyInfo, whole element */
	struct rota_span common_name; /* of the subject; empty when it has none */
	uint64_t not_before, not_after; /* Unix seconds, both included */
};

/* Take apart one certificate, version 3, nothing behind it. A subject with two common names, a validity
 * that ends before it starts, and times that are not RFC 5280's are ROTA_ERR_FORMAT, as is all else that is
 * not DER of that shape. */
ROTA_MUST_USE enum rota_err rota_cert_read(struct rota_span der, struct rota_cert *out);

/* The same of what a certificate's signature covers (TBSCertificate), nothing behind it. */
ROTA_MUST_USE enum rota_err rota_cert_tbs_read(struct rota_span der, struct rota_cert *out);

/* The device id of SPEC 13.4: the common name is 64 lower-case hex digits. ROTA_ERR_DENIED: it is not. */
ROTA_MUST_USE enum rota_err rota_cert_device_id(
	const struct rota_cert *cert, uint8_t id[static 32]);

#endif
