/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers: what is written is read, and nothing else is (SPEC 18.3, 18.5, 18.6). */
#include "host/notary/ask.h"
#include "host/notary/refusal.h"
#include "host/sign/p256.h"
#include "tests/unit/file_edit.h"
#include "tests/unit/signer_soft.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define ID "00112233445566778899aabbccddeeff"
#define HEX "0000000000000000000000000000000000000000000000000000000000000000"

static const char good[] =
	"{\"_type\":\"rota-ask\",\"body\":{\"signed\":{\"a\":\"x\\ny\"}},\"expires\":"
	"\"2027-01-15T08:00:00Z\",\"files\":{\"rollouts/sensor.json\":\"{}\"},\"format\":1,"
	"\"id\":\"" ID "\",\"kind\":\"metadata\",\"reason\":\"a new release\",\"role\":"
	"\"rollouts\",\"scope\":\"sensor\"}";

static struct rota_fail why;

static enum rota_err parse(struct rota_span text, struct rota_ask *out)
{
	struct rota_bytes bytes = { 0 };

	rota_bytes_add(&bytes, text);
	return rota_ask_parse(bytes, out, &why);
}

/* The refusal's word. */
static const char *code(void)
{
	const char *text;
	const struct rota_refusal_row *row = rota_refusal_of(&why, &text);

	return row ? row->code : why.text;
}

TEST(reads_what_is_written)
{
	struct rota_ask ask, again;
	struct rota_bytes bytes;
	uint8_t digest[ROTA_DIGEST_LEN];

	CHECK_OK(parse(rota_span_cstr(good), &ask));
	CHECK_EQ(ask.kind, ROTA_ASK_METADATA);
	CHECK_EQ(ask.expires_s, 1800000000);
	CHECK(strcmp(ask.scope, "sensor") == 0 && strcmp(ask.role, "rollouts") == 0);
	CHECK(strcmp(ask.reason, "a new release") == 0);
	CHECK_EQ(json_object_size(ask.files), 1);
	/* canonical: the newline raw (SPEC 2.3) */
	CHECK(rota_span_eq(ask.signed_, ROTA_STR("{\"a\":\"x\ny\"}")));
	rota_digest_of(rota_span_cstr(good), digest);
	CHECK_MEM(ask.digest, digest, sizeof(digest));
	CHECK_OK(rota_ask_write(&ask, &bytes, &why));
	CHECK(rota_span_eq(rota_bytes_span(&bytes), rota_span_cstr(good)));
	CHECK_OK(rota_ask_parse(bytes, &again, &why));
	rota_ask_free(&again);
	rota_ask_free(&ask);
}

