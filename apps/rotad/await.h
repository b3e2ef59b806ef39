/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/await.h -- wait on a worker's loop until the database has what the journal had.
 *
 * The projection is behind by milliseconds. Who judges by the registry what was acknowledged before waits for that; who
 * was told of a record waits for what came of it. */
#ifndef APPS_ROTAD_AWAIT_H
#define APPS_ROTAD_AWAIT_H

#include "apps/rotad/worker.h"

/* Calls then(arg, true) when record `mark` is in the database, at once where it is; then(arg, false) when that takes too long, as where
 * the projection stands still. Once, in the worker's thread. */
void await_projection(
	struct worker *w, uint64_t mark, void (*then)(void *arg, bool there), void *arg);

#endif
