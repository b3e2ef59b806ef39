/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns for keys of devices, as the daemon has them (SPEC 18.2). */
#include "host/notary/client_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* A line for each. */
#define LIST_MAX (128u * ROTA_CLIENT_CAMPAIGNS_MAX)
/* As a string of JSON each byte may need an escape. */
#define SHOWN_MAX (2u * 64 * 1024)

enum rota_err rota_client_campaigns(struct rota_client *c, const char *scope,
	uint8_t (*ids)[ROTA_DIGEST_LEN], size_t *count, struct rota_fail *why)
{
	char *path = rota_text("v1/campaigns/%s", scope);
	enum rota_err err;
	json_t *whole;

	err = client_get(c, path, LIST_MAX, "campaigns", &whole, why);
	free(path);
	ROTA_TRY(err);
	err = client_digests(c, json_object_get(whole, "campaigns"), ROTA_CLIENT_CAMPAIGNS_MAX, ids,
		count, "campaigns", why);
	json_decref(whole);
	return err;
}

/* "" for null, and for what is no word of SPEC 32.2. */
static void read_state(const json_t *whole, char state[static ROTA_CLIENT_STATE_MAX])
{
	const char *word = json_string_value(json_object_get(whole, "state"));

	snprintf(state, ROTA_CLIENT_STATE_MAX, "%s", word ? word : "");
}

enum rota_err rota_client_campaign(struct rota_client *c, const uint8_t id[static ROTA_DIGEST_LEN],
	struct rota_ask *ask, struct rota_fail *why)
{
	char state[ROTA_CLIENT_STATE_MAX];

	return rota_client_campaign_state(c, id, ask, state, why);
}

enum rota_err rota_client_campaign_state(struct rota_client *c,
	const uint8_t id[static ROTA_DIGEST_LEN], struct rota_ask *ask,
	char state[static ROTA_CLIENT_STATE_MAX], struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX], path[sizeof("v1/campaign/") + ROTA_DIGEST_HEX];
	enum rota_err err;
	json_t *whole;

	rota_hex(rota_span(id, ROTA_DIGEST_LEN), hex);
	snprintf(path, sizeof(path), "v1/campaign/%s", hex);
	ROTA_TRY(client_get(c, path, SHOWN_MAX, "ask state", &whole, why));
	err = client_read_ask(whole, id, ask, why);
	read_state(whole, state);
	json_decref(whole);
	if (err != ROTA_OK || ask->kind == ROTA_ASK_CAMPAIGN)
		return err;
	rota_ask_free(ask);
	return rota_fail(why, ROTA_ERR_FORMAT, "the signing daemon shows %s as a campaign", hex);
}
