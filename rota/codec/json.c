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
	ST_SIGN,
	ST_NUMBER,
	ST_LITERAL,
	ST_COUNT,
};

/* Bytes of structure, each at the kind of the token that it is or begins, if any. What is none of them stands for the
 * first digit of an integer, or for nothing. */
enum {
	MARK_COMMA = ROTA_JSON_NEGATIVE, /* which is seen from its second byte on only */
	MARK_COLON = ROTA_JSON_NULL + 1,
	MARK_COUNT,
};
static const char marks[] = {
	[MARK_COMMA] = ',',
	[ROTA_JSON_OBJECT_BEGIN] = '{',
	[ROTA_JSON_ARRAY_BEGIN] = '[',
	[ROTA_JSON_OBJECT_END] = '}',
	[ROTA_JSON_ARRAY_END] = ']',
	[ROTA_JSON_STRING] = '"',
	[ROTA_JSON_TRUE] = 't',
	[ROTA_JSON_FALSE] = 'f',
	[ROTA_JSON_NULL] = 'n',
	[MARK_COLON] = ':',
};

/* Bits of j->may: one per mark. */
enum {
	MAY_NAME = 1 << ROTA_JSON_STRING,
	MAY_OBJECT = 1 << ROTA_JSON_OBJECT_BEGIN, /* wherever any value may stand, and on top */
	MAY_VALUE = MAY_OBJECT | 1 << ROTA_JSON_ARRAY_BEGIN | 1 << ROTA_JSON_STRING |
		1 << ROTA_JSON_TRUE | 1 << ROTA_JSON_FALSE | 1 << ROTA_JSON_NULL |
		1 << ROTA_JSON_INTEGER,
	MAY_END = 1 << ROTA_JSON_OBJECT_END, /* of an object; of an array it is the next bit */
	MAY_COMMA = 1 << MARK_COMMA,
	MAY_COLON = 1 << MARK_COLON,
};

#define INTEGER_MAX ((UINT64_C(1) << 53) - 1) /* SPEC 2.1 */

void rota_json_init(
	struct rota_json *j, const struct rota_json_sink *sink, const struct rota_json_room *room)
{
	memset(j, 0, sizeof(*j));
	j->sink = sink;
	j->room = *room;
	j->may = MAY_OBJECT;
}

/* ---- the canonical stream ---- */

static void hand_on(struct rota_json *j, const uint8_t *bytes, size_t len)
{
	j->sink->canonical(j, rota_span(bytes, len));
}

void rota_json_flush(struct rota_json *j, bool with)
{
	const uint8_t *run = j->run;

	j->run = j->at + with;
	if (run < j->run)
		hand_on(j, run, (size_t)(j->run - run));
}

/* The byte at hand is not canonical. */
static void leave_out(struct rota_json *j)
{
	j->run = j->at + 1;
}

void rota_json_drop(struct rota_json *j, struct rota_span bytes)
{
	(void)j, (void)bytes;
}

/* ---- tokens ---- */

/* A value is over, or the container that it ends. */
static enum rota_err end_value(struct rota_json *j)
{
	j->state = ST_STRUCTURE;
	j->may = 0; /* SPEC 2.1: nothing after the last one */
	if (j->token.depth != 0)
		j->may = (j->arrays & 1) != 0 ? MAY_COMMA | MAY_END << 1 : MAY_COMMA | MAY_END;
	return j->sink->token(j);
}

static enum rota_err open_container(struct rota_json *j, unsigned array)
{
	size_t *end = &j->name_end[j->token.depth + 1];

	if (j->token.depth == ROTA_JSON_DEPTH_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(j->sink->token(j));
	j->arrays = (uint16_t)((unsigned)j->arrays << 1 | array);
	j->may = array ? MAY_VALUE | MAY_END << 1 : MAY_NAME | MAY_END;
	end[1] = end[0];
	j->token.depth++;
	return ROTA_OK;
}

static enum rota_err close_container(struct rota_json *j)
{
	j->arrays >>= 1;
	j->token.depth--;
	return end_value(j);
}

/* ---- strings ---- */

static void begin_string(struct rota_json *j)
{
	j->state = ST_STRING;
	j->in_value = j->may & MAY_OBJECT;
	/* A value has no predecessor, nor has the first name: even the empty name is greater than nothing. */
	j->ascends = j->may & (MAY_OBJECT | MAY_END);
	j->to = j->in_value ? 0 : j->name_end[j->token.depth];
	j->token.cut = false;
}

/* As long as a name is the same as the one before, it is compared with that, which it overwrites. */
static enum rota_err string_bytes(struct rota_json *j, const uint8_t *bytes, size_t len)
{
	const struct rota_buf *room = j->in_value ? &j->room.value : &j->room.names;
	uint8_t *to = &room->p[j->to];
	bool cut = false;

