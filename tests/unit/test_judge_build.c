/* SPDX-License-Identifier: Apache-2.0 */
/* Where a release comes from: statements that are signed, builders that must agree (SPEC 26.5). */
#include "host/build/dsse.h"
#include "host/repo/store.h"
#include "tests/unit/judge_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_A "1111111111111111111111111111111111111111111111111111111111111111"
#define PROGRAM ROTA_STR("program")
/* Whose key [builder farm] is, and somebody else's. */
enum { FARM = 6, OTHER = 2 };

static struct court c;

/* A statement that `app` has this digest. image: a JSON text. */
static char *statement_of(const char *build, const char *image, const char *digest)
{
	return rota_text(
		"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{"
		"\"buildDefinition\":{\"buildType\":\"https://rota.invalid/build/v1\","
		"\"externalParameters\":{\"image\":%s}},\"runDetails\":{\"metadata\":{%s}}},"
		"\"predicateType\":\"https://slsa.dev/provenance/v1\",\"subject\":[{"
		"\"digest\":{\"sha256\":\"%s\"},\"name\":\"app\"}]}",
		image, build, digest);
}

/* ---- kind build ---- */

static void signed_as_it_stands(const char *text)
{
	const struct entry *e = &c.log[c.entries - 1];
	struct rota_bytes message = { 0 };
	uint8_t digest[ROTA_DIGEST_LEN];

	rota_dsse_message(rota_span_cstr(text), &message);
	rota_digest_of(rota_bytes_span(&message), digest);
	rota_bytes_free(&message);
	CHECK(memcmp(e->leaf.message, digest, sizeof(digest)) == 0);
	rota_digest_of(rota_span_cstr(text), digest);
	CHECK(memcmp(e->leaf.digest, digest, sizeof(digest)) == 0);
	CHECK_EQ(e->leaf.kind, ROTA_LEAF_GRANTED);
	CHECK(strcmp(e->names[1], "builder") == 0);
	CHECK(memmem(e->record.p, e->record.len, "\"build\":\"b7\"", 12));
}

TEST(statements)
{
	static const struct {
		const char *reason, *build, *image, *digest, *code;
	} rows[] = {
		{ "no build id", "", "null", DIGEST_A, "member" },
		{ "a build id that is none", "\"invocationId\":7", "null", DIGEST_A, "member" },
		{ "an image of another product", "\"invocationId\":\"b7\"",
			"{\"product\":\"lamp\"}", DIGEST_A, "product" },
		{ "an image of no product", "\"invocationId\":\"b7\"", "{}", DIGEST_A, "product" },
		{ "a text that is not the one spelling", "\"invocationId\":\"b7\"", " null",
			DIGEST_A, "member" },
		{ "an image of ours", "\"invocationId\":\"b7\"", "{\"product\":\"sensor\"}",
			DIGEST_A, "" },
		{ "no image", "\"invocationId\":\"b7\"", "null", DIGEST_A, "" },
	};

	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(&c.n, "rate = 3/1m", "rate = 99/1m"));
	c.judge.policy = c.n.policy;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = statement_of(rows[i].build, rows[i].image, rows[i].digest);

		ROW(rows[i].reason);
		CHECK_EQ(court_ask(&c, &notary_ci, "build", "ci",
				 json_pack("{s:s}", "statement", text), NULL) == ROTA_OK,
			!*rows[i].code);
		CODE(rows[i].code);
		if (!*rows[i].code)
			signed_as_it_stands(text);
		free(text);
	}
	court_end(&c);
}

/* ---- builders ---- */

/* The bundle of one builder's statement, by the key of a token. */
static struct rota_bytes bundle_of(int token, const char *digest)
{
	char *text = statement_of("\"invocationId\":\"b7\"", "null", digest);
	const struct rota_party party = {
		.seats = { { .token = &c.n.s.online.tokens[token], .key = "key" } },
		.seat_count = 1,
		.threshold = 1
	};
	struct rota_bytes bundle = { 0 };
	const struct rota_notary notary = rota_notary_at_hand(c.n.s.desk.tokens);

	if (rota_dsse_sign(&notary, &party, rota_span_cstr(text), &bundle, &c.n.s.why) != ROTA_OK)
		abort();
	free(text);
	return bundle;
}

