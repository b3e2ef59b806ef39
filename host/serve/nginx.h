/* SPDX-License-Identifier: Apache-2.0 */
/* host/serve/nginx.h -- the configuration that `rota serve` gives to nginx.
 *
 * Written for a reader: each block says why it is there. Two TLS listeners, because nginx asks for client
 * certificates by listener: the public one (`/repo/`) asks for none, the device one (`/api/`, `/est/`, and
 * `/repo/` too) requires one of the device CA (IDevID) or the operational CA (LDevID). Which of the two a
 * request needs is decided behind it: rotad accepts LDevIDs only.
 */
#ifndef HOST_SERVE_NGINX_H
#define HOST_SERVE_NGINX_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <stdbool.h>
#include <stdint.h>

struct rota_nginx {
	const char *made_from; /* for the first line */
	const char *user; /* of the workers; NULL: that of the master */
	const char *repository; /* directory with metadata/, targets/, recovery/ */
	const char *
		staging; /* directory with targets/ci/, for devices only; NULL: in the repository */
	const char *certificate, *key; /* of the TLS server, PEM */
	const char *client_ca; /* device CA and operational CA, PEM */
	const char *rotad_socket, *status_socket; /* Unix sockets */
	const char *address; /* as nginx spells it: 127.0.0.1, [::1], * */
	uint16_t repo_port, device_port;
	uint16_t http_port; /* /repo/ without TLS; 0: none */
	uint32_t
		device_rate; /* requests of one device to /api/ per second; four times that at once */
	bool targets_mtls; /* targets on the device listener only */
	bool http2_directive; /* nginx 1.25.1 and later: `http2 on` instead of a listen parameter */
};

/* Paths in the configuration are relative to nginx's prefix: nginx.pid, log/, tmp/.
 * ROTA_ERR_FORMAT: a path or address has a byte that nginx would read as syntax. */
ROTA_MUST_USE enum rota_err rota_nginx_write(
	const struct rota_nginx *n, struct rota_bytes *out, struct rota_fail *why);

#endif
