/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/rows.h"
#include "rota/base/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "ROTAITM\x01"

/* ---- the request ---- */

/* Digits of an item in the room of the longest. */
static bool unhex_item(const json_t *text, uint8_t *room, size_t *len)
{
	size_t digits = json_string_length(text);

	*len = digits / 2;
	return digits > 0 && *len <= ROTA_REGISTRAR_ITEM_MAX &&
		rota_unhex(json_string_value(text), rota_buf(room, *len));
}

bool rota_rows_body_ok(const json_t *body)
{
	const json_t *items = json_object_get(body, "items");
	size_t count = json_array_size(items), len;
	uint8_t room[ROTA_REGISTRAR_ITEM_MAX];

	if (!rota_json_members(body, "items") || count == 0 || count > ROTA_REGISTRAR_ITEMS_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!unhex_item(json_array_get(items, i), room, &len))
			return false;
	return true;
}

json_t *rota_rows_body(const struct rota_span *items, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && i < ROTA_REGISTRAR_ITEMS_MAX; i++) {
		char hex[2 * ROTA_REGISTRAR_ITEM_MAX + 1] = "";

		if (items[i].len <=
			ROTA_REGISTRAR_ITEM_MAX) /* else an item that the daemon refuses */
			rota_hex(items[i], hex);
		json_array_append_new(list, json_string(hex));
	}
	return json_pack("{s:o}", "items", list);
}

static void add_u32(struct rota_bytes *to, size_t number)
{
	const uint8_t le[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
		(uint8_t)(number >> 24) };

	rota_bytes_add(to, ROTA_SPAN(le));
}

void rota_rows_batch(const json_t *body, struct rota_bytes *out)
{
	const json_t *items = json_object_get(body, "items");
	uint8_t room[ROTA_REGISTRAR_ITEM_MAX];
	size_t len;

	rota_bytes_add(out, ROTA_STR(MAGIC));
	add_u32(out, json_array_size(items));
	for (size_t i = 0; i < json_array_size(items); i++) {
		if (!unhex_item(json_array_get(items, i), room, &len))
			abort(); /* rota_rows_body_ok() */
		add_u32(out, len);
		rota_bytes_add(out, rota_span(room, len));
	}
}

enum rota_err rota_rows_batch_read(struct rota_span batch,
	struct rota_span items[static ROTA_REGISTRAR_ITEMS_MAX], size_t *count)
{
	struct rota_reader r = rota_reader(batch);
	struct rota_span magic = rota_read_span(&r, sizeof(MAGIC) - 1);
	uint32_t said = rota_read_le32(&r);

	*count = 0;
	if (!rota_span_eq(magic, ROTA_STR(MAGIC)) || said == 0 || said > ROTA_REGISTRAR_ITEMS_MAX)
		return ROTA_ERR_FORMAT;
	for (size_t i = 0; i < said; i++) {
		items[i] = rota_read_span(&r, rota_read_le32(&r));
		if (items[i].len == 0 || items[i].len > ROTA_REGISTRAR_ITEM_MAX)
			return ROTA_ERR_FORMAT;
	}
	if (rota_reader_end(&r) != ROTA_OK)
		return ROTA_ERR_FORMAT;
	*count = said;
	return ROTA_OK;
}

/* ---- the answer ---- */

/* SPEC 30.8. None is as long as a row. */
static const struct {
	const char *word;
	enum rota_err err;
} words[] = {
	{ "counter", ROTA_ERR_COUNTER },
	{ "device", ROTA_ERR_HARDWARE },
	{ "format", ROTA_ERR_FORMAT },
	{ "generation", ROTA_ERR_VERSION },
	{ "gone", ROTA_ERR_DENIED },
	{ "kind", ROTA_ERR_ARGUMENT },
	{ "product", ROTA_ERR_PRODUCT },
	{ "signature", ROTA_ERR_SIGNATURE },
	{ "unsupported", ROTA_ERR_UNSUPPORTED },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

const char *rota_rows_word(enum rota_err err)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].err == err)
			return words[i].word;
	return "format"; /* a length beyond a limit, a certificate's name: an item that is none */
}

static void add_result(struct rota_bytes *to, const struct rota_rows_result *r)
{
	char hex[2 * ROTA_ROW_LEN + 1];

	rota_bytes_add_byte(to, '"');
	if (r->err == ROTA_OK) {
		rota_hex(ROTA_SPAN(r->row), hex);
		rota_bytes_add_text(to, hex);
	} else {
		rota_bytes_add_text(to, rota_rows_word((enum rota_err)r->err));
	}
	rota_bytes_add_byte(to, '"');
}

void rota_rows_answer_write(uint64_t entry, const struct rota_rows_result *results, size_t count,
	struct rota_bytes *out)
{
	rota_bytes_print(out,
		"{\"_type\":\"rota-answer\",\"entry\":%" PRIu64
		",\"format\":1,\"keys\":[],\"rows\":[",
		entry);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			rota_bytes_add_byte(out, ',');
		add_result(out, &results[i]);
	}
	rota_bytes_add_text(out, "],\"signatures\":[]}");
}

static bool read_result(const json_t *text, struct rota_rows_result *out)
{
	*out = (struct rota_rows_result){ .err = ROTA_OK };
	if (!json_is_string(text))
		return false;
	if (rota_unhex(json_string_value(text), ROTA_BUF(out->row)))
		return true;
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].word, json_string_value(text)) == 0)
			out->err = (int32_t)words[i].err;
	return out->err != ROTA_OK;
}

static bool read_results(const json_t *whole, struct rota_rows_result *results, size_t count)
{
	const json_t *rows = json_object_get(whole, "rows");
	const char *type = json_string_value(json_object_get(whole, "_type"));
	bool good = rota_json_members(whole, "_type entry format keys rows signatures") && type &&
		strcmp(type, "rota-answer") == 0 &&
		json_integer_value(json_object_get(whole, "format")) == 1 && json_is_array(rows) &&
		json_array_size(rows) == count;

	for (size_t i = 0; good && i < count; i++)
		good = read_result(json_array_get(rows, i), &results[i]);
	return good;
}

enum rota_err rota_rows_answer_read(struct rota_span text, struct rota_rows_result *results,
	size_t count, struct rota_fail *why)
{
	json_t *whole;
	bool good;

	ROTA_TRY(rota_json_parse_strict(text, &whole, why));
	good = read_results(whole, results, count);
	json_decref(whole);
	if (good)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_FORMAT,
		"the signing daemon's answer is none of %zu rows (SPEC 18.5)", count);
}
