/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/nginx_signd.h -- the configuration of the nginx that stands before a signing daemon (SPEC 18.8).
 *
 * One TLS listener that requires a client certificate of the CA, and hands each request on with that certificate beside
 * it. Nothing else that the client sent but method, path and body passes. Which certificate may do what is the daemon's
 * to say, revocation included.
 */
#ifndef HOST_SERVE_NGINX_SIGND_H
#define HOST_SERVE_NGINX_SIGND_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <stdint.h>

struct rota_nginx_signd {
	const char *made_from; /* for the first line */
	const char *user; /* of the workers; NULL: that of the master */
	const char *certificate, *key; /* of the TLS server, PEM */
	const char *client_ca; /* PEM */
	const char *socket; /* the daemon's remote_socket */
	const char *address; /* as nginx spells it: 127.0.0.1, [::1], * */
	uint16_t port;
};

/* Paths in the configuration are relative to nginx's prefix: nginx.pid, log/, tmp/.
 * ROTA_ERR_FORMAT: a path or address has a byte that nginx would read as syntax. */
ROTA_MUST_USE enum rota_err rota_nginx_signd_write(
	const struct rota_nginx_signd *n, struct rota_bytes *out, struct rota_fail *why);

#endif
