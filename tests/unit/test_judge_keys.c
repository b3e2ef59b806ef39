/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns for keys of devices: who may ask for one, and which lists of them are signed (SPEC 19.7, 32.1, 32.2). */
#include "tests/unit/judge_scene.h"
#include "host/notary/vouch.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define LIST_PATH "keys/link/sensor.json"
#define ROOT(digit)                                                                                \
	digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
		digit digit digit digit digit digit digit digit digit digit digit digit digit      \
			digit digit digit digit digit digit digit digit digit digit digit digit    \
				digit digit digit digit digit digit digit digit digit digit digit  \
					digit digit digit digit digit digit digit digit digit      \
						digit digit digit digit

static struct court c;

/* The body of a request for keys of some purpose; 100 devices and no more than 120. */
static json_t *request(const char *purpose, unsigned generation)
{
	return json_pack("{s:s,s:i,s:s,s:b,s:i,s:s,s:i,s:i,s:s,s:i,s:s,s:s,s:[{s:s,s:i}],s:i}",
		"activation", "2027-01-20T08:00:00Z", "cipher", 1, "devices", "group=lab",
		"emergency", 0, "expected", 100, "export", ROOT("e"), "generation", (int)generation,
		"most", 120, "name", "winter", "overlap_s", 604800, "product", "sensor", "purpose",
		purpose, "stages", "from", "2027-01-15T08:00:00Z", "ppm", 1000000, "suite", 1);
}

/* Ask for it as the engineer; its id into `id`. The body is stolen. */
static enum rota_err ask(const char *role, json_t *body, char id[static ROTA_DIGEST_HEX])
{
	struct rota_ask one;

	if (notary_ask(&c.n, "campaign", role, json_incref(body), NULL, &one) == ROTA_OK) {
		rota_hex(ROTA_SPAN(one.digest), id);
		rota_ask_free(&one);
	}
	return court_ask(&c, &notary_engineer, "campaign", role, body, NULL);
}

/* A campaign of a list as it was asked for, with one tree of so many devices. */
static json_t *campaign(const char *id, const char *purpose, unsigned generation, unsigned size)
{
	static const char *const own[] = { "devices", "expected", "export", "most", "name",
		"product" };
	json_t *one = request(purpose, generation);

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		json_object_del(one, own[i]);
	json_object_set_new(one, "id", json_string(id));
	json_object_set_new(one, "state", json_string("active"));
	json_object_set_new(one, "trees",
		json_pack("[{s:s,s:i,s:i}]", "root", ROOT("a"), "size", (int)size, "tree", 0));
	return one;
}

/* The next list of role keys-link, of these campaigns (stolen). */
static enum rota_err list(unsigned sequence, json_t *campaigns)
{
	json_t *content = court_next(&c, "keys-link"), *files = json_object();

	court_list(content, files, LIST_PATH,
		json_pack("{s:s,s:o,s:i,s:s,s:i}", "_type", "keys", "campaigns", campaigns,
			"format", 1, "product", "sensor", "sequence", (int)sequence));
	return court_sign(&c, "keys-link", content, files);
}

TEST(requests)
{
	static const struct {
		const char *reason, *path, *value, *code;
	} rows[] = {
		{ "of storage keys, in the role of link keys", "purpose", "\"storage\"", "role" },
		{ "of a purpose that there is not", "purpose", "\"all\"", "member" },
		{ "of another product", "product", "\"motor\"", "product" },
		{ "of another suite", "suite", "2", "member" },
		{ "of no cipher", "cipher", "0", "member" },
		{ "of generation 0", "generation", "0", "member" },
		{ "for fewer than are expected", "most", "99", "member" },
		{ "with a line's end in the query", "devices", "\"a\\nb\"", "member" },
		{ "with stages that end early", "stages",
			"[{\"from\":\"2027-01-15T08:00:00Z\",\"ppm\":10}]", "member" },
		{ "activated in half a year", "activation", "\"2027-07-20T08:00:00Z\"", "time" },
		{ "with a member more", "x", "1", "member" },
		{ "with one less", "overlap_s", NULL, "member" },
	};
	char id[ROTA_DIGEST_HEX];

	CHECK(court_begin(&c));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body = request("telemetry", 1);

		ROW(rows[i].reason);
		court_set(body, rows[i].path,
			rows[i].value ? json_loads(rows[i].value, JSON_DECODE_ANY, NULL) : NULL);
		CHECK(ask("keys-link", body, id) != ROTA_OK);
		CODE(rows[i].code);
	}
	ROW(NULL);
	CHECK_OK(ask("keys-link", request("telemetry", 1), id));
	CHECK_EQ(c.log[c.entries - 1].leaf.kind, ROTA_LEAF_CAMPAIGN);
	CHECK(ask("keys-link", request("telemetry", 1), id) != ROTA_OK);
	CODE("replay");
	/* nobody hides anything beside it */
	CHECK(court_ask(&c, &notary_engineer, "campaign", "keys-link", request("link", 1),
		      json_pack("{s:s}", LIST_PATH, "{}")) != ROTA_OK);
	CODE("member");
	court_end(&c);
}

