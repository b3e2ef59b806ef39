/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner is a push automaton, one function per state in the table at the end. Only the bytes inside
 * strings come in runs; structure is read byte by byte. */
#include "rota/codec/json.h"
#include "rota/base/mem.h"

enum state {
	ST_TOP, /* the opening bracket of the file */
	ST_VALUE, /* a value must come */
	ST_FIRST_VALUE, /* a value or the end of the array */
	ST_NAME, /* a name must come */
	ST_FIRST_NAME, /* a name or the end of the object */
	ST_COLON,
	ST_NEXT, /* a comma or the end of the container */
	ST_NAME_TEXT,
	ST_NAME_ESCAPE,
	ST_NAME_HEX,
	ST_TEXT,
	ST_TEXT_ESCAPE,
	ST_TEXT_HEX,
	ST_NUMBER,
	ST_LITERAL,
	ST_DONE,
	ST_COUNT
};

enum order { ORDER_SAME, ORDER_GREATER };

#define INTEGER_MAX ((UINT64_C(1) << 53) - 1) /* SPEC 2.1 */

void rota_json_init(struct rota_json *j, struct rota_json_sink sink, struct rota_buf names,
	struct rota_buf value)
{
	memset(j, 0, sizeof(*j));
	j->sink = sink;
	j->names = names;
	if (j->names.len > UINT16_MAX)
		j->names.len = UINT16_MAX;
	j->value = value;
	j->state = ST_TOP;
}

/* ---- the canonical stream ---- */

static void hand_on(struct rota_json *j, struct rota_span bytes)
{
	if (bytes.len > 0 && j->sink.canonical != NULL)
		j->sink.canonical(j->sink.ctx, bytes);
}

void rota_json_flush(struct rota_json *j)
{
	hand_on(j, rota_span_slice(j->piece, j->run_at, j->at - j->run_at));
	j->run_at = j->at;
}

/* The current byte is not canonical: hand on what stands before it and leave it out. */
static void drop_byte(struct rota_json *j)
{
	j->at--;
	rota_json_flush(j);
	j->run_at = ++j->at;
}

/* ---- tokens ---- */

static enum rota_err emit(struct rota_json *j, struct rota_json_token t)
{
	enum rota_err err;

	t.depth = j->depth;
	err = j->sink.token(j->sink.ctx, j, &t);
	j->sink_failed = err != ROTA_OK;
	return err;
}

static void after_value(struct rota_json *j)
{
	j->state = j->depth == 0 ? ST_DONE : ST_NEXT;
}

static bool in_array(const struct rota_json *j)
{
	return ((unsigned)j->is_array >> (j->depth - 1) & 1u) != 0;
}

static enum rota_err open_container(struct rota_json *j, bool array)
{
	uint8_t d = j->depth;

	if (d == ROTA_JSON_DEPTH_MAX)
		return ROTA_ERR_LIMIT;
	j->at--; /* the bracket is not part of what a flush hands on */
	ROTA_TRY(emit(j,
		(struct rota_json_token){
			.kind = array ? ROTA_JSON_ARRAY_BEGIN : ROTA_JSON_OBJECT_BEGIN }));
	j->at++;
	j->name_at[d] = d == 0 ? 0 : (uint16_t)(j->name_at[d - 1] + j->name_len[d - 1]);
	j->name_len[d] = 0;
	j->index[d] = UINT32_MAX;
	j->is_array = (uint16_t)(j->is_array & ~(1u << d));
	if (array)
		j->is_array = (uint16_t)(j->is_array | 1u << d);
	j->depth++;
	j->state = array ? ST_FIRST_VALUE : ST_FIRST_NAME;
	return ROTA_OK;
}

static enum rota_err close_container(struct rota_json *j, bool array)
{
	if (array != in_array(j))
		return ROTA_ERR_FORMAT;
	j->depth--;
	ROTA_TRY(emit(j,
		(struct rota_json_token){
			.kind = array ? ROTA_JSON_ARRAY_END : ROTA_JSON_OBJECT_END }));
	after_value(j);
	return ROTA_OK;
}

/* ---- strings ---- */

static void begin_name(struct rota_json *j)
{
	uint8_t d = (uint8_t)(j->depth - 1);

	j->index[d]++;
	j->name_was = j->name_len[d];
	j->name_len[d] = 0;
	/* The first name has no predecessor: even the empty name is greater than nothing. */
	j->order = j->index[d] == 0 ? ORDER_GREATER : ORDER_SAME;
	j->state = ST_NAME_TEXT;
}