TEST(refused)
{
	static const struct {
		const char *reason, *from, *to, *code;
	} rows[] = {
		{ "another type", "rota-ask", "rota-bundle", "member" },
		{ "another format", "\"format\":1", "\"format\":2", "member" },
		{ "format as text", "\"format\":1", "\"format\":\"1\"", "member" },
		{ "a blank", "\"format\":1", "\"format\": 1", "spelling" },
		{ "a name twice", "\"format\":1", "\"format\":1,\"format\":1", "spelling" },
		{ "an unknown member", ",\"scope\":\"sensor\"", ",\"scope\":\"sensor\",\"x\":1",
			"member" },
		{ "no scope", ",\"scope\":\"sensor\"", "", "member" },
		{ "a scope that is no name", "\"scope\":\"sensor\"", "\"scope\":\"../x\"",
			"member" },
		{ "a role that is no name", "\"role\":\"rollouts\"", "\"role\":\"\"", "member" },
		{ "an id too short", ID, "00112233", "member" },
		{ "an id in upper case", ID, "00112233445566778899AABBCCDDEEFF", "member" },
		{ "no reason", "a new release", "", "member" },
		{ "a reason that moves the cursor", "a new release", "a\\u001b[2Jb", "member" },
		{ "a kind that there is not", "\"kind\":\"metadata\"", "\"kind\":\"digest\"",
			"kind" },
		{ "another kind's body", "\"kind\":\"metadata\"", "\"kind\":\"time\"", "member" },
		{ "a body with more", "{\"signed\":{", "{\"digest\":\"" HEX "\",\"signed\":{",
			"member" },
		{ "nothing to sign", "{\"signed\":{\"a\":\"x\\ny\"}}", "{\"signed\":\"x\"}",
			"member" },
		{ "expires that is no time", "2027-01-15T08:00:00Z", "2027-01-15", "member" },
		{ "expires null", "\"2027-01-15T08:00:00Z\"", "null", NULL },
		{ "a file that is no text", "\"{}\"", "{}", "member" },
		{ "a file whose path leaves the tree", "rollouts/sensor", "../sensor", "member" },
		{ "no files", "{\"rollouts/sensor.json\":\"{}\"}", "{}", NULL },
		{ "files that are none", "{\"rollouts/sensor.json\":\"{}\"}", "[]", "member" },
	};
	char room[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct file_edit edit = { rows[i].reason, rows[i].from, rows[i].to, ROTA_OK };
		struct rota_span text = file_edited(good, &edit, room, sizeof(room));
		struct rota_ask ask;
		enum rota_err err;

		ROW(rows[i].reason);
		CHECK(text.len > 0);
		err = parse(text, &ask);
		if (err == ROTA_OK)
			rota_ask_free(&ask);
		CHECK_EQ(err == ROTA_OK, rows[i].code == NULL);
		CHECK(!rows[i].code || strcmp(code(), rows[i].code) == 0);
	}
}

/* As many values as there may be, and one more, in a body that is otherwise good. */
TEST(values)
{
	static const size_t others = 14; /* of the request around the list's members */

	for (size_t more = 0; more < 2; more++) {
		struct rota_bytes bytes = { 0 };
		struct rota_ask ask;
		enum rota_err err;

		ROW(more ? "one too many" : "as many as may be");
		rota_bytes_add_text(
			&bytes, "{\"_type\":\"rota-ask\",\"body\":{\"signed\":{\"a\":[0");
		for (size_t i = others + 1; i < ROTA_ASK_VALUES_MAX + more; i++)
			rota_bytes_add_text(&bytes, ",0");
		rota_bytes_add_text(&bytes, "]");
		rota_bytes_add_text(&bytes, strstr(good, "}},\"expires\""));
		CHECK_EQ(rota_json_values(rota_bytes_span(&bytes)), ROTA_ASK_VALUES_MAX + more);
		err = rota_ask_parse(bytes, &ask, &why);
		CHECK_EQ(err == ROTA_OK, more == 0);
		CHECK(more == 0 || strcmp(code(), "spelling") == 0);
		if (err == ROTA_OK)
			rota_ask_free(&ask);
	}
}

