/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for officers (SPEC 20.3): asked, approved, shown, closed. */
#include "apps/rota-signd/desk_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- asked ---- */

static void answer_state(
	struct deed *out, const struct pending_ask *one, const struct rota_rule *rule)
{
	out->answer.kind = ROTA_ANSWER_PENDING;
	out->answer.entry = one->entry;
	out->answer.have = (uint8_t)one->count;
	out->answer.need = (uint8_t)rule->approvals;
}

enum rota_err desk_wait(
	struct desk *d, const struct rota_rule *rule, struct deed *out, struct rota_fail *why)
{
	const struct pending_ask *one = pending_find(d->pending, out->ask.digest);

	if (one) {
		answer_state(out, one, rule);
		out->unsaid = true;
		return ROTA_OK;
	}
	if (pending_keep(d->pending, rule->who, &out->ask, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_LOG);
	out->kind = DEED_ASKED;
	out->answer.kind = ROTA_ANSWER_PENDING;
	out->answer.need = (uint8_t)rule->approvals;
	return ROTA_OK;
}

/* One that waits, by its digest in hex. */
static struct pending_ask *find(const struct desk *d, const char *hex)
{
	uint8_t digest[ROTA_DIGEST_LEN];

	return rota_unhex(hex, ROTA_BUF(digest)) ? pending_find(d->pending, digest) : NULL;
}

bool desk_knows(const struct desk *d, const struct rota_identity *who)
{
	const char *client;
	struct rota_fail why;

	return rota_policy_client(d->plan->policy, who, &client, &why) == ROTA_OK;
}

bool desk_ask_again(struct desk *d, const struct rota_identity *who, const char *digest,
	const struct desk_time *when, struct deed *out)
{
	const struct pending_ask *one = find(d, digest);
	const char *client;
	struct rota_bytes bytes;
	struct rota_fail why;

	if (!one || rota_policy_client(d->plan->policy, who, &client, &why) != ROTA_OK ||
		strcmp(client, one->client) != 0 ||
		pending_read(d->pending, one->digest, &bytes, &why) != ROTA_OK)
		return false;
	desk_ask(d, who, bytes, when, out);
	return true;
}

/* ---- approved, refused ---- */

static bool has_said(const struct pending_ask *one, const struct rota_approval *a)
{
	for (size_t i = 0; i < one->count; i++)
		if (memcmp(one->yes[i].key, a->key, sizeof(a->key)) == 0)
			return true;
	return false;
}

/* The officer's word, and whose it is. A person who asks does not approve. */
static enum rota_err check(struct desk *d, const struct rota_approval *a, uint64_t now,
	struct pending_ask **one, const struct rota_rule **rule,
	const struct rota_officer **officer, struct rota_fail *why)
{
	*one = pending_find(d->pending, a->ask);
	if (!*one)
		return rota_refuse(why, ROTA_REFUSED_REPLAY,
			"no request of that digest waits: it was granted, refused, or is over");
	*rule = rota_policy_rule(d->plan->policy, (*one)->rule);
	if (!*rule)
		return rota_refuse(
			why, ROTA_REFUSED_APPROVER, "there is no [rule %s] any more", (*one)->rule);
	ROTA_TRY(rota_approval_check(d->plan->policy, *rule, a, a->ask, now, officer, why));
	if (strcmp((*officer)->name, (*one)->client) != 0)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_APPROVER, "%s asked, and somebody else approves",
		(*officer)->name);
}

/* What an officer said, in its own words. */
static void enter(struct deed *out, const struct rota_approval *a, const struct pending_ask *one,
	const struct rota_officer *officer, uint64_t now)
{
	const struct rota_leaf leaf = { .kind = a->refuse ? ROTA_LEAF_REFUSED : ROTA_LEAF_APPROVED,
		.at_s = now,
		.scope = rota_span_cstr(one->scope),
		.role = rota_span_cstr(one->role) };
	struct rota_bytes text = { 0 };
	char ask[ROTA_DIGEST_HEX];

	memcpy(out->about, a->ask, sizeof(out->about));
	rota_hex(ROTA_SPAN(a->ask), ask);
	rota_approval_write(a, &text);
	desk_write_entry(out, &leaf,
		json_pack("{s:s,s:s,s:s*,s:s}", "approval", text.p, "ask", ask, "code",
			a->refuse ? rota_refusals[ROTA_REFUSED_APPROVALS].code : NULL, "officer",
			officer->name));
	rota_bytes_free(&text);
}

static enum rota_err approve(struct desk *d, struct rota_span text, uint64_t now, struct deed *out,
	struct rota_fail *why)
{
	const struct rota_officer *officer = NULL;
	const struct rota_rule *rule = NULL;
	struct pending_ask *one = NULL;
	struct rota_approval a;

	ROTA_TRY(rota_approval_parse(text, &a, why));
	ROTA_TRY(check(d, &a, now, &one, &rule, &officer, why));
	answer_state(out, one, rule);
	out->unsaid = !a.refuse && has_said(one, &a);
	if (out->unsaid)
		return ROTA_OK;
	out->kind = a.refuse ? DEED_CLOSED : DEED_APPROVED;
	enter(out, &a, one, officer, now);
	if (a.refuse)
		desk_refuse(out, ROTA_REFUSED_APPROVALS, "an officer said no");
	else
		out->answer.have++;
	return ROTA_OK;
}

