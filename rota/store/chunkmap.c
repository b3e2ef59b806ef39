/* SPDX-License-Identifier: Apache-2.0 */
/* The method. A mark is a unit of which every bit is programmed, so that a torn one differs from it. The region is
 * erased, synced and seen erased before the header of another image is written: no mark of an earlier image is ever
 * found under it. A header that an interrupted erase left to be read now and then names the earlier image, whose
 * marks stay true, since its slot is not touched before that erase is durable. The header itself is synced with the
 * first mark: without one it says nothing. */
#include "rota/store/chunkmap.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/store/erased.h"

#define MAGIC 0x4D52 /* "RM" */
#define FORMAT 1
#define HEADER_LEN 52
#define CRC_LEN 4
/* The header, padded to any program unit. */
#define HEADER_MAX 64

_Static_assert(
	HEADER_MAX % ROTA_FLASH_WRITE_MAX == 0 && HEADER_LEN <= HEADER_MAX, "a padded header fits");

static uint64_t mark_at(const struct rota_flash *flash, uint32_t chunk)
{
	return rota_flash_padded(flash, HEADER_LEN) + (uint64_t)chunk * flash->write_len;
}

static void make_header(const struct rota_chunkmap *m, const uint8_t digest[static ROTA_SHA256_LEN],
	uint64_t length, uint8_t to[static HEADER_MAX])
{
	struct rota_writer w = rota_writer(rota_buf(to, HEADER_LEN));

	memset(to, m->flash->erased, HEADER_MAX);
	rota_write_le16(&w, MAGIC);
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le32(&w, m->chunks);
	rota_write_le64(&w, length);
	rota_write_span(&w, rota_span(digest, ROTA_SHA256_LEN));
	rota_write_le32(&w, rota_crc32(0, rota_span(to, HEADER_LEN - CRC_LEN)));
}

/* Whether the region begins with this header. */
static enum rota_err headed(
	const struct rota_flash *flash, const uint8_t want[static HEADER_MAX], bool *yes)
{
	uint8_t bytes[HEADER_LEN];
	enum rota_err err = flash->read(flash->ctx, 0, ROTA_BUF(bytes));

	*yes = err == ROTA_OK && memcmp(bytes, want, sizeof(bytes)) == 0;
	return err == ROTA_ERR_CORRUPT ? ROTA_OK : err; /* torn under ECC */
}

enum rota_err rota_chunkmap_forget(const struct rota_flash *flash)
{
	for (uint32_t i = 0; i < rota_flash_sectors(flash->run); i++)
		ROTA_TRY(flash->erase(flash->ctx, rota_flash_sector(flash->run, i).at));
	return flash->sync(flash->ctx);
}

static enum rota_err begin_anew(struct rota_chunkmap *m, const uint8_t header[static HEADER_MAX])
{
	const struct rota_flash *flash = m->flash;
	uint32_t len = (uint32_t)mark_at(flash, m->chunks);
	bool good;

	ROTA_TRY(rota_chunkmap_forget(flash));
	ROTA_TRY(rota_flash_is_erased(flash, 0, len, &good));
	if (!good)
		return ROTA_ERR_IO;
	ROTA_TRY(flash->write(
		flash->ctx, 0, rota_span(header, rota_flash_padded(flash, HEADER_LEN))));
	ROTA_TRY(headed(flash, header, &good));
	return good ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_chunkmap_begin(struct rota_chunkmap *m, const struct rota_flash *flash,
	const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint32_t chunks,
	uint32_t *done)
{
	uint8_t header[HEADER_MAX];
	bool yes;

	*done = 0;
	*m = (struct rota_chunkmap){ .flash = flash, .chunks = chunks };
	if (mark_at(flash, chunks) > rota_flash_size(flash->run))
		return ROTA_ERR_FULL;
	make_header(m, digest, length, header);
	ROTA_TRY(headed(flash, header, &yes));
	if (!yes)
		return begin_anew(m, header);
	while (*done < chunks) {
		ROTA_TRY(rota_chunkmap_has(m, *done, &yes));
		if (!yes)
			break;
		++*done;
	}
	return ROTA_OK;
}

enum rota_err rota_chunkmap_has(const struct rota_chunkmap *m, uint32_t chunk, bool *yes)
{
	uint8_t unit[ROTA_FLASH_WRITE_MAX], done = (uint8_t)~m->flash->erased;
	uint32_t len = m->flash->write_len;
	enum rota_err err;

	*yes = false;
	if (chunk >= m->chunks)
		return ROTA_ERR_ARGUMENT;
	err = m->flash->read(
		m->flash->ctx, (uint32_t)mark_at(m->flash, chunk), rota_buf(unit, len));
	if (err != ROTA_OK)
		return err == ROTA_ERR_CORRUPT ? ROTA_OK : err;
	*yes = true;
	for (uint32_t i = 0; i < len; i++)
		*yes = *yes && unit[i] == done;
	return ROTA_OK;
}

/* Program the mark of a chunk, and see that it is there. */
static enum rota_err put_mark(struct rota_chunkmap *m, uint32_t chunk)
{
	const struct rota_flash *flash = m->flash;
	uint8_t unit[ROTA_FLASH_WRITE_MAX];
	uint32_t at = (uint32_t)mark_at(flash, chunk);
	bool yes;

	ROTA_TRY(rota_flash_is_erased(flash, at, flash->write_len, &yes));
	if (!yes)
		return ROTA_ERR_IO;
	memset(unit, ~flash->erased, sizeof(unit));
	ROTA_TRY(flash->write(flash->ctx, at, rota_span(unit, flash->write_len)));
	ROTA_TRY(flash->sync(flash->ctx));
	ROTA_TRY(rota_chunkmap_has(m, chunk, &yes));
	return yes ? ROTA_OK : ROTA_ERR_IO;
}

/* The unit of `chunk` takes no mark, since a cut touched it: the map is written anew, with the chunks that are done
 * in a row from the first. A cut in here loses the rest of the map and no more. */
static enum rota_err lay_anew(struct rota_chunkmap *m, uint32_t chunk)
{
	const struct rota_flash *flash = m->flash;
	uint8_t header[HEADER_MAX];
	uint32_t row = 0;
	bool yes = true;

	memset(header, flash->erased, sizeof(header));
	ROTA_TRY(flash->read(flash->ctx, 0, rota_buf(header, HEADER_LEN)));
	for (; row < m->chunks && yes; row += yes) {
		ROTA_TRY(rota_chunkmap_has(m, row, &yes));
		yes = yes || row == chunk;
	}
	ROTA_TRY(begin_anew(m, header));
	for (uint32_t i = 0; i < row; i++)
		ROTA_TRY(put_mark(m, i));
	return chunk < row ? ROTA_OK : put_mark(m, chunk);
}

enum rota_err rota_chunkmap_mark(struct rota_chunkmap *m, uint32_t chunk)
{
	bool yes;

	ROTA_TRY(rota_chunkmap_has(m, chunk, &yes));
	if (yes || put_mark(m, chunk) == ROTA_OK)
		return ROTA_OK;
	return lay_anew(m, chunk);
}
