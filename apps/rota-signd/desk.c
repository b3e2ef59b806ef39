/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/desk_parts.h"
#include "apps/rota-signd/offices.h"
#include "apps/rota-signd/turn.h"
#include "host/pki/derout.h"

#include <stdlib.h>
#include <string.h>

/* ---- who may ---- */

static struct rota_rate *bucket_of(struct desk *d, const struct rota_rule *rule)
{
	size_t i = 0;

	while (d->rules[i].rule && d->rules[i].rule != rule)
		i++;
	d->rules[i].rule = rule;
	return &d->rules[i].rate;
}

/* ---- entries ---- */

void desk_write_entry(struct deed *out, const struct rota_leaf *leaf, json_t *record)
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

/* ---- grants ---- */

/* Not with a key whose life is over. */
static enum rota_err may_sign(struct desk *d, const struct deed *out, const struct rota_seat *seat,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	enum rota_err err = plan_may_sign(d->plan, out->ask.scope, seat, point, why);

	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_refuse_as(why, err == ROTA_ERR_STATE ? ROTA_REFUSED_ROLE : ROTA_REFUSED_TOKEN);
}

/* One signature more, by a key that is held here. */
static enum rota_err add_key(struct desk *d, struct deed *out, const struct rota_seat *seat,
	size_t holder, size_t key, struct rota_fail *why)
{
	const struct holder *h = &d->plan->holders[holder];
	uint8_t n = out->order.count;

	if (n == ROTA_ANSWER_SIGS_MAX)
		return rota_refuse(why, ROTA_REFUSED_TOKEN, "more than %d keys would sign",
			ROTA_ANSWER_SIGS_MAX);
	ROTA_TRY(may_sign(d, out, seat, h->keys[key].point, why));
	out->order.holder[n] = (uint8_t)holder;
	out->order.key[n] = (uint16_t)key;
	memcpy(out->answer.sig[n].key, h->keys[key].point, ROTA_P256_KEY_LEN);
	memcpy(out->answer.id[n], h->id[key], sizeof(out->answer.id[n]));
	if (n == 0)
		memcpy(out->grant.leaf.key, h->id[key], sizeof(out->grant.leaf.key));
	out->order.count++;
	out->answer.count++;
	return ROTA_OK;
}

static enum rota_err add_seats(struct desk *d, struct deed *out, struct rota_fail *why)
{
	const struct rota_grant *g = &out->grant;

	for (size_t i = 0; i < g->seats; i++) {
		size_t holder, key;

		if (!plan_find(d->plan, g->seat[i], &holder, &key))
			return rota_refuse(why, ROTA_REFUSED_TOKEN, "nobody here holds key %s",
				g->seat[i]->key);
		ROTA_TRY(add_key(d, out, g->seat[i], holder, key, why));
	}
	return ROTA_OK;
}

/* Who signs: each seat's key, held here; within a series the keys of the slots whose turn it is (SPEC 23.6). */
static enum rota_err seat(struct desk *d, struct deed *out, uint64_t now, struct rota_fail *why)
{
	struct turn_hands hands = { .plain = true };

	out->answer.time_s = out->grant.time_s;
	if (out->ask.kind == ROTA_ASK_METADATA)
		turn_of(d->plan, out->ask.scope, out->ask.role, now, &hands);
	if (hands.shut && hands.count == 0 && !hands.plain)
		return rota_refuse(why, ROTA_REFUSED_TOKEN,
			"slot %llu is not held: its root does not count, or the keeper has not "
			"given "
			"its PIN (SPEC 23.11)",
			(unsigned long long)hands.shut);
	for (size_t i = 0; i < hands.count; i++) {
		const struct holder *h = &d->plan->holders[hands.holder[i]];
		struct rota_seat slot = { .token = h->token };

		memcpy(slot.key, h->label[hands.key], sizeof(h->label[0]));
		ROTA_TRY(add_key(d, out, &slot, hands.holder[i], hands.key, why));
	}
	return hands.plain ? add_seats(d, out, why) : ROTA_OK;
}

