/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/due.h -- how a scope's series of online keys stands (SPEC 18.2, 23): what the next publish brings, and what somebody
 * must see to before it. */
#ifndef APPS_ROTA_SIGND_DUE_H
#define APPS_ROTA_SIGND_DUE_H

#include "apps/rota-signd/plan.h"

/* false: no series is under way, or its folder cannot be read. */
bool due_json(const struct plan *plan, const struct rota_authdir *scope, uint64_t now,
	struct rota_bytes *out);

#endif
