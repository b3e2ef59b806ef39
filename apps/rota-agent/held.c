/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/held.h"
#include "apps/rota-agent/keys.h"
#include "apps/rota-agent/run.h"
#include "host/vault/vault.h"
#include "rota/base/hex.h"
#include "rota/codec/purpose.h"

#include <stdio.h>
#include <string.h>

static void put(json_t *to, const char *name, uint32_t generation)
{
	if (generation != 0)
		json_object_set_new(to, name, json_integer(generation));
}

static json_t *list(const struct rota_keyslots *k)
{
	json_t *all = json_array();

	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		const char *word = rota_purpose_word(purpose);
		struct rota_key_held held;
		json_t *one;

		rota_keyslots_held(k, purpose, &held);
		if (word == NULL || held.oldest == 0)
			continue;
		one = json_object();
		json_object_set_new(one, "purpose", json_string(word));
		put(one, "active", held.active);
		put(one, "staged", held.staged);
		put(one, "proved", held.proved);
		put(one, "oldest", held.oldest);
		json_array_append_new(all, one);
	}
	return all;
}

json_t *agent_held(const struct agent_device *d, const char **note)
{
	static struct agent_keys keys;
	uint8_t device[ROTA_SHA256_LEN];
	struct rota_fail why;
	json_t *all = NULL;

	*note = "none";
	if (rota_hex_decode(d->rom.device_id, ROTA_BUF(device)) != ROTA_OK ||
		agent_keys_open(&keys, d->config, NULL, device, false, &why) != ROTA_OK)
		return NULL;
	if (keys.found != ROTA_OK)
		*note = keys.found == ROTA_ERR_NOT_FOUND ? "none yet" : "their journal is damaged";
	else if (keys.slots.state.flags & ROTA_KEYS_GONE)
		*note = "all are destroyed";
	else
		all = list(&keys.slots);
	agent_keys_close(&keys);
	return all;
}

/* ---- vaults ---- */

static uint32_t active_of(const json_t *held, uint8_t purpose)
{
	const json_t *one;
	size_t i;

	json_array_foreach(held, i, one)
	{
		const char *word = json_string_value(json_object_get(one, "purpose"));

		if (word && rota_purpose_of(rota_span_cstr(word)) == purpose)
			return (uint32_t)json_integer_value(json_object_get(one, "active"));
	}
	return 0;
}

static json_t *describe(
	const struct agent_vault *v, const struct rota_vault_status *s, const json_t *held)
{
	uint32_t active = active_of(held, v->purpose);
	json_t *to = json_object(), *counts = json_array();

	json_object_set_new(to, "vault", json_string(v->name));
	json_object_set_new(to, "purpose", json_string(rota_purpose_word(v->purpose)));
	put(to, "active", active);
	json_object_set_new(to, "records", json_integer(s->records));
	json_object_set_new(to, "left", json_integer(rota_vault_status_left(s, active)));
	for (uint8_t i = 0; i < s->generations; i++)
		json_array_append_new(counts,
			json_pack("{s:I,s:I}", "generation", (json_int_t)s->count[i].generation,
				"records", (json_int_t)s->count[i].records));
	json_object_set_new(to, "generations", counts);
	return to;
}

static void print(const json_t *v)
{
	const json_t *one;
	size_t i;

	printf("vault %-12s %s, %lld records, %lld wait to be rewritten\n",
		json_string_value(json_object_get(v, "vault")),
		json_string_value(json_object_get(v, "purpose")),
		(long long)json_integer_value(json_object_get(v, "records")),
		(long long)json_integer_value(json_object_get(v, "left")));
	json_array_foreach(json_object_get(v, "generations"), i, one)
	{
		long long generation = json_integer_value(json_object_get(one, "generation"));

		printf("  generation %-6lld %lld records%s\n", generation,
			(long long)json_integer_value(json_object_get(one, "records")),
			generation == json_integer_value(json_object_get(v, "active")) ? ", active"
										       : "");
	}
}

static bool show(const struct agent_vault *v, const json_t *held, bool json)
{
	struct rota_vault_status s;
	struct rota_fail why;
	json_t *one;

	if (rota_vault_status(v->path, &s, &why) != ROTA_OK) {
		fprintf(stderr, "rota-agent: [vault %s]: %s\n", v->name, why.text);
		return false;
	}
	one = describe(v, &s, held);
	if (json) {
		json_dumpf(one, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print(one);
	}
	json_decref(one);
	return true;
}

int agent_vaults(const struct agent_config *config, bool json)
{
	static struct agent_device device;
	const char *note;
	struct rota_fail why;
	bool good = true;
	json_t *held;

	if (config->vault_count == 0) {
		fprintf(stderr, "rota-agent: %s has no [vault NAME]\n", config->ini.path);
		return AGENT_EXIT_FAILED;
	}
	if (agent_device_open(&device, config, &why) != ROTA_OK) {
		fprintf(stderr, "rota-agent: %s\n", why.text);
		return AGENT_EXIT_FAILED;
	}
	held = agent_held(&device, &note);
	for (uint8_t i = 0; i < config->vault_count; i++)
		good = show(&config->vault[i], held, json) && good;
	json_decref(held);
	agent_device_close(&device);
	return good ? AGENT_EXIT_OK : AGENT_EXIT_FAILED;
}
