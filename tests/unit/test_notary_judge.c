/* SPDX-License-Identifier: Apache-2.0 */
/* What the signing daemon refuses: from a good request, one thing changed; each row names its code (SPEC 18.6, 19.2).
 * Here what is judged of every role, and the record it is judged by; by kind and role: test_judge_*.c. */
#include "tests/unit/judge_scene.h"
#include "host/repo/store.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>

static struct court c;

TEST(adopted)
{
	const struct rota_record_role *role;

	CHECK(court_begin(&c));
	role = rota_records_role(c.records, "sensor", "snapshot");
	CHECK(role && role->version == 1 && role->content && !role->missing);
	CHECK(rota_records_role(c.records, "sensor", "timestamp")->version == 1);
	CHECK(rota_records_role(c.records, "sensor", "releases")->version == 2);
	CHECK(!rota_records_knows(c.records, "other"));
	/* once something was asked for, never again */
	CHECK_OK(court_sign(&c, "revocations", court_next(&c, "revocations"), NULL));
	CHECK(rota_records_knows(c.records, "sensor"));
	CHECK_EQ(court_adopt(&c), ROTA_ERR_STATE);
	court_end(&c);
}

/* Cut off behind any of its entries it goes on with the next; all is there when the first request is judged. */
TEST(adopted_in_pieces)
{
	char row[24];
	size_t all;

	CHECK(court_begin(&c));
	all = c.entries;
	CHECK(all > 5);
	CHECK_OK(court_restart(&c));
	CHECK_OK(court_adopt(&c));
	CHECK_EQ(c.entries, all); /* nothing twice */
	for (size_t cut = 0; cut < all; cut++) {
		snprintf(row, sizeof(row), "%zu", cut);
		ROW(row);
		while (c.entries > cut)
			rota_bytes_free(&c.log[--c.entries].record);
		CHECK_OK(court_restart(&c));
		CHECK_OK(court_adopt(&c));
		CHECK_EQ(c.entries, all);
		CHECK(rota_records_role(c.records, "sensor", "rollouts")->content);
		CHECK(!rota_records_role(c.records, "sensor", "rollouts")->missing);
	}
	CHECK_OK(court_sign(&c, "revocations", court_next(&c, "revocations"), NULL));
	court_end(&c);
}

/* What every role's file is judged by. */
TEST(each_file)
{
	static const struct {
		const char *reason, *path, *value, *code;
	} rows[] = {
		{ "as it should be", "version", "2", "" },
		{ "a version left out", "version", "3", "version" },
		{ "a version as text", "version", "\"2\"", "member" },
		{ "another type", "_type", "\"root\"", "member" },
		{ "another specification", "spec_version", "\"2.0.0\"", "member" },
		{ "an unknown member", "more", "1", "member" },
		{ "no targets", "targets", NULL, "member" },
		{ "issued ahead of the clock", "x-rota-issued", "\"2027-01-15T08:10:01Z\"",
			"time" },
		{ "issued before what it follows", "x-rota-issued", "\"2027-01-15T07:59:59Z\"",
			"lifetime" },
		{ "longer than a day", "expires", "\"2027-01-16T08:00:01Z\"", "lifetime" },
		{ "expired", "expires", "\"2027-01-15T08:00:00Z\"", "lifetime" },
		{ "no time", "expires", "\"tomorrow\"", "member" },
	};

	CHECK(court_begin(&c));
	for (size_t i = sizeof(rows) / sizeof(rows[0]); i-- > 0;) {
		json_t *content = court_next(&c, "revocations");

		ROW(rows[i].reason);
		court_set(content, rows[i].path,
			rows[i].value ? json_loads(rows[i].value, JSON_DECODE_ANY, NULL) : NULL);
		CHECK_EQ(court_sign(&c, "revocations", content, NULL) == ROTA_OK, !*rows[i].code);
		CODE(rows[i].code);
	}
	court_end(&c);
}

TEST(times)
{
	json_t *content;

	CHECK(court_begin(&c));
	content = court_next(&c, "revocations");
	court_set(content, "x-rota-issued", json_string("2027-01-15T07:59:59Z"));
	court_set(content, "expires", json_string("2027-01-15T09:00:00Z"));
	CHECK(court_sign(&c, "revocations", content, NULL) != ROTA_OK);
	CODE("time");
	content = court_next(&c, "revocations");
	c.judge.now += 2 * 86400;
	CHECK(court_sign(&c, "revocations", content, NULL) != ROTA_OK);
	CODE("time");
	court_end(&c);
}

