/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/shape.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/name.h"
#include "rota/codec/time.h"
#include "rota/codec/version.h"

void rota_walk_init(struct rota_walk *w, const struct rota_shape *top)
{
	memset(w, 0, sizeof(*w));
	w->top = top;
}

static enum rota_json_kind kind_of(enum rota_field field)
{
	switch (field) {
	case ROTA_FIELD_OBJECT:
		return ROTA_JSON_OBJECT_BEGIN;
	case ROTA_FIELD_ARRAY:
		return ROTA_JSON_ARRAY_BEGIN;
	case ROTA_FIELD_U8:
	case ROTA_FIELD_U32:
	case ROTA_FIELD_U64:
		return ROTA_JSON_INTEGER;
	case ROTA_FIELD_BOOL:
		return ROTA_JSON_TRUE;
	case ROTA_FIELD_NAME:
	case ROTA_FIELD_PATH:
	case ROTA_FIELD_DIGEST:
	case ROTA_FIELD_VERSION:
	case ROTA_FIELD_TIME:
	case ROTA_FIELD_WORD:
	case ROTA_FIELD_STRING:
		break;
	}
	return ROTA_JSON_STRING;
}

/* ---- storing: by copy, since an offset says nothing of alignment ---- */

static void store(
	const struct rota_member *m, struct rota_buf decoder, const void *value, size_t len)
{
	if (m->at != 0)
		memcpy(&decoder.p[m->at], value, len);
}

static enum rota_err store_name(
	const struct rota_member *m, struct rota_buf decoder, struct rota_span text)
{
	struct rota_name name = { 0 };

	if (text.len > ROTA_NAME_MAX)
		return ROTA_ERR_LIMIT;
	if (!rota_name_valid(text))
		return ROTA_ERR_FORMAT;
	name.len = (uint8_t)text.len;
	memcpy(name.text, text.p, text.len);
	store(m, decoder, &name, sizeof(name));
	return ROTA_OK;
}

/* In place: a path is too long for a microcontroller's stack. */
static enum rota_err store_path(
	const struct rota_member *m, struct rota_buf decoder, struct rota_span text)
{
	uint16_t len = (uint16_t)text.len;

	if (text.len > ROTA_PATH_MAX)
		return ROTA_ERR_LIMIT;
	if (!rota_path_valid(text))
		return ROTA_ERR_FORMAT;
	if (m->at == 0)
		return ROTA_OK;
	memcpy(&decoder.p[m->at + offsetof(struct rota_path, len)], &len, sizeof(len));
	memcpy(&decoder.p[m->at + offsetof(struct rota_path, text)], text.p, text.len);
	return ROTA_OK;
}

static enum rota_err store_word(
	const struct rota_member *m, struct rota_buf decoder, struct rota_span text)
{
	for (uint8_t i = 0; m->words[i] != NULL; i++) {
		if (!rota_span_eq(text, rota_span_cstr(m->words[i])))
			continue;
		store(m, decoder, &i, sizeof(i));
		return ROTA_OK;
	}
	return ROTA_ERR_UNSUPPORTED;
}

static enum rota_err store_text(
	const struct rota_member *m, struct rota_buf decoder, struct rota_span text)
{
	uint8_t digest[32];
	uint64_t number = 0;
	rota_num time_s;

	if (m->field == ROTA_FIELD_NAME)
		return store_name(m, decoder, text);
	if (m->field == ROTA_FIELD_PATH)
		return store_path(m, decoder, text);
	if (m->field == ROTA_FIELD_WORD)
		return store_word(m, decoder, text);
	if (m->field == ROTA_FIELD_DIGEST) {
		ROTA_TRY(rota_hex_decode(text, ROTA_BUF(digest)));
		store(m, decoder, digest, sizeof(digest));
		return ROTA_OK;
	}
	if (m->field == ROTA_FIELD_STRING)
		return ROTA_OK;
	if (m->field == ROTA_FIELD_VERSION) {
		ROTA_TRY(rota_version_parse(text, &number));
	} else {
		ROTA_TRY(rota_time_parse(text, &time_s));
		number = time_s;
	}
	store(m, decoder, &number, sizeof(number));
	return ROTA_OK;
}

static enum rota_err store_integer(
	const struct rota_member *m, struct rota_buf decoder, uint64_t u64)
{
	uint32_t u32 = (uint32_t)u64;
	uint8_t u8 = (uint8_t)u64;

	if (u64 < m->least)
		return ROTA_ERR_FORMAT;
	if (u64 > m->most)
		return ROTA_ERR_LIMIT;
	if (m->field == ROTA_FIELD_U8)
		store(m, decoder, &u8, sizeof(u8));
	else if (m->field == ROTA_FIELD_U32)
		store(m, decoder, &u32, sizeof(u32));
	else
		store(m, decoder, &u64, sizeof(u64));
	return ROTA_OK;
}

