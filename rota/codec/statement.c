/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/statement.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/codec/magic.h"

#define MAGIC "ROTASTM\x01" /* the last byte is the format */
#define POINT_FORM 0x04

/* ---- what is of the form ---- */

static bool is_purpose(uint8_t purpose)
{
	return purpose >= 1 && purpose <= ROTA_PURPOSES_MAX;
}

static bool ascends(const struct rota_statement *s)
{
	for (uint8_t i = 0; i < s->count; i++)
		if (!is_purpose(s->holding[i].purpose) ||
			(i > 0 && s->holding[i].purpose <= s->holding[i - 1].purpose))
			return false;
	return true;
}

static bool has_all(const struct rota_statement *s)
{
	for (uint8_t i = 0; i < s->count; i++)
		if (s->holding[i].proved == 0)
			return false;
	return true;
}

static bool sound(const struct rota_statement *s)
{
	if (s->number == 0)
		return false;
	if (s->kind == ROTA_STATEMENT_PROVED)
		return is_purpose(s->purpose) && s->generation > 0 && s->point[0] == POINT_FORM;
	if (s->count > ROTA_PURPOSES_MAX || !ascends(s))
		return false;
	return s->kind != ROTA_STATEMENT_ANEW || (s->point[0] == POINT_FORM && has_all(s));
}

/* ---- reading ---- */

static void read_proved(struct rota_reader *r, struct rota_statement *s)
{
	s->purpose = rota_read_u8(r);
	s->generation = rota_read_le32(r);
	rota_read_bytes(r, ROTA_BUF(s->campaign));
	rota_read_bytes(r, ROTA_BUF(s->nonce));
	rota_read_bytes(r, ROTA_BUF(s->proof));
	rota_read_bytes(r, ROTA_BUF(s->point));
}

static void read_holding(struct rota_reader *r, struct rota_holding *h)
{
	h->purpose = rota_read_u8(r);
	h->active = rota_read_le32(r);
	h->staged = rota_read_le32(r);
	h->proved = rota_read_le32(r);
	h->held_from = rota_read_le32(r);
	h->needed_from = rota_read_le32(r);
	h->records = rota_read_le32(r);
}

static void read_state(struct rota_reader *r, struct rota_statement *s)
{
	s->count = rota_read_u8(r);
	if (s->count > ROTA_PURPOSES_MAX)
		rota_reader_fail(r);
	for (uint8_t i = 0; i < s->count && !r->failed; i++)
		read_holding(r, &s->holding[i]);
}

/* What it still has stands there only if there is any. */
static void read_anew(struct rota_reader *r, struct rota_statement *s)
{
	rota_read_bytes(r, ROTA_BUF(s->point));
	if (r->rest.len == ROTA_P256_SIG_LEN)
		return;
	s->count = rota_read_u8(r);
	if (s->count == 0 || s->count > ROTA_PURPOSES_MAX)
		rota_reader_fail(r);
	for (uint8_t i = 0; i < s->count && !r->failed; i++) {
		s->holding[i].purpose = rota_read_u8(r);
		s->holding[i].proved = rota_read_le32(r);
	}
}

static enum rota_err read_rest(struct rota_reader *r, struct rota_statement *s)
{
	switch (s->kind) {
	case ROTA_STATEMENT_PROVED:
		read_proved(r, s);
		return ROTA_OK;
	case ROTA_STATEMENT_STATE:
		read_state(r, s);
		return ROTA_OK;
	case ROTA_STATEMENT_ANEW:
		read_anew(r, s);
		return ROTA_OK;
	case ROTA_STATEMENT_GONE:
		return ROTA_OK;
	default:
		return ROTA_ERR_UNSUPPORTED;
	}
}

enum rota_err rota_statement_decode(struct rota_span in, struct rota_statement *out)
{
	struct rota_reader r = rota_reader(in);

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_magic_read(&r, ROTA_STR(MAGIC)));
	out->kind = rota_read_u8(&r);
	rota_read_bytes(&r, ROTA_BUF(out->device));
	out->number = rota_read_le32(&r);
	if (r.failed)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(read_rest(&r, out));
	out->body = rota_span_slice(in, 0, in.len - r.rest.len);
	out->sig = rota_read_span(&r, ROTA_P256_SIG_LEN);
	ROTA_TRY(rota_reader_end(&r));
	return sound(out) ? ROTA_OK : ROTA_ERR_FORMAT;
}

/* ---- writing ---- */

static void write_proved(struct rota_writer *w, const struct rota_statement *s)
{
	rota_write_u8(w, s->purpose);
	rota_write_le32(w, s->generation);
	rota_write_span(w, ROTA_SPAN(s->campaign));
	rota_write_span(w, ROTA_SPAN(s->nonce));
	rota_write_span(w, ROTA_SPAN(s->proof));
	rota_write_span(w, ROTA_SPAN(s->point));
}

static void write_state(struct rota_writer *w, const struct rota_statement *s)
{
	rota_write_u8(w, s->count);
	for (const struct rota_holding *h = s->holding; h < &s->holding[s->count]; h++) {
		rota_write_u8(w, h->purpose);
		rota_write_le32(w, h->active);
		rota_write_le32(w, h->staged);
		rota_write_le32(w, h->proved);
		rota_write_le32(w, h->held_from);
		rota_write_le32(w, h->needed_from);
		rota_write_le32(w, h->records);
	}
}

static void write_anew(struct rota_writer *w, const struct rota_statement *s)
{
	rota_write_span(w, ROTA_SPAN(s->point));
	if (s->count > 0)
		rota_write_u8(w, s->count);
	for (const struct rota_holding *h = s->holding; h < &s->holding[s->count]; h++) {
		rota_write_u8(w, h->purpose);
		rota_write_le32(w, h->proved);
	}
}

enum rota_err rota_statement_encode(
	const struct rota_statement *s, struct rota_buf room, struct rota_span *body)
{
	struct rota_writer w = rota_writer(room);

	if (s->kind < ROTA_STATEMENT_PROVED || s->kind > ROTA_STATEMENT_GONE || !sound(s))
		return ROTA_ERR_ARGUMENT;
	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, s->kind);
	rota_write_span(&w, ROTA_SPAN(s->device));
	rota_write_le32(&w, s->number);
	if (s->kind == ROTA_STATEMENT_PROVED)
		write_proved(&w, s);
	if (s->kind == ROTA_STATEMENT_STATE)
		write_state(&w, s);
	if (s->kind == ROTA_STATEMENT_ANEW)
		write_anew(&w, s);
	return rota_writer_end(&w, body);
}

void rota_statement_digest(const struct rota_crypto *crypto, struct rota_span body,
	uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR("rota-statement-v1"));
	crypto->sha256_update(&h, body);
	crypto->sha256_final(&h, out);
}
