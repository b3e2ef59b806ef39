/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ingest/record.h"
#include "host/base/crc.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <string.h>

#define SEGMENT_MAGIC "ROTASEG"
#define SEGMENT_FORMAT 1
#define RECORD_MAGIC "RR"
#define RECORD_FORMAT 1

static void write_crc(struct rota_writer *w)
{
	rota_write_le32(w, rota_crc32_fast(0, rota_writer_span(w)));
}

void rota_segment_header_encode(
	const struct rota_segment_header *h, uint8_t out[static ROTA_SEGMENT_HEADER_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_SEGMENT_HEADER_LEN));

	rota_write_span(&w, ROTA_STR(SEGMENT_MAGIC));
	rota_write_u8(&w, SEGMENT_FORMAT);
	rota_write_le64(&w, h->number);
	rota_write_le64(&w, h->first);
	write_crc(&w);
}

enum rota_err rota_segment_header_decode(struct rota_span in, struct rota_segment_header *out)
{
	struct rota_reader r = rota_reader(in);
	struct rota_span magic = rota_read_span(&r, sizeof(SEGMENT_MAGIC) - 1);
	uint8_t format = rota_read_u8(&r);
	uint32_t crc;

	out->number = rota_read_le64(&r);
	out->first = rota_read_le64(&r);
	crc = rota_read_le32(&r);
	if (rota_reader_end(&r) != ROTA_OK || !rota_span_eq(magic, ROTA_STR(SEGMENT_MAGIC)))
		return ROTA_ERR_CORRUPT;
	if (crc != rota_crc32_fast(0, rota_span_slice(in, 0, ROTA_SEGMENT_HEADER_LEN - 4)))
		return ROTA_ERR_CORRUPT;
	if (format != SEGMENT_FORMAT)
		return ROTA_ERR_UNSUPPORTED;
	return ROTA_OK;
}

enum rota_err rota_record_encode(const struct rota_record *r, struct rota_buf room, size_t *len)
{
	struct rota_writer w = rota_writer(room);
	struct rota_span out;

	*len = 0;
	if (r->payload.len > ROTA_RECORD_PAYLOAD_MAX)
		return ROTA_ERR_LIMIT;
	rota_write_span(&w, ROTA_STR(RECORD_MAGIC));
	rota_write_u8(&w, r->type);
	rota_write_u8(&w, RECORD_FORMAT);
	rota_write_le32(&w, (uint32_t)r->payload.len);
	rota_write_le64(&w, r->sequence);
	rota_write_le64(&w, r->durable);
	rota_write_le64(&w, r->time_ms);
	rota_write_span(&w, ROTA_SPAN(r->device));
	rota_write_span(&w, r->payload);
	write_crc(&w);
	ROTA_TRY(rota_writer_end(&w, &out));
	*len = out.len;
	return ROTA_OK;
}

enum rota_err rota_record_decode(struct rota_span in, struct rota_record *out, size_t *len)
{
	struct rota_reader r = rota_reader(in);
	struct rota_span magic = rota_read_span(&r, sizeof(RECORD_MAGIC) - 1);
	uint8_t format;
	uint32_t payload_len, crc;

	*len = 0;
	if (in.len < ROTA_RECORD_HEAD_LEN || rota_span_eq(magic, rota_span("\0\0", 2)))
		return ROTA_ERR_LENGTH;
	out->type = rota_read_u8(&r);
	format = rota_read_u8(&r);
	payload_len = rota_read_le32(&r);
	if (!rota_span_eq(magic, ROTA_STR(RECORD_MAGIC)) || payload_len > ROTA_RECORD_PAYLOAD_MAX)
		return ROTA_ERR_CORRUPT;
	out->sequence = rota_read_le64(&r);
	out->durable = rota_read_le64(&r);
	out->time_ms = rota_read_le64(&r);
	rota_read_bytes(&r, ROTA_BUF(out->device));
	out->payload = rota_read_span(&r, payload_len);
	crc = rota_read_le32(&r);
	if (r.failed)
		return ROTA_ERR_LENGTH;
	if (crc != rota_crc32_fast(0, rota_span_slice(in, 0, ROTA_RECORD_HEAD_LEN + payload_len)))
		return ROTA_ERR_CORRUPT;
	if (format != RECORD_FORMAT)
		return ROTA_ERR_UNSUPPORTED;
	*len = ROTA_RECORD_HEAD_LEN + payload_len + ROTA_RECORD_TAIL_LEN;
	return ROTA_OK;
}
