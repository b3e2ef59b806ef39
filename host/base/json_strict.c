/* SPDX-License-Identifier: Apache-2.0 */
/* The one spelling of SPEC 2, read by the scanner that devices read it with: it takes a seventh of the time of a general reader. */
#include "host/base/json.h"

#include <stdlib.h>

struct strict {
	struct rota_json scan;
	json_t *top; /* owned */
	json_t *open[ROTA_JSON_DEPTH_MAX]; /* by depth: the containers around the value at hand */
	const char *outer,
		*inner; /* names of what is wanted in canonical bytes; NULL: nothing is */
	struct rota_bytes canonical; /* owned */
	bool within;
};

static void keep(struct rota_json *j, struct rota_span bytes)
{
	struct strict *s = ROTA_JSON_OWNER(j, struct strict, scan);

	if (s->within)
		rota_bytes_add(&s->canonical, bytes);
}

/* On the brackets of what is wanted: as a device does, which hashes what is signed while it reads it. */
static void mark(struct strict *s)
{
	const struct rota_json_token *t = &s->scan.token;
	bool begins = t->kind == ROTA_JSON_OBJECT_BEGIN;

	if (!s->outer || t->depth != 2 || (!begins && t->kind != ROTA_JSON_OBJECT_END) ||
		!rota_span_eq(rota_json_name(&s->scan, 0), rota_span_cstr(s->outer)) ||
		!rota_span_eq(rota_json_name(&s->scan, 1), rota_span_cstr(s->inner)))
		return;
	rota_json_flush(&s->scan, !begins);
	s->within = begins;
}

/* Of a token that begins a value; NULL: no memory. */
static json_t *value_of(const struct rota_json_token *t)
{
	switch (t->kind) {
	case ROTA_JSON_OBJECT_BEGIN:
		return json_object();
	case ROTA_JSON_ARRAY_BEGIN:
		return json_array();
	case ROTA_JSON_STRING:
		return json_stringn((const char *)t->text.p, t->text.len);
	case ROTA_JSON_INTEGER:
		return json_integer((json_int_t)t->integer);
	case ROTA_JSON_NEGATIVE:
		return json_integer(-(json_int_t)t->integer);
	case ROTA_JSON_TRUE:
		return json_true();
	case ROTA_JSON_FALSE:
		return json_false();
	case ROTA_JSON_NULL:
		return json_null();
	case ROTA_JSON_OBJECT_END:
	case ROTA_JSON_ARRAY_END:
		break;
	}
	return NULL;
}

/* Into the container around it, which takes it also when it fails. */
static bool place(struct strict *s, json_t *value)
{
	const struct rota_json_token *t = &s->scan.token;
	struct rota_span name;
	json_t *around;

	if (t->depth == 0) {
		s->top = value;
		return true;
	}
	around = s->open[t->depth - 1];
	if (json_is_array(around))
		return json_array_append_new(around, value) == 0;
	name = rota_json_name(&s->scan, t->depth - 1u);
	return json_object_setn_new(around, (const char *)name.p, name.len, value) == 0;
}

static enum rota_err take(struct rota_json *j)
{
	struct strict *s = ROTA_JSON_OWNER(j, struct strict, scan);
	const struct rota_json_token *t = &j->token;
	json_t *value;

	mark(s);
	if (t->kind == ROTA_JSON_OBJECT_END || t->kind == ROTA_JSON_ARRAY_END)
		return ROTA_OK;
	value = value_of(t);
	if (!value || !place(s, value))
		return ROTA_ERR_SPELLING;
	if (t->kind == ROTA_JSON_OBJECT_BEGIN || t->kind == ROTA_JSON_ARRAY_BEGIN)
		s->open[t->depth] = value;
	return ROTA_OK;
}

/* No name and no string is longer than all. */
static enum rota_err scan(struct strict *s, struct rota_span text)
{
	static const struct rota_json_sink sink = { .token = take, .canonical = keep };
	uint8_t *room = malloc(2 * text.len + 1);
	const struct rota_json_room rooms = {
		.value = rota_buf(room, text.len),
		.names = rota_buf(room + text.len, text.len),
	};
	enum rota_err err;

	if (!room)
		abort();
	rota_json_init(&s->scan, &sink, &rooms);
	err = rota_json_feed(&s->scan, text);
	if (err == ROTA_OK)
		err = rota_json_end(&s->scan);
	free(room);
	return err;
}

static enum rota_err read(struct strict *s, struct rota_span text, struct rota_fail *why)
{
	json_t *loose;

	if (scan(s, text) == ROTA_OK)
		return ROTA_OK;
	json_decref(s->top);
	rota_bytes_free(&s->canonical);
	s->top = NULL;
	/* which says more of what is no JSON at all */
	ROTA_TRY(rota_json_parse(text, &loose, why));
	json_decref(loose);
	return rota_fail(why, ROTA_ERR_FORMAT, "not the canonical spelling (SPEC 2.1)");
}

enum rota_err rota_json_parse_strict(struct rota_span text, json_t **out, struct rota_fail *why)
{
	struct strict s = { .top = NULL };
	enum rota_err err = read(&s, text, why);

	*out = s.top;
	return err;
}

enum rota_err rota_json_parse_signed(struct rota_span text, const char *outer, const char *inner,
	json_t **out, struct rota_bytes *canonical, struct rota_fail *why)
{
	struct strict s = { .outer = outer, .inner = inner };
	enum rota_err err = read(&s, text, why);

	*out = s.top;
	*canonical = s.canonical;
	return err;
}
