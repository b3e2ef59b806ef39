/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for rows of the registry, batches and answers: what is written is read, and nothing else is (SPEC 19.9, 30.8). */
#include "host/notary/rows.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct rota_span items[ROTA_REGISTRAR_ITEMS_MAX];
static uint8_t longest[ROTA_REGISTRAR_ITEM_MAX + 1];
static struct rota_fail why;

TEST(a_batch_is_read_as_it_was_written)
{
	const struct rota_span in[] = { ROTA_STR("a"), ROTA_STR("two"),
		rota_span(longest, ROTA_REGISTRAR_ITEM_MAX) };
	struct rota_bytes batch = { 0 };
	json_t *body = rota_rows_body(in, 3);
	size_t count;

	CHECK(rota_rows_body_ok(body));
	rota_rows_batch(body, &batch);
	CHECK_EQ(batch.len, 12 + 3 * 4 + 1 + 3 + ROTA_REGISTRAR_ITEM_MAX);
	CHECK_OK(rota_rows_batch_read(rota_bytes_span(&batch), items, &count));
	CHECK_EQ(count, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK(rota_span_eq(items[i], in[i]));
	json_decref(body);
	rota_bytes_free(&batch);
}

TEST(as_many_as_there_may_be)
{
	struct rota_bytes batch = { 0 };
	json_t *body;
	size_t count;

	for (size_t i = 0; i < ROTA_REGISTRAR_ITEMS_MAX; i++)
		items[i] = rota_span(longest, ROTA_REGISTRAR_ITEM_MAX);
	body = rota_rows_body(items, ROTA_REGISTRAR_ITEMS_MAX);
	CHECK(rota_rows_body_ok(body));
	rota_rows_batch(body, &batch);
	CHECK_EQ(batch.len, ROTA_ROWS_BATCH_MAX);
	CHECK_OK(rota_rows_batch_read(rota_bytes_span(&batch), items, &count));
	CHECK_EQ(count, ROTA_REGISTRAR_ITEMS_MAX);
	json_array_append_new(json_object_get(body, "items"), json_string("00"));
	CHECK(!rota_rows_body_ok(body));
	json_decref(body);
	rota_bytes_free(&batch);
}

TEST(no_bodies)
{
	static const char *const rows[] = { "{}", "{\"items\":[]}", "{\"items\":{}}",
		"{\"items\":[\"\"]}", "{\"items\":[\"0\"]}", "{\"items\":[\"0g\"]}",
		"{\"items\":[\"00\",1]}", "{\"items\":[\"00\"],\"more\":1}" };
	const struct rota_span too_long = rota_span(longest, sizeof(longest));
	char hex[2 * sizeof(longest) + 1];
	json_t *body;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i]);
		CHECK_OK(rota_json_parse(rota_span_cstr(rows[i]), &body, &why));
		CHECK(!rota_rows_body_ok(body));
		json_decref(body);
	}
	body = rota_rows_body(&too_long, 1);
	CHECK(!rota_rows_body_ok(body));
	rota_hex(too_long, hex);
	json_object_set_new(body, "items", json_pack("[s]", hex));
	CHECK(!rota_rows_body_ok(body));
	hex[2 * ROTA_REGISTRAR_ITEM_MAX] = 0;
	json_object_set_new(body, "items", json_pack("[s]", hex));
	CHECK(rota_rows_body_ok(body));
	json_decref(body);
}

TEST(a_batch_of_one_item_too_many)
{
	struct rota_bytes batch = { 0 };
	size_t count;

	rota_bytes_add(&batch, ROTA_STR("ROTAITM\x01\x01\x04\0\0"));
	for (size_t i = 0; i <= ROTA_REGISTRAR_ITEMS_MAX; i++)
		rota_bytes_add(&batch, ROTA_STR("\x01\0\0\0a"));
	CHECK_EQ(rota_rows_batch_read(rota_bytes_span(&batch), items, &count), ROTA_ERR_FORMAT);
	rota_bytes_free(&batch);
}

