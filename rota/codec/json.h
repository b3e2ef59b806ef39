/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/json.h -- a scanner for the one JSON spelling of SPEC 2, that yields two streams.
 *
 * Bytes are pushed in pieces of any size; nothing is held but the names on the way from the top to the
 * current value and one string value. Out come tokens, for a decoder, and canonical bytes, for a
 * signature: they differ from the file's bytes where a string holds a control character (SPEC 2.3).
 *
 * Order of the two streams: canonical bytes are handed on in runs, late. A decoder that starts or stops
 * using them calls rota_json_flush() from its token function: on a BEGIN token everything before the
 * bracket has then been handed on, on an END token everything up to and including the bracket.
 *
 * Names must rise strictly within an object, which also refuses duplicates; the check needs no more room
 * than the current name, since each name is compared with its predecessor while it overwrites it.
 *
 * Nothing that a token says may be believed before the file's signature or digest was checked.
 */
#ifndef ROTA_CODEC_JSON_H
#define ROTA_CODEC_JSON_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* SPEC 2.1: deepest in use is 7 (a key inside a delegation of targets). */
#define ROTA_JSON_DEPTH_MAX 12

enum rota_json_kind {
	ROTA_JSON_OBJECT_BEGIN,
	ROTA_JSON_OBJECT_END,
	ROTA_JSON_ARRAY_BEGIN,
	ROTA_JSON_ARRAY_END,
	ROTA_JSON_STRING,
	ROTA_JSON_INTEGER,
	ROTA_JSON_BOOL,
	ROTA_JSON_NULL,
};

/* `text` and `cut` are of a STRING only, `integer` of an INTEGER, `boolean` of a BOOL. */
struct rota_json_token {
	enum rota_json_kind kind;
	uint8_t depth; /* containers around the token: 0 for the top object's own brackets */
	bool cut; /* longer than the room; text is its beginning */
	bool boolean;
	struct rota_span text; /* the unescaped bytes, valid during the call */
	int64_t integer;
};

struct rota_json;

struct rota_json_sink {
	void *ctx;
	/* One token; an error ends the scan with it. Names are no tokens of their own: see rota_json_name(). */
	enum rota_err (*token)(void *ctx, struct rota_json *j, const struct rota_json_token *t);
	/* A run of canonical bytes; may be NULL. */
	void (*canonical)(void *ctx, struct rota_span bytes);
};

/* Private to json.c; a value, may be copied while no feed is running. Bytes come first: the short instructions of
 * a microcontroller reach no further. */
struct rota_json {
	uint8_t state;
	uint8_t may; /* what the structure allows next */
	uint8_t depth;
	uint8_t utf8_need; /* bytes to come of a character, and its first one, until the second */
	uint8_t utf8_lead;
	uint8_t literal; /* place of the next letter */
	bool in_name; /* the string being read is one */
	bool ascends; /* the name being read is greater than the one before */
	bool negative;
	bool digits;
	bool sink_failed; /* `failed` came from the sink */
	enum rota_err failed;
	uint16_t arrays; /* bit per open container, the innermost in bit 0 */
	struct rota_json_token token; /* the next one, gathered in place */
	uint16_t name_was; /* where the name before ended, while a name is read */
	uint16_t name_end[ROTA_JSON_DEPTH_MAX + 1]; /* by depth, behind a 0: where each begins */
	uint32_t escape; /* digits of a \u so far, behind a 1 */
	struct rota_span piece; /* being fed; bytes [run_at, at) are not handed on yet */
	size_t run_at;
	size_t at;
	struct rota_buf names; /* names of the open objects, one after the other */
	struct rota_buf value; /* the current string */
	struct rota_json_sink sink;
};

/* Begin a scan.
 * names  room for the names on the deepest path together; at most 65,535 bytes.
 * value  room for one string value; longer ones come out cut.
 * Both stay in use until the scan ends. */
void rota_json_init(struct rota_json *j, const struct rota_json_sink *sink, struct rota_buf names,
	struct rota_buf value);

/* The next piece of the file.
 * ROTA_ERR_FORMAT: not the spelling of SPEC 2. ROTA_ERR_LIMIT: names do not fit, or deeper than
 * ROTA_JSON_DEPTH_MAX. Else what the token function returned. An error sticks. */
ROTA_MUST_USE enum rota_err rota_json_feed(struct rota_json *j, struct rota_span piece);

/* Whether the scan failed by the file's spelling (SPEC 2), not by what the sink made of its tokens. */
bool rota_json_misspelt(const struct rota_json *j);

/* The file is over. ROTA_ERR_FORMAT when its top object is not closed. */
ROTA_MUST_USE enum rota_err rota_json_end(struct rota_json *j);

/* Hand on the canonical bytes so far; see above. Only from the token function. */
void rota_json_flush(struct rota_json *j);

/* Unescaped name of the current member of the object at `depth` (0: the top object); empty for an array.
 * For a token of depth d, the names 0 .. d - 1 are its path. Valid during the token call. */
static inline struct rota_span rota_json_name(const struct rota_json *j, unsigned depth)
{
	unsigned from = j->name_end[depth];

	return rota_span(&j->names.p[from], j->name_end[depth + 1] - from);
}

#endif
