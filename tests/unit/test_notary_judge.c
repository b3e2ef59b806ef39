/* SPDX-License-Identifier: Apache-2.0 */
/* What the signing daemon refuses: from a good request, one thing changed; each row names its code (SPEC 18.6, 19.2). */
#include "tests/unit/judge_scene.h"
#include "host/notary/vouch.h"
#include "host/repo/store.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/image_make.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct court c;

#define LAB                                                                                        \
	"[{\"kind\":\"group\",\"name\":\"lab\"},{\"kind\":\"ppm\",\"ppm\":1000},{\"kind\":"        \
	"\"everyone\"}]"
#define POLICY_PATH "rollouts/sensor.json"
#define CODE(want) CHECK(strcmp(court_code(&c), want) == 0)

static void set(json_t *object, const char *path, json_t *value)
{
	char name[80];

	for (;;) {
		size_t len = strcspn(path, " ");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (!path[len])
			break;
		object = json_object_get(object, name);
		path += len + 1;
	}
	if (value)
		json_object_set_new(object, name, value);
	else
		json_object_del(object, name);
}

/* A policy as the next one of `rollouts`. */
static enum rota_err roll(unsigned sequence, const char *stages, unsigned open, const char *state)
{
	json_t *content = court_next(&c, "rollouts"), *files = json_object();

	court_list(content, files, POLICY_PATH, court_policy(&c, sequence, stages, open, state));
	return court_sign(&c, "rollouts", content, files);
}