static bool is_bool(const struct rota_json_token *t)
{
	return t->kind == ROTA_JSON_TRUE || t->kind == ROTA_JSON_FALSE;
}

static void store_bool(
	const struct rota_member *m, struct rota_buf decoder, const struct rota_json_token *t)
{
	bool value = t->kind == ROTA_JSON_TRUE;

	store(m, decoder, &value, sizeof(value));
}

/* ---- walking ---- */

static bool begins(const struct rota_json_token *t)
{
	return t->kind == ROTA_JSON_OBJECT_BEGIN || t->kind == ROTA_JSON_ARRAY_BEGIN;
}

static bool ends(const struct rota_json_token *t)
{
	return t->kind == ROTA_JSON_OBJECT_END || t->kind == ROTA_JSON_ARRAY_END;
}

/* The container at t->depth begins; its members go by `shape`, or are skipped. */
static void enter(
	struct rota_walk *w, const struct rota_json_token *t, const struct rota_shape *shape)
{
	w->shape[t->depth] = shape;
	w->seen[t->depth] = 0;
}

/* An array's shape has one member without a name. */
static bool is_array(const struct rota_shape *shape)
{
	return shape->members[0].name == NULL;
}

static enum rota_err leave(
	const struct rota_walk *w, struct rota_buf decoder, const struct rota_json_token *t)
{
	const struct rota_shape *shape = w->shape[t->depth];
	uint32_t seen = w->seen[t->depth];

	if (shape == NULL)
		return ROTA_OK;
	if (is_array(shape) && seen < shape->least)
		return ROTA_ERR_FORMAT;
	for (uint8_t i = 0; !is_array(shape) && i < shape->count; i++)
		if (!shape->members[i].optional && (seen & 1u << i) == 0)
			return ROTA_ERR_FORMAT;
	return shape->end != NULL ? shape->end(decoder.p, seen) : ROTA_OK;
}

/* Member that the current value is, counted as seen; NULL when no table lists it. */
static const struct rota_member *find(struct rota_walk *w, const struct rota_json *j, uint8_t depth)
{
	const struct rota_shape *shape = w->shape[depth];
	struct rota_span name = rota_json_name(j, depth);

	if (shape == NULL)
		return NULL;
	if (is_array(shape)) {
		w->seen[depth]++;
		return &shape->members[0];
	}
	for (uint8_t i = 0; i < shape->count; i++) {
		if (!rota_span_eq(name, rota_span_cstr(shape->members[i].name)))
			continue;
		w->seen[depth] |= 1u << i;
		return &shape->members[i];
	}
	return NULL;
}

enum rota_err rota_walk_token(
	struct rota_walk *w, struct rota_buf decoder, const struct rota_json *j)
{
	const struct rota_json_token *t = &j->token;
	const struct rota_member *m = NULL;
	const struct rota_shape *in;

	if (ends(t))
		return leave(w, decoder, t);
	if (t->depth == 0) {
		enter(w, t, w->top);
		return ROTA_OK;
	}
	m = find(w, j, (uint8_t)(t->depth - 1));
	if (begins(t))
		enter(w, t, m != NULL ? m->shape : NULL);
	in = w->shape[t->depth - 1];
	if (m == NULL)
		return in != NULL && in->closed ? ROTA_ERR_FORMAT : ROTA_OK;
	if (t->kind == ROTA_JSON_NULL && m->nullable)
		return ROTA_OK;
	if ((is_bool(t) ? ROTA_JSON_TRUE : t->kind) != kind_of(m->field))
		return ROTA_ERR_FORMAT;
	if (is_array(in) && in->most != 0 && w->seen[t->depth - 1] > in->most)
		return ROTA_ERR_LIMIT;
	if (t->kind == ROTA_JSON_STRING && t->cut && !m->any_length)
		return ROTA_ERR_LIMIT;
	if (t->kind == ROTA_JSON_STRING)
		ROTA_TRY(store_text(m, decoder, t->text));
	if (t->kind == ROTA_JSON_INTEGER)
		ROTA_TRY(store_integer(m, decoder, t->integer));
	if (is_bool(t))
		store_bool(m, decoder, t);
	return m->take != NULL ? m->take(decoder.p, t) : ROTA_OK;
}
