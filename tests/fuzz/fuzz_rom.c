/* SPDX-License-Identifier: Apache-2.0 */
/* ROM records. The CRC is made right first; what decodes must encode to the same bytes. */
#include "rota/base/crc32.h"
#include "rota/base/writer.h"
#include "rota/codec/rom.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t record[ROTA_ROM_MAX], again[ROTA_ROM_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(record));
	struct rota_span out;
	struct rota_rom rom;

	if (len < 4 || len > sizeof(record))
		return 0;
	rota_write_span(&w, rota_span(data, len - 4));
	rota_write_le32(&w, rota_crc32(0, rota_span(data, len - 4)));
	if (rota_rom_decode(rota_writer_span(&w), &rom) != ROTA_OK)
		return 0;
	if (rota_rom_encode(&rom, ROTA_BUF(again), &out) != ROTA_OK ||
		!rota_span_eq(out, rota_writer_span(&w)))
		abort();
	return 0;
}
