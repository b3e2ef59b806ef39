/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/services.h"
#include "host/base/bytes.h"
#include "host/base/when.h"
#include "host/campaign/backkeys.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX 1000000
#define RATE_SPAN_MAX_S 86400

static enum rota_err wrong(const struct rota_ini *ini, const char *section, const char *key,
	const char *what, struct rota_fail *why)
{
	return rota_fail(why, ROTA_ERR_FORMAT, "%s: [%s] %s %s", ini->path, section, key, what);
}

/* "telemetry link" */
static bool read_purposes(const char *text, unsigned *out)
{
	*out = 0;
	while (*text) {
		size_t len = strcspn(text, " ");
		uint8_t purpose = rota_purpose_of(rota_span(text, len));

		if (len > 0 && !rota_backkeys_for(purpose))
			return false;
		if (len > 0)
			*out |= 1u << purpose;
		text += len + (text[len] == ' ');
	}
	return *out != 0;
}

/* "600/1h" */
static bool read_rate(const char *text, struct rota_rule *rule)
{
	char *slash;
	unsigned long count = strtoul(text, &slash, 10);
	uint64_t span;

	if (*text < '0' || *text > '9' || *slash != '/' || !rota_duration_parse(slash + 1, &span) ||
		count < 1 || count > RATE_MAX || span < 1 || span > RATE_SPAN_MAX_S)
		return false;
	rule->rate = (uint32_t)count;
	rule->rate_s = (uint32_t)span;
	return true;
}

/* All of it, or nothing. */
static enum rota_err load_token(
	struct rota_ini *ini, const char *section, struct service *s, struct rota_fail *why)
{
	const char *module = rota_ini_get(ini, section, "token_module"), *label, *pin_file;

	s->token = (struct rota_pkcs11_token){ .dir = "/" };
	if (!module)
		return ROTA_OK;
	ROTA_TRY(rota_ini_need(ini, section, "token_label", &label, why));
	ROTA_TRY(rota_ini_need(ini, section, "token_pin_file", &pin_file, why));
	s->token.module = module;
	s->token.label = s->token.name = label;
	s->token.pin_file = pin_file;
	s->token.environment = rota_ini_get(ini, section, "token_environment");
	return ROTA_OK;
}

static enum rota_err load_one(
	struct rota_ini *ini, const char *name, struct service *s, struct rota_fail *why)
{
	const char *spki, *purposes, *rate, *agree;
	char section[ROTA_INI_SECTION_MAX + 16];

	snprintf(section, sizeof(section), "service %s", name);
	ROTA_TRY(rota_ini_need(ini, section, "spki", &spki, why));
	ROTA_TRY(rota_ini_need(ini, section, "purposes", &purposes, why));
	ROTA_TRY(rota_ini_need(ini, section, "rate", &rate, why));
	*s = (struct service){ .name = name, .rule = { .name = name } };
	ROTA_TRY(load_token(ini, section, s, why));
	agree = rota_ini_get(ini, section, "agree");
	s->has_agree = agree != NULL;
	if (agree && !rota_unhex(agree, ROTA_BUF(s->agree)))
		return wrong(ini, section, "agree", "is not 130 hex digits", why);
	if (!rota_unhex(spki, ROTA_BUF(s->spki)))
		return wrong(ini, section, "spki", "is not 64 hex digits", why);
	if (!read_purposes(purposes, &s->purposes))
		return wrong(ini, section, "purposes", "are not of telemetry and link", why);
	if (!read_rate(rate, &s->rule))
		return wrong(ini, section, "rate",
			"is not COUNT/DURATION of at most a day, like 600/1h", why);
	return ROTA_OK;
}

enum rota_err services_load(struct rota_ini *ini, struct services *out, struct rota_fail *why)
{
	const struct {
		const char *key;
		const char **to;
	} rows[] = {
		{ "socket", &out->socket },
		{ "front", &out->front },
		{ "client_ca", &out->client_ca },
		{ "crl", &out->crl },
		{ "certificate", &out->certificate },
		{ "key", &out->key },
		{ "listen", &out->listen },
	};
	const char *name;

	*out = (struct services){ 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*rows[i].to = rota_ini_get(ini, "serve", rows[i].key);
	for (; (name = rota_ini_section(ini, "service", out->count)) != NULL; out->count++) {
		if (out->count == SERVICES_MAX)
			return rota_fail(why, ROTA_ERR_LIMIT, "%s: more than %d services",
				ini->path, SERVICES_MAX);
		ROTA_TRY(load_one(ini, name, &out->at[out->count], why));
		if (services_find(out, out->at[out->count].spki))
			return wrong(ini, name, "spki", "is that of another service", why);
	}
	return ROTA_OK;
}

struct service *services_find(struct services *s, const uint8_t spki[static 32])
{
	for (size_t i = 0; i < s->count; i++)
		if (memcmp(s->at[i].spki, spki, sizeof(s->at[i].spki)) == 0)
			return &s->at[i];
	return NULL;
}

const struct service *services_named(const struct services *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->at[i].name, name) == 0)
			return &s->at[i];
	return NULL;
}
