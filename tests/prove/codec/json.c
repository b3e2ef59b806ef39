/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner's step, for Frama-C's Eva (docs/prove.md). An arbitrary scanner in state STATE, that keeps the
 * invariant in step(), is fed one arbitrary byte; the invariant must hold again, and nothing undefined may happen
 * on the way. So by induction, byte by byte, no input of any length can do harm. tools/prove runs this for each
 * state. */
#include "rota/codec/json.c"
#include "rota/base/hex.c"
#include "rota/base/span.c"
#include <__fc_builtin.h>

static uint8_t names[65535];
static uint8_t value[192];
static volatile int any;

void *memset(void *at, int byte, size_t len)
{
	uint8_t *p = at;
	/*@ loop unroll 1000; */
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)byte;
	return at;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;
	for (size_t i = 0; i < len; i++)
		if (p[i] != q[i])
			return p[i] - q[i];
	return 0;
}

static volatile uint8_t seen;
static enum rota_err token(struct rota_json *j)
{
	const struct rota_json_token *t = &j->token;
	if (t->kind == ROTA_JSON_STRING && t->text.len > 0) {
		seen = t->text.p[0];
		seen = t->text.p[t->text.len - 1];
	}
	if (any)
		rota_json_flush(j, any != 0);
	return any ? ROTA_OK : ROTA_ERR_FORMAT;
}

static void canonical(struct rota_json *j, struct rota_span bytes)
{
	if (bytes.len > 0 && bytes.p != 0)
		seen = bytes.p[0];
}

static void arbitrary(struct rota_json *j, uint8_t state, uint8_t depth, size_t names_len)
{
	static const struct rota_json_sink sink = { token, canonical };
	const struct rota_json_room room = { rota_buf(value, sizeof(value)),
		rota_buf(names, names_len) };

	rota_json_init(j, &sink, &room);
	/*@ loop unroll 14; */
	for (int i = 0; i <= ROTA_JSON_DEPTH_MAX + 1; i++)
		j->name_end[i] = Frama_C_unsigned_long_interval(0, names_len);
	j->arrays = (uint16_t)Frama_C_interval(0, 65535);
	j->token.depth = depth;
	j->state = state;
	j->may = (uint16_t)(depth == 0 ? (any ? MAY_OBJECT : 0) : Frama_C_interval(0, 65535));
	j->utf8_need = (uint8_t)Frama_C_interval(0, 3);
	j->utf8_lead = (uint8_t)Frama_C_interval(0, 255);
	j->in_value = (uint8_t)Frama_C_interval(0, 255);
	j->ascends = (uint8_t)Frama_C_interval(0, 255);
	j->escape = Frama_C_unsigned_int_interval(1, 0xffff);
	j->token.cut = any != 0;
	j->token.kind = any ? ROTA_JSON_INTEGER : ROTA_JSON_NEGATIVE;
	j->token.integer = Frama_C_unsigned_long_interval(0, INTEGER_MAX);
	j->to = Frama_C_unsigned_long_interval(0, j->in_value ? sizeof(value) : names_len);
}

static void step_once(struct rota_json *j)
{
	uint8_t byte = (uint8_t)Frama_C_interval(0, 255);

	if (rota_json_feed(j, rota_span(&byte, 1)) != ROTA_OK)
		return;
	/*@ assert depth: j->token.depth <= ROTA_JSON_DEPTH_MAX; */
	/*@ assert state: j->state < ST_COUNT; */
	/*@ assert top: j->token.depth == 0 ==> j->state == ST_STRUCTURE; */
	/*@ assert above: j->token.depth == 0 ==> j->may == 0 || j->may == MAY_OBJECT; */
	/*@ assert number: j->state == ST_NUMBER ==> 0 <= j->token.integer <= INTEGER_MAX; */
	/*@ assert value: j->in_value != 0 ==> j->to <= sizeof(value); */
	/*@ assert name: j->in_value == 0 ==> j->to <= j->room.names.len; */
	/*@ assert need: j->utf8_need <= 3; */
	/*@ assert literal: j->state == ST_LITERAL ==> 1 <= j->literal && words[j->literal] != 0; */
	/*@ assert escape: j->state == ST_HEX ==> 1 <= j->escape <= 0xffff; */
}

int main(void)
{
	static struct rota_json j;
	const uint8_t s = STATE;
	uint8_t d = (uint8_t)Frama_C_interval(0, ROTA_JSON_DEPTH_MAX);
	uint8_t at = (uint8_t)Frama_C_interval(1, sizeof(words) - 2);

	size_t names_len = any ? 288 : sizeof(names);

	/*@ split d; */
	/*@ split names_len; */
	if (d == 0 && s != ST_STRUCTURE)
		return 0;
	if (s != ST_LITERAL)
		at = 1;
	/*@ split at; */
	if (words[at] == 0)
		return 0;
	arbitrary(&j, s, d, names_len);
	j.literal = at;
	step_once(&j);
	return 0;
}
