/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that takes two officers, before the judge and before the log writer (SPEC 20.3, 20.4). */
#include "tests/unit/judge_scene.h"
#include "host/build/dsse.h"
#include "host/notary/vouch.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct court c;

/* The log writer's own look, with one thing changed. */
static enum rota_err vouch(const struct rota_ask *ask, const struct rota_leaf *leaf,
	const struct rota_grant *grant, const char *from, const char *to)
{
	struct rota_bytes bytes = { 0 }, record = { 0 };
	const char *text = (const char *)grant->record.p;
	const char *at = from ? strstr(text, from) : text;
	enum rota_err err;

	if (!at)
		abort();
	rota_bytes_add(&record, rota_span(text, (size_t)(at - text)));
	rota_bytes_add_text(&record, from ? to : "");
	rota_bytes_add_text(&record, at + (from ? strlen(from) : 0));
	rota_bytes_add(&bytes, rota_bytes_span(&ask->bytes));
	c.n.s.why = (struct rota_fail){ 0 };
	err = rota_vouch(c.n.policy, leaf, rota_bytes_span(&record), bytes, NOW, &c.n.s.why);
	rota_bytes_free(&record);
	return err;
}

static void check_vouch(const struct rota_ask *ask, const struct rota_grant *grant)
{
	struct rota_leaf leaf = grant->leaf;
	struct rota_ask other;

	CHECK_OK(vouch(ask, &leaf, grant, NULL, NULL));
	/* a rule without approvals, for another role, scope, kind; one that there is not */
	CHECK(vouch(ask, &leaf, grant, "\"rule\":\"everyone\"", "\"rule\":\"time\"") != ROTA_OK);
	CODE("role");
	CHECK(vouch(ask, &leaf, grant, "\"rule\":\"everyone\"", "\"rule\":\"x\"") != ROTA_OK);
	CODE("role");
	CHECK(vouch(ask, &leaf, grant, "\"kind\":\"metadata\"", "\"kind\":\"key\"") != ROTA_OK);
	CODE("role");
	leaf.scope = ROTA_STR("other");
	CHECK(vouch(ask, &leaf, grant, NULL, NULL) != ROTA_OK);
	CODE("role");
	leaf = grant->leaf;
	leaf.role = ROTA_STR("time");
	CHECK(vouch(ask, &leaf, grant, NULL, NULL) != ROTA_OK);
	CODE("role");
	/* another message, another version, another request */
	leaf = grant->leaf;
	leaf.message[31] ^= 1;
	CHECK(vouch(ask, &leaf, grant, NULL, NULL) != ROTA_OK);
	CODE("bytes");
	leaf = grant->leaf;
	leaf.version++;
	CHECK(vouch(ask, &leaf, grant, NULL, NULL) != ROTA_OK);
	CODE("bytes");
	leaf = grant->leaf;
	CHECK_OK(notary_ask(&c.n, "metadata", "rollouts",
		json_pack("{s:O}", "signed", json_object_get(ask->body, "signed")), NULL, &other));
	CHECK(vouch(&other, &leaf, grant, NULL, NULL) != ROTA_OK);
	rota_ask_free(&other);
	CODE("replay");
	/* the approvals cut out */
	CHECK(vouch(ask, &leaf, grant, "\"approvals\":[", "\"approvals\":[],\"arrovals\":[") !=
		ROTA_OK);
	CODE("approvals");
}