/* The entry as it will stand. */
static enum rota_err encode(struct deed *out, struct rota_fail *why)
{
	struct rota_span leaf;

	if (rota_leaf_encode(&out->grant.leaf, ROTA_BUF(out->leaf), &leaf) != ROTA_OK ||
		out->grant.record.len > ROTA_LOG_PRIVATE_MAX)
		return rota_refuse(why, ROTA_REFUSED_MEMBER,
			"the request is too long for an entry of the log");
	out->order.leaf_len = (uint16_t)leaf.len;
	out->order.record_len = (uint32_t)out->grant.record.len;
	return ROTA_OK;
}

/* The order of judge.h: judged, its text durable, and taken in before anybody else is judged. */
static enum rota_err grant(struct rota_judge *judge, struct deed *out, struct rota_fail *why)
{
	if (rota_judge_keep(judge, &out->ask, &out->grant, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_LOG);
	ROTA_TRY(rota_judge_taken(judge, &out->ask, &out->grant, why));
	out->kind = DEED_GRANT;
	out->approved = judge->approval_count > 0;
	out->shown = out->approved || out->ask.kind == ROTA_ASK_CERTIFICATE ||
		out->ask.kind == ROTA_ASK_ROWS || out->ask.kind == ROTA_ASK_OCSP;
	return ROTA_OK;
}

static enum rota_err judge(struct desk *d, struct rota_judge *judge, const struct rota_rule *rule,
	struct deed *out, struct rota_fail *why)
{
	const struct rota_ask *ask = &out->ask;

	ROTA_TRY(rota_judge_ask(judge, rule, ask, &out->grant, why));
	if (ask->expires_s != 0 && ask->expires_s <= judge->now && !out->grant.again)
		return rota_refuse(why, ROTA_REFUSED_EXPIRED, "the request's time is over");
	if (out->grant.waits)
		out->grant.leaf.kind = ROTA_LEAF_ASKED;
	else
		ROTA_TRY(seat(d, out, judge->now, why));
	ROTA_TRY(encode(out, why));
	ROTA_TRY(out->grant.waits ? desk_wait(d, rule, out, why) : grant(judge, out, why));
	out->record = out->grant.record;
	out->grant.record = (struct rota_bytes){ 0 };
	return ROTA_OK;
}

/* What mends itself, or is this machine's fault, says nothing against a request. */
static bool is_passing(const struct rota_fail *why)
{
	const char *text;
	const struct rota_refusal_row *row = rota_refusal_of(why, &text);

	return !row || row == &rota_refusals[ROTA_REFUSED_TOKEN] ||
		row == &rota_refusals[ROTA_REFUSED_LOG] || row == &rota_refusals[ROTA_REFUSED_RATE];
}

/* What a request costs (SPEC 19.4). */
static size_t weight(const struct rota_ask *ask)
{
	return ask->kind == ROTA_ASK_ROWS ? json_array_size(json_object_get(ask->body, "items"))
					  : 1;
}

/* Judged with the approvals that it has, once they are enough. One that is refused then waits no more. */
static enum rota_err permit(struct desk *d, const struct rota_identity *who,
	const struct desk_time *when, struct deed *out, struct rota_fail *why)
{
	struct rota_judge j = { .policy = d->plan->policy, .records = d->records, .now = when->s };
	const struct rota_rule *rule;
	const struct pending_ask *waits;
	enum rota_err err;

	ROTA_TRY(rota_policy_find(d->plan->policy, who, &out->ask, &rule, &j.client, why));
	j.certify = offices_find(d->plan, out->ask.scope);
	ROTA_TRY(rota_rate_take(
		bucket_of(d, rule), rule, weight(&out->ask), when->ms, &out->wait_s, why));
	waits = rule->approvals ? pending_find(d->pending, out->ask.digest) : NULL;
	if (waits && (strcmp(waits->client, j.client) != 0 || strcmp(waits->rule, rule->name) != 0))
		return rota_refuse(why, ROTA_REFUSED_REPLAY,
			"client %s asked for this already, and it waits", waits->client);
	if (waits && waits->count >= rule->approvals) {
		j.approvals = waits->yes;
		j.approval_count = waits->count;
	}
	err = judge(d, &j, rule, out, why);
	if (err != ROTA_OK && waits && !is_passing(why)) {
		out->kind = DEED_CLOSED;
		memcpy(out->about, out->ask.digest, sizeof(out->about));
	}
	return err;
}

/* ---- refusals ---- */

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
	const struct desk_time *when, struct deed *out)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_REFUSED, .at_s = when->s };
	struct desk_client *c = client_of(d, client);
	json_t *record, *text;
	char key[ROTA_DIGEST_HEX] = "", ask[ROTA_DIGEST_HEX];

	if (out->ask.whole) {
		leaf.scope = rota_span_cstr(out->ask.scope);
		leaf.role = rota_span_cstr(out->ask.role);
	}
	out->unsaid = out->kind != DEED_CLOSED && !counts(c, when->ms);
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
	rota_hex(ROTA_SPAN(out->about), ask);
	if (out->kind == DEED_CLOSED)
		json_object_set_new(record, "ask", json_string(ask));
	desk_write_entry(out, &leaf, record);
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

