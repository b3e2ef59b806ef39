/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/json.h -- a scanner for the one JSON spelling of SPEC 2, that yields two streams.
 *
 * Bytes are pushed in pieces of any size; nothing is held but the names on the way from the top to the
 * current value and one string value. Out come tokens, for a decoder, and canonical bytes, for a
 * signature: they differ from the file's bytes where a string holds a control character (SPEC 2.3).
 *
 * Order of the two streams: canonical bytes are handed on in runs, late. A decoder that starts or stops
 * using them calls rota_json_flush() from its token function.
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
	ROTA_JSON_INTEGER,
	ROTA_JSON_NEGATIVE, /* an integer below 0 */
	ROTA_JSON_OBJECT_BEGIN, /* even, as its end; an array's are odd */
	ROTA_JSON_ARRAY_BEGIN,
	ROTA_JSON_OBJECT_END,
	ROTA_JSON_ARRAY_END,
	ROTA_JSON_STRING,
	ROTA_JSON_TRUE,
	ROTA_JSON_FALSE,
	ROTA_JSON_NULL,
};

/* `text` and `cut` are of a STRING only, `integer` of an INTEGER or a NEGATIVE. */
struct rota_json_token {
	enum rota_json_kind kind;
	uint8_t depth; /* containers around the token: 0 for the top object's own brackets */
	bool cut; /* longer than the room; text is its beginning */
	struct rota_span text; /* the unescaped bytes, valid during the call */
	uint64_t integer; /* without its sign */
};

struct rota_json;

/* Where a scanner's output goes. Who takes it holds the scanner in a struct of his own, ROTA_JSON_OWNER(). */
struct rota_json_sink {
	/* One token, j->token; an error ends the scan with it. Names are no tokens of their own: see rota_json_name(). */
	enum rota_err (*token)(struct rota_json *j);
	/* A run of canonical bytes; rota_json_drop() where nobody wants them. */
	void (*canonical)(struct rota_json *j, struct rota_span bytes);
};

/* The struct that has the scanner as its member. */
#define ROTA_JSON_OWNER(j, type, member) ((type *)(void *)((uint8_t *)(j)-offsetof(type, member)))

/* Room for strings, in use until the scan ends. */
struct rota_json_room {
	struct rota_buf value; /* for one string value; longer ones come out cut */
	struct rota_buf names; /* for the names on the deepest path together */
};

/* Private to json.c but for token; a value, may be copied while no feed is running. Bytes come first: the short
 * instructions of a microcontroller reach no further. */
struct rota_json {
	uint8_t state;
	uint8_t utf8_need; /* bytes to come of a character, and its first one, until the second */
	uint8_t utf8_lead;
	uint8_t literal; /* place of the next letter */
	uint8_t in_value; /* the string being read is one, else a name */
	uint8_t ascends; /* the name being read is greater than the one before */
	enum rota_err failed;
	struct rota_json_token token; /* the next one, gathered in place */
	uint16_t may; /* what the structure allows next */
	uint16_t arrays; /* bit per open container, the innermost in bit 0 */
	uint32_t escape; /* digits of a \u so far, behind a 1 */
	size_t to; /* where the string's next byte goes in its room */
	const uint8_t *run; /* of the piece being fed: what is not handed on yet begins here */
	const uint8_t *at;
	const uint8_t *end;
	const struct rota_json_sink *sink;
	struct rota_json_room room;
	size_t name_end[ROTA_JSON_DEPTH_MAX + 2]; /* by depth, behind two 0: where each begins */
};

/* Begin a scan. The sink stays in use. */
void rota_json_init(
	struct rota_json *j, const struct rota_json_sink *sink, const struct rota_json_room *room);

/* The next piece of the file.
 * ROTA_ERR_SPELLING: not the spelling of SPEC 2. ROTA_ERR_LIMIT: names do not fit, or deeper than
 * ROTA_JSON_DEPTH_MAX. Else what the token function returned. An error sticks. */
ROTA_MUST_USE enum rota_err rota_json_feed(struct rota_json *j, struct rota_span piece);

/* The file is over. ROTA_ERR_SPELLING when its top object is not closed. */
ROTA_MUST_USE enum rota_err rota_json_end(struct rota_json *j);

/* Hand on the canonical bytes before the byte at hand, `with` that or without. Only from the token function, on a
 * bracket, which is then the byte at hand. */
void rota_json_flush(struct rota_json *j, bool with);

/* For a sink that has no use for canonical bytes. */
void rota_json_drop(struct rota_json *j, struct rota_span bytes);

/* Unescaped name of the current member of the object at `depth` (0: the top object); empty for an array. At depth -1
 * it is empty too: the top object has no name.
 * For a token of depth d, the names 0 .. d - 1 are its path. Valid during the token call. */
static inline struct rota_span rota_json_name(const struct rota_json *j, unsigned depth)
{
	const size_t *end = &j->name_end[depth + 1];

	return rota_span(&j->room.names.p[end[0]], end[1] - end[0]);
}

#endif
