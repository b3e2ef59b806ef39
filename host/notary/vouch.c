/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/vouch.h"
#include "host/build/dsse.h"
#include "host/notary/judge.h"
#include "host/notary/policy_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/chain.h"
#include "host/repo/judge.h"

#include <string.h>

/* What one record says, as far as it is looked at. */
struct vouching {
	const struct rota_policy *p;
	const struct rota_leaf *leaf;
	json_t *record;
	const struct rota_rule *rule;
	enum rota_ask_kind kind;
	uint64_t now;
};

static bool is_span(struct rota_span span, const char *text)
{
	return rota_span_eq(span, rota_span_cstr(text));
}

/* A grant is of a kind that keys sign for, an event of the kind that none does: a rule to enter events lets nothing be signed. */
static bool is_leafs(const struct vouching *v, const char *party)
{
	static const struct {
		uint8_t leaf;
		enum rota_ask_kind kind;
	} own[] = {
		{ ROTA_LEAF_ISSUED, ROTA_ASK_CERTIFICATE },
		{ ROTA_LEAF_REVOKED, ROTA_ASK_REVOKE },
		{ ROTA_LEAF_CRL, ROTA_ASK_CRL },
		{ ROTA_LEAF_RESPONDER, ROTA_ASK_OCSP },
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if ((v->leaf->kind == own[i].leaf) != (v->kind == own[i].kind))
			return false;
	return rota_leaf_is_signed(v->leaf->kind) == (party != NULL) &&
		is_span(v->leaf->role, party ? party : v->rule->role);
}

/* The rule that the record names is one for this kind, and for the keys and scope of the leaf. */
static enum rota_err find_rule(struct vouching *v, struct rota_fail *why)
{
	const char *word = rota_judge_text(v->record, "kind"), *party;
	size_t kind = 0;

	v->rule = rota_policy_rule(v->p, rota_judge_text(v->record, "rule"));
	while (kind < ROTA_ASK_KINDS && strcmp(rota_ask_word((enum rota_ask_kind)kind), word) != 0)
		kind++;
	v->kind = (enum rota_ask_kind)kind;
	if (v->rule && kind < ROTA_ASK_KINDS && policy_has_word(v->rule->kinds, word) &&
		is_span(v->leaf->scope, v->rule->scope)) {
		party = rota_policy_party(v->kind, v->rule->role);
		if (is_leafs(v, party))
			return ROTA_OK;
	}
	return rota_refuse(why, ROTA_REFUSED_ROLE,
		"the private record names no rule that lets this be signed");
}

/* What the keys sign of a request; zeros of an event. */
static bool message_of(const struct rota_ask *ask, uint8_t out[static ROTA_DIGEST_LEN])
{
	const json_t *statement = json_object_get(ask->body, "statement");
	struct rota_bytes text = { 0 };

	memset(out, 0, ROTA_DIGEST_LEN);
	if (ask->kind == ROTA_ASK_METADATA)
		rota_digest_of(ask->signed_, out);
	if (ask->kind == ROTA_ASK_BUILD) {
		rota_dsse_message(
			rota_span(json_string_value(statement), json_string_length(statement)),
			&text);
		rota_digest_of(rota_bytes_span(&text), out);
		rota_bytes_free(&text);
	}
	return ask->kind != ROTA_ASK_IMAGE ||
		rota_unhex(rota_judge_text(ask->body, "digest"), rota_buf(out, ROTA_DIGEST_LEN));
}

/* What is handed on is what stands in the request. */
static bool is_message(const struct vouching *v, const struct rota_ask *ask)
{
	uint8_t message[ROTA_DIGEST_LEN];

	/* what an authority signs the log writer makes again of this very request (SPEC 20.5, 20.7) */
	if (rota_policy_is_authoritys(v->kind))
		return true;
	return message_of(ask, message) &&
		memcmp(v->leaf->message, message, sizeof(message)) == 0 &&
		(v->kind != ROTA_ASK_METADATA ||
			v->leaf->version ==
				rota_chain_version(json_object_get(ask->body, "signed")));
}

/* The event of the request is that of the entry. */
static bool is_event(const struct vouching *v, const struct rota_ask *ask)
{
	const json_t *event = json_object_get(ask->body, "event");
	uint8_t digest[ROTA_DIGEST_LEN] = { 0 };

	if (v->kind == ROTA_ASK_CAMPAIGN)
		return v->leaf->kind == ROTA_LEAF_CAMPAIGN && v->leaf->path.len == 0 &&
			memcmp(v->leaf->digest, ask->digest, sizeof(digest)) == 0;
	if (v->kind == ROTA_ASK_REVOKE)
		return rota_unhex(rota_judge_text(ask->body, "device"), ROTA_BUF(digest)) &&
			memcmp(v->leaf->digest, digest, sizeof(digest)) == 0 &&
			json_equal(ask->body, json_object_get(v->record, "what"));
	if (v->kind != ROTA_ASK_RECORD)
		return true;
	return (!json_object_get(event, "digest") ||
		       rota_unhex(rota_judge_text(event, "digest"), ROTA_BUF(digest))) &&
		memcmp(v->leaf->digest, digest, sizeof(digest)) == 0 &&
		is_span(v->leaf->path, rota_judge_text(event, "path")) &&
		v->leaf->kind == rota_judge_event(rota_judge_text(event, "kind"));
}

static enum rota_err check_ask(
	const struct vouching *v, const struct rota_ask *ask, struct rota_fail *why)
{
	if (ask->kind == v->kind && strcmp(ask->role, v->rule->role) == 0 &&
		is_span(v->leaf->scope, ask->scope) && is_message(v, ask) && is_event(v, ask))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_BYTES, "the entry is not of the request");
}