void desk_approve(struct desk *d, const struct rota_identity *who, struct rota_span approval,
	const struct desk_time *when, struct deed *out)
{
	struct rota_fail why = { 0 };
	const char *client = NULL;
	enum rota_err err;

	memset(out, 0, sizeof(*out));
	err = rota_policy_client(d->plan->policy, who, &client, &why);
	if (err == ROTA_OK)
		err = approve(d, approval, when->s, out, &why);
	if (err != ROTA_OK)
		desk_refuse_why(d, who, client, when, &why, out);
}

/* ---- over ---- */

/* Of a request that is not to be had any more, and of one whose time is over. */
static void close_ask(const struct pending_ask *one, bool lost, uint64_t now, struct deed *out)
{
	const struct rota_leaf leaf = { .kind = ROTA_LEAF_REFUSED,
		.at_s = now,
		.scope = rota_span_cstr(one->scope),
		.role = rota_span_cstr(one->role) };
	char ask[ROTA_DIGEST_HEX];

	memset(out, 0, sizeof(*out));
	out->kind = DEED_CLOSED;
	memcpy(out->about, one->digest, sizeof(out->about));
	rota_hex(ROTA_SPAN(one->digest), ask);
	desk_write_entry(out, &leaf,
		json_pack("{s:s,s:s,s:s,s:s}", "ask", ask, "client", one->client, "code",
			rota_refusals[ROTA_REFUSED_EXPIRED].code, "text",
			lost ? "lost: its text is gone" : "its time is over"));
}

bool desk_expire(struct desk *d, uint64_t now, struct deed *out)
{
	for (size_t i = 0; i < d->pending->count; i++) {
		const struct pending_ask *one = &d->pending->asks[i];

		if (one->len > 0 && now < one->until_s)
			continue;
		close_ask(one, one->len == 0, now, out);
		return true;
	}
	return false;
}

/* ---- shown ---- */

void desk_list(const struct desk *d, struct rota_bytes *out)
{
	json_t *list = json_array(), *whole = json_pack("{s:o}", "asks", list);
	struct rota_fail why;

	for (size_t i = 0; i < d->pending->count; i++) {
		char hex[ROTA_DIGEST_HEX];

		rota_hex(ROTA_SPAN(d->pending->asks[i].digest), hex);
		json_array_append_new(list, json_string(hex));
	}
	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* made of our own values */
	json_decref(whole);
}

/* `signed` of what the role has now; null: nothing, or no file is asked for. */
static json_t *was_json(const struct desk *d, const struct rota_ask *ask)
{
	const struct rota_record_role *was = rota_records_role(d->records, ask->scope, ask->role);
	struct rota_bytes text;
	struct rota_fail why;
	json_t *value;

	if (ask->kind != ROTA_ASK_METADATA || !was || !was->content ||
		rota_json_encode(was->content, ROTA_JSON_FILE, &text, &why) != ROTA_OK)
		return json_null();
	value = json_stringn((const char *)text.p, text.len);
	rota_bytes_free(&text);
	return value;
}

bool desk_show(const struct desk *d, const char *digest, struct rota_bytes *out)
{
	const struct pending_ask *one = find(d, digest);
	struct rota_bytes bytes;
	struct rota_ask ask;
	struct rota_fail why;
	json_t *whole;

	if (!one || pending_read(d->pending, one->digest, &bytes, &why) != ROTA_OK ||
		rota_ask_parse(bytes, &ask, &why) != ROTA_OK)
		return false;
	whole = json_pack("{s:o,s:o}", "ask",
		json_stringn((const char *)ask.bytes.p, ask.bytes.len), "was", was_json(d, &ask));
	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* of texts that were parsed strictly */
	json_decref(whole);
	rota_ask_free(&ask);
	return true;
}

/* ---- settled ---- */

static void take_entry(struct desk *d, const struct deed *deed, uint64_t index)
{
	struct rota_span record = rota_bytes_span(&deed->record);
	struct rota_leaf leaf;

	if (rota_leaf_decode(rota_span(deed->leaf, deed->order.leaf_len), &leaf) != ROTA_OK ||
		rota_records_entry(d->records, index, &leaf, record) != ROTA_OK ||
		pending_entry(d->pending, index, &leaf, record) != ROTA_OK)
		abort(); /* we wrote it */
}

void desk_settled(struct desk *d, const struct deed *deed, uint64_t index)
{
	struct rota_judge judge = { .records = d->records };

	switch (deed->kind) {
	case DEED_NOTE:
		break;
	case DEED_GRANT:
		rota_judge_settled(&judge, &deed->ask, &deed->grant);
		if (deed->approved)
			pending_remove(d->pending, deed->ask.digest);
		break;
	case DEED_ASKED:
		take_entry(d, deed, index);
		pending_learn(d->pending, &deed->ask);
		break;
	case DEED_APPROVED:
	case DEED_BUILD:
		take_entry(d, deed, index);
		break;
	case DEED_CLOSED:
		take_entry(d, deed, index);
		pending_remove(d->pending, deed->about);
		break;
	}
}
