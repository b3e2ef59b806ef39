/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/operators.h -- what people and the factory write into the registry (SPEC 30.9), on a socket of its own.
 *
 *     POST /v1/record/enrol/DEVICE      row || IDevID
 *     POST /v1/record/owner/DEVICE      {"by","owner","why"}
 *     POST /v1/record/edit/DEVICE       {"by","why", ...}
 *     POST /v1/record/campaign          {"by","campaign","did","why", ...}
 *
 * nginx has no way to this socket, and whose uid is not listed has none either. The record is judged first by the rules that
 * will judge it in the journal (host/registry/rehearse.h); the answer comes when it is in the database, so that who asked can look
 * there.
 */
#ifndef APPS_ROTAD_OPERATORS_H
#define APPS_ROTAD_OPERATORS_H

struct evhttp_request;

/* For evhttp_set_gencb(); `worker` is a struct worker. */
void operators_request(struct evhttp_request *request, void *worker);

#endif
