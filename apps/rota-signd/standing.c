/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/standing.h"
#include "apps/rota-signd/say.h"
#include "host/keys/keys.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOOK_S 3600

void standing_count(struct standing *s, int status)
{
	if (status == 200)
		s->answered++;
	else if (status == 202)
		s->waiting++;
	else if (status == 503)
		s->unavailable++;
	else
		s->refused++;
}

/* ---- keys ---- */

static void look_at(json_t *list, const struct rota_authdir *scope, uint64_t now)
{
	struct rota_fail why = { 0 };
	struct rota_keys *keys;
	char trouble[96];

	if (rota_keys_load(scope, &keys, &why) != ROTA_OK) {
		json_array_append_new(list,
			json_sprintf(
				"%s: its keys cannot be looked at: %s", scope->product, why.text));
		return;
	}
	for (size_t i = 0; i < rota_keys_count(keys); i++) {
		const struct rota_key_info *key = rota_keys_at(keys, i);

		rota_keys_trouble_text(key, now, trouble);
		if (trouble[0])
			json_array_append_new(list,
				json_sprintf("%s: key %.16s of %s: %s", scope->product, key->id,
					key->uses, trouble));
	}
	rota_keys_free(keys);
}

void standing_look(struct standing *s, const struct plan *plan, uint64_t now)
{
	const struct rota_authdir *scope;
	json_t *list;

	if (now < s->look_s)
		return;
	s->look_s = now + LOOK_S;
	list = json_array();
	for (size_t i = 0; (scope = rota_policy_scope_at(plan->policy, i)) != NULL; i++)
		look_at(list, scope, now);
	for (size_t i = 0; !json_equal(list, s->warnings) && i < json_array_size(list); i++)
		say("%s", json_string_value(json_array_get(list, i)));
	json_decref(s->warnings);
	s->warnings = list;
}

void standing_free(struct standing *s)
{
	json_decref(s->warnings);
}

/* ---- told ---- */

void standing_json(const struct standing *s, const struct plan *plan, struct rota_bytes *out)
{
	json_t *tokens = json_array(), *whole;
	struct rota_fail why;

	for (size_t i = 0; i < plan->holder_count; i++)
		json_array_append_new(tokens,
			json_pack("{s:b,s:s}", "failing", s->failing[i], "token",
				plan->holders[i].port.name));
	whole = json_pack("{s:I,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I},s:o,s:O}", "connections",
		(json_int_t)s->connections, "entries", (json_int_t)s->entries, "pending",
		(json_int_t)s->pending, "requests", "answered", (json_int_t)s->answered, "failed",
		(json_int_t)s->failed, "refused", (json_int_t)s->refused, "unavailable",
		(json_int_t)s->unavailable, "waiting", (json_int_t)s->waiting, "tokens", tokens,
		"warnings", s->warnings);
	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* made of our own values, and of names that were read strictly */
	json_decref(whole);
}

void standing_metrics(const struct standing *s, const struct plan *plan, struct rota_bytes *out)
{
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{ "answered_total", "counter", "Requests answered.", s->answered },
		{ "waiting_total", "counter", "Requests answered: approvals lack.", s->waiting },
		{ "refused_total", "counter", "Requests refused.", s->refused },
		{ "unavailable_total", "counter", "Requests put off: token or log.",
			s->unavailable },
		{ "failed_total", "counter", "Grants that a token did not sign.", s->failed },
		{ "log_entries", "gauge", "Entries of the log.", s->entries },
		{ "pending", "gauge", "Requests that wait for approvals.", s->pending },
		{ "connections", "gauge", "Open connections.", s->connections },
		{ "key_warnings", "gauge", "Keys whose time comes or is over.",
			json_array_size(s->warnings) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		rota_bytes_print(out,
			"# HELP rota_signd_%s %s\n# TYPE rota_signd_%s %s\nrota_signd_%s "
			"%" PRIu64 "\n",
			rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
			rows[i].value);
	rota_bytes_add_text(out,
		"# HELP rota_signd_token_failing Whether its last answer was none.\n"
		"# TYPE rota_signd_token_failing gauge\n");
	for (size_t i = 0; i < plan->holder_count; i++)
		rota_bytes_print(out, "rota_signd_token_failing{token=\"%s\"} %d\n",
			plan->holders[i].port.name, s->failing[i]);
}
