/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner is a push automaton of few states, because what the structure allows next is a set of its own: a byte
 * of structure has a bit, and is refused where the set lacks it. The plain bytes of strings are found, compared and
 * copied in runs; structure is read byte by byte. */
#include "rota/codec/json.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"

enum state {
	ST_STRUCTURE,
	ST_STRING,
	ST_ESCAPE,
	ST_HEX,
	ST_NUMBER,
	ST_LITERAL,
	ST_COUNT,
};

/* Bits of j->may. */
enum {
	MAY_VALUE = 1 << 0,
	MAY_NAME = 1 << 1,
	MAY_COLON = 1 << 2,
	MAY_COMMA = 1 << 3,
	MAY_END = 1 << 4,
};

#define INTEGER_MAX ((INT64_C(1) << 53) - 1) /* SPEC 2.1 */

void rota_json_init(struct rota_json *j, const struct rota_json_sink *sink, struct rota_buf names,
	struct rota_buf value)
{
	memset(j, 0, sizeof(*j));
	j->sink = *sink;
	j->names = names;
	if (j->names.len > UINT16_MAX)
		j->names.len = UINT16_MAX;
	j->value = value;
	j->token.text.p = value.p;
	j->may = MAY_VALUE;
}

/* Where `byte` stands in a string, or its length. */
static uint8_t place_in(const char *set, uint8_t byte)
{
	uint8_t at = 0;

	while (set[at] != '\0' && (uint8_t)set[at] != byte)
		at++;
	return at;
}

/* ---- the canonical stream ---- */

static void hand_on(struct rota_json *j, const uint8_t *bytes, size_t len)
{
	if (j->sink.canonical != NULL)
		j->sink.canonical(j->sink.ctx, rota_span(bytes, len));
}

void rota_json_flush(struct rota_json *j)
{
	size_t from = j->run_at;

	j->run_at = j->at;
	if (from < j->at)
		hand_on(j, &j->piece.p[from], j->at - from);
}

/* The current byte is not canonical: hand on what stands before it and leave it out. */
static void drop_byte(struct rota_json *j)
{
	j->at--;
	rota_json_flush(j);
	j->run_at = ++j->at;
}

/* ---- tokens ---- */

static enum rota_err emit(struct rota_json *j, enum rota_json_kind kind)
{
	enum rota_err err;

	j->token.kind = kind;
	j->token.depth = j->depth;
	err = j->sink.token(j->sink.ctx, j, &j->token);
	j->sink_failed = err != ROTA_OK;
	return err;
}

/* A value is over, or the container that it ends. */
static enum rota_err end_value(struct rota_json *j, enum rota_json_kind kind)
{
	j->state = ST_STRUCTURE;
	j->may = j->depth == 0 ? 0 : MAY_COMMA | MAY_END; /* SPEC 2.1: nothing after the last one */
	return emit(j, kind);
}

/* kind: that of the token that begins it. */
static enum rota_err open_container(struct rota_json *j, enum rota_json_kind kind)
{
	unsigned array = kind == ROTA_JSON_ARRAY_BEGIN;

	if (j->depth == ROTA_JSON_DEPTH_MAX)
		return ROTA_ERR_LIMIT;
	j->at--; /* the bracket is not part of what a flush hands on */
	ROTA_TRY(emit(j, kind));
	j->at++;
	j->arrays = (uint16_t)((unsigned)j->arrays << 1 | array);
	j->may = array ? MAY_VALUE | MAY_END : MAY_NAME | MAY_END;
	j->name_end[j->depth + 1] = j->name_end[j->depth];
	j->depth++;
	return ROTA_OK;
}

static enum rota_err close_container(struct rota_json *j, enum rota_json_kind kind)
{
	unsigned array = kind == ROTA_JSON_ARRAY_END;

	if (array != (j->arrays & 1u))
		return ROTA_ERR_FORMAT;
	j->arrays >>= 1;
	j->depth--;
	return end_value(j, kind);
}

