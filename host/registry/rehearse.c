/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/rehearse.h"

static enum rota_err no_device(
	void *ctx, const struct rota_reg_device *device, struct rota_fail *why)
{
	(void)ctx, (void)device, (void)why;
	return ROTA_OK;
}

static enum rota_err no_holding(
	void *ctx, const struct rota_reg_holding *holding, struct rota_fail *why)
{
	(void)ctx, (void)holding, (void)why;
	return ROTA_OK;
}

static enum rota_err no_drop(void *ctx, const char *id, struct rota_fail *why)
{
	(void)ctx, (void)id, (void)why;
	return ROTA_OK;
}

static enum rota_err no_campaign(
	void *ctx, const struct rota_reg_campaign *campaign, struct rota_fail *why)
{
	(void)ctx, (void)campaign, (void)why;
	return ROTA_OK;
}

enum rota_err rota_fleet_rehearse(const struct rota_regdb *reg, const struct rota_record *record,
	struct rota_fleet_news *news, struct rota_fail *why)
{
	struct rota_regdb dry = *reg;

	dry.set_device = no_device;
	dry.set_holding = no_holding;
	dry.drop_holdings = no_drop;
	dry.set_campaign = no_campaign;
	return rota_fleet_apply(&dry, record, news, why);
}