/* One byte of a name: compared with the byte that it replaces. */
static enum rota_err name_byte(struct rota_json *j, uint8_t byte)
{
	uint8_t d = (uint8_t)(j->depth - 1);
	uint16_t len = j->name_len[d];
	size_t at = (size_t)j->name_at[d] + len;

	if (at >= j->names.len)
		return ROTA_ERR_LIMIT;
	if (j->order == ORDER_SAME) {
		if (len >= j->name_was || byte > j->names.p[at])
			j->order = ORDER_GREATER;
		else if (byte < j->names.p[at])
			return ROTA_ERR_FORMAT; /* SPEC 2.1: names not ascending */
	}
	j->names.p[at] = byte;
	j->name_len[d]++;
	return ROTA_OK;
}

static enum rota_err end_name(struct rota_json *j)
{
	if (j->order != ORDER_GREATER)
		return ROTA_ERR_FORMAT; /* the same name again, or a prefix of the one before */
	j->state = ST_COLON;
	return ROTA_OK;
}

static void begin_text(struct rota_json *j)
{
	j->value_len = 0;
	j->cut = false;
	j->state = ST_TEXT;
}

static enum rota_err text_byte(struct rota_json *j, uint8_t byte)
{
	if (j->value_len < j->value.len)
		j->value.p[j->value_len++] = byte;
	else
		j->cut = true;
	return ROTA_OK;
}

static enum rota_err end_text(struct rota_json *j)
{
	ROTA_TRY(emit(j,
		(struct rota_json_token){ .kind = ROTA_JSON_STRING,
			.text = rota_span(j->value.p, j->value_len),
			.cut = j->cut }));
	after_value(j);
	return ROTA_OK;
}

static enum rota_err string_byte(struct rota_json *j, bool name, uint8_t byte)
{
	return name ? name_byte(j, byte) : text_byte(j, byte);
}

/* First byte of a character: how many follow, and the range of the first of them (RFC 3629, 4). */
static enum rota_err utf8_lead(struct rota_json *j, uint8_t byte)
{
	j->utf8_low = 0x80;
	j->utf8_high = 0xbf;
	if (byte < 0x80) {
		j->utf8_need = 0;
	} else if (byte >= 0xc2 && byte <= 0xdf) {
		j->utf8_need = 1;
	} else if (byte >= 0xe0 && byte <= 0xef) {
		j->utf8_need = 2;
		if (byte == 0xe0)
			j->utf8_low = 0xa0; /* no overlong form */
		if (byte == 0xed)
			j->utf8_high = 0x9f; /* no surrogate */
	} else if (byte >= 0xf0 && byte <= 0xf4) {
		j->utf8_need = 3;
		if (byte == 0xf0)
			j->utf8_low = 0x90;
		if (byte == 0xf4)
			j->utf8_high = 0x8f; /* nothing above U+10FFFF */
	} else {
		return ROTA_ERR_FORMAT;
	}
	return ROTA_OK;
}

static enum rota_err utf8_check(struct rota_json *j, uint8_t byte)
{
	if (j->utf8_need == 0)
		return utf8_lead(j, byte);
	if (byte < j->utf8_low || byte > j->utf8_high)
		return ROTA_ERR_FORMAT;
	j->utf8_low = 0x80;
	j->utf8_high = 0xbf;
	j->utf8_need--;
	return ROTA_OK;
}

static enum rota_err on_string(struct rota_json *j, uint8_t byte, bool name)
{
	if (byte < 0x20)
		return ROTA_ERR_FORMAT; /* SPEC 2.2: control characters are escaped */
	if (byte < 0x80 && j->utf8_need != 0)
		return ROTA_ERR_FORMAT;
	if (byte == '"')
		return name ? end_name(j) : end_text(j);
	if (byte == '\\') {
		drop_byte(j);
		j->state = name ? ST_NAME_ESCAPE : ST_TEXT_ESCAPE;
		return ROTA_OK;
	}
	if (byte >= 0x80)
		ROTA_TRY(utf8_check(j, byte));
	return string_byte(j, name, byte);
}

static enum rota_err on_name_text(struct rota_json *j, uint8_t byte)
{
	return on_string(j, byte, true);
}

static enum rota_err on_text(struct rota_json *j, uint8_t byte)
{
	return on_string(j, byte, false);
}

/* The character that `\byte` stands for, or 0. */
static uint8_t short_escape(uint8_t byte)
{
	switch (byte) {
	case 'b':
		return '\b';
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'f':
		return '\f';
	case 'r':
		return '\r';
	default:
		return 0;
	}
}

