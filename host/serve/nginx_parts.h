/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/nginx_parts.h -- what two configurations of nginx have in common. Private to this folder. */
#ifndef HOST_SERVE_NGINX_PARTS_H
#define HOST_SERVE_NGINX_PARTS_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <stddef.h>

/* Whether nginx takes each of these literally inside a directive, quoted or not; NULL is passed over. */
ROTA_MUST_USE enum rota_err nginx_literal(
	const char *const *texts, size_t count, struct rota_fail *why);

/* Where nginx may write: below its prefix. */
void nginx_add_files(struct rota_bytes *out);

/* Protocols and ciphers of every TLS listener. */
void nginx_add_tls(const char *certificate, const char *key, struct rota_bytes *out);

#endif
