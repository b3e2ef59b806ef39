/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/record_parts.h -- what entries taught, for record.c, and whose texts record_text.c keeps. Private to these two. */
#ifndef HOST_NOTARY_RECORD_PARTS_H
#define HOST_NOTARY_RECORD_PARTS_H

#include "host/notary/digestset.h"
#include "host/notary/record.h"

struct counter {
	char scope[33];
	uint32_t counter;
};

struct rota_records {
	char dir[ROTA_FILE_PATH_MAX / 2]; /* STATE/records */
	struct rota_record_role **roles;
	uint32_t *hashes; /* of their names: hundreds are looked through for each request */
	size_t role_count;
	struct counter *counters;
	size_t counter_count;
	struct rota_record_campaign *campaigns; /* in the log's order; some a month */
	size_t campaign_count;
	struct rota_record_slot *slots;
	size_t slot_count;
	struct digestset used, releases, artifacts, attempts;
	struct rota_revocations revocations;
	struct digestset births; /* of IDevIDs: of the serial, of the key, and of both */
};

#endif
