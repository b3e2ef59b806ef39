/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/nginx_seald.h -- the configuration of the nginx that stands before `rota-seald serve` (SPEC 37.11).
 *
 * One TLS listener that requires a client certificate of the CA, and hands GETs of keys on with that certificate beside them; nothing
 * else that the client sent passes. What passes the other way are keys: nothing of an answer is written to a file.
 */
#ifndef HOST_SERVE_NGINX_SEALD_H
#define HOST_SERVE_NGINX_SEALD_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

struct rota_nginx_seald {
	const char *made_from; /* for the first line */
	const char *user; /* of the workers; NULL: that of the master */
	const char *certificate, *key; /* of the TLS server, PEM */
	const char *client_ca; /* PEM */
	const char *socket; /* of rota-seald */
	const char *listen; /* as nginx spells it: 127.0.0.1:8444, [::1]:8444, 8444 */
};

/* Paths in the configuration are relative to nginx's prefix: nginx.pid, log/, tmp/.
 * ROTA_ERR_FORMAT: a path or address has a byte that nginx would read as syntax. */
ROTA_MUST_USE enum rota_err rota_nginx_seald_write(
	const struct rota_nginx_seald *n, struct rota_bytes *out, struct rota_fail *why);

#endif