/* ---- strings ---- */

static void begin_string(struct rota_json *j)
{
	uint16_t *end = &j->name_end[j->depth];

	j->state = ST_STRING;
	j->in_name = (j->may & MAY_NAME) != 0;
	if (!j->in_name) {
		j->token.text.len = 0;
		j->token.cut = false;
		return;
	}
	/* The first name has no predecessor: even the empty name is greater than nothing. */
	j->ascends = (j->may & MAY_END) != 0;
	j->name_was = *end;
	*end = end[-1];
}

/* Bytes of a name: each is compared with the one that it replaces, until one is greater. */
static enum rota_err name_bytes(struct rota_json *j, const uint8_t *bytes, size_t len)
{
	size_t at = j->name_end[j->depth];
	uint8_t *name = j->names.p;
	bool ascends = j->ascends;

	for (size_t i = 0; i < len; i++, at++) {
		uint8_t byte = bytes[i];

		if (at >= j->names.len)
			return ROTA_ERR_LIMIT;
		if (!ascends && at < j->name_was && byte < name[at])
			return ROTA_ERR_FORMAT; /* SPEC 2.1: names not ascending */
		ascends = ascends || at >= j->name_was || byte > name[at];
		name[at] = byte;
	}
	j->ascends = ascends;
	j->name_end[j->depth] = (uint16_t)at;
	return ROTA_OK;
}

static enum rota_err string_bytes(struct rota_json *j, const uint8_t *bytes, size_t len)
{
	size_t at = j->token.text.len;

	if (j->in_name)
		return name_bytes(j, bytes, len);
	if (len > j->value.len - at) {
		len = j->value.len - at;
		j->token.cut = true;
	}
	if (len > 0)
		memcpy(&j->value.p[at], bytes, len);
	j->token.text.len = at + len;
	return ROTA_OK;
}

static enum rota_err end_string(struct rota_json *j)
{
	if (!j->in_name)
		return end_value(j, ROTA_JSON_STRING);
	j->state = ST_STRUCTURE;
	j->may = MAY_COLON;
	/* If not: the same name again, or a prefix of the one before. */
	return j->ascends ? ROTA_OK : ROTA_ERR_FORMAT;
}

/* A byte of a character that is not ASCII (RFC 3629, 4): the first says how many follow, and narrows the range of the
 * second. */
static enum rota_err utf8_byte(struct rota_json *j, uint8_t byte)
{
	static const uint8_t narrow[][3] = {
		{ 0xe0, 0xa0, 0xbf }, /* no overlong form */
		{ 0xed, 0x80, 0x9f }, /* no surrogate */
		{ 0xf0, 0x90, 0xbf }, /* no overlong form */
		{ 0xf4, 0x80, 0x8f }, /* nothing above U+10FFFF */
	};
	uint8_t low = 0x80, high = 0xbf;

	if (j->utf8_need == 0) {
		j->utf8_lead = byte;
		j->utf8_need = (uint8_t)(1 + (byte >= 0xe0) + (byte >= 0xf0));
		return byte < 0xc2 || byte > 0xf4 ? ROTA_ERR_FORMAT : ROTA_OK;
	}
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
		if (j->utf8_lead == narrow[i][0]) {
			low = narrow[i][1];
			high = narrow[i][2];
		}
	}
	if (byte < low || byte > high)
		return ROTA_ERR_FORMAT;
	j->utf8_need--;
	j->utf8_lead = 0;
	return ROTA_OK;
}

/* Whether a byte of a string stands for itself and ends nothing. */
static bool plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static enum rota_err on_string(struct rota_json *j, uint8_t byte)
{
	size_t from = j->at - 1;

	if (byte >= 0x80) {
		ROTA_TRY(utf8_byte(j, byte));
		return string_bytes(j, &j->piece.p[from], 1);
	}
	/* A character is cut short, or SPEC 2.2: control characters are escaped. */
	if (j->utf8_need != 0 || byte < 0x20)
		return ROTA_ERR_FORMAT;
	if (byte == '"')
		return end_string(j);
	if (byte == '\\') {
		drop_byte(j);
		j->state = ST_ESCAPE;
		return ROTA_OK;
	}
	while (j->at < j->piece.len && plain(j->piece.p[j->at]))
		j->at++;
	return string_bytes(j, &j->piece.p[from], j->at - from);
}

