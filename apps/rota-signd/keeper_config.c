/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/keeper_config.h"
#include "host/base/apart.h"
#include "host/sign/duty.h"

#include <stdlib.h>
#include <string.h>

static enum rota_err find_user(const char *name, uid_t *uid, struct rota_fail *why)
{
	struct rota_user user;
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (*name >= '0' && *name <= '9' && !*end) {
		*uid = (uid_t)number;
		return ROTA_OK;
	}
	ROTA_TRY(rota_user_find(name, &user, why));
	*uid = user.uid;
	return ROTA_OK;
}

static enum rota_err load_token(struct keeper_config *c, struct rota_fail *why)
{
	struct rota_ini *ini = &c->ini;

	c->token.name = "keeper";
	c->token.dir = c->dir;
	ROTA_TRY(rota_ini_need(ini, "token", "module", &c->token.module, why));
	ROTA_TRY(rota_ini_need(ini, "token", "label", &c->token.label, why));
	ROTA_TRY(rota_ini_need(ini, "token", "pin_file", &c->token.pin_file, why));
	c->token.environment = rota_ini_get(ini, "token", "environment");
	c->so_pin_file = rota_ini_get(ini, "token", "so_pin_file");
	c->key = rota_ini_get(ini, "token", "key");
	if (!c->key)
		c->key = "series";
	return ROTA_OK;
}

static enum rota_err load(struct keeper_config *c, struct rota_fail *why)
{
	struct rota_ini *ini = &c->ini;
	const char *client, *daemon = rota_ini_get(ini, "keeper", "daemon");
	uint64_t approvals;

	ROTA_TRY(rota_ini_need(ini, "keeper", "dir", &c->dir, why));
	ROTA_TRY(rota_ini_need(ini, "keeper", "socket", &c->socket, why));
	ROTA_TRY(rota_ini_need(ini, "keeper", "product", &c->product, why));
	ROTA_TRY(rota_ini_need(ini, "keeper", "client", &client, why));
	if (!rota_name_ok(c->product))
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: [keeper] product '%s' is no product",
			ini->path, c->product);
	ROTA_TRY(find_user(client, &c->client, why));
	c->has_daemon = daemon != NULL;
	if (daemon)
		ROTA_TRY(find_user(daemon, &c->daemon, why));
	ROTA_TRY(load_token(c, why));
	ROTA_TRY(rota_named_keys_load(ini, "officer", c->officers, &c->officer_count, why));
	ROTA_TRY(rota_ini_number(
		ini, "emergency", "approvals", 1, ROTA_NAMED_KEYS_MAX, 2, &approvals, why));
	c->approvals = (unsigned)approvals;
	if (c->approvals > c->officer_count)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: an emergency takes %u approvals, and %zu sections [officer NAME] are "
			"there",
			ini->path, c->approvals, c->officer_count);
	return rota_ini_all_used(ini, why);
}

enum rota_err keeper_config_load(const char *path, struct keeper_config *out, struct rota_fail *why)
{
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_ini_load(path, &out->ini, why));
	err = load(out, why);
	if (err != ROTA_OK)
		rota_ini_free(&out->ini);
	return err;
}
