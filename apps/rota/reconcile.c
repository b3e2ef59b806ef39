/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/reconcile.h"
#include "host/notary/client.h"

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Of one entry: a body of 8 KiB stands in its private record as it is, and a row has 300 bytes at most. */
#define ENTRY_ROWS 24
#define ROLE "root" /* whose matter all keys are */

bool reconcile_is_wrong(const struct reconcile_row *r)
{
	return !r->first &&
		(r->signatures < r->kept_signatures || r->after < r->kept_entries ||
			r->signatures - r->kept_signatures > r->after - r->kept_entries);
}

json_t *reconcile_json(const struct reconcile_row *r)
{
	uint64_t entries = r->first ? r->after : r->after - r->kept_entries;
	uint64_t made = r->first ? r->signatures : r->signatures - r->kept_signatures;

	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:b,s:b}", "product", r->scope, "token",
		r->token, "key", r->label, "entries", (json_int_t)entries, "failed",
		(json_int_t)(r->failed - r->kept_failed), "signatures", (json_int_t)made, "first",
		r->first, "good", !reconcile_is_wrong(r));
}

static enum rota_err send_event(
	struct rota_client *c, const char *scope, json_t *keys, struct rota_fail *why)
{
	struct rota_ask ask = { .kind = ROTA_ASK_RECORD,
		.scope = scope,
		.role = ROLE,
		.reason = "rota audit reconcile" };
	struct rota_answer answer;
	struct rota_bytes text;
	enum rota_err err;

	if (getrandom(ask.id, sizeof(ask.id), 0) != (ssize_t)sizeof(ask.id)) {
		json_decref(keys);
		return rota_fail(why, ROTA_ERR_IO, "the system gives no random numbers");
	}
	ask.body =
		json_pack("{s:{s:s,s:{s:o}}}", "event", "kind", "reconciled", "what", "keys", keys);
	err = rota_ask_write(&ask, &text, why);
	json_decref(ask.body);
	ROTA_TRY(err);
	err = rota_client_ask(c, rota_bytes_span(&text), &answer, why);
	rota_bytes_free(&text);
	return err == ROTA_OK ? rota_client_verdict(&answer, why) : err;
}

/* Those of one scope. */
static enum rota_err enter_scope(struct rota_client *c, const char *scope,
	const struct reconcile_row *rows, size_t count, struct rota_fail *why)
{
	size_t at = 0;

	while (at < count) {
		json_t *keys = json_array();

		for (; at < count && json_array_size(keys) < ENTRY_ROWS; at++)
			if (strcmp(rows[at].scope, scope) == 0)
				json_array_append_new(keys, reconcile_json(&rows[at]));
		if (json_array_size(keys) > 0)
			ROTA_TRY(send_event(c, scope, keys, why));
		else
			json_decref(keys);
	}
	return ROTA_OK;
}

static bool may_enter(const struct rota_policy *policy, const char *scope)
{
	const struct rota_identity who = { .uid = geteuid() };
	const struct rota_ask ask = { .kind = ROTA_ASK_RECORD, .scope = scope, .role = ROLE };
	const struct rota_rule *rule;
	const char *client;
	struct rota_fail why;

	return rota_policy_find(policy, &who, &ask, &rule, &client, &why) == ROTA_OK;
}

enum rota_err reconcile_enter(const struct rota_policy *policy, const struct reconcile_row *rows,
	size_t count, bool *entered, struct rota_fail *why)
{
	const struct rota_client_server server = { .address = rota_policy_daemon(policy)->socket };
	const struct rota_authdir *dir;
	enum rota_err err = ROTA_OK;
	struct rota_client *c;

	*entered = false;
	for (size_t n = 0; (dir = rota_policy_scope_at(policy, n)) != NULL; n++) {
		if (!may_enter(policy, dir->product))
			continue;
		ROTA_TRY(rota_client_open(&server, &c, why));
		err = enter_scope(c, dir->product, rows, count, why);
		rota_client_close(c);
		ROTA_TRY(err);
		*entered = true;
	}
	return ROTA_OK;
}