/* What a release of `role` has: a program, a bundle, and a release.json that names them. */
static void list_release(const char *role, json_t *content, json_t *files, struct rota_span bundle,
	bool named, bool listed, bool is_file)
{
	json_t *targets = json_object_get(content, "targets"), *release;
	struct rota_store_target target;
	char path[64], hex[ROTA_DIGEST_HEX], file[ROTA_FILE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/sensor/3.0.0/app", role);
	CHECK_OK(rota_store_put_target(&c.n.s.online, path, PROGRAM, &target, &c.n.s.why));
	json_object_set_new(targets, path, rota_store_target_object(&target));
	rota_hex(ROTA_SPAN(target.sha256), hex);
	release = court_release(role, "3.0.0", (unsigned)PROGRAM.len, hex);
	snprintf(path, sizeof(path), "%s/sensor/3.0.0/provenance.jsonl", role);
	if (named)
		json_object_set_new(release, "provenance", json_string(path));
	CHECK_OK(rota_store_put_target(
		&c.n.s.online, path, is_file ? bundle : ROTA_STR("other"), &target, &c.n.s.why));
	rota_store_target_path(&c.n.s.online, path, target.sha256, file);
	CHECK_OK(rota_file_write(file, bundle, 0644, &c.n.s.why));
	if (listed)
		json_object_set_new(targets, path, rota_store_target_object(&target));
	snprintf(path, sizeof(path), "%s/sensor/3.0.0/release.json", role);
	court_list(content, files, path, release);
}

static const struct {
	const char *reason;
	int token; /* who signed the statement */
	bool same; /* as is released */
	bool named, listed, is_file; /* the listed bytes */
	const char *code;
} builds[] = {
	{ "no statement", FARM, true, false, true, true, "approvals" },
	{ "of a builder whom nobody knows", OTHER, true, true, true, true, "approvals" },
	{ "of another file", FARM, false, true, true, true, "bytes" },
	{ "named, and not listed", FARM, true, true, false, true, "bytes" },
	{ "exchanged behind the listing", FARM, true, true, true, false, "bytes" },
	{ "as it should be", FARM, true, true, true, true, "" },
};

static struct rota_bytes bundle_at(size_t i)
{
	char hex[ROTA_DIGEST_HEX];

	rota_digest_hex(PROGRAM, hex);
	return bundle_of(builds[i].token, builds[i].same ? hex : DIGEST_A);
}

TEST(ci_takes_builders)
{
	CHECK(court_begin(&c));
	CHECK_OK(notary_policy(&c.n, "rate = 3/1m", "rate = 99/1m\nbuilders = 1"));
	c.judge.policy = c.n.policy;
	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		struct rota_bytes bundle = bundle_at(i);
		json_t *content = court_next(&c, "ci"), *files = json_object();

		ROW(builds[i].reason);
		list_release("ci", content, files, rota_bytes_span(&bundle), builds[i].named,
			builds[i].listed, builds[i].is_file);
		rota_bytes_free(&bundle);
		CHECK_EQ(court_ask(&c, &notary_ci, "metadata", "ci",
				 json_pack("{s:o}", "signed", content), files) == ROTA_OK,
			!*builds[i].code);
		CODE(builds[i].code);
	}
	court_end(&c);
}

/* People sign `releases`; a snapshot lists what is recorded, and it is recorded when the builders agree. */
static void record_release(size_t i)
{
	static const char path[] = "releases/sensor/3.0.0/release.json";
	struct rota_bytes bundle = bundle_at(i);
	json_t *content, *files = json_object();
	struct rota_store_target target;
	char hex[ROTA_DIGEST_HEX];
	uint64_t version;

	CHECK_OK(rota_store_signed(&c.n.s.online, "releases", &content, &c.n.s.why));
	list_release("releases", content, files, rota_bytes_span(&bundle), builds[i].named,
		builds[i].listed, builds[i].is_file);
	rota_bytes_free(&bundle);
	CHECK_OK(rota_store_put_target(&c.n.s.online, path,
		rota_span_cstr(json_string_value(json_object_get(files, path))), &target,
		&c.n.s.why));
	CHECK_OK(rota_metadata_sign(&c.n.s.desk, "releases", content, 0, &version, &c.n.s.why));
	json_decref(content);
	json_decref(files);
	rota_hex(ROTA_SPAN(target.sha256), hex);
	CHECK_EQ(court_ask(&c, &notary_engineer, "record", "releases",
			 json_pack("{s:{s:s,s:s,s:s,s:{}}}", "event", "digest", hex, "kind",
				 "release", "path", path, "what"),
			 NULL) == ROTA_OK,
		!*builds[i].code);
	CODE(builds[i].code);
}

TEST(releases_take_builders)
{
	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		CHECK(court_begin(&c));
		CHECK_OK(notary_policy(&c.n, "kinds = record", "kinds = record\nbuilders = 1"));
		c.judge.policy = c.n.policy;
		ROW(builds[i].reason);
		record_release(i);
		if (!*builds[i].code) {
			const struct entry *e = &c.log[c.entries - 1];

			CHECK_EQ(e->leaf.kind, ROTA_LEAF_RELEASE);
			CHECK(memmem(e->record.p, e->record.len, "\"build\":\"b1\"", 12));
		}
		court_end(&c);
	}
}

TESTS(T(statements), T(ci_takes_builders), T(releases_take_builders))
