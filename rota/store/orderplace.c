/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/orderplace.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define FORMAT 1
#define CRC_AT 12
#define PIECE 64 /* bytes read or written at a time: a multiple of every program unit */

_Static_assert(PIECE % ROTA_FLASH_WRITE_MAX == 0, "a piece is whole units");

static uint32_t place_at(const struct rota_flash *flash, uint32_t place)
{
	uint32_t sectors = rota_flash_sectors(flash->run) / ROTA_ORDERPLACES;

	return rota_flash_sector(flash->run, place * sectors).at;
}

/* Of the shorter place, where sectors are not all alike. */
static uint32_t place_len(const struct rota_flash *flash)
{
	uint32_t len = UINT32_MAX;

	for (uint32_t i = 0; i < ROTA_ORDERPLACES; i++) {
		uint32_t of_this = place_at(flash, i + 1) - place_at(flash, i);

		if (of_this < len)
			len = of_this;
	}
	return len;
}

uint32_t rota_orderplace_room(const struct rota_flash *flash)
{
	uint32_t len = place_len(flash), head = rota_flash_padded(flash, ROTA_ORDERPLACE_HEAD_LEN);

	return len > head ? len - head : 0;
}

static bool good_place(const struct rota_flash *flash, uint8_t place)
{
	return place < ROTA_ORDERPLACES && flash->write_len != 0 &&
		flash->write_len <= ROTA_FLASH_WRITE_MAX && rota_orderplace_room(flash) != 0;
}

/* Where the parts lie. False: they do not fit. */
static bool lay_out(struct rota_orderplace *p, uint32_t record_len, uint32_t order_len)
{
	uint32_t room = rota_orderplace_room(p->flash);

	if (record_len == 0 || order_len == 0 || record_len > room || order_len > room ||
		rota_flash_padded(p->flash, record_len) + rota_flash_padded(p->flash, order_len) >
			room)
		return false;
	p->record_len = record_len;
	p->order_len = order_len;
	p->record_at = rota_flash_padded(p->flash, ROTA_ORDERPLACE_HEAD_LEN);
	p->order_at = p->record_at + rota_flash_padded(p->flash, record_len);
	return true;
}

/* ---- reading ---- */

static enum rota_err walk(const struct rota_orderplace *p, uint32_t at, uint32_t len, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece))
{
	uint8_t bytes[PIECE];

	while (len > 0) {
		uint32_t now = len < PIECE ? len : PIECE;

		ROTA_TRY(p->flash->read(p->flash->ctx, p->at + at, rota_buf(bytes, now)));
		ROTA_TRY(take(ctx, rota_span(bytes, now)));
		at += now;
		len -= now;
	}
	return ROTA_OK;
}

enum rota_err rota_orderplace_record(const struct rota_orderplace *p, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece))
{
	return walk(p, p->record_at, p->record_len, ctx, take);
}

enum rota_err rota_orderplace_order(const struct rota_orderplace *p, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece))
{
	return walk(p, p->order_at, p->order_len, ctx, take);
}

static enum rota_err add_crc(void *ctx, struct rota_span piece)
{
	uint32_t *crc = ctx;

	*crc = rota_crc32(*crc, piece);
	return ROTA_OK;
}

static bool blank(const struct rota_flash *flash, struct rota_span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] != flash->erased)
			return false;
	}
	return true;
}

enum rota_err rota_orderplace_open(
	struct rota_orderplace *p, const struct rota_flash *flash, uint8_t place)
{
	uint8_t head[ROTA_ORDERPLACE_HEAD_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(head));
	uint32_t crc = 0, record_len, order_len;