/* Its bytes are there for who makes the keys, as they were approved, also after a restart. */
TEST(kept)
{
	const struct rota_record_campaign *one;
	struct rota_bytes bytes;
	char id[ROTA_DIGEST_HEX];
	uint8_t digest[ROTA_DIGEST_LEN];

	CHECK(court_begin(&c));
	CHECK_OK(ask("keys-link", request("telemetry", 7), id));
	CHECK(rota_unhex(id, ROTA_BUF(digest)));
	for (int restarted = 0; restarted < 2; restarted++) {
		one = rota_records_campaign(c.records, digest);
		CHECK(one && one == rota_records_campaign_at(c.records, 0) && one->durable);
		CHECK(strcmp(one->scope, "sensor") == 0 && strcmp(one->role, "keys-link") == 0);
		CHECK_EQ(json_integer_value(json_object_get(one->body, "generation")), 7);
		CHECK_OK(rota_records_read_campaign(c.records, digest, &bytes, &c.n.s.why));
		CHECK(strstr((char *)bytes.p, "group=lab"));
		rota_bytes_free(&bytes);
		CHECK_OK(court_restart(&c));
	}
	CHECK(!rota_records_campaign_at(c.records, 1));
	digest[0] ^= 1;
	CHECK(!rota_records_campaign(c.records, digest));
	court_end(&c);
}

TEST(lists)
{
	char first[ROTA_DIGEST_HEX], second[ROTA_DIGEST_HEX], other[ROTA_DIGEST_HEX];

	CHECK(court_begin(&c));
	CHECK_OK(ask("keys-link", request("telemetry", 3), first));
	CHECK_OK(ask("keys-link", request("telemetry", 4), second));
	CHECK_OK(ask("keys-link", request("link", 1), other));
	CHECK_OK(list(1, json_pack("[o]", campaign(first, "telemetry", 3, 100))));
	CHECK_OK(list(2,
		json_pack("[o,o]", campaign(other, "link", 1, 5),
			campaign(first, "telemetry", 3, 100))));
	CHECK_OK(list(3,
		json_pack("[o,o,o]", campaign(other, "link", 1, 5),
			campaign(first, "telemetry", 3, 100),
			campaign(second, "telemetry", 4, 120))));
	/* the older one goes */
	CHECK_OK(list(4,
		json_pack("[o,o]", campaign(other, "link", 1, 5),
			campaign(second, "telemetry", 4, 120))));
	court_end(&c);
}

/* What somebody with the client's rights, and without an officer, may not have signed. */
TEST(lists_refused)
{
	static const struct {
		const char *reason, *path, *value, *code;
	} rows[] = {
		{ "a campaign that nobody asked for", "id", "\"" ROOT("b") "\"", "bytes" },
		{ "another generation", "generation", "4", "member" },
		{ "another cipher", "cipher", "2", "member" },
		{ "another activation", "activation", "\"2027-01-15T08:00:00Z\"", "member" },
		{ "a shorter overlap", "overlap_s", "1", "member" },
		{ "an emergency", "emergency", "true", "member" },
		{ "other stages", "stages", "[{\"from\":\"2027-01-15T07:00:00Z\",\"ppm\":1000000}]",
			"member" },
		{ "more devices than were asked for", "trees",
			"[{\"root\":\"" ROOT("a") "\",\"size\":121,\"tree\":0}]", "ceiling" },
		{ "more devices in two trees", "trees",
			"[{\"root\":\"" ROOT("a") "\",\"size\":100,\"tree\":0},{\"root\":\"" ROOT(
				"b") "\","
				     "\"size\":21,\"tree\":1}]",
			"ceiling" },
	};
	char id[ROTA_DIGEST_HEX], storage[ROTA_DIGEST_HEX];
	json_t *one;

	CHECK(court_begin(&c));
	CHECK_OK(ask("keys-link", request("telemetry", 3), id));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		one = campaign(id, "telemetry", 3, 100);
		court_set(one, rows[i].path, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		CHECK(list(1, json_pack("[o]", one)) != ROTA_OK);
		CODE(rows[i].code);
	}
	ROW("a purpose of the other role");
	CHECK(list(1, json_pack("[o]", campaign(id, "storage", 3, 100))) != ROTA_OK);
	CODE("member");
	ROW("what waits for its officer");
	CHECK_EQ(ask("keys-store", request("storage", 1), storage), ROTA_ERR_BUSY);
	CHECK(list(1, json_pack("[o]", campaign(storage, "telemetry", 3, 100))) != ROTA_OK);
	CODE("bytes");
	ROW("another sequence");
	CHECK(list(2, json_pack("[o]", campaign(id, "telemetry", 3, 100))) != ROTA_OK);
	CODE("version");
	court_end(&c);
}

