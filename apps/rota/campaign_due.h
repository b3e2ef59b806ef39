/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/campaign_due.h -- which data keys are to be replaced when (SPEC 39), from rota.ini, the book and the registry. */
#ifndef APPS_ROTA_CAMPAIGN_DUE_H
#define APPS_ROTA_CAMPAIGN_DUE_H

#include "apps/rota/campaign.h"

struct campaign_due_row {
	uint8_t purpose, cipher; /* cipher: that of the newest generation */
	uint32_t generation; /* the newest that is listed; 0: none */
	struct rota_keydue_facts facts;
	struct rota_keydue_verdict verdict;
	const char *devices; /* the query for the next one */
	char reason[128]; /* in words, for whom it is asked */
};

/* A row for each purpose that is known, ascending; *count of them. */
ROTA_MUST_USE enum rota_err campaign_due(
	struct session *s, struct campaign_due_row row[static ROTA_PURPOSES_MAX], size_t *count);

#endif
