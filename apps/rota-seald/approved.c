/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/approved.h"

#include <string.h>

/* An ask has a sentence and the members of 32.1. */
#define REQUEST_MAX 16384

static enum rota_err take(const struct config *c, const uint8_t id[static 32], const json_t *body,
	struct approved *out, struct rota_fail *why)
{
	memcpy(out->id, id, sizeof(out->id));
	ROTA_TRY(rota_key_request_read(body, &out->request, why));
	memcpy(out->request.campaign.id, id, sizeof(out->id));
	out->request.campaign.state = ROTA_CAMPAIGN_ACTIVE;
	if (strcmp(out->request.product, c->product) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_PRODUCT, "it is for product %s, and we seal for %s",
		out->request.product, c->product);
}

enum rota_err approved_load(
	const struct config *c, const char *id, struct approved *out, struct rota_fail *why)
{
	const struct rota_client_server server = { .address = c->signd };
	struct rota_client *client;
	struct rota_ask ask;
	uint8_t digest[32];
	enum rota_err err;

	ROTA_TRY(config_needs(c, "signd", c->signd, why));
	if (strlen(id) != 2 * sizeof(digest) || !rota_unhex(id, ROTA_BUF(digest)))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "--campaign %s is not 64 hex digits", id);
	ROTA_TRY(rota_client_open(&server, &client, why));
	err = rota_client_campaign_state(client, digest, &ask, out->state, why);
	rota_client_close(client);
	if (err == ROTA_ERR_NOT_FOUND)
		return rota_fail(why, err, "the signing daemon has approved no campaign %s", id);
	ROTA_TRY(err);
	err = take(c, digest, ask.body, out, why);
	rota_ask_free(&ask);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "campaign %s", id);
}

enum rota_err approved_read(
	const struct config *c, const char *path, struct approved *out, struct rota_fail *why)
{
	struct rota_bytes text;
	json_t *ask = NULL;
	uint8_t digest[32];
	const char *kind;
	enum rota_err err;

	out->state[0] = 0;
	ROTA_TRY(rota_file_read(path, REQUEST_MAX, &text, why));
	rota_digest_of(rota_bytes_span(&text), digest);
	err = rota_json_parse_strict(rota_bytes_span(&text), &ask, why);
	rota_bytes_free(&text);
	if (err == ROTA_OK) {
		kind = json_string_value(json_object_get(ask, "kind"));
		if (!kind || strcmp(kind, "campaign") != 0)
			err = rota_fail(why, ROTA_ERR_FORMAT, "it asks for no campaign");
		else
			err = take(c, digest, json_object_get(ask, "body"), out, why);
		json_decref(ask);
	}
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", path);
}

bool approved_is_over(const struct approved *a)
{
	return strcmp(a->state, "aborted") == 0 || strcmp(a->state, "done") == 0 ||
		strcmp(a->state, "withdrawn") == 0;
}
