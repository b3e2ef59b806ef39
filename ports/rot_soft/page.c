/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/rot_soft/page.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/store/erased.h"

#define MAGIC "RSK\x01" /* the last byte is the format */
#define MAGIC_LEN 4
#define CRC_LEN 4
#define BODY_LEN                                                                                   \
	((uint32_t)(MAGIC_LEN + 4 + 4 + sizeof(((struct rota_soft_keys *)0)->pair) +               \
		sizeof(((struct rota_soft_keys *)0)->wrap) + CRC_LEN))
/* In whole units of any length. */
#define TEXT_LEN                                                                                   \
	((BODY_LEN + ROTA_FLASH_WRITE_MAX - 1) / ROTA_FLASH_WRITE_MAX * ROTA_FLASH_WRITE_MAX)
#define MARK 0x5A
/* One bad reading is no damage. */
#define READS 3

_Static_assert(TEXT_LEN + ROTA_FLASH_WRITE_MAX <= ROTA_SOFT_PAGE_LEN, "keys and mark fit a sector");

/* ---- one sector ---- */

static void write_keys(struct rota_writer *w, const struct rota_soft_keys *keys)
{
	for (unsigned i = 0; i < ROTA_ROT_KEYS; i++) {
		rota_write_span(w, ROTA_SPAN(keys->pair[i].secret));
		rota_write_span(w, ROTA_SPAN(keys->pair[i].point));
	}
	for (unsigned i = 0; i < ROTA_ROT_WRAPS; i++)
		rota_write_span(w, ROTA_SPAN(keys->wrap[i]));
}

static void read_keys(struct rota_reader *r, struct rota_soft_keys *keys)
{
	for (unsigned i = 0; i < ROTA_ROT_KEYS; i++) {
		rota_read_bytes(r, ROTA_BUF(keys->pair[i].secret));
		rota_read_bytes(r, ROTA_BUF(keys->pair[i].point));
	}
	for (unsigned i = 0; i < ROTA_ROT_WRAPS; i++)
		rota_read_bytes(r, ROTA_BUF(keys->wrap[i]));
}

static void encode(uint32_t sequence, const struct rota_soft_keys *keys, uint8_t erased,
	uint8_t text[static TEXT_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(text, TEXT_LEN));

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_le32(&w, sequence);
	rota_write_u8(&w, keys->have);
	rota_write_fill(&w, 0, 3);
	write_keys(&w, keys);
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
	rota_write_fill(&w, erased, TEXT_LEN - BODY_LEN);
}

/* Its sequence; 0: not whole. */
static uint32_t decode(const uint8_t text[static TEXT_LEN], struct rota_soft_keys *keys)
{
	struct rota_reader r = rota_reader(rota_span(text, BODY_LEN));
	bool known = rota_span_eq(rota_read_span(&r, MAGIC_LEN), ROTA_STR(MAGIC));
	uint32_t sequence = rota_read_le32(&r);

	keys->have = rota_read_u8(&r);
	(void)rota_read_span(&r, 3);
	read_keys(&r, keys);
	if (!known || rota_read_le32(&r) != rota_crc32(0, rota_span(text, BODY_LEN - CRC_LEN)))
		return 0;
	return sequence;
}

static enum rota_err read_once(const struct rota_flash *flash, uint32_t at,
	struct rota_soft_keys *keys, uint32_t *sequence)
{
	uint8_t text[TEXT_LEN];
	enum rota_err err = flash->read(flash->ctx, at, ROTA_BUF(text));

	*sequence = err == ROTA_OK ? decode(text, keys) : 0;
	rota_wipe(text, sizeof(text));
	return err == ROTA_ERR_CORRUPT ? ROTA_OK : err; /* under ECC a cut leaves that */
}

/* The sequence of the sector at `at`, and its keys; 0: not whole. */
static enum rota_err read_sector(const struct rota_flash *flash, uint32_t at,
	struct rota_soft_keys *keys, uint32_t *sequence)
{
	*sequence = 0;
	for (unsigned i = 0; i < READS && *sequence == 0; i++)
		ROTA_TRY(read_once(flash, at, keys, sequence));
	return ROTA_OK;
}

/* ---- the mark ---- */

static enum rota_err is_marked(const struct rota_flash *flash, uint32_t at, bool *yes)
{
	uint8_t unit[ROTA_FLASH_WRITE_MAX];
	enum rota_err err =
		flash->read(flash->ctx, at + TEXT_LEN, rota_buf(unit, flash->write_len));