	if (len > room->len - j->to) {
		len = room->len - j->to;
		cut = true;
	}
	if (!j->ascends) {
		size_t left = j->name_end[j->token.depth + 1] - j->to;
		int order = memcmp(to, bytes, len < left ? len : left);

		if (order > 0)
			return ROTA_ERR_SPELLING; /* SPEC 2.1: names not ascending */
		if (order < 0 || len > left)
			j->ascends = true;
	}
	if (cut) {
		if (!j->in_value)
			return ROTA_ERR_LIMIT;
		j->token.cut = true;
	}
	memcpy(to, bytes, len);
	j->to += len;
	return ROTA_OK;
}

static enum rota_err end_string(struct rota_json *j)
{
	if (j->in_value) {
		j->token.text = rota_span(j->room.value.p, j->to);
		return end_value(j);
	}
	j->state = ST_STRUCTURE;
	j->may = MAY_COLON;
	j->name_end[j->token.depth + 1] = j->to;
	/* If not: the same name again, or a prefix of the one before. */
	return j->ascends ? ROTA_OK : ROTA_ERR_SPELLING;
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
		return byte < 0xc2 || byte > 0xf4 ? ROTA_ERR_SPELLING : ROTA_OK;
	}
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
		if (j->utf8_lead == narrow[i][0]) {
			low = narrow[i][1];
			high = narrow[i][2];
		}
	}
	if (byte < low || byte > high)
		return ROTA_ERR_SPELLING;
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
	const uint8_t *from = j->at;

	if (byte >= 0x80) {
		ROTA_TRY(utf8_byte(j, byte));
		return string_bytes(j, from, 1);
	}
	/* A character is cut short, or SPEC 2.2: control characters are escaped. */
	if (j->utf8_need != 0 || byte < 0x20)
		return ROTA_ERR_SPELLING;
	if (byte == '"')
		return end_string(j);
	if (byte == '\\') {
		rota_json_flush(j, false);
		leave_out(j);
		j->state = ST_ESCAPE;
		return ROTA_OK;
	}
	while (j->at + 1 < j->end && plain(j->at[1]))
		j->at++;
	return string_bytes(j, from, (size_t)(j->at + 1 - from));
}

/* An escape, whose bytes were left out, is over: `code` is what it stands for, and before the next run the canonical
 * stream has `canonical`. */
static enum rota_err end_escape(struct rota_json *j, unsigned code, unsigned canonical)
{
	uint8_t bytes[] = { (uint8_t)code, (uint8_t)canonical };

	j->state = ST_STRING;
	hand_on(j, &bytes[1], 1);
	return string_bytes(j, bytes, 1);
}

static enum rota_err on_escape(struct rota_json *j, uint8_t byte)
{
	/* of the codes from 8; 11 has none, and u comes first */
	static const char letters[] = "btnufr";
	unsigned code = 0;

	if (byte == '"' || byte == '\\')
		return end_escape(j, byte,
			'\\'); /* stays escaped: the backslash comes back, the byte follows */
	leave_out(j);
	if (byte == 'u') {
		j->state = ST_HEX;
		j->escape = 1;
		return ROTA_OK;
	}
	while (letters[code] != '\0' && byte != (uint8_t)letters[code])
		code++;
	if (letters[code] == '\0')
		return ROTA_ERR_SPELLING; /* SPEC 2.2: nothing else is escaped */
	code += 8;
	return end_escape(j, code, code);
}

/* SPEC 2.2: `\u00` and two lower-case digits, for a control character without a short form, never NUL. */
static enum rota_err on_hex(struct rota_json *j, uint8_t byte)
{
	static const uint32_t not_these =
		1u << 0 | 1u << '\b' | 1u << '\t' | 1u << '\n' | 1u << '\f' | 1u << '\r';
	uint8_t digit = rota_hex_digit(byte);
	uint32_t code;

