/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/api.h -- what rotad answers (SPEC 13).
 *
 *     POST /api/v1/report   with the header X-Rota-Client-Cert, which nginx sets
 *     POST /api/v1/time     the same; where rotad.ini names a signing daemon
 *     GET  /api/v1/keys/ID  the same; where it has [keys] (keys.h)
 *     POST /api/v1/statement  the same (statements.h)
 *     /.well-known/est/...    for an IDevID too (est.h)
 *     /ocsp                   for everybody (responder.h)
 *     GET  /healthz         200 while the event loops turn
 *     GET  /readyz          200 when journal and projection do their work, else 503 and what does not
 *     GET  /metrics         Prometheus text
 *
 * nginx forwards only /api/, /est/ and /ocsp; the rest is for who may open the socket.
 */
#ifndef APPS_ROTAD_API_H
#define APPS_ROTAD_API_H

#include "apps/rotad/worker.h"
#include "host/http/head.h"

/* Behind it the id of a campaign, 64 hex digits. */
#define API_KEYS "/api/v1/keys/"

/* For evhttp_set_gencb(); `worker` is a struct worker. */
void api_request(struct evhttp_request *request, void *worker);

/* Answer: bytes that are no text, or why not. */
void api_bytes(struct evhttp_request *request, struct rota_span bytes);
/* The same as base64 or text of that type (RFC 7030, 4.1.3). */
void api_send(struct evhttp_request *request, const char *type, struct rota_span bytes);
void api_error(struct evhttp_request *request, int status, const char *reason);
void api_nothing(struct evhttp_request *request); /* 204 */
void api_json(struct evhttp_request *request, int status, const char *text);

#endif
