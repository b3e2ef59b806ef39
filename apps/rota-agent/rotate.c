/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/rotate.h"
#include "apps/rota-agent/say.h"
#include "host/base/json.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ASK_S 60 /* of one call: the server syncs a disk */

/* ---- what lies sealed here ---- */

static uint32_t needs(void *ctx, uint8_t purpose)
{
	struct agent *a = ctx;

	return agent_sealed_needs(&a->sealed, purpose);
}

static uint32_t records(void *ctx, uint8_t purpose)
{
	struct agent *a = ctx;
	struct rota_key_held held;

	rota_keyslots_held(&a->keys.slots, purpose, &held);
	return agent_sealed_left(&a->sealed, purpose, held.active);
}

/* ---- where they lie ---- */

enum rota_err agent_rotate_open(struct agent *a, struct rota_fail *why)
{
	uint8_t device[ROTA_SHA256_LEN];

	if (a->rot.port == NULL || !a->config->server.url)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "this device has no data keys");
	ROTA_TRY(rota_hex_decode(a->device.rom.device_id, ROTA_BUF(device)));
	ROTA_TRY(agent_keys_open(&a->keys, a->config, a->rot.port, device, true, why));
	agent_sealed_open(&a->sealed, a->config);
	a->rotation = (struct rota_update_keys){ .work = &rota_key_work,
		.desk = &a->key_desk,
		.slots = &a->keys.slots,
		.aead = &rota_aead_openssl,
		.vault_ctx = a,
		.needs = needs,
		.records = records };
	return ROTA_OK;
}

void agent_rotate_close(struct agent *a)
{
	agent_keys_close(&a->keys);
}

const struct rota_update_keys *agent_rotate_begin(struct agent *a)
{
	if (!a->keys.open)
		return NULL;
	agent_keys_again(&a->keys);
	agent_sealed_begin(&a->sealed);
	return &a->rotation;
}

/* ---- the server ---- */

static enum rota_err take(void *ctx, struct rota_span piece)
{
	return rota_update_feed(ctx, piece);
}

enum rota_err agent_rotate_fetch(struct agent *a, struct rota_update *u,
	const struct rota_update_want *want, struct rota_fail *why)
{
	char path[sizeof("api/v1/keys/") + 2 * ROTA_SHA256_LEN] = "api/v1/keys/";
	const struct rota_fetch_get get = {
		.server = &a->config->server,
		.path = path,
		.max_len = want->length,
		.total_s = ASK_S,
		.ctx = u,
		.take = take,
	};
	enum rota_err err;

	rota_hex(ROTA_SPAN(want->sha256), path + strlen(path));
	err = rota_fetch_get(a->fetch, &get, why);
	if (err == ROTA_OK)
		a->report.taken = true;
	return err;
}

/* {"counter":N} */
static bool read_counter(const struct rota_fetch_answer *answer, uint32_t *counter)
{
	struct rota_fail ignored;
	const json_t *number;
	json_t *whole;
	bool good;

	if (rota_json_parse(rota_span(answer->body, answer->len), &whole, &ignored) != ROTA_OK)
		return false;
	number = json_object_get(whole, "counter");
	good = json_is_integer(number) && json_integer_value(number) >= 0 &&
		json_integer_value(number) <= UINT32_MAX;
	if (good)
		*counter = (uint32_t)json_integer_value(number);
	json_decref(whole);
	return good;
}

/* SPEC 35.4: 422 alone is final. 403 is said of who speaks, by a front too, and not of the statement; who was let in in this very cycle
 * keeps his certificate all the same. */
static enum rota_err judge(struct agent *a, const struct rota_fetch_answer *answer)
{
	switch (answer->status) {
	case 204:
		a->report.taken = true;
		return ROTA_OK;
	case 422:
		a->report.taken = true;
		return ROTA_ERR_DENIED;
	case 403:
		if (!a->report.taken)
			a->report.turned_away = true;
		return ROTA_ERR_NET;
	case 429:
	case 503:
		return ROTA_ERR_BUSY;
	default:
		return ROTA_ERR_NET;
	}
}

bool agent_rotate_send(struct agent *a, struct rota_update *u, const struct rota_update_want *want,
	enum rota_err *err, struct rota_fail *why)
{
	static const char *const lines[] = { "Content-Type: application/octet-stream", NULL };
	static struct rota_fetch_answer answer;
	uint32_t counter;

	*err = rota_fetch_send(a->fetch, &a->config->server, "api/v1/statement", lines,
		want->statement, ASK_S, &answer, why);
	if (*err == ROTA_ERR_DENIED)
		*err = ROTA_ERR_NET; /* of the certificate: the statement did not arrive */
	if (*err != ROTA_OK)
		return false;
	if (answer.status == 409 && read_counter(&answer, &counter)) {
		a->report.taken = true;
		rota_update_out_of_turn(u, counter);
		return true;
	}
	*err = judge(a, &answer);
	if (*err != ROTA_OK)
		rota_fail(why, *err, "%s/api/v1/statement answers %u%s%.200s",
			a->config->server.url, answer.status, answer.body[0] == '<' ? "" : ": ",
			answer.body[0] == '<' ? "" : answer.body);
	return false;
}

void agent_rotate_say(const struct agent *a, const struct rota_update *u)
{
	const struct rota_why *why = a->keys.open ? rota_update_keys_why(u) : NULL;

	if (why != NULL && a->sealed.why.err != ROTA_OK)
		say("warning",
			(struct say_field[]){ { "step", "vault" }, { "reason", a->sealed.why.text },
				{ NULL, NULL } });
	if (why == NULL || why->err == ROTA_OK)
		return;
	say("warning",
		(struct say_field[]){ { "step", "keys" },
			{ "clause", rota_clause_section(why->clause) },
			{ "reason", rota_err_str(why->err) },
			{ "demand", rota_clause_demand(why->clause) }, { NULL, NULL } });
}