/* An answer that was lost: the same bytes, as long as nothing newer was signed. */
TEST(asked_again)
{
	json_t *content, *same, *other;

	CHECK(court_begin(&c));
	content = court_next(&c, "revocations");
	same = json_incref(content);
	CHECK_OK(court_sign(&c, "revocations", content, NULL));
	CHECK_OK(court_sign(&c, "revocations", json_incref(same), NULL));
	CHECK_EQ(rota_records_role(c.records, "sensor", "revocations")->version, 2);
	other = json_deep_copy(same);
	court_set(other, "expires", json_string("2027-01-15T09:00:00Z"));
	CHECK(court_sign(&c, "revocations", other, NULL) != ROTA_OK);
	CODE("replay");
	CHECK_OK(court_sign(&c, "revocations", court_next(&c, "revocations"), NULL));
	CHECK(court_sign(&c, "revocations", same, NULL) != ROTA_OK);
	CODE("version");
	court_end(&c);
}

TEST(after_a_restart)
{
	CHECK(court_begin(&c));
	CHECK_OK(court_roll(&c, 1, LAB, 0, "active"));
	CHECK_OK(court_restart(&c));
	CHECK_EQ(rota_records_role(c.records, "sensor", "rollouts")->version, 2);
	CHECK(court_roll(&c, 1, LAB, 0, "paused") != ROTA_OK);
	CODE("version");
	CHECK_OK(court_roll(&c, 2, LAB, 0, "paused"));
	/* a text that no entry names goes; one that an entry names and that is gone refuses the role */
	tempdir_put("state/records/sensor.rollouts.9", "{}");
	CHECK_OK(court_restart(&c));
	CHECK(!tempdir_get("state/records/sensor.rollouts.9"));
	CHECK(tempdir_get("state/records/sensor.rollouts.3"));
	CHECK(!tempdir_get("state/records/sensor.rollouts.2"));
	/* another text than the entry says, whole as it is */
	tempdir_put("state/records/sensor.rollouts.3",
		"{\"files\":{},\"signed\":{\"expires\":\"2027-01-16T08:00:00Z\","
		"\"targets\":{},\"version\":3,\"x-rota-issued\":\"2027-01-15T08:00:00Z\"}}");
	CHECK_OK(court_restart(&c));
	CHECK(rota_records_role(c.records, "sensor", "rollouts")->missing);
	tempdir_put("state/records/sensor.rollouts.3", "{}");
	CHECK_OK(court_restart(&c));
	CHECK(court_sign(&c, "rollouts", json_pack("{s:s,s:i}", "_type", "targets", "version", 4),
		      NULL) != ROTA_OK);
	CODE("log");
	court_end(&c);
}

/* The newest root has a slot that is over. */
TEST(slot)
{
	json_t *root;

	CHECK(court_begin(&c));
	CHECK_OK(rota_store_signed(&c.n.s.online, "root", &root, &c.n.s.why));
	rota_metadata_stamp(root, "root", 2, NOW - 86400, 86400 * 7);
	court_set(root, "x-rota-slot-end", json_string("2027-01-15T06:00:00Z"));
	CHECK_OK(court_store(&c, "root", root));
	json_decref(root);
	CHECK(court_sign(&c, "snapshot", court_next(&c, "snapshot"), NULL) != ROTA_OK);
	CODE("slot");
	c.judge.now -= 3600; /* within the hour of overlap */
	rota_records_role(c.records, "sensor", "snapshot")->issued_s = 0;
	CHECK_OK(court_sign(&c, "snapshot", court_next(&c, "snapshot"), NULL));
	court_end(&c);
}

/* The token of a role is away. */
TEST(token)
{
	const struct rota_authdir *dir;

	CHECK(court_begin(&c));
	dir = rota_policy_scope(c.n.policy, "sensor");
	((struct rota_token *)(uintptr_t)&dir->tokens[7])->online = false;
	CHECK(court_sign(&c, "time", court_next(&c, "time"), NULL) != ROTA_OK);
	CODE("token");
	court_end(&c);
}

TESTS(T(adopted), T(adopted_in_pieces), T(each_file), T(times), T(asked_again), T(after_a_restart),
	T(slot), T(token))