/* An escape, whose bytes were dropped, is over: `byte` is what it stands for, and before the next run the canonical
 * stream has `canonical`. */
static enum rota_err end_escape(struct rota_json *j, uint8_t byte, uint8_t canonical)
{
	j->state = ST_STRING;
	hand_on(j, &canonical, 1);
	return string_bytes(j, &byte, 1);
}

static enum rota_err on_escape(struct rota_json *j, uint8_t byte)
{
	static const char letters[] =
		"btnufr"; /* of the codes from 8; 11 has none, and u comes first */
	uint8_t code;

	if (byte == '"' ||
		byte == '\\') /* stays escaped: the backslash comes back, the byte follows */
		return end_escape(j, byte, '\\');
	drop_byte(j);
	if (byte == 'u') {
		j->state = ST_HEX;
		j->escape = 1;
		return ROTA_OK;
	}
	code = (uint8_t)(8 + place_in(letters, byte));
	if (code == 8 + sizeof(letters) - 1)
		return ROTA_ERR_FORMAT; /* SPEC 2.2: nothing else is escaped */
	return end_escape(j, code, code);
}

/* SPEC 2.2: `\u00` and two lower-case digits, for a control character without a short form, never NUL. */
static enum rota_err on_hex(struct rota_json *j, uint8_t byte)
{
	static const uint32_t not_these =
		1u << 0 | 1u << '\b' | 1u << '\t' | 1u << '\n' | 1u << '\f' | 1u << '\r';
	uint8_t digit = rota_hex_digit(byte);
	uint32_t code;

	drop_byte(j);
	if (digit > 15)
		return ROTA_ERR_FORMAT;
	j->escape = j->escape << 4 | digit;
	if (j->escape < 0x10000)
		return ROTA_OK;
	code = j->escape - 0x10000;
	if (code >= 0x20 || (not_these >> code & 1u) != 0)
		return ROTA_ERR_FORMAT;
	return end_escape(j, (uint8_t)code, (uint8_t)code);
}

/* ---- numbers and literals ---- */

/* A number ends at the first byte that is no digit; that byte is read again as what follows. */
static enum rota_err on_number(struct rota_json *j, uint8_t byte)
{
	int64_t *value = &j->token.integer;

	if (byte >= '0' && byte <= '9') {
		if (j->digits && *value == 0)
			return ROTA_ERR_FORMAT; /* leading zero */
		j->digits = true;
		*value = *value * 10 + (byte - '0');
		return *value > INTEGER_MAX ? ROTA_ERR_FORMAT : ROTA_OK;
	}
	if (!j->digits || (j->negative && *value == 0))
		return ROTA_ERR_FORMAT; /* a lone minus, or -0 */
	if (j->negative)
		*value = -*value;
	j->at--;
	return end_value(j, ROTA_JSON_INTEGER);
}

/* The words that are values, each up to its NUL; where a word is over says which it was. */
#define WORD_ROOM 6
static const char words[] = "true\0\0"
			    "false\0"
			    "null";

static enum rota_err on_literal(struct rota_json *j, uint8_t byte)
{
	if (byte != (uint8_t)words[j->literal])
		return ROTA_ERR_FORMAT;
	j->literal++;
	if (words[j->literal] != '\0')
		return ROTA_OK;
	j->token.boolean = j->literal < WORD_ROOM;
	return end_value(j, j->literal > 2 * WORD_ROOM ? ROTA_JSON_NULL : ROTA_JSON_BOOL);
}