static enum rota_err check_approvals(
	const struct vouching *v, const uint8_t ask[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	const json_t *list = json_object_get(v->record, "approvals");
	struct rota_approval all[ROTA_POLICY_SECTIONS_MAX];
	size_t count = json_array_size(list);

	if (count > ROTA_POLICY_SECTIONS_MAX)
		return rota_refuse(why, ROTA_REFUSED_APPROVALS, "more approvals than officers");
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);

		ROTA_TRY(rota_approval_parse(
			rota_span(json_string_value(one), json_string_length(one)), &all[i], why));
	}
	return rota_approvals_check(v->p, v->rule, all, count, ask, v->now, why);
}

static enum rota_err vouch(struct vouching *v, struct rota_bytes *bytes, struct rota_fail *why)
{
	struct rota_ask ask;
	enum rota_err err;

	ROTA_TRY(find_rule(v, why));
	if (v->rule->approvals == 0)
		return ROTA_OK;
	err = rota_ask_parse(*bytes, &ask, why);
	*bytes = (struct rota_bytes){ 0 };
	ROTA_TRY(err);
	err = check_ask(v, &ask, why);
	if (err == ROTA_OK)
		err = check_approvals(v, ask.digest, why);
	rota_ask_free(&ask);
	return err;
}

/* A rule with approvals for what the leaf is of. */
static bool guards(const struct rota_rule *rule, const struct rota_leaf *leaf)
{
	if (rule->approvals == 0 || !is_span(leaf->scope, rule->scope))
		return false;
	for (size_t k = 0; k < ROTA_ASK_KINDS; k++) {
		const char *party = rota_policy_party((enum rota_ask_kind)k, rule->role);

		if (policy_has_word(rule->kinds, rota_ask_word((enum rota_ask_kind)k)) &&
			is_span(leaf->role, party ? party : rule->role))
			return true;
	}
	return false;
}

bool rota_vouch_needed(const struct rota_policy *p, const struct rota_leaf *leaf)
{
	static const uint8_t kinds[] = { ROTA_LEAF_GRANTED, ROTA_LEAF_RELEASE, ROTA_LEAF_CEREMONY,
		ROTA_LEAF_PROMOTION, ROTA_LEAF_INCIDENT, ROTA_LEAF_KEY, ROTA_LEAF_SERIES,
		ROTA_LEAF_RECONCILED, ROTA_LEAF_CAMPAIGN, ROTA_LEAF_ISSUED, ROTA_LEAF_UNWRAPPED,
		ROTA_LEAF_REVOKED, ROTA_LEAF_CRL, ROTA_LEAF_RESPONDER };

	if (!memchr(kinds, leaf->kind, sizeof(kinds)))
		return false;
	for (size_t i = 0; i < p->rule_count; i++)
		if (guards(&p->rules[i], leaf))
			return true;
	return false;
}

enum rota_err rota_vouch(const struct rota_policy *p, const struct rota_leaf *leaf,
	struct rota_span record, struct rota_bytes ask, uint64_t now, struct rota_fail *why)
{
	struct vouching v = { .p = p, .leaf = leaf, .now = now };
	enum rota_err err = rota_json_parse_strict(record, &v.record, why);

	if (err == ROTA_OK)
		err = vouch(&v, &ask, why);
	json_decref(v.record);
	rota_bytes_free(&ask);
	return err;
}
