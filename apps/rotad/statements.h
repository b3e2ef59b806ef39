/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/statements.h -- what devices say of their keys (SPEC 35.4).
 *
 *     POST /api/v1/statement
 *
 * A statement is looked at in this order: whose it is (LDevID, device id, the identity's signature), whether it comes in turn, and
 * of a proof its nonce and confirmation key. For that everything that was acknowledged before has to be in the registry, and
 * the device has to say one thing at a time (turns.h). Then its bytes go into the journal, and that is the acknowledgement: the row that
 * follows is made later, by who has the registry's key.
 */
#ifndef APPS_ROTAD_STATEMENTS_H
#define APPS_ROTAD_STATEMENTS_H

struct worker;
struct evhttp_request;

/* For the table of api.c. */
void statements_on(struct worker *w, struct evhttp_request *request);

#endif