TEST(approvals)
{
	static const char everyone[] = "[{\"kind\":\"everyone\"}]";
	const struct rota_rule *rule;
	struct rota_approval given[2];
	struct rota_grant grant;
	struct rota_ask ask;
	json_t *content, *files = json_object();

	CHECK(court_begin(&c));
	content = court_next(&c, "rollouts");
	court_list(content, files, POLICY_PATH, court_policy(&c, 1, everyone, 0, "active"));
	CHECK_OK(notary_ask(
		&c.n, "metadata", "rollouts", json_pack("{s:o}", "signed", content), files, &ask));
	CHECK_OK(rota_policy_find(
		c.n.policy, &notary_chief, &ask, &rule, &c.judge.client, &c.n.s.why));
	CHECK_OK(rota_judge_ask(&c.judge, rule, &ask, &grant, &c.n.s.why));
	CHECK(grant.waits);
	rota_grant_free(&grant);
	notary_approve(&c.n, ANNA, &ask, NOW + 60, false, &given[0]);
	notary_approve(&c.n, BERT, &ask, NOW + 60, false, &given[1]);
	c.judge.approvals = given;
	c.judge.approval_count = 1;
	CHECK(rota_judge_ask(&c.judge, rule, &ask, &grant, &c.n.s.why) != ROTA_OK);
	CODE("approvals");
	c.judge.approval_count = 2;
	CHECK_OK(rota_judge_ask(&c.judge, rule, &ask, &grant, &c.n.s.why));
	CHECK(!grant.waits && grant.seats == 1 && strcmp(grant.seat[0]->token->name, "t7") == 0);
	CHECK(strstr((char *)grant.record.p, "rota-approval"));
	check_vouch(&ask, &grant);
	if (test_failed)
		return;
	CHECK_OK(rota_judge_keep(&c.judge, &ask, &grant, &c.n.s.why));
	CHECK_OK(rota_judge_taken(&c.judge, &ask, &grant, &c.n.s.why));
	rota_grant_free(&grant);
	CHECK(rota_records_used(c.records, ask.digest));
	/* the answer was lost; nothing newer was signed */
	CHECK_OK(rota_judge_ask(&c.judge, rule, &ask, &grant, &c.n.s.why));
	CHECK(grant.again);
	rota_grant_free(&grant);
	rota_ask_free(&ask);
	court_end(&c);
}

/* What the record says that was asked for; NULL: what was. */
static json_t *told;

/* A grant or an entry of a request under the rule of this name, with the approvals of anna and bert or none. */
static enum rota_err try(const struct rota_ask *ask, const struct rota_leaf *leaf, const char *rule,
	const char *kind, bool approved)
{
	struct rota_bytes text[2] = { { 0 } }, record, bytes = { 0 };
	json_t *whole, *list = json_array();
	struct rota_approval a;
	enum rota_err err;

	for (int i = 0; i < 2 && approved; i++) {
		notary_approve(&c.n, i ? BERT : ANNA, ask, NOW + 60, false, &a);
		rota_approval_write(&a, &text[i]);
		json_array_append_new(list, json_string((char *)text[i].p));
		rota_bytes_free(&text[i]);
	}
	whole = json_pack("{s:o,s:s,s:s,s:O}", "approvals", list, "kind", kind, "rule", rule,
		"what", told ? told : ask->body);
	if (rota_json_encode(whole, ROTA_JSON_FILE, &record, &c.n.s.why) != ROTA_OK)
		abort();
	json_decref(whole);
	rota_bytes_add(&bytes, rota_bytes_span(&ask->bytes));
	c.n.s.why = (struct rota_fail){ 0 };
	err = rota_vouch(c.n.policy, leaf, rota_bytes_span(&record), bytes, NOW, &c.n.s.why);
	rota_bytes_free(&record);
	return err;
}

