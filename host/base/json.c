/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/json.h"
#include "host/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Largest integer that every JSON reader holds exactly (SPEC 2.1). */
#define INTEGER_MAX 9007199254740991LL
/* Of an object that is put in order without more memory. */
#define MEMBERS_FEW 16

/* What stands in a string as it is. */
static bool is_plain(unsigned char c, enum rota_json_form form)
{
	return (c >= ' ' && c != '"' && c != '\\') || (c > 0 && c < ' ' && form != ROTA_JSON_FILE);
}

static void put_escaped(unsigned char c, struct rota_bytes *out)
{
	static const char shorts[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	if (c == '"' || c == '\\')
		rota_bytes_print(out, "\\%c", c);
	else if (shorts[c])
		rota_bytes_print(out, "\\%c", shorts[c]);
	else
		rota_bytes_print(out, "\\u%04x", c);
}

static enum rota_err put_string(struct rota_span text, enum rota_json_form form,
	struct rota_bytes *out, struct rota_fail *why)
{
	size_t plain;

	rota_bytes_add_byte(out, '"');
	for (size_t i = 0; i < text.len; i += plain + 1) {
		for (plain = 0; i + plain < text.len && is_plain(text.p[i + plain], form);)
			plain++;
		rota_bytes_add(out, rota_span_slice(text, i, plain));
		if (i + plain == text.len)
			break;
		if (text.p[i + plain] == 0)
			return rota_fail(why, ROTA_ERR_FORMAT, "a string holds a NUL");
		put_escaped(text.p[i + plain], out);
	}
	rota_bytes_add_byte(out, '"');
	return ROTA_OK;
}

static enum rota_err put(const json_t *value, enum rota_json_form form, int depth,
	struct rota_bytes *out, struct rota_fail *why);

struct member {
	const char *name;
	const json_t *value;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* What was read of our spelling is in order already. */
static void sort_members(struct member *members, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (by_name(&members[i - 1], &members[i]) > 0) {
			qsort(members, count, sizeof(*members), by_name);
			return;
		}
}

static enum rota_err put_members(const struct member *members, size_t count,
	enum rota_json_form form, int depth, struct rota_bytes *out, struct rota_fail *why)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			rota_bytes_add_byte(out, ',');
		ROTA_TRY(put_string(rota_span_cstr(members[i].name), form, out, why));
		rota_bytes_add_byte(out, ':');
		ROTA_TRY(put(members[i].value, form, depth, out, why));
	}
	return ROTA_OK;
}

static enum rota_err put_object(const json_t *object, enum rota_json_form form, int depth,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct member few[MEMBERS_FEW], *members = few;
	size_t count = json_object_size(object), i = 0;
	const char *name;
	json_t *value;
	enum rota_err err;

	if (count > MEMBERS_FEW && (members = calloc(count, sizeof(*members))) == NULL)
		abort();
	json_object_foreach((json_t *)(uintptr_t)object, name, value) members[i++] =
		(struct member){ name, value };
	sort_members(members, count);
	rota_bytes_add_byte(out, '{');
	err = put_members(members, count, form, depth, out, why);
	rota_bytes_add_byte(out, '}');
	if (members != few)
		free(members);
	return err;
}

static enum rota_err put_array(const json_t *array, enum rota_json_form form, int depth,
	struct rota_bytes *out, struct rota_fail *why)
{
	rota_bytes_add_byte(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			rota_bytes_add_byte(out, ',');
		ROTA_TRY(put(json_array_get(array, i), form, depth, out, why));
	}
	rota_bytes_add_byte(out, ']');
	return ROTA_OK;
}

static enum rota_err put_integer(json_int_t value, struct rota_bytes *out, struct rota_fail *why)
{
	char text[24];

	if (value > INTEGER_MAX || value < -INTEGER_MAX)
		return rota_fail(
			why, ROTA_ERR_FORMAT, "integer %lld is beyond 2^53 - 1", (long long)value);
	snprintf(text, sizeof(text), "%lld", (long long)value);
	rota_bytes_add_text(out, text);
	return ROTA_OK;
}

static enum rota_err put(const json_t *value, enum rota_json_form form, int depth,
	struct rota_bytes *out, struct rota_fail *why)
{
	if (!value) /* jansson made none of text that is no UTF-8 */
		return rota_fail(why, ROTA_ERR_FORMAT, "a text is not UTF-8");
	if (depth == ROTA_JSON_DEPTH_MAX && (json_is_object(value) || json_is_array(value)))
		return rota_fail(
			why, ROTA_ERR_FORMAT, "JSON nests deeper than %d", ROTA_JSON_DEPTH_MAX);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_object(value, form, depth + 1, out, why);
	case JSON_ARRAY:
		return put_array(value, form, depth + 1, out, why);
	case JSON_STRING:
		return put_string(rota_span(json_string_value(value), json_string_length(value)),
			form, out, why);
	case JSON_INTEGER:
		return put_integer(json_integer_value(value), out, why);
	case JSON_TRUE:
		rota_bytes_add_text(out, "true");
		return ROTA_OK;
	case JSON_FALSE:
		rota_bytes_add_text(out, "false");
		return ROTA_OK;
	case JSON_NULL:
		rota_bytes_add_text(out, "null");
		return ROTA_OK;
	case JSON_REAL:
		break;
	}
	return rota_fail(why, ROTA_ERR_FORMAT, "a number with a fraction has no place here");
}

enum rota_err rota_json_add(const json_t *value, struct rota_bytes *out, struct rota_fail *why)
{
	return put(value, ROTA_JSON_FILE, 0, out, why);
}

enum rota_err rota_json_add_string(
	struct rota_span text, struct rota_bytes *out, struct rota_fail *why)
{
	return put_string(text, ROTA_JSON_FILE, out, why);
}

enum rota_err rota_json_encode(const json_t *value, enum rota_json_form form,
	struct rota_bytes *out, struct rota_fail *why)
{
	*out = (struct rota_bytes){ 0 };
	if (put(value, form, 0, out, why) != ROTA_OK) {
		rota_bytes_free(out);
		return why->err;
	}
	return ROTA_OK;
}

enum rota_err rota_json_parse(struct rota_span text, json_t **out, struct rota_fail *why)
{
	json_error_t error;

	*out = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!*out)
		return rota_fail(why, ROTA_ERR_FORMAT, "not JSON: %s at byte %d", error.text,
			error.position);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return rota_fail(why, ROTA_ERR_FORMAT, "not a JSON object");
	}
	return ROTA_OK;
}

/* Each value but the outermost stands behind a bracket or a comma. */
size_t rota_json_values(struct rota_span text)
{
	size_t values = 1;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (!quoted)
			values += c == ',' || c == '[' || c == '{';
		else if (c == '\\')
			i++;
		quoted ^= c == '"';
	}
	return values;
}

bool rota_json_members(const json_t *value, const char *names)
{
	size_t known = 0;

	if (!json_is_object(value))
		return false;
	while (*names) {
		size_t len = strcspn(names, " ");
		bool maybe = names[len - 1] == '?';

		if (json_object_getn(value, names, len - maybe))
			known++;
		else if (!maybe)
			return false;
		names += len + (names[len] == ' ');
	}
	return known == json_object_size(value);
}

enum rota_err rota_json_load(const char *path, size_t max, json_t **out, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	*out = NULL;
	ROTA_TRY(rota_file_read(path, max, &text, why));
	err = rota_json_parse_strict(rota_bytes_span(&text), out, why);
	rota_bytes_free(&text);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", path);
}