void desk_refuse_why(struct desk *d, const struct rota_identity *who, const char *client,
	const struct desk_time *when, const struct rota_fail *why, struct deed *out)
{
	const char *text = why->text;
	const struct rota_refusal_row *row = rota_refusal_of(why, &text);

	out->order = (struct signd_order){ 0 };
	desk_refuse(out, row ? (enum rota_refusal)(row - rota_refusals) : ROTA_REFUSED_TOKEN, text);
	enter_refusal(d, who, client, when, out);
}

void desk_ask(struct desk *d, const struct rota_identity *who, struct rota_bytes bytes,
	const struct desk_time *when, struct deed *out)
{
	struct rota_fail why = { 0 };
	const char *client = NULL;
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	out->answer.kind = ROTA_ANSWER_SIGNED;
	err = rota_policy_client(d->plan->policy, who, &client, &why);
	if (err != ROTA_OK) { /* before a byte of it is read */
		rota_bytes_free(&bytes);
	} else {
		err = rota_ask_parse(bytes, &out->ask, &why);
		if (err == ROTA_OK)
			err = permit(d, who, when, out, &why);
	}
	if (err != ROTA_OK)
		desk_refuse_why(d, who, client, when, &why, out);
}

/* ---- artifacts (SPEC 18.2) ---- */

static json_t *receipt_json(const struct rota_artifact *a)
{
	char digest[ROTA_DIGEST_HEX], sha256[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(a->digest), digest);
	rota_hex(ROTA_SPAN(a->sha256), sha256);
	return json_pack("{s:s?,s:I,s:s}", "image", a->image ? digest : NULL, "length",
		(json_int_t)a->length, "sha256", sha256);
}

static void enter_artifact(
	const struct rota_rule *rule, const struct rota_artifact *a, uint64_t now, struct deed *out)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_BUILD,
		.at_s = now,
		.scope = rota_span_cstr(rule->scope),
		.role = rota_span_cstr(rule->role) };
	json_t *receipt = receipt_json(a);
	struct rota_fail why;

	memcpy(leaf.digest, a->sha256, sizeof(leaf.digest));
	desk_write_entry(out, &leaf,
		json_pack("{s:o,s:s,s:s,s:s}", "artifact", rota_artifact_json(a), "client",
			rule->who, "kind", "artifact", "rule", rule->name));
	if (rota_json_encode(receipt, ROTA_JSON_FILE, &out->receipt, &why) != ROTA_OK)
		abort(); /* made of our own values */
	json_decref(receipt);
	out->kind = DEED_BUILD;
}