/* Who may enter events of a role without officers does not sign with its keys without them. */
TEST(a_rule_for_events_lets_nothing_be_signed)
{
	struct rota_leaf leaf = { .kind = ROTA_LEAF_GRANTED,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("rollouts"),
		.version = 7,
		.message = { 1 } };
	struct rota_ask ask;

	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(
		&c.n, "role = rollouts\nkinds = metadata\n", "role = rollouts\nkinds = record\n"));
	CHECK_OK(notary_ask(
		&c.n, "metadata", "rollouts", json_pack("{s:{}}", "signed"), NULL, &ask));
	CHECK(rota_vouch_needed(c.n.policy, &leaf));
	CHECK(try(&ask, &leaf, "rollouts", "record", false) != ROTA_OK);
	CODE("role");
	leaf.kind = ROTA_LEAF_INCIDENT;
	CHECK_OK(try(&ask, &leaf, "rollouts", "record", false));
	/* nor a rule that is for other kinds */
	CHECK(try(&ask, &leaf, "everyone", "record", true) != ROTA_OK);
	CODE("role");
	/* nor the other way round */
	CHECK_OK(notary_policy(
		&c.n, "kinds = metadata\napprovals = 2", "kinds = record\napprovals = 2"));
	CHECK(rota_vouch_needed(c.n.policy, &leaf));
	CHECK(try(&ask, &leaf, "rollouts", "metadata", false) != ROTA_OK);
	CODE("role");
	rota_ask_free(&ask);
	court_end(&c);
}

/* What officers agreed to record is what is entered. */
TEST(an_event_is_the_one_that_was_approved)
{
	static const char path[] = "releases/sensor/1.0.0/release.json";
	struct rota_leaf leaf = { .kind = ROTA_LEAF_RELEASE,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("releases"),
		.path = ROTA_STR("releases/sensor/1.0.0/release.json") };
	struct rota_ask ask;

	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(&c.n, "role = releases\nkinds = record",
		"role = releases\nkinds = record\napprovals = 2\napprovers = anna bert"));
	CHECK_OK(notary_ask(&c.n, "record", "releases",
		json_pack("{s:{s:s#,s:s,s:s,s:{}}}", "event", "digest", &DIGEST[1], 64, "kind",
			"release", "path", path, "what"),
		NULL, &ask));
	CHECK_OK(try(&ask, &leaf, "releases", "record", true));
	leaf.digest[0] ^= 1;
	CHECK(try(&ask, &leaf, "releases", "record", true) != ROTA_OK);
	CODE("bytes");
	leaf.digest[0] ^= 1;
	leaf.path.len--;
	CHECK(try(&ask, &leaf, "releases", "record", true) != ROTA_OK);
	CODE("bytes");
	leaf.path.len++;
	leaf.kind = ROTA_LEAF_PROMOTION;
	CHECK(try(&ask, &leaf, "releases", "record", true) != ROTA_OK);
	CODE("bytes");
	rota_ask_free(&ask);
	court_end(&c);
}

/* Builds whose rule takes approvals are signed, once they have them. */
TEST(an_approved_statement)
{
	struct rota_leaf leaf = {
		.kind = ROTA_LEAF_GRANTED, .scope = ROTA_STR("sensor"), .role = ROTA_STR("builder")
	};
	struct rota_bytes message = { 0 };
	struct rota_ask ask;

	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(&c.n, "kinds = metadata image record build\n",
		"kinds = build\napprovals = 2\napprovers = anna bert\n"));
	CHECK_OK(
		notary_ask(&c.n, "build", "ci", json_pack("{s:s}", "statement", "{}"), NULL, &ask));
	rota_dsse_message(ROTA_STR("{}"), &message);
	rota_digest_of(rota_bytes_span(&message), leaf.message);
	rota_bytes_free(&message);
	CHECK_OK(try(&ask, &leaf, "ci", "build", true));
	leaf.message[0] ^= 1;
	CHECK(try(&ask, &leaf, "ci", "build", true) != ROTA_OK);
	CODE("bytes");
	rota_ask_free(&ask);
	court_end(&c);
}

