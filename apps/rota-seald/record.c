/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/record.h"

#include <stdio.h>
#include <sys/random.h>

static json_t *event_of(const struct unwrapped *what)
{
	const struct rota_copies *head = &what->tree->head;
	char campaign[65], device[65] = "";
	json_t *told = json_pack("{s:I,s:s,s:s,s:i}", "generation", (json_int_t)head->generation,
		"purpose", rota_purpose_word(head->purpose), "service", what->service, "tree",
		(int)head->tree);

	rota_hex(ROTA_SPAN(head->campaign), campaign);
	if (what->device)
		rota_hex(rota_span(what->device, ROTA_DEVICE_LEN), device);
	if (what->device)
		json_object_set_new(told, "device", json_string(device));
	else
		json_object_set_new(told, "devices", json_integer((json_int_t)head->size));
	return json_pack("{s:{s:s,s:s,s:o}}", "event", "digest", campaign, "kind", "unwrapped",
		"what", told);
}

static enum rota_err write_ask(const struct config *c, const struct unwrapped *what,
	struct rota_bytes *text, struct rota_fail *why)
{
	char reason[ROTA_ASK_REASON_MAX + 1];
	struct rota_ask ask = { .kind = ROTA_ASK_RECORD,
		.scope = c->product,
		.role = rota_purpose_role(what->tree->head.purpose),
		.reason = reason,
		.body = event_of(what) };
	enum rota_err err;

	snprintf(reason, sizeof(reason), "service %.64s has keys of devices", what->service);
	if (getrandom(ask.id, sizeof(ask.id), 0) == (ssize_t)sizeof(ask.id))
		err = rota_ask_write(&ask, text, why);
	else
		err = rota_fail(why, ROTA_ERR_IO, "the system gives no random numbers");
	json_decref(ask.body);
	return err;
}

enum rota_err record_unwrapped(const struct config *c, struct rota_client **client,
	const struct unwrapped *what, struct rota_fail *why)
{
	const struct rota_client_server server = { .address = c->signd };
	struct rota_bytes text = { 0 };
	struct rota_answer answer;
	enum rota_err err;

	if (!*client)
		ROTA_TRY(rota_client_open(&server, client, why));
	err = write_ask(c, what, &text, why);
	if (err == ROTA_OK)
		err = rota_client_ask(*client, rota_bytes_span(&text), &answer, why);
	rota_bytes_free(&text);
	if (err != ROTA_OK) {
		rota_client_close(*client);
		*client = NULL;
		return err;
	}
	return rota_client_verdict(&answer, why);
}