	*yes = err == ROTA_OK;
	for (uint32_t i = 0; i < flash->write_len && *yes; i++)
		*yes = unit[i] == MARK;
	return err == ROTA_ERR_CORRUPT ? ROTA_OK : err;
}

static enum rota_err mark(const struct rota_flash *flash, uint32_t at)
{
	uint8_t unit[ROTA_FLASH_WRITE_MAX];

	memset(unit, MARK, sizeof(unit));
	ROTA_TRY(flash->write(flash->ctx, at + TEXT_LEN, rota_span(unit, flash->write_len)));
	return flash->sync(flash->ctx);
}

/* ---- both ---- */

static uint32_t other(const struct rota_soft_page *p)
{
	return p->at == 0 ? p->flash->run[0].sector_len : 0;
}

static enum rota_err erase(const struct rota_flash *flash, uint32_t at)
{
	bool clean;

	ROTA_TRY(flash->erase(flash->ctx, at));
	ROTA_TRY(flash->sync(flash->ctx));
	ROTA_TRY(rota_flash_is_erased(flash, at, ROTA_SOFT_PAGE_LEN, &clean));
	return clean ? ROTA_OK : ROTA_ERR_IO;
}

/* Write to the sector at `at` and see it there. */
static enum rota_err write_sector(const struct rota_flash *flash, uint32_t at, uint32_t sequence,
	const struct rota_soft_keys *keys)
{
	uint8_t text[TEXT_LEN];
	struct rota_soft_keys back;
	enum rota_err err;
	uint32_t seen = 0;

	encode(sequence, keys, flash->erased, text);
	err = flash->write(flash->ctx, at, ROTA_SPAN(text));
	rota_wipe(text, sizeof(text));
	ROTA_TRY(err);
	ROTA_TRY(flash->sync(flash->ctx));
	err = read_once(flash, at, &back, &seen);
	rota_wipe(&back, sizeof(back));
	ROTA_TRY(err);
	return seen == sequence ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_soft_page_commit(struct rota_soft_page *p, const struct rota_soft_keys *keys)
{
	uint32_t to = other(p), from = p->at;

	if (p->sequence == UINT32_MAX)
		return ROTA_ERR_FULL;
	ROTA_TRY(erase(p->flash, to));
	ROTA_TRY(write_sector(p->flash, to, p->sequence + 1, keys));
	p->at = to;
	p->sequence++;
	ROTA_TRY(erase(p->flash, from));
	return mark(p->flash, to);
}

/* After a cut: the other sector is erased for certain, and the mark says so. A mark that was torn takes no second
 * program: then the keys move over. */
static enum rota_err finish(struct rota_soft_page *p, const struct rota_soft_keys *keys)
{
	bool marked, blank;

	ROTA_TRY(is_marked(p->flash, p->at, &marked));
	if (marked)
		return ROTA_OK;
	ROTA_TRY(erase(p->flash, other(p)));
	if (rota_flash_is_erased(p->flash, p->at + TEXT_LEN, p->flash->write_len, &blank) ==
			ROTA_OK &&
		blank && mark(p->flash, p->at) == ROTA_OK)
		return ROTA_OK;
	return rota_soft_page_commit(p, keys);
}

static bool geometry_ok(const struct rota_flash *flash)
{
	uint32_t unit = flash->write_len;

	return unit > 0 && (unit & (unit - 1)) == 0 && unit <= ROTA_FLASH_WRITE_MAX &&
		flash->run[0].count == 2 && rota_flash_sectors(flash->run) == 2 &&
		flash->run[0].sector_len >= ROTA_SOFT_PAGE_LEN;
}

enum rota_err rota_soft_page_open(
	struct rota_soft_page *p, const struct rota_flash *flash, struct rota_soft_keys *keys)
{
	struct rota_soft_keys second;
	uint32_t sequence[2];
	enum rota_err err;

	*p = (struct rota_soft_page){ .flash = flash };
	memset(keys, 0, sizeof(*keys));
	if (!geometry_ok(flash))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(flash->sync(flash->ctx));
	ROTA_TRY(read_sector(flash, 0, keys, &sequence[0]));
	err = read_sector(flash, flash->run[0].sector_len, &second, &sequence[1]);
	if (err == ROTA_OK && sequence[1] > sequence[0]) {
		*keys = second;
		p->at = flash->run[0].sector_len;
	}
	rota_wipe(&second, sizeof(second));
	ROTA_TRY(err);
	p->sequence = sequence[p->at != 0];
	if (p->sequence != 0)
		return finish(p, keys);
	memset(keys, 0, sizeof(*keys));
	return ROTA_OK;
}
