/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/desk.h"
#include "rota/trust/signedtime.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is signed ---- */

/* SPEC 5.5: the second is ours. */
static void time_message(
	const struct rota_ask *ask, uint64_t now, struct deed *out, struct rota_writer *w)
{
	const char *device = json_string_value(json_object_get(ask->body, "device"));
	struct rota_time_question question = { .device_id = rota_span_cstr(device) };
	const char *nonce = json_string_value(json_object_get(ask->body, "nonce"));

	if (!rota_unhex(nonce, ROTA_BUF(question.nonce)))
		abort(); /* rota_ask_parse() has seen to it */
	rota_time_message(w, &question, now);
	out->answer.time_s = now;
}

/* SPEC 10.9 */
static void ticket_message(const struct rota_ask *ask, struct rota_writer *w)
{
	const char *device = json_string_value(json_object_get(ask->body, "device"));
	json_int_t number = json_integer_value(json_object_get(ask->body, "number"));
	json_int_t seconds = json_integer_value(json_object_get(ask->body, "seconds"));

	rota_ticket_message(w, rota_span_cstr(device), (uint32_t)number, (uint32_t)seconds);
}

static enum rota_err make_message(const struct rota_ask *ask, uint64_t now, struct deed *out,
	struct rota_leaf *leaf, struct rota_fail *why)
{
	uint8_t room[ROTA_TIME_MESSAGE_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(room));
	struct rota_span message;

	if (ask->kind == ROTA_ASK_TIME)
		time_message(ask, now, out, &w);
	else if (ask->kind == ROTA_ASK_TICKET)
		ticket_message(ask, &w);
	else
		return rota_refuse(why, ROTA_REFUSED_KIND,
			"requests of this kind are not judged by this daemon, so it does not sign "
			"them");
	ROTA_TRY(rota_writer_end(&w, &message));
	rota_digest_of(message, leaf->message);
	return ROTA_OK;
}

/* ---- who may ---- */

static struct rota_rate *bucket_of(struct desk *d, const struct rota_rule *rule)
{
	size_t i = 0;

	while (d->rules[i].rule && d->rules[i].rule != rule)
		i++;
	d->rules[i].rule = rule;
	return &d->rules[i].rate;
}

static enum rota_err permit(struct desk *d, const struct rota_identity *who,
	const struct rota_ask *ask, uint64_t now, uint64_t now_ms, const char **client,
	struct deed *out, struct rota_fail *why)
{
	const struct rota_rule *rule;

	ROTA_TRY(rota_policy_find(d->plan->policy, who, ask, &rule, client, why));
	ROTA_TRY(rota_rate_take(bucket_of(d, rule), rule, now_ms, &out->wait_s, why));
	if (ask->expires_s != 0 && ask->expires_s <= now)
		return rota_refuse(why, ROTA_REFUSED_EXPIRED, "the request's time is over");
	return ROTA_OK;
}

/* ---- entries ---- */

static void write_entry(struct deed *out, struct rota_leaf *leaf, json_t *record)
{
	struct rota_fail why;
	struct rota_span encoded;

	if (rota_leaf_encode(leaf, ROTA_BUF(out->leaf), &encoded) != ROTA_OK ||
		rota_json_encode(record, ROTA_JSON_FILE, &out->record, &why) != ROTA_OK)
		abort(); /* made of our own values, or of those that rota_ask_parse() took */
	json_decref(record);
	out->order.leaf_len = (uint16_t)encoded.len;
	out->order.record_len = (uint32_t)out->record.len;
}

/* SPEC 21.3: who, why, and what was asked. */
static json_t *record_of(const struct rota_ask *ask, const char *client)
{
	char id[2 * sizeof(ask->id) + 1];

	rota_hex(ROTA_SPAN(ask->id), id);
	return json_pack("{s:s,s:s,s:s,s:s,s:O}", "client", client, "id", id, "kind",
		rota_ask_word(ask->kind), "reason", ask->reason, "what", ask->body);
}

static enum rota_err grant(struct desk *d, const struct rota_identity *who,
	const struct rota_ask *ask, uint64_t now, uint64_t now_ms, const char **client,
	struct deed *out, struct rota_fail *why)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_GRANTED, .at_s = now };
	size_t holder, key;

	ROTA_TRY(permit(d, who, ask, now, now_ms, client, out, why));
	ROTA_TRY(make_message(ask, now, out, &leaf, why));
	if (plan_find(d->plan, ask->scope, rota_policy_party(ask->kind, ask->role), &holder, &key,
		    why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_ROLE);
	leaf.scope = rota_span_cstr(ask->scope);
	leaf.role = rota_span_cstr(ask->role);
	memcpy(leaf.key, d->plan->holders[holder].id[key], sizeof(leaf.key));
	memcpy(out->answer.sig[0].key, d->plan->holders[holder].keys[key].point,
		sizeof(out->answer.sig[0].key));
	out->order.holder = (uint8_t)holder;
	out->order.key = (uint16_t)key;
	out->order.count = 1;
	write_entry(out, &leaf, record_of(ask, *client));
	return ROTA_OK;
}

