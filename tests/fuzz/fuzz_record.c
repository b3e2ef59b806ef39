/* SPDX-License-Identifier: Apache-2.0 */
/* Records and headers of the ingest journal. The CRC is made right first, where there is room for one; what decodes
 * must encode to the same bytes. */
#include "host/ingest/record.h"
#include "rota/base/crc32.h"
#include "rota/base/writer.h"

#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_record(struct rota_span in)
{
	static uint8_t room[ROTA_RECORD_MAX];
	struct rota_record r;
	size_t len, again;

	if (rota_record_decode(in, &r, &len) != ROTA_OK)
		return;
	if (len > in.len || r.payload.len > len ||
		rota_record_encode(&r, ROTA_BUF(room), &again) != ROTA_OK || again != len ||
		memcmp(room, in.p, len) != 0)
		abort();
}

static void check_header(struct rota_span in)
{
	uint8_t again[ROTA_SEGMENT_HEADER_LEN];
	struct rota_segment_header h;

	if (rota_segment_header_decode(in, &h) != ROTA_OK)
		return;
	rota_segment_header_encode(&h, again);
	if (memcmp(again, in.p, sizeof(again)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t bytes[INPUT_MAX + 4];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));

	check_record(rota_span(data, len));
	if (len > INPUT_MAX)
		return 0;
	rota_write_span(&w, rota_span(data, len));
	rota_write_le32(&w, rota_crc32(0, rota_span(data, len)));
	check_record(rota_writer_span(&w));
	check_header(rota_writer_span(&w));
	return 0;
}
