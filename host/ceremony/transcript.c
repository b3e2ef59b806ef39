/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ceremony/transcript.h"
#include "host/base/file.h"

#include <string.h>

void rota_transcript_begin(struct rota_transcript *t)
{
	*t = (struct rota_transcript){ .lines = json_array(), .digests = json_array() };
}

void rota_transcript_free(struct rota_transcript *t)
{
	json_decref(t->lines);
	json_decref(t->digests);
	*t = (struct rota_transcript){ 0 };
}

static bool has(const json_t *list, const json_t *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), text))
			return true;
	return false;
}

/* Whether a line may follow those that are there: the first follows none, each other at least one, each once. */
static bool follows(const struct rota_transcript *t, const json_t *line)
{
	const json_t *before = json_object_get(line, "before");
	size_t count = json_array_size(before);

	if (!json_is_array(before) || !json_is_string(json_object_get(line, "did")) ||
		(count == 0) != (json_array_size(t->lines) == 0))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!has(t->digests, json_array_get(before, i)))
			return false;
	return true;
}

/* Take `line` over, checked. */
static enum rota_err put(struct rota_transcript *t, json_t *line, struct rota_fail *why)
{
	char hex[ROTA_DIGEST_HEX];
	struct rota_bytes text;
	enum rota_err err = rota_json_encode(line, ROTA_JSON_FILE, &text, why);

	if (err == ROTA_OK) {
		rota_digest_hex(rota_bytes_span(&text), hex);
		rota_bytes_free(&text);
		if (json_array_size(t->lines) >= ROTA_TRANSCRIPT_LINES_MAX)
			err = rota_fail(why, ROTA_ERR_LIMIT, "a transcript has at most %d lines",
				ROTA_TRANSCRIPT_LINES_MAX);
		else if (!follows(t, line))
			err = rota_fail(why, ROTA_ERR_HASH,
				"line %zu of the transcript does not follow those before it; one "
				"of them was changed or taken away",
				json_array_size(t->lines) + 1);
	}
	if (err != ROTA_OK) {
		json_decref(line);
		return err;
	}
	json_array_append_new(t->lines, line);
	json_array_append_new(t->digests, json_string(hex));
	return ROTA_OK;
}

static enum rota_err parse_lines(
	struct rota_transcript *t, struct rota_span text, struct rota_fail *why)
{
	while (text.len) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : 0;
		json_t *line;

		if (!end || rota_json_parse_strict(rota_span(text.p, len), &line, why) != ROTA_OK)
			return rota_fail(why, ROTA_ERR_FORMAT,
				"line %zu of the transcript is no line of canonical JSON",
				json_array_size(t->lines) + 1);
		ROTA_TRY(put(t, line, why));
		text = rota_span(end + 1, text.len - len - 1);
	}
	if (json_array_size(t->lines) == 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "the transcript has no line");
	return ROTA_OK;
}

enum rota_err rota_transcript_parse(
	struct rota_span text, struct rota_transcript *out, struct rota_fail *why)
{
	enum rota_err err;

	rota_transcript_begin(out);
	err = parse_lines(out, text, why);
	if (err != ROTA_OK)
		rota_transcript_free(out);
	return err;
}

enum rota_err rota_transcript_load(
	const char *path, struct rota_transcript *out, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_file_read(path, ROTA_TRANSCRIPT_MAX, &text, why));
	err = rota_transcript_parse(rota_bytes_span(&text), out, why);
	rota_bytes_free(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", path);
}

/* The lines that nothing follows. */
static json_t *heads(const struct rota_transcript *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(t->digests); i++) {
		json_t *one = json_array_get(t->digests, i);
		bool followed = false;

		for (size_t k = i + 1; k < json_array_size(t->lines); k++)
			followed |=
				has(json_object_get(json_array_get(t->lines, k), "before"), one);
		if (!followed)
			json_array_append(list, one);
	}
	return list;
}

enum rota_err rota_transcript_add(struct rota_transcript *t, json_t *line, struct rota_fail *why)
{
	json_object_set_new(line, "before", heads(t));
	return put(t, line, why);
}

enum rota_err rota_transcript_join(
	struct rota_transcript *to, const struct rota_transcript *from, struct rota_fail *why)
{
	if (!json_equal(json_array_get(to->digests, 0), json_array_get(from->digests, 0)))
		return rota_fail(why, ROTA_ERR_HASH,
			"it is the transcript of another ceremony; name copies of one folder");
	for (size_t i = 0; i < json_array_size(from->lines); i++)
		if (!has(to->digests, json_array_get(from->digests, i)))
			ROTA_TRY(put(to, json_incref(json_array_get(from->lines, i)), why));
	return ROTA_OK;
}

enum rota_err rota_transcript_text(
	const struct rota_transcript *t, struct rota_bytes *out, struct rota_fail *why)
{
	*out = (struct rota_bytes){ 0 };
	for (size_t i = 0; i < json_array_size(t->lines); i++) {
		struct rota_bytes line;

		if (rota_json_encode(json_array_get(t->lines, i), ROTA_JSON_FILE, &line, why) !=
			ROTA_OK) {
			rota_bytes_free(out);
			return why->err;
		}
		rota_bytes_add(out, rota_bytes_span(&line));
		rota_bytes_add_text(out, "\n");
		rota_bytes_free(&line);
	}
	return ROTA_OK;
}

enum rota_err rota_transcript_save(
	const struct rota_transcript *t, const char *path, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(rota_transcript_text(t, &text, why));
	err = rota_file_write(path, rota_bytes_span(&text), 0644, why);
	rota_bytes_free(&text);
	return err;
}