/* A control character was spelt as an escape, whose bytes were dropped; the canonical stream has it raw. */
static enum rota_err control(struct rota_json *j, bool name, uint8_t code)
{
	hand_on(j, rota_span(&code, 1));
	j->state = name ? ST_NAME_TEXT : ST_TEXT;
	return string_byte(j, name, code);
}

static enum rota_err on_escape(struct rota_json *j, uint8_t byte, bool name)
{
	uint8_t code = short_escape(byte);

	if (byte == '"' || byte == '\\') {
		/* These stay escaped: the dropped backslash comes back, the byte joins the next run. */
		hand_on(j, ROTA_STR("\\"));
		j->state = name ? ST_NAME_TEXT : ST_TEXT;
		return string_byte(j, name, byte);
	}
	drop_byte(j);
	if (code != 0)
		return control(j, name, code);
	if (byte != 'u')
		return ROTA_ERR_FORMAT; /* SPEC 2.2: nothing else is escaped */
	j->escape_digits = 0;
	j->escape_code = 0;
	j->state = name ? ST_NAME_HEX : ST_TEXT_HEX;
	return ROTA_OK;
}

static enum rota_err on_name_escape(struct rota_json *j, uint8_t byte)
{
	return on_escape(j, byte, true);
}

static enum rota_err on_text_escape(struct rota_json *j, uint8_t byte)
{
	return on_escape(j, byte, false);
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

/* SPEC 2.2: `\u00` and two lower-case digits, for a control character without a short form, never NUL. */
static enum rota_err on_hex(struct rota_json *j, uint8_t byte, bool name)
{
	int digit = hex_digit(byte);

	drop_byte(j);
	if (digit < 0 || (j->escape_digits < 2 && digit != 0))
		return ROTA_ERR_FORMAT;
	j->escape_code = (uint8_t)(j->escape_code << 4 | digit);
	if (++j->escape_digits < 4)
		return ROTA_OK;
	switch (j->escape_code) {
	case '\0':
	case '\b':
	case '\t':
	case '\n':
	case '\f':
	case '\r':
		return ROTA_ERR_FORMAT;
	default:
		return j->escape_code < 0x20 ? control(j, name, j->escape_code) : ROTA_ERR_FORMAT;
	}
}

static enum rota_err on_name_hex(struct rota_json *j, uint8_t byte)
{
	return on_hex(j, byte, true);
}

static enum rota_err on_text_hex(struct rota_json *j, uint8_t byte)
{
	return on_hex(j, byte, false);
}

/* ---- numbers and literals ---- */

static enum rota_err begin_number(struct rota_json *j, uint8_t byte)
{
	j->negative = byte == '-';
	j->digits = j->negative ? 0 : 1;
	j->number = j->negative ? 0 : (uint64_t)(byte - '0');
	j->state = ST_NUMBER;
	return ROTA_OK;
}

static enum rota_err on_next(struct rota_json *j, uint8_t byte);

/* A number ends at the first byte that is no digit; that byte is read again as what follows. */
static enum rota_err on_number(struct rota_json *j, uint8_t byte)
{
	int64_t value;

	if (byte >= '0' && byte <= '9') {
		if (j->digits > 0 && j->number == 0)
			return ROTA_ERR_FORMAT; /* leading zero */
		j->number = j->number * 10 + (uint64_t)(byte - '0');
		j->digits++;
		return j->number > INTEGER_MAX ? ROTA_ERR_FORMAT : ROTA_OK;
	}
	if (j->digits == 0 || (j->negative && j->number == 0))
		return ROTA_ERR_FORMAT; /* a lone minus, or -0 */
	value = j->negative ? -(int64_t)j->number : (int64_t)j->number;
	ROTA_TRY(emit(j, (struct rota_json_token){ .kind = ROTA_JSON_INTEGER, .integer = value }));
	after_value(j);
	return on_next(j, byte);
}

static enum rota_err begin_literal(struct rota_json *j, const char *text)
{
	j->literal = text;
	j->literal_at = 1;
	j->state = ST_LITERAL;
	return ROTA_OK;
}

static enum rota_err on_literal(struct rota_json *j, uint8_t byte)
{
	struct rota_json_token t = { .kind = ROTA_JSON_NULL };

