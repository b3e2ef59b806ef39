/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/teller.h -- the time for a device, signed by the signing daemon (SPEC 13.5).
 *
 * A question is a connection to the daemon's socket on the worker's own loop: nothing waits for it but who asked. rotad
 * holds no key and believes nothing: it hands on what the daemon signed, and the device verifies it. */
#ifndef APPS_ROTAD_TELLER_H
#define APPS_ROTAD_TELLER_H

#include "apps/rotad/worker.h"
#include "rota/base/span.h"

struct evhttp_request;

/* Answer the request, now or later, for the device of that id (64 hex digits) and its nonce (32 hex digits): 200 with
 * the bytes of SPEC 5.5, or 503. */
void teller_ask(
	struct worker *w, struct evhttp_request *request, const char *device, const char *nonce);

#endif