/* What one list said binds the next one. */
TEST(after_another)
{
	char id[ROTA_DIGEST_HEX], older[ROTA_DIGEST_HEX];
	json_t *one;

	CHECK(court_begin(&c));
	CHECK_OK(ask("keys-link", request("telemetry", 3), id));
	CHECK_OK(ask("keys-link", request("telemetry", 2), older));
	CHECK_OK(list(1, json_pack("[o]", campaign(id, "telemetry", 3, 100))));
	ROW("it goes");
	CHECK(list(2, json_array()) != ROTA_OK);
	CODE("vanished");
	ROW("a generation below it");
	CHECK(list(2,
		      json_pack("[o,o]", campaign(older, "telemetry", 2, 1),
			      campaign(id, "telemetry", 3, 100))) != ROTA_OK);
	CODE("version");
	ROW("another root");
	one = campaign(id, "telemetry", 3, 100);
	court_set(json_array_get(json_object_get(one, "trees"), 0), "root", json_string(ROOT("b")));
	CHECK(list(2, json_pack("[o]", one)) != ROTA_OK);
	CODE("vanished");
	ROW("a tree more");
	one = campaign(id, "telemetry", 3, 100);
	json_array_append_new(json_object_get(one, "trees"),
		json_pack("{s:s,s:i,s:i}", "root", ROOT("b"), "size", 20, "tree", 1));
	CHECK_OK(list(2, json_pack("[o]", one)));
	ROW("and gone again");
	CHECK(list(3, json_pack("[o]", campaign(id, "telemetry", 3, 100))) != ROTA_OK);
	CODE("vanished");
	for (int i = 0; i < 3; i++) {
		static const char *const states[] = { "paused", "aborted", "active" };

		ROW(states[i]);
		one = campaign(id, "telemetry", 3, 100);
		court_set(one, "state", json_string(states[i]));
		json_array_append_new(json_object_get(one, "trees"),
			json_pack("{s:s,s:i,s:i}", "root", ROOT("b"), "size", 20, "tree", 1));
		CHECK_EQ(list(3 + (unsigned)i, json_pack("[o]", one)) == ROTA_OK, i < 2);
	}
	CODE("ceiling");
	court_end(&c);
}

/* The log writer enters a campaign only as its officer approved it (SPEC 20.4). */
TEST(approved)
{
	const struct rota_rule *rule;
	struct rota_approval yes;
	struct rota_grant grant;
	struct rota_leaf leaf;
	struct rota_bytes bytes;
	struct rota_ask one;

	CHECK(court_begin(&c));
	CHECK_OK(notary_ask(&c.n, "campaign", "keys-store", request("storage", 1), NULL, &one));
	CHECK_OK(rota_policy_find(
		c.n.policy, &notary_engineer, &one, &rule, &c.judge.client, &c.n.s.why));
	notary_approve(&c.n, ANNA, &one, NOW + 60, false, &yes);
	c.judge.approvals = &yes;
	c.judge.approval_count = 1;
	CHECK_OK(rota_judge_ask(&c.judge, rule, &one, &grant, &c.n.s.why));
	CHECK_EQ(grant.leaf.kind, ROTA_LEAF_CAMPAIGN);
	CHECK_EQ(grant.seats, 0);
	CHECK(rota_vouch_needed(c.n.policy, &grant.leaf));
	for (int i = 0; i < 4; i++) {
		static const char *const rows[] = { "as it was", "another id", "another event",
			"a path" };

		ROW(rows[i]);
		leaf = grant.leaf;
		leaf.digest[0] ^= (uint8_t)(i == 1);
		leaf.kind = i == 2 ? ROTA_LEAF_INCIDENT : leaf.kind;
		leaf.path = i == 3 ? ROTA_STR("x") : leaf.path;
		bytes = (struct rota_bytes){ 0 };
		rota_bytes_add(&bytes, rota_bytes_span(&one.bytes));
		CHECK_EQ(rota_vouch(c.n.policy, &leaf, rota_bytes_span(&grant.record), bytes, NOW,
				 &c.n.s.why) == ROTA_OK,
			i == 0);
	}
	rota_grant_free(&grant);
	rota_ask_free(&one);
	court_end(&c);
}

TESTS(T(requests), T(kept), T(lists), T(lists_refused), T(after_another), T(approved))
