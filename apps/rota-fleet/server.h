/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/server.h -- rotad as a device behind nginx finds it: over rotad's own Unix socket, with the header in which nginx
 * passes the certificate that the device has proved to hold (SPEC 13.4).
 *
 * One connection, kept open and one thread's. A call has a deadline; where the connection was shut meanwhile it is opened anew, once.
 */
#ifndef APPS_ROTA_FLEET_SERVER_H
#define APPS_ROTA_FLEET_SERVER_H

#include "host/base/fail.h"
#include "rota/base/span.h"

#include <stdint.h>

#define SERVER_DEADLINE_S 60 /* of a call: longer than rotad takes for any */
#define SERVER_HEAD_MAX 4096 /* of an answer: rotad's has some hundred bytes */
#define SERVER_CERT_MAX 18432 /* escaped: above ROTA_CERT_ESCAPED_MAX */

struct server {
	const char *path; /* of the socket; stays in use */
	int fd; /* -1: not connected */
};

/* What came back. */
struct server_answer {
	unsigned status;
	size_t len; /* of the body, in the room that was given */
	uint32_t retry_s; /* Retry-After beside 429 or 503; 0: not said */
};

void server_init(struct server *s, const char *path);
void server_close(struct server *s);

/* `certificate`: escaped as nginx's $ssl_client_escaped_cert. body.p NULL: GET, else POST. ROTA_ERR_NET: nothing that is an answer came in
 * time. ROTA_ERR_LENGTH: a body longer than `room`. */
ROTA_MUST_USE enum rota_err server_call(struct server *s, struct rota_span certificate,
	const char *target, struct rota_span body, struct rota_buf room, struct server_answer *out);

#endif
