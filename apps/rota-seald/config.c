/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/config.h"
#include "host/campaign/crew.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_S 10
#define POLL_MOST_S 3600

static unsigned cores(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < 1 ? 1 : online > ROTA_CREW_MAX ? ROTA_CREW_MAX : (unsigned)online;
}

/* A folder that is wanted from whatever place this was started in. */
static enum rota_err read_place(
	struct rota_ini *ini, const char *key, const char **to, struct rota_fail *why)
{
	*to = rota_ini_get(ini, "seald", key);
	if (!*to || **to == '/')
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: line %u: %s is to begin with a slash",
		ini->path, rota_ini_line(ini, "seald", key), key);
}

static enum rota_err read_numbers(struct config *c, struct rota_fail *why)
{
	uint64_t threads, poll_s;

	ROTA_TRY(rota_ini_number(
		&c->ini, "seald", "threads", 1, ROTA_CREW_MAX, cores(), &threads, why));
	ROTA_TRY(rota_ini_number(&c->ini, "seald", "poll", 1, POLL_MOST_S, POLL_S, &poll_s, why));
	c->threads = (unsigned)threads;
	c->poll_s = (unsigned)poll_s;
	return ROTA_OK;
}

static enum rota_err read_lock(struct config *c, struct rota_fail *why)
{
	const char *word = rota_ini_get(&c->ini, "seald", "lock");

	c->lock = word == NULL || strcmp(word, "no") != 0;
	if (!c->lock || word == NULL || strcmp(word, "yes") == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: line %u: lock is yes or no, not '%s'",
		c->ini.path, rota_ini_line(&c->ini, "seald", "lock"), word);
}

static enum rota_err read_all(struct config *c, struct rota_fail *why)
{
	struct rota_ini *ini = &c->ini;

	ROTA_TRY(rota_ini_need(ini, "seald", "product", &c->product, why));
	ROTA_TRY(read_place(ini, "state", &c->state, why));
	ROTA_TRY(read_place(ini, "signd", &c->signd, why));
	ROTA_TRY(read_place(ini, "authority", &c->authority, why));
	ROTA_TRY(read_place(ini, "inbox", &c->inbox, why));
	ROTA_TRY(read_place(ini, "outbox", &c->outbox, why));
	ROTA_TRY(read_numbers(c, why));
	ROTA_TRY(read_lock(c, why));
	ROTA_TRY(services_load(ini, &c->services, why));
	c->token = (struct rota_pkcs11_token){ .dir = "/",
		.module = rota_ini_get(ini, "token", "module"),
		.label = rota_ini_get(ini, "token", "label"),
		.pin_file = rota_ini_get(ini, "token", "pin_file"),
		.environment = rota_ini_get(ini, "token", "environment") };
	c->token.name = c->token.label;
	c->token.lock = c->lock;
	for (size_t i = 0; i < c->services.count; i++)
		c->services.at[i].token.lock = c->lock;
	c->so_pin_file = rota_ini_get(ini, "token", "so_pin_file");
	return rota_ini_all_used(ini, why);
}

enum rota_err config_needs_token(const struct config *c, struct rota_fail *why)
{
	const struct {
		const char *section, *key, *value;
	} rows[] = {
		{ "seald", "state", c->state },
		{ "token", "module", c->token.module },
		{ "token", "label", c->token.label },
		{ "token", "pin_file", c->token.pin_file },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].value)
			return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: [%s] has no %s", c->ini.path,
				rows[i].section, rows[i].key);
	return ROTA_OK;
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

enum rota_err config_needs(
	const struct config *c, const char *key, const char *value, struct rota_fail *why)
{
	return value
		? ROTA_OK
		: rota_fail(why, ROTA_ERR_NOT_FOUND, "%s: [seald] has no %s", c->ini.path, key);
}

void config_wrapped(const struct config *c, const char *name, char out[static ROTA_FILE_PATH_MAX])
{
	snprintf(out, ROTA_FILE_PATH_MAX, "%s/%s.key", c->state, name);
}

void config_campaigns(const struct config *c, char out[static ROTA_FILE_PATH_MAX])
{
	snprintf(out, ROTA_FILE_PATH_MAX, "%s/campaigns", c->state);
}

void config_campaign(const struct config *c, const uint8_t id[static 32], unsigned tree,
	const char *kind, char out[static ROTA_FILE_PATH_MAX])
{
	char hex[65];

	rota_hex(rota_span(id, 32), hex);
	snprintf(out, ROTA_FILE_PATH_MAX, "%s/campaigns/%s.%u.%s", c->state, hex, tree, kind);
}
