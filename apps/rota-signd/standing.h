/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/standing.h -- how the daemon stands, for people and for Prometheus (SPEC 18.2, 25.4).
 *
 * Keys whose time comes are looked for at the start and once an hour, said in the daemon's own log when they are others than
 * before, and remembered in between.
 */
#ifndef APPS_ROTA_SIGND_STANDING_H
#define APPS_ROTA_SIGND_STANDING_H

#include "apps/rota-signd/plan.h"
#include "host/base/json.h"

struct standing {
	uint64_t entries; /* of the log, as far as it answered */
	uint64_t answered, waiting, refused, unavailable; /* requests */
	uint64_t failed; /* grants that a token did not sign */
	size_t pending, connections;
	bool failing[HOLDERS_MAX]; /* its last answer was none */
	json_t *warnings; /* of keys: texts */
	uint64_t look_s; /* when to look at them next */
};

/* A request was answered with this HTTP status. */
void standing_count(struct standing *s, int status);

/* Look at the keys, if it is time to. */
void standing_look(struct standing *s, const struct plan *plan, uint64_t now);
void standing_free(struct standing *s);

void standing_json(const struct standing *s, const struct plan *plan, struct rota_bytes *out);
void standing_metrics(const struct standing *s, const struct plan *plan, struct rota_bytes *out);

#endif
