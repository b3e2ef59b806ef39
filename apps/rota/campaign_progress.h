/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/campaign_progress.h -- how far a campaign is among its devices, by the registry.
 *
 * Its devices are those of its export, where that lies in DIR/campaigns; else all of the fleet. One pass, in the order of
 * ids, and memory that does not grow with them.
 */
#ifndef APPS_ROTA_CAMPAIGN_PROGRESS_H
#define APPS_ROTA_CAMPAIGN_PROGRESS_H

#include "apps/rota/campaign.h"
#include "host/registry/needs.h"

#define CAMPAIGN_SLOWEST_MAX 20

struct campaign_slow {
	char id[ROTA_DB_ID_LEN], serial[ROTA_REG_TEXT_LEN];
	uint64_t seen_ms;
	enum rota_reach reach;
};

struct campaign_progress {
	bool exported; /* its own devices are counted, not the whole fleet */
	uint64_t all; /* of the fleet still */
	uint64_t reached[ROTA_REACHES];
	uint64_t need; /* who needs the generations before this one */
	uint64_t silent; /* of these, who said nothing for a while */
	uint64_t wanting; /* who asks for another key again */
	uint64_t last_proved_ms; /* when the newest proof came */
	struct campaign_slow slow[CAMPAIGN_SLOWEST_MAX]; /* not proved, longest unseen first */
	size_t slow_count;
};

ROTA_MUST_USE enum rota_err campaign_progress(struct session *s, const struct campaign *c,
	const struct campaign_fleet *fleet, struct campaign_progress *out);

/* How many have proved the generation, whether they use it yet or not. */
uint64_t campaign_proved(const struct campaign_progress *p);

#endif
