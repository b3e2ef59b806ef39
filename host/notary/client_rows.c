/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the registry from the daemon (SPEC 19.9). */
#include "host/notary/client_parts.h"

#include <sys/random.h>

/* A row of each item in hex, and what is around them. */
#define ANSWER_MAX (1024 + ROTA_REGISTRAR_ITEMS_MAX * (2 * ROTA_ROW_LEN + 8))

static enum rota_err write_ask(const char *scope, const char *reason, json_t *body,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_ask ask = { .kind = ROTA_ASK_ROWS,
		.scope = scope,
		.role = ROTA_ROWS_ROLE,
		.reason = reason,
		.body = body };

	if (getrandom(ask.id, sizeof(ask.id), 0) != (ssize_t)sizeof(ask.id))
		return rota_fail(why, ROTA_ERR_IO, "the system gives no random bytes");
	return rota_ask_write(&ask, out, why);
}

enum rota_err rota_client_rows(struct rota_client *c, const char *scope, const char *reason,
	const struct rota_span *items, size_t count, struct rota_rows_result *out,
	struct rota_fail *why)
{
	json_t *body;
	struct rota_bytes ask, text;
	enum rota_err err;

	if (count == 0 || count > ROTA_REGISTRAR_ITEMS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "rows of %zu items at once", count);
	body = rota_rows_body(items, count);
	err = write_ask(scope, reason, body, &ask, why);
	json_decref(body);
	ROTA_TRY(err);
	err = client_post_long(c, rota_bytes_span(&ask), ANSWER_MAX, &text, why);
	rota_bytes_free(&ask);
	ROTA_TRY(err);
	err = rota_rows_answer_read(rota_bytes_span(&text), out, count, why);
	rota_bytes_free(&text);
	return err;
}