	if (byte != (uint8_t)j->literal[j->literal_at])
		return ROTA_ERR_FORMAT;
	j->literal_at++;
	if (j->literal[j->literal_at] != '\0')
		return ROTA_OK;
	if (j->literal[0] != 'n') {
		t.kind = ROTA_JSON_BOOL;
		t.boolean = j->literal[0] == 't';
	}
	ROTA_TRY(emit(j, t));
	after_value(j);
	return ROTA_OK;
}

/* ---- structure ---- */

static enum rota_err on_top(struct rota_json *j, uint8_t byte)
{
	return byte == '{' ? open_container(j, false) : ROTA_ERR_FORMAT;
}

static enum rota_err on_value(struct rota_json *j, uint8_t byte)
{
	if (in_array(j))
		j->index[j->depth - 1]++;
	switch (byte) {
	case '{':
		return open_container(j, false);
	case '[':
		return open_container(j, true);
	case '"':
		begin_text(j);
		return ROTA_OK;
	case 't':
		return begin_literal(j, "true");
	case 'f':
		return begin_literal(j, "false");
	case 'n':
		return begin_literal(j, "null");
	default:
		if (byte == '-' || (byte >= '0' && byte <= '9'))
			return begin_number(j, byte);
		return ROTA_ERR_FORMAT;
	}
}

static enum rota_err on_first_value(struct rota_json *j, uint8_t byte)
{
	return byte == ']' ? close_container(j, true) : on_value(j, byte);
}

static enum rota_err on_name(struct rota_json *j, uint8_t byte)
{
	if (byte != '"')
		return ROTA_ERR_FORMAT;
	begin_name(j);
	return ROTA_OK;
}

static enum rota_err on_first_name(struct rota_json *j, uint8_t byte)
{
	return byte == '}' ? close_container(j, false) : on_name(j, byte);
}

static enum rota_err on_colon(struct rota_json *j, uint8_t byte)
{
	if (byte != ':')
		return ROTA_ERR_FORMAT;
	j->state = ST_VALUE;
	return ROTA_OK;
}

static enum rota_err on_next(struct rota_json *j, uint8_t byte)
{
	switch (byte) {
	case ',':
		j->state = in_array(j) ? ST_VALUE : ST_NAME;
		return ROTA_OK;
	case '}':
		return close_container(j, false);
	case ']':
		return close_container(j, true);
	default:
		return ROTA_ERR_FORMAT;
	}
}

static enum rota_err on_done(struct rota_json *j, uint8_t byte)
{
	(void)j;
	(void)byte;
	return ROTA_ERR_FORMAT; /* SPEC 2.1: nothing after the last bracket */
}

static enum rota_err (*const on[ST_COUNT])(struct rota_json *j, uint8_t byte) = {
	[ST_TOP] = on_top,
	[ST_VALUE] = on_value,
	[ST_FIRST_VALUE] = on_first_value,
	[ST_NAME] = on_name,
	[ST_FIRST_NAME] = on_first_name,
	[ST_COLON] = on_colon,
	[ST_NEXT] = on_next,
	[ST_NAME_TEXT] = on_name_text,
	[ST_NAME_ESCAPE] = on_name_escape,
	[ST_NAME_HEX] = on_name_hex,
	[ST_TEXT] = on_text,
	[ST_TEXT_ESCAPE] = on_text_escape,
	[ST_TEXT_HEX] = on_text_hex,
	[ST_NUMBER] = on_number,
	[ST_LITERAL] = on_literal,
	[ST_DONE] = on_done,
};

/* ---- feeding ---- */

enum rota_err rota_json_feed(struct rota_json *j, struct rota_span piece)
{
	j->piece = piece;
	j->run_at = 0;
	j->at = 0;
	while (j->failed == ROTA_OK && j->at < piece.len)
		j->failed = on[j->state](j, piece.p[j->at++]);
	if (j->failed == ROTA_OK)
		rota_json_flush(j);
	return j->failed;
}

enum rota_err rota_json_end(struct rota_json *j)
{
	if (j->failed == ROTA_OK && j->state != ST_DONE)
		j->failed = ROTA_ERR_FORMAT;
	return j->failed;
}

bool rota_json_misspelt(const struct rota_json *j)
{
	return j->failed == ROTA_ERR_FORMAT && !j->sink_failed;
}

/* ---- where we are ---- */

struct rota_span rota_json_name(const struct rota_json *j, uint8_t depth)
{
	return rota_span_slice(
		rota_span(j->names.p, j->names.len), j->name_at[depth], j->name_len[depth]);
}

uint32_t rota_json_index(const struct rota_json *j, uint8_t depth)
{
	return j->index[depth];
}

bool rota_json_path(const struct rota_json *j, uint8_t depth, const char *const *names)
{
	for (uint8_t d = 0; d < depth; d++) {
		if (names[d][0] == '*' && names[d][1] == '\0')
			continue;
		if (!rota_span_eq(rota_json_name(j, d), rota_span_cstr(names[d])))
			return false;
	}
	return true;
}