void desk_artifact(struct desk *d, const struct rota_identity *who, const char *scope,
	struct rota_artifact_reader *reader, const struct desk_time *when, struct deed *out)
{
	const struct rota_rule *rule = rota_policy_brings(d->plan->policy, who, scope);
	struct rota_artifact artifact;
	struct rota_fail why = { 0 };
	const char *client = NULL;
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	err = rota_policy_client(d->plan->policy, who, &client, &why);
	if (err == ROTA_OK && (!rule || !reader))
		err = rota_refuse(&why, ROTA_REFUSED_ROLE,
			"no [rule] lets client %s bring artifacts of %s", client, scope);
	if (err == ROTA_OK)
		err = rota_rate_take(bucket_of(d, rule), rule, 1, when->ms, &out->wait_s, &why);
	if (err != ROTA_OK) {
		desk_refuse_why(d, who, client, when, &why, out);
		return;
	}
	rota_artifact_end(reader, &artifact);
	enter_artifact(rule, &artifact, when->s, out);
}

void desk_signed(struct deed *deed)
{
	struct rota_answer *a = &deed->answer;
	struct rota_bytes der = { 0 };

	if (deed->grant.tbs.len == 0)
		return;
	rota_der_add_signed(&der, rota_bytes_span(&deed->grant.tbs), a->sig[0].sig);
	if (deed->ask.kind == ROTA_ASK_CRL) {
		rota_answer_write_long(a, rota_bytes_span(&der), &deed->receipt);
		rota_bytes_free(&der);
		return;
	}
	if (der.len > sizeof(a->der))
		abort(); /* rota_certify() bounds what stands in it */
	memcpy(a->der, der.p, der.len);
	a->der_len = der.len;
	rota_bytes_free(&der);
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
	desk_write_entry(out, &leaf, json_pack("{s:o}", "text", text ? text : json_string("?")));
}

int desk_status(const struct deed *deed)
{
	const struct rota_refusal_row *row;

	if (deed->answer.kind == ROTA_ANSWER_SIGNED)
		return 200;
	if (deed->answer.kind == ROTA_ANSWER_PENDING)
		return 202;
	row = rota_refusal_find(deed->answer.code);
	if (row == &rota_refusals[ROTA_REFUSED_RATE])
		return 429;
	return row == &rota_refusals[ROTA_REFUSED_TOKEN] || row == &rota_refusals[ROTA_REFUSED_LOG]
		? 503
		: 403;
}

static json_t *key_json(const struct desk *d, const struct rota_seat *seat)
{
	char point[2 * ROTA_P256_KEY_LEN + 1], id[ROTA_DIGEST_HEX];
	size_t holder, key;

	if (!plan_find(d->plan, seat, &holder, &key))
		return NULL;
	rota_hex(ROTA_SPAN(d->plan->holders[holder].keys[key].point), point);
	rota_hex(ROTA_SPAN(d->plan->holders[holder].id[key]), id);
	return json_pack("{s:s,s:s}", "keyid", id, "public", point);
}

bool desk_keys(const struct desk *d, const char *scope, const char *party, struct rota_bytes *out)
{
	const struct rota_authdir *dir = rota_policy_scope(d->plan->policy, scope);
	const struct rota_party *who = dir ? rota_authdir_party(dir, party) : NULL;
	json_t *list = json_array(), *whole = json_pack("{s:o}", "keys", list);
	struct rota_fail why;

	for (size_t i = 0; who && i < who->seat_count; i++) {
		json_t *one = key_json(d, &who->seats[i]);

		if (one)
			json_array_append_new(list, one);
	}
	if (json_array_size(list) > 0 &&
		rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* made of our own values */
	json_decref(whole);
	return out->len > 0;
}

void deed_free(struct deed *deed)
{
	rota_bytes_free(&deed->record);
	rota_bytes_free(&deed->receipt);
	free(deed->rows);
	rota_grant_free(&deed->grant);
	rota_ask_free(&deed->ask);
	*deed = (struct deed){ 0 };
}