	leave_out(j);
	if (digit > 15)
		return ROTA_ERR_SPELLING;
	j->escape = j->escape << 4 | digit;
	if (j->escape < 0x10000)
		return ROTA_OK;
	code = j->escape - 0x10000;
	if (code >= 0x20 || (not_these >> code & 1u) != 0)
		return ROTA_ERR_SPELLING;
	return end_escape(j, code, code);
}

/* ---- numbers and words ---- */

/* The first byte of an integer, or its first digit behind a minus, where there is no 0. */
static enum rota_err begin_number(struct rota_json *j, uint8_t byte)
{
	unsigned digit = (unsigned)byte - '0';
	bool signs = j->state == ST_SIGN;

	j->token.integer = digit;
	j->state = ST_NUMBER;
	if (digit - 1 <= 8)
		return ROTA_OK;
	if (signs)
		return ROTA_ERR_SPELLING;
	if (digit == 0)
		return end_value(j);
	j->token.kind = ROTA_JSON_NEGATIVE;
	j->state = ST_SIGN;
	return byte == '-' ? ROTA_OK : ROTA_ERR_SPELLING;
}

/* A digit more. */
static enum rota_err on_digit(struct rota_json *j, unsigned digit)
{
	j->token.integer = j->token.integer * 10 + digit;
	return j->token.integer > INTEGER_MAX ? ROTA_ERR_SPELLING : ROTA_OK;
}

/* The words that are values. */
#define WORD_ROOM 6
static const char words[] = "true\0\0false\0null";

static enum rota_err on_literal(struct rota_json *j, uint8_t byte)
{
	if (byte != (uint8_t)words[j->literal])
		return ROTA_ERR_SPELLING;
	j->literal++;
	return words[j->literal] != '\0' ? ROTA_OK : end_value(j);
}

/* ---- structure ---- */

static enum rota_err on_structure(struct rota_json *j, uint8_t byte)
{
	unsigned mark = MARK_COUNT - 1;

	while (mark > ROTA_JSON_INTEGER && byte != (uint8_t)marks[mark])
		mark--;
	if ((j->may >> mark & 1) == 0)
		return ROTA_ERR_SPELLING;
	j->token.kind = (enum rota_json_kind)mark;
	switch (mark) {
	case ROTA_JSON_OBJECT_BEGIN:
	case ROTA_JSON_ARRAY_BEGIN:
		return open_container(j, mark & 1);
	case ROTA_JSON_OBJECT_END:
	case ROTA_JSON_ARRAY_END:
		return close_container(j);
	case ROTA_JSON_STRING:
		begin_string(j);
		return ROTA_OK;
	case MARK_COMMA:
		j->may = (j->arrays & 1) != 0 ? MAY_VALUE : MAY_NAME;
		return ROTA_OK;
	case MARK_COLON:
		j->may = MAY_VALUE;
		return ROTA_OK;
	case ROTA_JSON_INTEGER:
		return begin_number(j, byte);
	default:
		j->state = ST_LITERAL;
		j->literal = (uint8_t)(WORD_ROOM * (mark - ROTA_JSON_TRUE) + 1);
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
	case ST_LITERAL:
		return on_literal(j, byte);
	case ST_SIGN:
		return begin_number(j, byte);
	case ST_NUMBER:
		if ((unsigned)byte - '0' <= 9)
			return on_digit(j, (unsigned)byte - '0');
		ROTA_TRY(end_value(j));
		break; /* what ended it is read as what follows */
	case ST_STRUCTURE:
	case ST_COUNT:
	default:
		break;
	}
	return on_structure(j, byte);
}

enum rota_err rota_json_feed(struct rota_json *j, struct rota_span piece)
{
	if (piece.len == 0) /* its bytes may be nowhere */
		return j->failed;
	j->run = piece.p;
	j->end = piece.p + piece.len;
	for (j->at = piece.p; j->failed == ROTA_OK && j->at < j->end; j->at++)
		j->failed = step(j, *j->at);
	if (j->failed == ROTA_OK)
		rota_json_flush(j, false);
	return j->failed;
}

enum rota_err rota_json_end(struct rota_json *j)
{
	if (j->failed == ROTA_OK && j->may != 0)
		j->failed = ROTA_ERR_SPELLING;
	return j->failed;
}
