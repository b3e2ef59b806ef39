/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/tls.h -- are the TLS server's files what they should be? Said before nginx says it worse. */
#ifndef HOST_SERVE_TLS_H
#define HOST_SERVE_TLS_H

#include "host/base/fail.h"

/* A certificate chain and a key are a few KiB. */
#define ROTA_TLS_FILE_MAX ((size_t)256 * 1024)

/* The first certificate of the file is valid now, and the key is its key.
 * ROTA_ERR_FORMAT: not PEM. ROTA_ERR_EXPIRED. ROTA_ERR_SIGNATURE: key of another certificate. ROTA_ERR_DENIED:
 * the key file can be read by others than its owner and group. */
ROTA_MUST_USE enum rota_err rota_tls_check(
	const char *certificate, const char *key, struct rota_fail *why);

#endif
