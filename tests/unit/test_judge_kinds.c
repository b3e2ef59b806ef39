/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are no metadata: what the signing daemon signs of them, and refuses, by its codes (SPEC 19.3). */
#include "tests/unit/judge_scene.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/image_make.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct court c;

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

/* In pieces of 7 bytes. */
static enum rota_err read_artifact(const char *name, struct rota_artifact *out)
{
	struct rota_artifact_reader *r = rota_artifact_begin(&rota_crypto_openssl);
	struct rota_bytes file;

	ROTA_TRY(rota_file_read(tempdir_path(name), IMAGE_MAKE_MAX, &file, &c.n.s.why));
	for (size_t i = 0; i < file.len; i += 7)
		rota_artifact_add(r, rota_span_slice(rota_bytes_span(&file), i, 7));
	rota_artifact_end(r, out);
	rota_artifact_free(r);
	rota_bytes_free(&file);
	return ROTA_OK;
}

/* An artifact that was posted, as its entry BUILD tells of it. */
static enum rota_err post(const char *name, const char *scope, struct rota_artifact *out)
{
	const struct rota_leaf leaf = {
		.kind = ROTA_LEAF_BUILD, .scope = rota_span_cstr(scope), .role = ROTA_STR("ci")
	};
	struct rota_bytes text;
	json_t *record;
	enum rota_err err;

	ROTA_TRY(read_artifact(name, out));
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
	/* posted for another product: by who may ask nothing for this one */
	CHECK_OK(post("image", "lamp", &a));
	CHECK(rota_records_artifact(c.records, "lamp", a.sha256) != NULL);
	CHECK(rota_records_artifact(c.records, "sensor", a.sha256) == NULL);
	CHECK(court_ask(&c, &notary_ci, "image", "ci", image_body(&a), NULL) != ROTA_OK);
	CODE("bytes");
	CHECK_OK(post("image", "sensor", &a));
	CHECK(a.image && a.counter == 3 && a.length == COVERED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body = image_body(&a);

		ROW(rows[i].reason);
		court_set(body, rows[i].path, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		CHECK_EQ(court_ask(&c, &notary_ci, "image", "ci", body, NULL) == ROTA_OK,
			!*rows[i].code);
		CODE(rows[i].code);
	}
	/* a counter that falls */
	CHECK_OK(put_image(V1, 2, 0, "signed"));
	CHECK_OK(post("signed", "sensor", &older));
	CHECK(older.image && older.counter == 2);
	CHECK(court_ask(&c, &notary_ci, "image", "ci", image_body(&older), NULL) != ROTA_OK);
	CODE("lower");
	/* neither whole nor what the digest covers: a file like any other */
	CHECK_OK(put_image(V1, 3, COVERED + 1, "cut"));
	CHECK_OK(post("cut", "sensor", &a));
	CHECK(!a.image);
	CHECK_OK(put_image(V1, 3, COVERED - 1, "cut"));
	CHECK_OK(post("cut", "sensor", &a));
	CHECK(!a.image);
	court_end(&c);
}

TESTS(T(signed_time), T(images))
