/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/confirm.h"
#include "rota/base/crc32.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define MAGIC "ROTACNF\1"
#define FORMAT 1
#define SPARE 28

void rota_confirm_encode(const struct rota_confirm *c, uint8_t out[static ROTA_CONFIRM_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_CONFIRM_HEAD_LEN));

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le16(&w, ROTA_CONFIRM_KEY_LEN);
	rota_write_le16(&w, c->tree);
	rota_write_le16(&w, 0); /* tiles: height and levels */
	rota_write_le32(&w, c->size);
	rota_write_le32(&w, 0);
	rota_write_span(&w, ROTA_SPAN(c->campaign));
	rota_write_span(&w, ROTA_SPAN(c->root));
	rota_write_le64(&w, rota_confirm_at(c->size));
	rota_write_fill(&w, 0, SPARE);
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
}

/* The one way to write what it says: so nothing that is reserved is anything but zero. */
static bool is_spelled(const struct rota_confirm *c, const uint8_t in[static ROTA_CONFIRM_HEAD_LEN])
{
	uint8_t again[ROTA_CONFIRM_HEAD_LEN];

	rota_confirm_encode(c, again);
	return rota_span_eq(ROTA_SPAN(again), rota_span(in, sizeof(again)));
}

enum rota_err rota_confirm_decode(
	const uint8_t in[static ROTA_CONFIRM_HEAD_LEN], uint64_t file_len, struct rota_confirm *out)
{
	struct rota_reader r = rota_reader(rota_span(in, ROTA_CONFIRM_HEAD_LEN));

	if (!rota_span_eq(rota_read_span(&r, sizeof(MAGIC) - 1), ROTA_STR(MAGIC)))
		return ROTA_ERR_FORMAT;
	if (rota_read_u8(&r) != FORMAT)
		return ROTA_ERR_UNSUPPORTED;
	(void)rota_read_span(&r, 3);
	out->tree = rota_read_le16(&r);
	(void)rota_read_le16(&r);
	out->size = rota_read_le32(&r);
	(void)rota_read_le32(&r);
	rota_read_bytes(&r, ROTA_BUF(out->campaign));
	rota_read_bytes(&r, ROTA_BUF(out->root));
	if (!is_spelled(out, in))
		return ROTA_ERR_FORMAT;
	return file_len == rota_confirm_at(out->size) ? ROTA_OK : ROTA_ERR_LENGTH;
}

uint64_t rota_confirm_at(uint32_t index)
{
	return ROTA_CONFIRM_HEAD_LEN + (uint64_t)index * ROTA_CONFIRM_KEY_LEN;
}
