/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/est.h -- certificates for devices (RFC 7030; SPEC 29.6).
 *
 *     GET  /.well-known/est/cacerts
 *     GET  /.well-known/est/nonce
 *     POST /.well-known/est/simpleenroll, simplereenroll
 *
 * rotad issues nothing and judges nothing but who speaks: it carries request and endorsement to the signing daemon, and the certificate
 * back. The daemon is asked by a thread of its own, one question after the other, as it logs and signs each.
 */
#ifndef APPS_ROTAD_EST_H
#define APPS_ROTAD_EST_H

#include "apps/rotad/shared.h"

#define EST_PATH "/.well-known/est/"
/* Questions that wait: with a token that signs hundreds a second, less than a device waits. */
#define EST_QUEUE_MAX 256

struct worker;
struct evhttp_request;

/* The thread that asks. */
struct est {
	struct shared *shared;
	struct rota_client *client; /* NULL: not connected */
	bool failed; /* the last question; it was said */
	pthread_t thread;
};

/* false: no thread could be made. */
bool est_start(struct est *e, struct shared *shared);
/* After shared->est was closed: when all that was in it is sent back. */
void est_join(struct est *e);

/* For the table of api.c. */
void est_on_cacerts(struct worker *w, struct evhttp_request *request);
void est_on_nonce(struct worker *w, struct evhttp_request *request);
void est_on_enrol(struct worker *w, struct evhttp_request *request);

#endif
