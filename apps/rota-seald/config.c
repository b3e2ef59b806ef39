/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/config.h"
#include "host/campaign/crew.h"

#include <string.h>
#include <unistd.h>

static unsigned cores(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < 1 ? 1 : online > ROTA_CREW_MAX ? ROTA_CREW_MAX : (unsigned)online;
}

static enum rota_err read_all(struct config *c, struct rota_fail *why)
{
	const struct {
		const char *section, *key;
		const char **to;
	} rows[] = {
		{ "seald", "product", &c->product },
		{ "seald", "state", &c->state },
		{ "token", "module", &c->token.module },
		{ "token", "label", &c->token.label },
		{ "token", "pin_file", &c->token.pin_file },
	};
	uint64_t threads;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ROTA_TRY(rota_ini_need(&c->ini, rows[i].section, rows[i].key, rows[i].to, why));
	ROTA_TRY(rota_ini_number(
		&c->ini, "seald", "threads", 1, ROTA_CREW_MAX, cores(), &threads, why));
	c->threads = (unsigned)threads;
	c->so_pin_file = rota_ini_get(&c->ini, "token", "so_pin_file");
	c->token.environment = rota_ini_get(&c->ini, "token", "environment");
	c->token.name = c->token.label;
	c->token.dir = "/";
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