	if (!good_place(flash, place))
		return ROTA_ERR_ARGUMENT;
	*p = (struct rota_orderplace){ .flash = flash, .at = place_at(flash, place) };
	ROTA_TRY(flash->read(flash->ctx, p->at, ROTA_BUF(head)));
	if (blank(flash, ROTA_SPAN(head)))
		return ROTA_ERR_NOT_FOUND;
	if (rota_read_u8(&r) != 'R' || rota_read_u8(&r) != 'O' || rota_read_u8(&r) != FORMAT ||
		rota_read_u8(&r) != 0)
		return ROTA_ERR_CORRUPT;
	record_len = rota_read_le32(&r);
	order_len = rota_read_le32(&r);
	if (!lay_out(p, record_len, order_len))
		return ROTA_ERR_CORRUPT;
	crc = rota_crc32(0, rota_span(head, CRC_AT));
	ROTA_TRY(rota_orderplace_record(p, &crc, add_crc));
	ROTA_TRY(rota_orderplace_order(p, &crc, add_crc));
	return rota_read_le32(&r) == crc ? ROTA_OK : ROTA_ERR_CORRUPT;
}

/* ---- writing ---- */

static enum rota_err erase(const struct rota_orderplace *p)
{
	uint32_t end = p->at + place_len(p->flash), off = p->at;

	while (off < end) {
		ROTA_TRY(p->flash->erase(p->flash->ctx, off));
		off += rota_flash_sector_at(p->flash->run, off).len;
	}
	return p->flash->sync(p->flash->ctx);
}

/* Whole units; the last one padded. */
static enum rota_err put(const struct rota_orderplace *p, uint32_t at, struct rota_span data)
{
	const struct rota_flash *flash = p->flash;

	while (data.len > 0) {
		uint8_t bytes[PIECE];
		struct rota_span now = rota_span_slice(data, 0, PIECE);

		memset(bytes, flash->erased, sizeof(bytes));
		memcpy(bytes, now.p, now.len);
		ROTA_TRY(flash->write(flash->ctx, p->at + at,
			rota_span(bytes, rota_flash_padded(flash, (uint32_t)now.len))));
		data = rota_span_skip(data, now.len);
		at += (uint32_t)now.len;
	}
	return flash->sync(flash->ctx);
}

static void make_head(const struct rota_orderplace *p, struct rota_span record,
	struct rota_span order, uint8_t head[static ROTA_ORDERPLACE_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(head, ROTA_ORDERPLACE_HEAD_LEN));
	uint32_t crc;

	rota_write_u8(&w, 'R');
	rota_write_u8(&w, 'O');
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le32(&w, p->record_len);
	rota_write_le32(&w, p->order_len);
	crc = rota_crc32(rota_crc32(rota_crc32(0, rota_span(head, CRC_AT)), record), order);
	rota_write_le32(&w, crc);
}

/* What came back is compared with what was to be written. */
static enum rota_err compare(void *ctx, struct rota_span piece)
{
	struct rota_span *left = ctx;

	if (!rota_span_starts(*left, piece))
		return ROTA_ERR_IO;
	*left = rota_span_skip(*left, piece.len);
	return ROTA_OK;
}

static enum rota_err read_back(const struct rota_flash *flash, uint8_t place,
	struct rota_span record, struct rota_span order)
{
	struct rota_orderplace back;
	enum rota_err err = rota_orderplace_open(&back, flash, place);

	if (err == ROTA_OK)
		err = rota_orderplace_record(&back, &record, compare);
	if (err == ROTA_OK)
		err = rota_orderplace_order(&back, &order, compare);
	return err == ROTA_OK ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_orderplace_write(const struct rota_flash *flash, uint8_t place,
	struct rota_span record, struct rota_span order)
{
	struct rota_orderplace p;
	uint8_t head[ROTA_ORDERPLACE_HEAD_LEN];

	if (!good_place(flash, place) || record.len == 0 || order.len == 0)
		return ROTA_ERR_ARGUMENT;
	p = (struct rota_orderplace){ .flash = flash, .at = place_at(flash, place) };
	if (record.len > UINT32_MAX || order.len > UINT32_MAX ||
		!lay_out(&p, (uint32_t)record.len, (uint32_t)order.len))
		return ROTA_ERR_FULL;
	make_head(&p, record, order, head);
	ROTA_TRY(erase(&p));
	ROTA_TRY(put(&p, p.record_at, record));
	ROTA_TRY(put(&p, p.order_at, order));
	ROTA_TRY(put(&p, 0, ROTA_SPAN(head)));
	return read_back(flash, place, record, order);
}
