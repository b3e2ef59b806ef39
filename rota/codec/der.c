/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/der.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

/* X.690 8.1.2.4: these five bits set announce a tag of several bytes, which nothing here uses. */
#define TAG_LONG 0x1F

static size_t read_len(struct rota_reader *r)
{
	uint8_t first = rota_read_u8(r);
	size_t len = first;

	if (first < 0x80)
		return len;
	if (first == 0x81) {
		len = rota_read_u8(r);
		if (len < 0x80) /* not the shortest form */
			rota_reader_fail(r);
		return len;
	}
	if (first == 0x82) {
		len = rota_read_be16(r);
		if (len < 0x100)
			rota_reader_fail(r);
		return len;
	}
	rota_reader_fail(r); /* indefinite, or longer than anything we read */
	return 0;
}

struct rota_der rota_der_next(struct rota_reader *r)
{
	struct rota_span before = r->rest;
	struct rota_der out = { .tag = rota_read_u8(r) };

	if ((out.tag & TAG_LONG) == TAG_LONG)
		rota_reader_fail(r);
	out.content = rota_read_span(r, read_len(r));
	if (r->failed)
		return (struct rota_der){ .tag = 0 };
	out.whole = rota_span_slice(before, 0, before.len - r->rest.len);
	return out;
}

struct rota_span rota_der_read(struct rota_reader *r, uint8_t tag)
{
	struct rota_der element = rota_der_next(r);

	if (element.tag == tag)
		return element.content;
	rota_reader_fail(r);
	return rota_span(NULL, 0);
}

uint8_t rota_der_peek(const struct rota_reader *r)
{
	struct rota_reader ahead = *r;

	return rota_der_next(&ahead).tag;
}

/* The magnitude of an INTEGER's content, without a sign byte; empty when it is not acceptable. */
static struct rota_span magnitude(struct rota_span content)
{
	if (content.len == 0 || (content.p[0] & 0x80) != 0) /* none, or negative */
		return rota_span(NULL, 0);
	if (content.len == 1 || content.p[0] != 0)
		return content;
	if ((content.p[1] & 0x80) == 0) /* a zero in front that no sign asks for */
		return rota_span(NULL, 0);
	return rota_span_skip(content, 1);
}

void rota_der_read_uint(struct rota_reader *r, struct rota_buf to)
{
	struct rota_span value = magnitude(rota_der_read(r, ROTA_DER_INTEGER));
	struct rota_writer w = rota_writer(to);

	if (value.len == 0 || value.len > to.len)
		rota_reader_fail(r);
	rota_write_fill(&w, 0, r->failed ? to.len : to.len - value.len);
	if (!r->failed)
		rota_write_span(&w, value);
}

struct rota_span rota_der_read_bits(struct rota_reader *r)
{
	struct rota_span content = rota_der_read(r, ROTA_DER_BIT_STRING);

	if (content.len > 0 && content.p[0] == 0)
		return rota_span_skip(content, 1);
	rota_reader_fail(r);
	return rota_span(NULL, 0);
}

static bool raw_len_ok(size_t len)
{
	return len > 0 && len % 2 == 0 && len <= ROTA_DER_ECDSA_RAW_MAX;
}

/* The INTEGER at der.p[at] to all of `to`: where the next element begins, or 0. The long form of a length is left
 * out: what would need it fits no `to`. */
static size_t take_uint(struct rota_span der, size_t at, struct rota_buf to)
{
	size_t len;

	if (der.len < at + 3 || der.p[at] != ROTA_DER_INTEGER)
		return 0;
	len = der.p[at + 1];
	at += 2;
	if (len == 0 || len > der.len - at || der.p[at] > 0x7F) /* none, cut short, negative */
		return 0;
	if (len > 1 && der.p[at] == 0) {
		if (der.p[at + 1] <= 0x7F) /* a zero in front that no sign asks for */
			return 0;
		at++;
		len--;
	}
	if (len > to.len)
		return 0;
	memset(to.p, 0, to.len);
	memcpy(&to.p[to.len - len], &der.p[at], len);
	return at + len;
}

/* Without a reader, so that a device that verifies nothing but ECDSA links none. */
enum rota_err rota_der_ecdsa_decode(struct rota_span der, struct rota_buf raw)
{
	size_t half = raw.len / 2, at;

	if (!raw_len_ok(raw.len))
		return ROTA_ERR_ARGUMENT;
	if (der.len < 2 || der.p[0] != ROTA_DER_SEQUENCE || der.p[1] != der.len - 2)
		return ROTA_ERR_FORMAT;
	at = take_uint(der, 2, rota_buf(raw.p, half));
	if (at == 0 || take_uint(der, at, rota_buf(&raw.p[half], half)) != der.len)
		return ROTA_ERR_FORMAT;
	return ROTA_OK;
}

/* How an unsigned integer stands in DER: no needless zeros, one in front where the top bit is set. */
struct der_uint {
	struct rota_span value;
	uint8_t pad;
};

static struct der_uint der_uint(struct rota_span fixed)
{
	while (fixed.len > 1 && fixed.p[0] == 0)
		fixed = rota_span_skip(fixed, 1);
	return (struct der_uint){ fixed, (fixed.p[0] & 0x80) != 0 };
}

static void write_uint(struct rota_writer *w, struct der_uint n)
{
	rota_write_u8(w, ROTA_DER_INTEGER);
	rota_write_u8(w, (uint8_t)(n.value.len + n.pad)); /* at most 49 */
	rota_write_fill(w, 0, n.pad);
	rota_write_span(w, n.value);
}

enum rota_err rota_der_ecdsa_encode(
	struct rota_span raw, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);
	struct der_uint r, s;

	if (!raw_len_ok(raw.len))
		return ROTA_ERR_ARGUMENT;
	r = der_uint(rota_span_slice(raw, 0, raw.len / 2));
	s = der_uint(rota_span_skip(raw, raw.len / 2));
	rota_write_u8(&w, ROTA_DER_SEQUENCE);
	/* at most 2 * 51 = 102 bytes: the short form of the length is enough */
	rota_write_u8(&w, (uint8_t)(4 + r.value.len + r.pad + s.value.len + s.pad));
	write_uint(&w, r);
	write_uint(&w, s);
	return rota_writer_end(&w, out);
}