static enum rota_err begin_number(struct rota_json *j, uint8_t byte)
{
	j->negative = byte == '-';
	if (!j->negative)
		j->at--;
	j->digits = false;
	j->token.integer = 0;
	j->state = ST_NUMBER;
	return ROTA_OK;
}

/* ---- structure ---- */

/* Bytes of structure, brackets by the kind of their token, and which of j->may each needs. Every other byte begins a
 * number, or nothing. */
enum {
	MARK_COMMA = ROTA_JSON_STRING,
	MARK_COLON,
	MARK_QUOTE,
	MARK_WORD,
	MARK_OTHER = MARK_WORD + 3
};
static const char marks[] = "{}[],:\"tfn";
static const uint8_t needs[] = {
	[ROTA_JSON_OBJECT_BEGIN] = MAY_VALUE,
	[ROTA_JSON_OBJECT_END] = MAY_END,
	[ROTA_JSON_ARRAY_BEGIN] = MAY_VALUE,
	[ROTA_JSON_ARRAY_END] = MAY_END,
	[MARK_COMMA] = MAY_COMMA,
	[MARK_COLON] = MAY_COLON,
	[MARK_QUOTE] = MAY_NAME | MAY_VALUE,
	[MARK_WORD] = MAY_VALUE,
	[MARK_WORD + 1] = MAY_VALUE,
	[MARK_WORD + 2] = MAY_VALUE,
	[MARK_OTHER] = MAY_VALUE,
};

static enum rota_err on_structure(struct rota_json *j, uint8_t byte)
{
	uint8_t mark = place_in(marks, byte);

	if ((j->may & needs[mark]) == 0 || (j->depth == 0 && mark != ROTA_JSON_OBJECT_BEGIN))
		return ROTA_ERR_FORMAT;
	switch (mark) {
	case ROTA_JSON_OBJECT_BEGIN:
	case ROTA_JSON_ARRAY_BEGIN:
		return open_container(j, (enum rota_json_kind)mark);
	case ROTA_JSON_OBJECT_END:
	case ROTA_JSON_ARRAY_END:
		return close_container(j, (enum rota_json_kind)mark);
	case MARK_COMMA:
		j->may = (j->arrays & 1) != 0 ? MAY_VALUE : MAY_NAME;
		return ROTA_OK;
	case MARK_COLON:
		j->may = MAY_VALUE;
		return ROTA_OK;
	case MARK_QUOTE:
		begin_string(j);
		return ROTA_OK;
	case MARK_OTHER:
		return begin_number(j, byte);
	default:
		j->state = ST_LITERAL;
		j->literal = (uint8_t)(WORD_ROOM * (mark - MARK_WORD) + 1);
		return ROTA_OK;
	}
}

/* ---- feeding ---- */

ROTA_APART static enum rota_err step(struct rota_json *j, uint8_t byte)
{
	switch ((enum state)j->state) {
	case ST_STRING:
		return on_string(j, byte);
	case ST_ESCAPE:
		return on_escape(j, byte);
	case ST_HEX:
		return on_hex(j, byte);
	case ST_NUMBER:
		return on_number(j, byte);
	case ST_LITERAL:
		return on_literal(j, byte);
	case ST_STRUCTURE:
	case ST_COUNT:
	default:
		return on_structure(j, byte);
	}
}

enum rota_err rota_json_feed(struct rota_json *j, struct rota_span piece)
{
	j->piece = piece;
	j->run_at = 0;
	j->at = 0;
	while (j->failed == ROTA_OK && j->at < piece.len)
		j->failed = step(j, piece.p[j->at++]);
	if (j->failed == ROTA_OK)
		rota_json_flush(j);
	return j->failed;
}

enum rota_err rota_json_end(struct rota_json *j)
{
	if (j->failed == ROTA_OK && (j->depth != 0 || j->may != 0))
		j->failed = ROTA_ERR_FORMAT;
	return j->failed;
}

bool rota_json_misspelt(const struct rota_json *j)
{
	return j->failed == ROTA_ERR_FORMAT && !j->sink_failed;
}
