/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/logsign.h"
#include "host/base/json.h"
#include "host/identity/loghead.h"

#include <string.h>

/* false: no event speaks of the log. */
static bool newest(struct rota_span report, struct rota_loghead *out)
{
	struct rota_fail ignored;
	json_t *root, *events;
	bool found = false;

	if (rota_json_parse(report, &root, &ignored) != ROTA_OK)
		return false;
	events = json_object_get(root, "events");
	for (size_t i = json_array_size(events); i > 0 && !found; i--) {
		const json_t *log = json_object_get(json_array_get(events, i - 1), "log");

		found = json_is_string(log) && rota_loghead_read(json_string_value(log), out);
	}
	json_decref(root);
	return found;
}

static enum rota_err sign(const struct rota_fetch_server *server, struct rota_span device,
	const struct rota_loghead *head, uint8_t sig[static ROTA_LOGHEAD_SIG_MAX], size_t *len,
	struct rota_fail *why)
{
	const struct rota_fetch_login *login = server->login;

	if (!login)
		return rota_loghead_sign(server->key, device, head, sig, len, why);
	if (!login->key)
		return rota_fail(why, ROTA_ERR_STATE, "this device has no certificate to sign by");
	return rota_loghead_sign_with(login->key, login->certificate, device, head, sig, len, why);
}

enum rota_err agent_logsign(struct rota_bytes *report, const struct rota_fetch_server *server,
	struct rota_span device, struct rota_fail *why)
{
	char hex[2 * ROTA_LOGHEAD_SIG_MAX + 1];
	uint8_t sig[ROTA_LOGHEAD_SIG_MAX];
	struct rota_loghead head;
	size_t len;

	if (!newest(rota_bytes_span(report), &head))
		return ROTA_OK;
	ROTA_TRY(sign(server, device, &head, sig, &len, why));
	rota_hex(rota_span(sig, len), hex);
	report->len--; /* the brace that closes the report */
	rota_bytes_add_text(report, ",\"signature\":\"");
	rota_bytes_add_text(report, hex);
	rota_bytes_add_text(report, "\"}");
	return ROTA_OK;
}
