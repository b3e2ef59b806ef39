/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/fleet.h"
#include "host/base/bytes.h"
#include "host/registry/campaignlog.h"
#include "host/registry/edit.h"
#include "host/registry/holding.h"
#include "host/registry/identity.h"

typedef enum rota_err take_record(const struct rota_regdb *reg, const struct rota_record *record,
	enum rota_fleet_result *result, struct rota_fail *why);

static take_record *const takers[] = {
	[ROTA_RECORD_ENROL] = rota_identity_enrol,
	[ROTA_RECORD_STATEMENT] = rota_holding_apply,
	[ROTA_RECORD_ROW] = rota_identity_row,
	[ROTA_RECORD_CAMPAIGN] = rota_campaignlog_apply,
	[ROTA_RECORD_OWNER] = rota_edit_owner,
	[ROTA_RECORD_EDIT] = rota_edit_device,
};

#define TAKERS (sizeof(takers) / sizeof(takers[0]))

enum rota_err rota_fleet_apply(const struct rota_regdb *reg, const struct rota_record *record,
	struct rota_fleet_news *news, struct rota_fail *why)
{
	*news = (struct rota_fleet_news){ .type = record->type };
	rota_hex(ROTA_SPAN(record->device), news->device);
	if (record->type == ROTA_RECORD_REPORT || record->type == ROTA_RECORD_DELIVERY)
		return rota_identity_seen(reg, record, why);
	if (record->type >= TAKERS || takers[record->type] == NULL)
		return ROTA_OK;
	return takers[record->type](reg, record, &news->result, why);
}

const char *rota_fleet_word(enum rota_fleet_result result)
{
	static const char *const words[ROTA_FLEET_RESULTS] = {
		[ROTA_FLEET_NOTHING] = "nothing",
		[ROTA_FLEET_TAKEN] = "taken",
		[ROTA_FLEET_REPEATED] = "repeated",
		[ROTA_FLEET_STALE] = "stale",
		[ROTA_FLEET_STRANGER] = "stranger",
		[ROTA_FLEET_UNREADABLE] = "unreadable",
	};

	return words[result];
}