/* A body for each kind, and one of each that is refused. */
TEST(bodies)
{
	static const struct {
		const char *kind, *body;
		bool good;
	} rows[] = {
		{ "image",
			"{\"counter\":1,\"digest\":\"" HEX
			"\",\"hardware\":[\"rev-a\"],\"length\":9,"
			"\"sha256\":\"" HEX "\",\"version\":\"1.2.3\"}",
			true },
		{ "image",
			"{\"counter\":-1,\"digest\":\"" HEX "\",\"hardware\":[\"rev-a\"],"
			"\"length\":9,\"sha256\":\"" HEX "\",\"version\":\"1.2.3\"}",
			false },
		{ "image",
			"{\"counter\":1,\"digest\":\"" HEX "\",\"hardware\":[],\"length\":9,"
			"\"sha256\":\"" HEX "\",\"version\":\"1.2.3\"}",
			false },
		{ "image",
			"{\"counter\":1,\"digest\":\"" HEX "\",\"hardware\":[1],\"length\":9,"
			"\"sha256\":\"" HEX "\",\"version\":\"1.2.3\"}",
			false },
		{ "time", "{\"device\":\"" HEX "\",\"nonce\":\"" ID "\"}", true },
		{ "time", "{\"device\":\"" HEX "\",\"nonce\":\"" HEX "\"}", false },
		{ "ticket", "{\"device\":\"" HEX "\",\"number\":1,\"seconds\":60}", true },
		{ "ticket", "{\"device\":\"" HEX "\",\"number\":4294967296,\"seconds\":60}",
			false },
		{ "build", "{\"statement\":\"{}\"}", true },
		{ "build", "{\"statement\":\"\"}", false },
		{ "record", "{\"event\":{\"kind\":\"release\",\"what\":{}}}", true },
		{ "record", "{\"event\":{\"digest\":\"00\",\"kind\":\"release\",\"what\":{}}}",
			false },
		{ "record", "{\"event\":{\"kind\":\"release\",\"path\":\"/x\",\"what\":{}}}",
			false },
		{ "key", "{\"do\":\"generate\",\"label\":\"ts-1\",\"token\":\"online\"}", true },
		{ "key", "{\"do\":\"export\",\"label\":\"ts-1\",\"token\":\"online\"}", false },
		{ "series",
			"{\"from\":\"2027-01-15T08:00:00Z\",\"landing_s\":1,\"period_s\":1,"
			"\"slots\":1}",
			true },
		{ "rows", "{\"items\":[\"00ff\"]}", true },
		{ "rows", "{\"items\":[]}", false },
		{ "revoke", "{\"device\":\"" HEX "\",\"serial\":\"5a\"}", true },
		{ "revoke", "{\"device\":\"00\",\"serial\":\"5a\"}", false },
		{ "revoke", "{\"device\":\"" HEX "\",\"serial\":1}", false },
		{ "crl", "{}", true },
		{ "crl", "{\"number\":1}", false },
		{ "ocsp", "{\"csr\":\"\"}", true },
		{ "ocsp", "{}", false },
		{ "series", "{\"from\":\"now\",\"landing_s\":1,\"period_s\":1,\"slots\":1}",
			false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = rota_text(
			"{\"_type\":\"rota-ask\",\"body\":%s,\"expires\":null,\"files\":{},"
			"\"format\":1,\"id\":\"" ID "\",\"kind\":\"%s\",\"reason\":\"r\",\"role\":"
			"\"ci\",\"scope\":\"sensor\"}",
			rows[i].body, rows[i].kind);
		struct rota_ask ask;
		enum rota_err err = parse(rota_span_cstr(text), &ask);

		ROW(rows[i].body);
		free(text);
		if (err == ROTA_OK)
			rota_ask_free(&ask);
		CHECK_EQ(err == ROTA_OK, rows[i].good);
	}
}

static void make_sig(struct rota_seat_sig *out)
{
	struct soft soft;

	soft_make(&soft);
	if (!rota_p256_of_pkey(soft.key[0], out->key))
		abort();
	for (size_t i = 0; i < sizeof(out->sig); i++)
		out->sig[i] = (uint8_t)(i + 1);
	soft_free(&soft);
}

TEST(answers)
{
	struct rota_answer a = {
		.kind = ROTA_ANSWER_SIGNED, .entry = 7, .time_s = 1800000000, .count = 1
	};
	struct rota_answer again;
	struct rota_bytes text = { 0 };
	char id[ROTA_DIGEST_HEX], *at;

	make_sig(&a.sig[0]);
	rota_p256_key_id(a.sig[0].key, id);
	CHECK(rota_unhex(id, ROTA_BUF(a.id[0])));
	rota_answer_write(&a, &text);
	CHECK_OK(rota_answer_read(rota_bytes_span(&text), &again, &why));
	CHECK_EQ(again.entry, 7);
	CHECK_EQ(again.time_s, 1800000000);
	CHECK_EQ(again.count, 1);
	CHECK_MEM(&again.sig[0], &a.sig[0], sizeof(a.sig[0]));
	/* a signature under another key's id */
	at = strstr((char *)text.p, "\"keyid\":\"") + 9;
	*at = *at == '0' ? '1' : '0';
	CHECK_EQ(rota_answer_read(rota_bytes_span(&text), &again, &why), ROTA_ERR_FORMAT);
	rota_bytes_free(&text);

	a = (struct rota_answer){ .kind = ROTA_ANSWER_PENDING, .entry = 8, .have = 1, .need = 2 };
	rota_answer_write(&a, &text);
	CHECK_OK(rota_answer_read(rota_bytes_span(&text), &again, &why));
	CHECK_EQ(again.kind, ROTA_ANSWER_PENDING);
	CHECK(again.entry == 8 && again.have == 1 && again.need == 2);
	rota_bytes_free(&text);

	a = (struct rota_answer){
		.kind = ROTA_ANSWER_REFUSED, .code = "ceiling", .clause = "19.2", .text = "too wide"
	};
	rota_answer_write(&a, &text);
	CHECK_OK(rota_answer_read(rota_bytes_span(&text), &again, &why));
	CHECK_EQ(again.kind, ROTA_ANSWER_REFUSED);
	CHECK(strcmp(again.code, "ceiling") == 0 && strcmp(again.text, "too wide") == 0);
	rota_bytes_free(&text);
}

TEST(no_answers)
{
	static const char *const bad[] = { "", "{}",
		"{\"_type\":\"rota-answer\",\"entry\":1,\"format\":1,\"keys\":[],\"signatures\":[{}"
		"]}",
		"{\"_type\":\"rota-answer\",\"entry\":1,\"format\":2,\"keys\":[],\"signatures\":[]"
		"}",
		"{\"_type\":\"rota-answer\",\"entry\":-1,\"format\":1,\"keys\":[],\"signatures\":[]"
		"}",
		"{\"_type\":\"rota-answer\",\"entry\":1,\"format\":1,\"keys\":[],\"more\":1,"
		"\"signatures\":[]}",
		"{\"_type\":\"rota-pending\",\"entry\":1,\"format\":1,\"have\":1,\"need\":256}",
		"{\"_type\":\"rota-refusal\",\"clause\":\"1\",\"code\":\"mood\",\"format\":1,"
		"\"text\":\"no\"}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rota_answer a;

		ROW(bad[i]);
		CHECK(rota_answer_read(rota_span_cstr(bad[i]), &a, &why) != ROTA_OK);
	}
}

/* Each word is told from all others, and travels with a sentence that a caller adds to. */
TEST(refusals)
{
	const char *text;

	for (size_t i = 0; i < ROTA_REFUSAL_COUNT; i++) {
		ROW(rota_refusals[i].code);
		CHECK_EQ(rota_refuse(&why, (enum rota_refusal)i, "%d much", 2),
			rota_refusals[i].err);
		CHECK(rota_refusals[i].err != ROTA_OK);
		CHECK(rota_refusal_of(&why, &text) == &rota_refusals[i]);
		CHECK(strcmp(text, "2 much") == 0);
		CHECK(rota_refusal_find(rota_refusals[i].code) == &rota_refusals[i]);
	}
	CHECK_EQ(rota_fail(&why, ROTA_ERR_IO, "disk"), ROTA_ERR_IO);
	CHECK(!rota_refusal_of(&why, &text));
	CHECK_EQ(rota_refuse_as(&why, ROTA_REFUSED_BYTES), ROTA_ERR_IO);
	CHECK(strcmp(code(), "bytes") == 0);
	CHECK_EQ(rota_refuse_as(&why, ROTA_REFUSED_TIME), ROTA_ERR_IO);
	CHECK(strcmp(code(), "bytes") == 0);
}

TESTS(T(reads_what_is_written), T(refused), T(values), T(bodies), T(answers), T(no_answers),
	T(refusals))
