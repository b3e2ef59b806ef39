/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/tuf_want.h -- what tuf.c asks of one token; nobody else includes it. */
#ifndef ROTA_CODEC_TUF_WANT_H
#define ROTA_CODEC_TUF_WANT_H

#include "rota/codec/json.h"
#include "rota/codec/time.h"
#include "rota/codec/tuf.h"

static inline bool begins(const struct rota_json_token *t)
{
	return t->kind == ROTA_JSON_OBJECT_BEGIN || t->kind == ROTA_JSON_ARRAY_BEGIN;
}

static inline bool ends(const struct rota_json_token *t)
{
	return t->kind == ROTA_JSON_OBJECT_END || t->kind == ROTA_JSON_ARRAY_END;
}

/* Both brackets of a container of the right kind are fine, everything else is malformed. */
static inline enum rota_err want(const struct rota_json_token *t, enum rota_json_kind open)
{
	return t->kind == open || t->kind == open + 1 ? ROTA_OK : ROTA_ERR_FORMAT;
}

static inline enum rota_err want_string(const struct rota_json_token *t)
{
	if (t->kind != ROTA_JSON_STRING)
		return ROTA_ERR_FORMAT;
	return t->cut ? ROTA_ERR_LIMIT : ROTA_OK;
}

static inline enum rota_err want_count(
	const struct rota_json_token *t, uint64_t least, uint64_t *out)
{
	if (t->kind != ROTA_JSON_INTEGER || t->integer < (int64_t)least)
		return ROTA_ERR_FORMAT;
	*out = (uint64_t)t->integer;
	return ROTA_OK;
}

static inline enum rota_err want_time(const struct rota_json_token *t, uint64_t *out)
{
	ROTA_TRY(want_string(t));
	return rota_time_parse(t->text, out);
}

static inline enum rota_err want_keyid(const struct rota_json_token *t)
{
	ROTA_TRY(want_string(t));
	return t->text.len == 0 || t->text.len > ROTA_TUF_KEYID_MAX ? ROTA_ERR_FORMAT : ROTA_OK;
}

#endif
