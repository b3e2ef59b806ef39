/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/escaped.h -- from nginx's $ssl_client_escaped_cert to DER.
 *
 * The variable is the client's certificate as PEM, percent-encoded (RFC 3986, 2.1). Exactly one certificate,
 * nothing before or behind it.
 */
#ifndef HOST_IDENTITY_ESCAPED_H
#define HOST_IDENTITY_ESCAPED_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* Largest certificate of a device: RSA-4096 key and signature and a page of extensions fit. */
#define ROTA_CERT_DER_MAX 4096
/* As PEM: 4 characters for 3 bytes, a newline every 64, two marker lines; rounded up. */
#define ROTA_CERT_PEM_MAX 5760
/* As the variable, if every byte were escaped. */
#define ROTA_CERT_ESCAPED_MAX (3 * ROTA_CERT_PEM_MAX)

/* Decode `text` into `der` (ROTA_CERT_DER_MAX bytes are enough); *len bytes are used.
 * ROTA_ERR_FORMAT: not one escaped PEM certificate. ROTA_ERR_LIMIT: too long. */
ROTA_MUST_USE enum rota_err rota_escaped_cert(
	struct rota_span text, struct rota_buf der, size_t *len);

#endif
