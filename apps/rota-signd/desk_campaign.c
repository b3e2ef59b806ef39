/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns that were approved (SPEC 32.1), for who makes their keys. */
#include "apps/rota-signd/desk_parts.h"
#include "host/campaign/keyentry.h"

#include <stdlib.h>
#include <string.h>

static bool encode(json_t *whole, struct rota_bytes *out)
{
	struct rota_fail why;

	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* of our own values, and of texts that were parsed strictly */
	json_decref(whole);
	return true;
}

bool desk_campaigns(const struct desk *d, const char *scope, struct rota_bytes *out)
{
	json_t *list, *whole;
	const struct rota_record_campaign *c;

	if (!rota_policy_scope(d->plan->policy, scope))
		return false;
	list = json_array();
	whole = json_pack("{s:o}", "campaigns", list);
	for (size_t i = 0; (c = rota_records_campaign_at(d->records, i)) != NULL; i++) {
		char hex[ROTA_DIGEST_HEX];

		if (!c->durable || strcmp(c->scope, scope) != 0)
			continue;
		rota_hex(ROTA_SPAN(c->id), hex);
		json_array_append_new(list, json_string(hex));
		if (json_array_size(list) > ROTA_ASK_CAMPAIGNS_MAX)
			json_array_remove(list, 0);
	}
	return encode(whole, out);
}

/* The newest list of a role whose targets are one file a product, if it was signed here; the caller decrefs. NULL: none. */
static json_t *list_of(const struct desk *d, const char *scope, const char *name)
{
	const struct rota_record_role *role = rota_records_role(d->records, scope, name);
	json_t *files = role ? role->files : NULL, *value, *list;
	const char *path, *text;
	struct rota_fail why;

	json_object_foreach(files, path, value)
	{
		text = json_string_value(value);
		if (text && rota_json_parse_strict(rota_span_cstr(text), &list, &why) == ROTA_OK)
			return list;
	}
	return NULL;
}

static bool is_withdrawn(const struct desk *d, const struct rota_record_campaign *c)
{
	json_t *list = list_of(d, c->scope, "revocations");
	json_t *all = json_object_get(list, "withdrawn");
	char hex[ROTA_DIGEST_HEX];
	bool found = false;

	rota_hex(ROTA_SPAN(c->id), hex);
	for (size_t i = 0; !found && i < json_array_size(all); i++) {
		const char *one = json_string_value(json_array_get(all, i));

		found = one && strcmp(one, hex) == 0;
	}
	json_decref(list);
	return found;
}

/* Null: it is not listed. */
static json_t *state_of(const struct desk *d, const struct rota_record_campaign *c)
{
	json_t *list, *state;

	if (is_withdrawn(d, c))
		return json_string("withdrawn");
	list = list_of(d, c->scope, c->role);
	state = json_object_get(rota_keyentry_find(list, c->id), "state");
	state = state ? json_incref(state) : json_null();
	json_decref(list);
	return state;
}

bool desk_campaign(const struct desk *d, const char *id, struct rota_bytes *out)
{
	const struct rota_record_campaign *c;
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_bytes ask;
	struct rota_fail why;
	json_t *text;

	if (!rota_unhex(id, ROTA_BUF(digest)))
		return false;
	c = rota_records_campaign(d->records, digest);
	if (!c || !c->durable ||
		rota_records_read_campaign(d->records, digest, &ask, &why) != ROTA_OK)
		return false;
	text = json_stringn((const char *)ask.p, ask.len);
	rota_bytes_free(&ask);
	return encode(json_pack("{s:o,s:o}", "ask", text, "state", state_of(d, c)), out);
}