TEST(no_batches)
{
	const struct {
		const char *why;
		struct rota_span batch;
	} rows[] = {
		{ "nothing", ROTA_STR("") },
		{ "another magic", ROTA_STR("ROTAITN\x01\x01\0\0\0\x01\0\0\0a") },
		{ "another version", ROTA_STR("ROTAITM\x02\x01\0\0\0\x01\0\0\0a") },
		{ "no items", ROTA_STR("ROTAITM\x01\0\0\0\0") },
		{ "more than it has", ROTA_STR("ROTAITM\x01\x02\0\0\0\x01\0\0\0a") },
		{ "more than there may be", ROTA_STR("ROTAITM\x01\x01\x04\0\0\x01\0\0\0a") },
		{ "an item of nothing", ROTA_STR("ROTAITM\x01\x01\0\0\0\0\0\0\0") },
		{ "an item that is cut", ROTA_STR("ROTAITM\x01\x01\0\0\0\x02\0\0\0a") },
		{ "an item of four billion bytes",
			ROTA_STR("ROTAITM\x01\x01\0\0\0\xff\xff\xff\xff"
				 "a") },
		{ "bytes behind it", ROTA_STR("ROTAITM\x01\x01\0\0\0\x01\0\0\0ab") },
	};
	size_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		CHECK_EQ(rota_rows_batch_read(rows[i].batch, items, &count), ROTA_ERR_FORMAT);
		CHECK_EQ(count, 0);
	}
	CHECK_OK(rota_rows_batch_read(ROTA_STR("ROTAITM\x01\x01\0\0\0\x01\0\0\0a"), items, &count));
}

TEST(answers)
{
	static const enum rota_err errors[] = { ROTA_OK, ROTA_ERR_COUNTER, ROTA_ERR_HARDWARE,
		ROTA_ERR_FORMAT, ROTA_ERR_VERSION, ROTA_ERR_DENIED, ROTA_ERR_ARGUMENT,
		ROTA_ERR_PRODUCT, ROTA_ERR_SIGNATURE, ROTA_ERR_UNSUPPORTED };
	enum { COUNT = sizeof(errors) / sizeof(errors[0]) };
	struct rota_rows_result out[COUNT], in[COUNT] = { 0 };
	struct rota_bytes text = { 0 };

	for (size_t i = 0; i < COUNT; i++)
		in[i].err = (int32_t)errors[i];
	memset(in[0].row, 0xab, sizeof(in[0].row));
	rota_rows_answer_write(7, in, COUNT, &text);
	CHECK_OK(rota_rows_answer_read(rota_bytes_span(&text), out, COUNT, &why));
	CHECK_MEM(out, in, sizeof(in));
	ROW("of another number of items");
	CHECK_EQ(rota_rows_answer_read(rota_bytes_span(&text), out, COUNT - 1, &why),
		ROTA_ERR_FORMAT);
	rota_bytes_free(&text);
	/* what has no word of its own is an item that is none */
	CHECK(strcmp(rota_rows_word(ROTA_ERR_LIMIT), "format") == 0);
}

#define ANSWER(type, rows)                                                                         \
	"{\"_type\":\"" type "\",\"entry\":7,\"format\":1,\"keys\":[],\"rows\":" rows              \
	",\"signatures\":[]}"

TEST(no_answers)
{
	static const char *const rows[] = {
		"", "{}", ANSWER("rota-answer", "[]"), ANSWER("rota-answer", "{}"),
		ANSWER("rota-answer", "[1]"), ANSWER("rota-answer", "[\"good\"]"),
		ANSWER("rota-answer", "[\"00\"]"), ANSWER("rota-refusal", "[\"gone\"]"),
		"{\"_type\":\"rota-answer\",\"entry\":7,\"format\":1,\"keys\":[],\"signatures\":[]}"
	};
	struct rota_rows_result out;

	CHECK_OK(rota_rows_answer_read(
		ROTA_STR(ANSWER("rota-answer", "[\"gone\"]")), &out, 1, &why));
	CHECK_EQ(out.err, ROTA_ERR_DENIED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i]);
		CHECK(rota_rows_answer_read(rota_span_cstr(rows[i]), &out, 1, &why) != ROTA_OK);
	}
}

TESTS(T(a_batch_is_read_as_it_was_written), T(as_many_as_there_may_be), T(no_bodies),
	T(a_batch_of_one_item_too_many), T(no_batches), T(answers), T(no_answers))