TEST(adopted)
{
	const struct rota_record_role *role;

	CHECK(court_begin(&c));
	role = rota_records_role(c.records, "sensor", "snapshot");
	CHECK(role && role->version == 1 && role->content && !role->missing);
	CHECK(rota_records_role(c.records, "sensor", "timestamp")->version == 1);
	CHECK(rota_records_role(c.records, "sensor", "releases")->version == 2);
	CHECK(rota_records_knows(c.records, "sensor") && !rota_records_knows(c.records, "other"));
	CHECK_EQ(rota_records_adopt(
			 c.records, rota_policy_scope(c.n.policy, "sensor"), NOW, NULL, &c.n.s.why),
		ROTA_ERR_STATE);
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
		set(content, rows[i].path,
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
	set(content, "x-rota-issued", json_string("2027-01-15T07:59:59Z"));
	set(content, "expires", json_string("2027-01-15T09:00:00Z"));
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
	set(other, "expires", json_string("2027-01-15T09:00:00Z"));
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
	CHECK_OK(roll(1, LAB, 0, "active"));
	CHECK_OK(court_restart(&c));
	CHECK_EQ(rota_records_role(c.records, "sensor", "rollouts")->version, 2);
	CHECK(roll(1, LAB, 0, "paused") != ROTA_OK);
	CODE("version");
	CHECK_OK(roll(2, LAB, 0, "paused"));
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

TEST(rollouts)
{
	static const char wide[] = "[{\"kind\":\"ppm\",\"ppm\":1001}]";
	static const char group[] = "[{\"kind\":\"group\",\"name\":\"all\"}]";
	static const char canaries[] =
		"[{\"kind\":\"canary\",\"tags\":[\"00000000000000000000000000000000\","
		"\"00000000000000000000000000000001\"]}]";
	static const char everyone[] = "[{\"kind\":\"everyone\"}]";
	static const char other[] = "[{\"kind\":\"ppm\",\"ppm\":1000},{\"kind\":\"everyone\"}]";

	CHECK(court_begin(&c));
	CHECK(roll(2, LAB, 0, "active") != ROTA_OK);
	CODE("version");
	CHECK(roll(1, wide, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(roll(1, group, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(roll(1, canaries, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(roll(1, everyone, 0, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK(roll(1, LAB, 1, "active") != ROTA_OK); /* not from the first */
	CODE("ceiling");
	CHECK_OK(roll(1, LAB, 0, "active"));
	CHECK(roll(2, LAB, 1, "active") != ROTA_OK); /* no soak yet */
	CODE("ceiling");
	CHECK(roll(2, other, 0, "active") != ROTA_OK); /* what is open is changed */
	CODE("ceiling");
	c.judge.now += SOAK_S;
	CHECK_OK(roll(2, LAB, 1, "active"));
	CHECK(roll(3, LAB, 3, "active") != ROTA_OK); /* no such stage: a device refuses it */
	CODE("member");
	CHECK_OK(roll(3, LAB, 1, "aborted"));
	CHECK(roll(4, LAB, 1, "active") != ROTA_OK);
	CODE("ceiling");
	CHECK_OK(court_restart(&c));
	CHECK(roll(4, LAB, 1, "active") != ROTA_OK);
	CODE("ceiling");
	court_end(&c);
}

/* ppm may rise with the soaks that went by, and not before. */
TEST(ceiling_grows)
{
	static const char ten[] = "[{\"kind\":\"ppm\",\"ppm\":10000}]";

	CHECK(court_begin(&c));
	c.judge.now += SOAK_S - 1;
	CHECK(roll(1, ten, 0, "active") != ROTA_OK);
	CODE("ceiling");
	c.judge.now++;
	CHECK_OK(roll(1, ten, 0, "active"));
	court_end(&c);
}

TEST(policy_texts)
{
	json_t *content, *files, *policy;
	struct rota_store_target target;
	char hex[ROTA_DIGEST_HEX];

	CHECK(court_begin(&c));
	/* another text than is listed */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, POLICY_PATH, court_policy(&c, 1, LAB, 0, "active"));
	json_object_set_new(files, POLICY_PATH, json_string("{}"));
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("bytes");
	/* none at all */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, POLICY_PATH, court_policy(&c, 1, LAB, 0, "active"));
	json_object_clear(files);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("bytes");
	/* one that nothing lists */
	content = court_next(&c, "rollouts");
	CHECK(court_sign(&c, "rollouts", content, json_pack("{s:s}", POLICY_PATH, "{}")) !=
		ROTA_OK);
	CODE("member");
	/* of another product, by its path and by itself */
	content = court_next(&c, "rollouts");
	files = json_object();
	policy = court_policy(&c, 1, LAB, 0, "active");
	set(policy, "product", json_string("other"));
	court_list(content, files, "rollouts/other.json", policy);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("product");
	content = court_next(&c, "rollouts");
	files = json_object();
	policy = court_policy(&c, 1, LAB, 0, "active");
	set(policy, "product", json_string("other"));
	court_list(content, files, POLICY_PATH, policy);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("product");
	/* a path of another role */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, "ci/sensor/1.0.0/release.json", json_object());
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("path");
	/* a release that somebody put into the repository, and the log does not know */
	content = court_next(&c, "rollouts");
	files = json_object();
	court_list(content, files, RELEASE_PATH, court_release("releases", "1.0.0", 2, &DIGEST[1]));
	CHECK_OK(rota_store_put_target(&c.n.s.online, RELEASE_PATH,
		rota_span_cstr(json_string_value(json_object_get(files, RELEASE_PATH))), &target,
		&c.n.s.why));
	json_decref(content);
	json_object_clear(files);
	content = court_next(&c, "rollouts");
	rota_hex(ROTA_SPAN(target.sha256), hex);
	policy = court_policy(&c, 1, LAB, 0, "active");
	json_object_set_new(
		json_object_get(json_array_get(json_object_get(policy, "campaigns"), 0), "release"),
		"sha256", json_string(hex));
	court_list(content, files, POLICY_PATH, policy);
	CHECK(court_sign(&c, "rollouts", content, files) != ROTA_OK);
	CODE("bytes");
	/* the policy goes */
	CHECK_OK(roll(1, LAB, 0, "active"));
	content = court_next(&c, "rollouts");
	json_object_clear(json_object_get(content, "targets"));
	CHECK(court_sign(&c, "rollouts", content, NULL) != ROTA_OK);
	CODE("vanished");
	court_end(&c);
}

TEST(withdrawn)
{
	json_t *content, *files = json_object();

	CHECK(court_begin(&c));
	CHECK_OK(roll(1, LAB, 0, "active"));
	content = court_next(&c, "revocations");
	court_list(content, files, "revocations/sensor.json",
		json_pack("{s:s,s:[],s:i,s:s,s:[],s:i,s:[s]}", "_type", "revocations", "crls",
			"format", 1, "product", "sensor", "quarantined", "sequence", 1, "withdrawn",
			c.release));
	CHECK_OK(court_sign(&c, "revocations", content, files));
	CHECK(roll(2, LAB, 0, "done") != ROTA_OK);
	CODE("withdrawn");
	CHECK_OK(court_restart(&c));
	CHECK(roll(2, LAB, 0, "active") != ROTA_OK);
	CODE("withdrawn");
	CHECK_OK(roll(2, LAB, 0, "aborted"));
	court_end(&c);
}

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
	CHECK(vouch(ask, &leaf, grant, "\"kind\":\"metadata\"", "\"kind\":\"image\"") != ROTA_OK);
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

/* `meta` of the next snapshot with the newest file of a role. */
static void list_role(json_t *snapshot, const char *role, uint64_t version)
{
	char name[64];
	json_t *entry;

	snprintf(name, sizeof(name), "%s.json", role);
	if (rota_metadata_entry(&c.n.s.online, role, version, &entry, &c.n.s.why) != ROTA_OK)
		abort();
	json_object_set_new(json_object_get(snapshot, "meta"), name, entry);
}

TEST(snapshot)
{
	static const struct {
		const char *reason, *path, *value, *code;
	} rows[] = {
		{ "a role that goes", "meta time.json", NULL, "vanished" },
		{ "a version that falls", "meta releases.json version", "1", "bytes" },
		{ "a file that there is not", "meta releases.json version", "9", "bytes" },
		{ "another digest", "meta releases.json hashes sha256", DIGEST, "bytes" },
		{ "another length", "meta releases.json length", "17", "bytes" },
		{ "a length of nothing", "meta releases.json length", "0", "member" },
		{ "a file of root", "meta root.json",
			"{\"hashes\":{\"sha256\":" DIGEST "},\"length\":1,\"version\":1}",
			"member" },
		{ "a file of nobody", "meta x.json",
			"{\"hashes\":{\"sha256\":" DIGEST "},\"length\":1,\"version\":1}",
			"member" },
		{ "an entry with more", "meta releases.json more", "1", "member" },
		{ "an unknown member", "more", "1", "member" },
		{ "as it should be", "version", "2", "" },
	};

	CHECK(court_begin(&c));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *content = court_next(&c, "snapshot");

		ROW(rows[i].reason);
		list_role(content, "releases", 2);
		set(content, rows[i].path,
			rows[i].value ? json_loads(rows[i].value, JSON_DECODE_ANY, NULL) : NULL);
		CHECK_EQ(court_sign(&c, "snapshot", content, NULL) == ROTA_OK, !*rows[i].code);
		CODE(rows[i].code);
	}
	/* and then it cannot fall */
	{
		json_t *content = court_next(&c, "snapshot");

		list_role(content, "releases", 1);
		CHECK(court_sign(&c, "snapshot", content, NULL) != ROTA_OK);
		CODE("lower");
	}
	court_end(&c);
}

/* A release that its people signed is recorded before a snapshot lists it. */
TEST(release_without_entry)
{
	json_t *content, *files = json_object(), *body;
	struct rota_store_target target;
	const char *path = "releases/sensor/2.0.0/release.json";
	char hex[ROTA_DIGEST_HEX];
	uint64_t version;

	CHECK(court_begin(&c));
	CHECK_OK(rota_store_signed(&c.n.s.online, "releases", &content, &c.n.s.why));
	court_list(content, files, path, court_release("releases", "2.0.0", 1, &DIGEST[1]));
	CHECK(rota_store_target_read(
		json_object_get(json_object_get(content, "targets"), path), &target));
	rota_hex(ROTA_SPAN(target.sha256), hex);
	CHECK_OK(rota_metadata_sign(&c.n.s.desk, "releases", content, 0, &version, &c.n.s.why));
	json_decref(content);
	json_decref(files);
	content = court_next(&c, "snapshot");
	list_role(content, "releases", version);
	body = json_deep_copy(content);
	CHECK(court_sign(&c, "snapshot", content, NULL) != ROTA_OK);
	CODE("log");
	/* an event about another file than is listed */
	CHECK(court_ask(&c, &notary_engineer, "record", "releases",
		      json_pack("{s:{s:s#,s:s,s:s,s:{}}}", "event", "digest", &DIGEST[1], 64,
			      "kind", "release", "path", path, "what"),
		      NULL) != ROTA_OK);
	CODE("bytes");
	CHECK_OK(court_ask(&c, &notary_engineer, "record", "releases",
		json_pack("{s:{s:s,s:s,s:s,s:{}}}", "event", "digest", hex, "kind", "release",
			"path", path, "what"),
		NULL));
	CHECK_OK(court_restart(&c));
	CHECK_OK(court_sign(&c, "snapshot", body, NULL));
	court_end(&c);
}

/* A file of an online role that has a signature which this daemon did not make. */
TEST(signed_beside_the_log)
{
	json_t *content, *stolen;

	CHECK(court_begin(&c));
	stolen = court_next(&c, "revocations");
	CHECK_OK(court_store(&c, "revocations", stolen));
	json_decref(stolen);
	content = court_next(&c, "snapshot");
	list_role(content, "revocations", 2);
	CHECK(court_sign(&c, "snapshot", content, NULL) != ROTA_OK);
	CODE("bytes");
	court_end(&c);
}

TEST(timestamp)
{
	json_t *content, *snapshot;

	CHECK(court_begin(&c));
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	list_role(content, "snapshot", 1);
	json_object_set_new(json_object_get(json_object_get(content, "meta"), "snapshot.json"),
		"length", json_integer(5));
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	snapshot = court_next(&c, "snapshot");
	CHECK_OK(court_sign(&c, "snapshot", json_incref(snapshot), NULL));
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	list_role(content, "snapshot", 1); /* the one before */
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	/* another snapshot of the same version */
	{
		json_t *other = json_deep_copy(snapshot);

		set(other, "expires", json_string("2027-01-15T09:00:00Z"));
		CHECK_OK(court_store(&c, "snapshot", other));
		json_decref(other);
	}
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	list_role(content, "snapshot", 2);
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	CHECK_OK(court_store(&c, "snapshot", snapshot));
	json_decref(snapshot);
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	list_role(content, "snapshot", 2);
	json_object_set_new(json_object_get(content, "meta"), "root.json", json_object());
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("member");
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	list_role(content, "snapshot", 2);
	CHECK_OK(court_sign(&c, "timestamp", content, NULL));
	/* that file, said to be of another version */
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	list_role(content, "snapshot", 2);
	set(content, "meta snapshot.json version", json_integer(3));
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	court_end(&c);
}

/* The newest root has a slot that is over. */
TEST(slot)
{
	json_t *root;

	CHECK(court_begin(&c));
	CHECK_OK(rota_store_signed(&c.n.s.online, "root", &root, &c.n.s.why));
	rota_metadata_stamp(root, "root", 2, NOW - 86400, 86400 * 7);
	set(root, "x-rota-slot-end", json_string("2027-01-15T06:00:00Z"));
	CHECK_OK(court_store(&c, "root", root));
	json_decref(root);
	CHECK(court_sign(&c, "snapshot", court_next(&c, "snapshot"), NULL) != ROTA_OK);
	CODE("slot");
	c.judge.now -= 3600; /* within the hour of overlap */
	rota_records_role(c.records, "sensor", "snapshot")->issued_s = 0;
	CHECK_OK(court_sign(&c, "snapshot", court_next(&c, "snapshot"), NULL));
	court_end(&c);
}

TEST(ci)
{
	static const char path[] = "ci/sensor/1.0.0/release.json", app[] = "ci/sensor/1.0.0/app";
	struct rota_store_target target;
	json_t *content, *files;
	char hex[ROTA_DIGEST_HEX], file[ROTA_FILE_PATH_MAX];

	CHECK(court_begin(&c));
	CHECK_OK(rota_store_put_target(
		&c.n.s.online, app, ROTA_STR("program"), &target, &c.n.s.why));
	for (int bad = 5; bad >= 0; bad--) {
		static const char *const codes[] = { "", "bytes", "path", "bytes", "bytes",
			"bytes" };
		struct rota_store_target listed = target;

		CHECK_OK(notary_policy(&c.n, "rate = 3/1m", "rate = 9/1m"));
		c.judge.policy = c.n.policy;
		ROW(codes[bad]);
		content = court_next(&c, "ci");
		files = json_object();
		if (bad == 1) /* a file that is not there */
			listed.sha256[0] ^= 1;
		if (bad == 5) { /* one of other bytes in its place */
			listed.sha256[0] ^= 2;
			rota_store_target_path(&c.n.s.online, app, listed.sha256, file);
			CHECK_OK(rota_file_write(file, ROTA_STR("PROGRAM"), 0644, &c.n.s.why));
		}
		rota_hex(ROTA_SPAN(listed.sha256), hex);
		court_list(content, files, path, court_release("ci", "1.0.0", 7, hex));
		json_object_set_new(json_object_get(content, "targets"), app,
			rota_store_target_object(&listed));
		if (bad == 2) /* outside the rule's paths */
			json_object_set_new(json_object_get(content, "targets"),
				"ci/other/1.0.0/app", rota_store_target_object(&listed));
		if (bad == 3) /* a release.json that nobody shows */
			json_object_clear(files);
		if (bad == 4) /* and one that names what is not listed */
			json_object_del(json_object_get(content, "targets"), app);
		CHECK_EQ(court_sign(&c, "ci", content, files) == ROTA_OK, bad == 0);
		CODE(codes[bad]);
	}
	/* a release is never changed */
	content = court_next(&c, "ci");
	files = json_object();
	court_list(content, files, path, court_release("ci", "1.0.0", 7, &DIGEST[1]));
	CHECK(court_sign(&c, "ci", content, files) != ROTA_OK);
	CODE("bytes");
	court_end(&c);
}

TEST(time_lists_nothing)
{
	json_t *content;

	CHECK(court_begin(&c));
	content = court_next(&c, "time");
	json_object_set_new(json_object_get(content, "targets"), "time/sensor.json", json_object());
	CHECK(court_sign(&c, "time", content, NULL) != ROTA_OK);
	CODE("member");
	CHECK_OK(court_sign(&c, "time", court_next(&c, "time"), NULL));
	court_end(&c);
}

TEST(signed_time)
{
	struct rota_grant grant;
	const struct rota_rule *rule;
	struct rota_ask ask;
	uint8_t text[12 + 16 + 64 + 8] = "rota-time-v1", digest[ROTA_DIGEST_LEN];
	uint64_t now = NOW;

	CHECK(court_begin(&c));
	memset(text + 12, 0, 16);
	memset(text + 28, '0', 64);
	for (int i = 0; i < 8; i++)
		text[92 + i] = (uint8_t)(now >> 8 * i);
	rota_digest_of(ROTA_SPAN(text), digest);
	CHECK_OK(notary_ask(&c.n, "time", "time",
		json_pack("{s:s#,s:s#}", "device", &DIGEST[1], 64, "nonce", &DIGEST[1], 32), NULL,
		&ask));
	CHECK_OK(rota_policy_find(
		c.n.policy, &notary_engineer, &ask, &rule, &c.judge.client, &c.n.s.why));
	CHECK_OK(rota_judge_ask(&c.judge, rule, &ask, &grant, &c.n.s.why));
	CHECK_EQ(grant.time_s, NOW);
	CHECK_MEM(grant.leaf.message, digest, sizeof(digest));
	CHECK(rota_span_eq(grant.leaf.role, ROTA_STR("time")) && grant.leaf.version == 0);
	rota_grant_free(&grant);
	rota_ask_free(&ask);
	court_end(&c);
}

/* An artifact that was posted, as its entry BUILD tells of it. */
static enum rota_err post(const char *name, struct rota_artifact *out)
{
	const struct rota_leaf leaf = {
		.kind = ROTA_LEAF_BUILD, .scope = ROTA_STR("sensor"), .role = ROTA_STR("ci")
	};
	struct rota_bytes text;
	json_t *record;
	enum rota_err err;

	ROTA_TRY(rota_artifact_read(tempdir_path(name), &rota_crypto_openssl, out, &c.n.s.why));
	record = json_pack("{s:o}", "artifact", rota_artifact_json(out));
	err = rota_json_encode(record, ROTA_JSON_FILE, &text, &c.n.s.why);
	json_decref(record);
	ROTA_TRY(err);
	err = rota_records_entry(c.records, 0, &leaf, rota_bytes_span(&text));
	rota_bytes_free(&text);
	return err;
}

/* `len` bytes of an image of this version and counter; 0: all. */
static enum rota_err put_image(uint64_t version, uint32_t counter, size_t len, const char *name)
{
	static uint8_t room[IMAGE_MAKE_MAX];
	const struct image_spec spec = {
		.version = version, .counter = counter, .payload = ROTA_STR("program")
	};
	size_t all = image_make(&spec, room);

	return rota_file_write(
		tempdir_path(name), rota_span(room, len ? len : all), 0600, &c.n.s.why);
}

static json_t *image_body(const struct rota_artifact *a)
{
	char digest[ROTA_DIGEST_HEX], sha256[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(a->digest), digest);
	rota_hex(ROTA_SPAN(a->sha256), sha256);
	return json_pack("{s:I,s:s,s:[s],s:I,s:s,s:s}", "counter", (json_int_t)a->counter, "digest",
		digest, "hardware", "demo-1", "length", (json_int_t)a->length, "sha256", sha256,
		"version", "1.0.0");
}

#define V1 ((uint64_t)1 << 56)
/* Header, payload of 7 bytes, head of the protected area, counter, product, hardware id. */
#define COVERED (32 + 7 + 4 + 8 + 10 + 10)

TEST(images)
{
	static const struct {
		const char *reason, *path, *value, *code;
	} rows[] = {
		{ "nothing that was posted", "sha256", DIGEST, "bytes" },
		{ "another digest", "digest", DIGEST, "bytes" },
		{ "another length", "length", "5", "bytes" },
		{ "other hardware", "hardware", "[\"demo-2\"]", "product" },
		{ "more hardware", "hardware", "[\"demo-1\",\"demo-2\"]", "product" },
		{ "another version", "version", "\"1.0.1\"", "version" },
		{ "another counter", "counter", "4", "version" },
		{ "as it should be", "counter", "3", "" },
	};
	struct rota_artifact a, older;

	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(&c.n, "rate = 3/1m", "rate = 99/1m"));
	c.judge.policy = c.n.policy;
	CHECK_OK(put_image(V1, 3, COVERED, "image"));
	CHECK_OK(post("image", &a));
	CHECK(a.image && a.counter == 3 && a.length == COVERED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body = image_body(&a);

		ROW(rows[i].reason);
		set(body, rows[i].path, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		CHECK_EQ(court_ask(&c, &notary_ci, "image", "ci", body, NULL) == ROTA_OK,
			!*rows[i].code);
		CODE(rows[i].code);
	}
	/* a counter that falls */
	CHECK_OK(put_image(V1, 2, 0, "signed"));
	CHECK_OK(post("signed", &older));
	CHECK(older.image && older.counter == 2);
	CHECK(court_ask(&c, &notary_ci, "image", "ci", image_body(&older), NULL) != ROTA_OK);
	CODE("lower");
	/* neither whole nor what the digest covers: a file like any other */
	CHECK_OK(put_image(V1, 3, COVERED + 1, "cut"));
	CHECK_OK(post("cut", &a));
	CHECK(!a.image);
	CHECK_OK(put_image(V1, 3, COVERED - 1, "cut"));
	CHECK_OK(post("cut", &a));
	CHECK(!a.image);
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

TESTS(T(adopted), T(each_file), T(times), T(asked_again), T(after_a_restart), T(rollouts),
	T(ceiling_grows), T(policy_texts), T(withdrawn), T(approvals), T(snapshot),
	T(release_without_entry), T(signed_beside_the_log), T(timestamp), T(slot), T(ci),
	T(time_lists_nothing), T(signed_time), T(images), T(token))
