/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-witness/config.h"

#include <string.h>

static enum rota_err read_all(struct config *c, struct rota_fail *why)
{
	const struct {
		const char *section, *key;
		const char **to;
	} rows[] = {
		{ "witness", "name", &c->name },
		{ "witness", "listen", &c->listen },
		{ "witness", "logs", &c->logs },
		{ "witness", "state", &c->state },
		{ "token", "module", &c->module },
		{ "token", "label", &c->label },
		{ "token", "pin_file", &c->pin_file },
		{ "token", "key", &c->key },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ROTA_TRY(rota_ini_need(&c->ini, rows[i].section, rows[i].key, rows[i].to, why));
	c->so_pin_file = rota_ini_get(&c->ini, "token", "so_pin_file");
	c->environment = rota_ini_get(&c->ini, "token", "environment");
	return rota_ini_all_used(&c->ini, why);
}

enum rota_err config_load(const char *path, struct config *out, struct rota_fail *why)
{
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_ini_load(path, &out->ini, why));
	err = read_all(out, why);
	if (err != ROTA_OK)
		config_free(out);
	return err;
}

void config_free(struct config *c)
{
	rota_ini_free(&c->ini);
	memset(c, 0, sizeof(*c));
}
