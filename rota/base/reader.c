/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/base/reader.h"
#include "rota/base/mem.h"

struct rota_reader rota_reader(struct rota_span in)
{
	return (struct rota_reader){ .rest = in, .failed = false };
}

struct rota_span rota_read_span(struct rota_reader *r, size_t len)
{
	struct rota_span out = rota_span_slice(r->rest, 0, len);

	if (r->failed || len > r->rest.len) {
		r->failed = true;
		return rota_span(NULL, 0);
	}
	r->rest = rota_span_skip(r->rest, len);
	return out;
}

void rota_read_bytes(struct rota_reader *r, struct rota_buf to)
{
	struct rota_span in = rota_read_span(r, to.len);

	if (to.len == 0)
		return;
	if (r->failed)
		memset(to.p, 0, to.len);
	else
		memcpy(to.p, in.p, to.len);
}

static uint64_t read_le(struct rota_reader *r, size_t len)
{
	struct rota_span in = rota_read_span(r, len);
	uint64_t value = 0;

	for (size_t i = in.len; i > 0; i--)
		value = value << 8 | in.p[i - 1];
	return value;
}

static uint64_t read_be(struct rota_reader *r, size_t len)
{
	struct rota_span in = rota_read_span(r, len);
	uint64_t value = 0;

	for (size_t i = 0; i < in.len; i++)
		value = value << 8 | in.p[i];
	return value;
}

uint8_t rota_read_u8(struct rota_reader *r)
{
	return (uint8_t)read_le(r, 1);
}

uint16_t rota_read_le16(struct rota_reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t rota_read_le32(struct rota_reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t rota_read_le64(struct rota_reader *r)
{
	return read_le(r, 8);
}

uint16_t rota_read_be16(struct rota_reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t rota_read_be32(struct rota_reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t rota_read_be64(struct rota_reader *r)
{
	return read_be(r, 8);
}

void rota_reader_fail(struct rota_reader *r)
{
	r->failed = true;
}

enum rota_err rota_reader_end(const struct rota_reader *r)
{
	return r->failed || r->rest.len != 0 ? ROTA_ERR_FORMAT : ROTA_OK;
}
