/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots and timestamps that the signing daemon refuses, by their codes (SPEC 19.2). */
#include "tests/unit/judge_scene.h"
#include "host/repo/store.h"
#include "tests/unit/test.h"

static struct court c;

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
		court_list_role(&c, content, "releases", 2);
		court_set(content, rows[i].path,
			rows[i].value ? json_loads(rows[i].value, JSON_DECODE_ANY, NULL) : NULL);
		CHECK_EQ(court_sign(&c, "snapshot", content, NULL) == ROTA_OK, !*rows[i].code);
		CODE(rows[i].code);
	}
	/* and then it cannot fall */
	{
		json_t *content = court_next(&c, "snapshot");

		court_list_role(&c, content, "releases", 1);
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
	const char *path = "releases/sensor/2.0.0/release.json", *text;
	struct rota_leaf elsewhere = { .kind = ROTA_LEAF_RELEASE,
		.scope = ROTA_STR("motors"),
		.role = ROTA_STR("releases"),
		.path = ROTA_STR("releases/motors/2.0.0/release.json") };
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
	text = json_string_value(json_object_get(files, path));
	content = court_next(&c, "snapshot");
	court_list_role(&c, content, "releases", version);
	body = json_deep_copy(content);
	CHECK(court_sign(&c, "snapshot", content, NULL) != ROTA_OK);
	CODE("log");
	/* nor is it enough that another scope has it */
	memcpy(elsewhere.digest, target.sha256, sizeof(elsewhere.digest));
	CHECK_OK(rota_records_entry(c.records, 0, &elsewhere, ROTA_STR("{}")));
	CHECK(court_sign(&c, "snapshot", json_deep_copy(body), NULL) != ROTA_OK);
	CODE("log");
	/* and one whose file is not there */
	CHECK(court_ask(&c, &notary_engineer, "record", "releases",
		      json_pack("{s:{s:s,s:s,s:s,s:{}}}", "event", "digest", hex, "kind", "release",
			      "path", path, "what"),
		      NULL) != ROTA_OK);
	CODE("bytes");
	CHECK_OK(rota_store_put_target(
		&c.n.s.online, path, rota_span_cstr(text), &target, &c.n.s.why));
	json_decref(files);
	/* an event about another file than is listed */
	CHECK(court_ask(&c, &notary_engineer, "record", "releases",
		      json_pack("{s:{s:s#,s:s,s:s,s:{}}}", "event", "digest", &DIGEST[1], 64,
			      "kind", "release", "path", path, "what"),
		      NULL) != ROTA_OK);
	CODE("bytes");
	/* under the rule of another role, which takes neither its builders nor its officers */
	CHECK(court_ask(&c, &notary_ci, "record", "ci",
		      json_pack("{s:{s:s,s:s,s:s,s:{}}}", "event", "digest", hex, "kind", "release",
			      "path", path, "what"),
		      NULL) != ROTA_OK);
	CODE("role");
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
	court_list_role(&c, content, "revocations", 2);
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
	court_list_role(&c, content, "snapshot", 1);
	json_object_set_new(json_object_get(json_object_get(content, "meta"), "snapshot.json"),
		"length", json_integer(5));
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	snapshot = court_next(&c, "snapshot");
	CHECK_OK(court_sign(&c, "snapshot", json_incref(snapshot), NULL));
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	court_list_role(&c, content, "snapshot", 1); /* the one before */
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	/* another snapshot of the same version */
	{
		json_t *other = json_deep_copy(snapshot);

		court_set(other, "expires", json_string("2027-01-15T09:00:00Z"));
		CHECK_OK(court_store(&c, "snapshot", other));
		json_decref(other);
	}
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	court_list_role(&c, content, "snapshot", 2);
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	CHECK_OK(court_store(&c, "snapshot", snapshot));
	json_decref(snapshot);
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	court_list_role(&c, content, "snapshot", 2);
	json_object_set_new(json_object_get(content, "meta"), "root.json", json_object());
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("member");
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	court_list_role(&c, content, "snapshot", 2);
	CHECK_OK(court_sign(&c, "timestamp", content, NULL));
	/* that file, said to be of another version */
	content = court_next(&c, "timestamp");
	json_object_set_new(content, "meta", json_object());
	court_list_role(&c, content, "snapshot", 2);
	court_set(content, "meta snapshot.json version", json_integer(3));
	CHECK(court_sign(&c, "timestamp", content, NULL) != ROTA_OK);
	CODE("bytes");
	court_end(&c);
}

TESTS(T(snapshot), T(release_without_entry), T(signed_beside_the_log), T(timestamp))
