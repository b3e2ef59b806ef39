/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns that were approved (SPEC 32.1), for who makes their keys. */
#include "apps/rota-signd/desk_parts.h"

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
	return encode(json_pack("{s:o}", "ask", text), out);
}
