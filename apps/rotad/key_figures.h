/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rotad/key_figures.h -- how far keys are, for /metrics.
 *
 * Counting walks an index of all that devices hold: for a million devices a good part of a second. So it is done by the thread
 * that owns the database, when something changed, and takes at most a hundredth of its time.
 */
#ifndef APPS_ROTAD_KEY_FIGURES_H
#define APPS_ROTAD_KEY_FIGURES_H

#include "apps/rotad/shared.h"
#include "host/port/regdb.h"

struct key_figures {
	bool stale; /* something changed since it was counted */
	uint64_t not_before_ms; /* of the monotonic clock */
};

/* How long to wait with the next count: milliseconds, 0 for not at all; -1: there is nothing to count. */
int key_figures_wait(const struct key_figures *k);

/* Count when it is time to. What cannot be counted stays as it was. */
void key_figures_refresh(struct key_figures *k, const struct rota_db *db,
	const struct rota_regdb *reg, struct figures *figures);

#endif