static struct desk_client *client_of(struct desk *d, const char *name)
{
	size_t i = 0;

	if (!name)
		return &d->clients[ROTA_POLICY_SECTIONS_MAX];
	while (d->clients[i].name && strcmp(d->clients[i].name, name) != 0)
		i++;
	d->clients[i].name = name;
	return &d->clients[i];
}

/* SPEC 18.6: whoever is refused cannot fill the log. */
static bool counts(struct desk_client *c, uint64_t now_ms)
{
	if (c->minute != now_ms / 60000) {
		c->minute = now_ms / 60000;
		c->refusals = 0;
	}
	if (c->refusals++ < DESK_REFUSALS_MAX)
		return true;
	c->unsaid++;
	return false;
}

static void enter_refusal(struct desk *d, const struct rota_identity *who, const char *client,
	uint64_t now, uint64_t now_ms, struct deed *out)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_REFUSED, .at_s = now };
	struct desk_client *c = client_of(d, client);
	json_t *record, *text;
	char key[ROTA_DIGEST_HEX] = "";

	out->unsaid = !counts(c, now_ms);
	if (out->unsaid)
		return;
	text = json_string(out->answer.text); /* NULL: cut inside a character */
	if (who->remote)
		rota_hex(ROTA_SPAN(who->spki), key);
	record = json_pack("{s:s,s:s,s:I,s:s*,s:o,s:o*}", "client", client ? client : "", "code",
		out->answer.code, "more", (json_int_t)c->unsaid, "spki", who->remote ? key : NULL,
		"text", text ? text : json_string("?"), "uid",
		who->remote ? NULL : json_integer((json_int_t)who->uid));
	c->unsaid = 0;
	write_entry(out, &leaf, record);
}

/* ---- */

void desk_refuse(struct deed *deed, enum rota_refusal code, const char *text)
{
	struct rota_answer *a = &deed->answer;
	size_t len = strnlen(text, sizeof(a->text) - 1);

	a->kind = ROTA_ANSWER_REFUSED;
	a->code = rota_refusals[code].code;
	a->clause = rota_refusals[code].clause;
	memcpy(a->text, text, len);
	a->text[len] = 0;
}

static void refuse_why(struct deed *out, const struct rota_fail *why)
{
	const char *text = why->text;
	const struct rota_refusal_row *row = rota_refusal_of(why, &text);

	desk_refuse(out, row ? (enum rota_refusal)(row - rota_refusals) : ROTA_REFUSED_TOKEN, text);
}

void desk_ask(struct desk *d, const struct rota_identity *who, struct rota_bytes bytes,
	uint64_t now, uint64_t now_ms, struct deed *out)
{
	struct rota_fail why = { 0 };
	const char *client = NULL;
	struct rota_ask ask;
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	err = rota_policy_client(d->plan->policy, who, &client, &why);
	if (err != ROTA_OK) { /* before a byte of it is read */
		rota_bytes_free(&bytes);
	} else {
		err = rota_ask_parse(bytes, &ask, &why);
		if (err == ROTA_OK) {
			err = grant(d, who, &ask, now, now_ms, &client, out, &why);
			rota_ask_free(&ask);
		}
	}
	out->answer.kind = ROTA_ANSWER_SIGNED;
	out->answer.count = 1;
	if (err == ROTA_OK)
		return;
	refuse_why(out, &why);
	enter_refusal(d, who, client, now, now_ms, out);
}

void desk_failed(
	const struct deed *granted, uint64_t index, const char *why, uint64_t now, struct deed *out)
{
	struct rota_leaf leaf;
	json_t *text = json_string(why);

	memset(out, 0, sizeof(*out));
	if (rota_leaf_decode(rota_span(granted->leaf, granted->order.leaf_len), &leaf) != ROTA_OK)
		abort(); /* we encoded it */
	leaf.kind = ROTA_LEAF_FAILED;
	leaf.at_s = now;
	leaf.version = index;
	write_entry(out, &leaf, json_pack("{s:o}", "text", text ? text : json_string("?")));
}

int desk_status(const struct deed *deed)
{
	static const enum rota_refusal passing[] = { ROTA_REFUSED_TOKEN, ROTA_REFUSED_LOG };
	const char *code = deed->answer.code;

	if (deed->answer.kind == ROTA_ANSWER_SIGNED)
		return 200;
	if (strcmp(code, rota_refusals[ROTA_REFUSED_RATE].code) == 0)
		return 429;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (strcmp(code, rota_refusals[passing[i]].code) == 0)
			return 503;
	return 403;
}

void deed_free(struct deed *deed)
{
	rota_bytes_free(&deed->record);
}