/* An authority's kinds, of which one may take officers and another none: each has its own entry. */
TEST(an_authority_does_what_was_approved)
{
	static const char rule[] =
		"[rule lists]\nwho = engineer\nscope = sensor\nrole = operational-ca\nkinds = crl "
		"revoke\napprovals = 2\napprovers = anna bert\n[rule rows]";
	struct rota_leaf leaf = { .kind = ROTA_LEAF_CRL,
		.scope = ROTA_STR("sensor"),
		.role = ROTA_STR("operational-ca"),
		.message = { 1 } };
	struct rota_ask ask;

	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(&c.n, "[rule rows]", rule));
	CHECK(rota_vouch_needed(c.n.policy, &leaf));
	CHECK_OK(notary_ask(&c.n, "crl", "operational-ca", json_object(), NULL, &ask));
	CHECK_OK(try(&ask, &leaf, "lists", "crl", true));
	CHECK(try(&ask, &leaf, "lists", "crl", false) != ROTA_OK);
	CODE("approvals");
	CHECK(try(&ask, &leaf, "logins", "certificate", false) != ROTA_OK);
	CODE("role");
	leaf.kind = ROTA_LEAF_RESPONDER;
	CHECK(try(&ask, &leaf, "lists", "crl", true) != ROTA_OK);
	CODE("role");
	rota_ask_free(&ask);
	leaf = (struct rota_leaf){
		.kind = ROTA_LEAF_REVOKED, .scope = leaf.scope, .role = leaf.role
	};
	CHECK(rota_vouch_needed(c.n.policy, &leaf));
	CHECK_OK(notary_ask(&c.n, "revoke", "operational-ca",
		json_pack("{s:s#,s:s}", "device", &DIGEST[1], 64, "serial", "5a"), NULL, &ask));
	CHECK(rota_unhex(
		json_string_value(json_object_get(ask.body, "device")), ROTA_BUF(leaf.digest)));
	CHECK_OK(try(&ask, &leaf, "lists", "revoke", true));
	CHECK(try(&ask, &leaf, "lists", "revoke", false) != ROTA_OK);
	CODE("approvals");
	CHECK(try(&ask, &leaf, "lists", "crl", true) != ROTA_OK);
	CODE("role");
	leaf.digest[0] ^= 1;
	CHECK(try(&ask, &leaf, "lists", "revoke", true) != ROTA_OK);
	CODE("bytes");
	leaf.digest[0] ^= 1;
	told = json_pack("{s:s#,s:s}", "device", &DIGEST[1], 64, "serial", "5b");
	CHECK(try(&ask, &leaf, "lists", "revoke", true) != ROTA_OK);
	CODE("bytes");
	json_decref(told);
	told = NULL;
	rota_ask_free(&ask);
	court_end(&c);
}

/* What an officer said no to is over (SPEC 20.3); what the judge refused may be asked again when the world has moved. */
TEST(refused_by_an_officer)
{
	static const struct rota_leaf leaf = { .kind = ROTA_LEAF_REFUSED };
	uint8_t ask[ROTA_DIGEST_LEN] = { 0xab };
	char hex[ROTA_DIGEST_HEX], record[256];
	struct rota_span text;

	CHECK(court_begin(&c));
	rota_hex(ROTA_SPAN(ask), hex);
	snprintf(record, sizeof(record), "{\"ask\":\"%s\",\"code\":\"ceiling\"}", hex);
	text = rota_span_cstr(record);
	CHECK_OK(rota_records_entry(c.records, 0, &leaf, text));
	CHECK(!rota_records_used(c.records, ask));
	snprintf(record, sizeof(record), "{\"approval\":\"{}\",\"ask\":\"%s\"}", hex);
	text = rota_span_cstr(record);
	CHECK_OK(rota_records_entry(c.records, 1, &leaf, text));
	CHECK(rota_records_used(c.records, ask));
	CHECK(rota_records_entry(c.records, 2, &leaf, ROTA_STR("{\"approval\":\"{}\"}")) !=
		ROTA_OK);
	court_end(&c);
}

TESTS(T(approvals), T(a_rule_for_events_lets_nothing_be_signed),
	T(an_event_is_the_one_that_was_approved), T(an_approved_statement),
	T(an_authority_does_what_was_approved), T(refused_by_an_officer))
