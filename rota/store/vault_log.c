/* SPDX-License-Identifier: Apache-2.0 */
/* An entry's CRCs go on from the CRC of its sector's header, and that holds the sequence: so what outlived an erase is
 * not valid under the header written after it, and header and entries need no sync between them. What is read wrong
 * once is read again; what was written is read back. */
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/store/vault_parts.h"

#define MAGIC 0x5652 /* "RV" */
#define FORMAT 1
#define FLAG_LAST 1
#define CRC_LEN 4
#define READS 3 /* readings made of what does not verify, since one bad reading is no damage */
#define STAGE_LEN 128 /* bytes compared at a time: a multiple of every program unit */
#define GENERATION_AT 4 /* of a sealed record (SPEC 36.1) */

uint32_t rota_vault_entry_len(const struct rota_flash *flash, size_t sealed_len)
{
	return rota_flash_padded(flash, sealed_len + ROTA_VAULT_ENTRY_OVERHEAD);
}

uint32_t rota_vault_sector_len(const struct rota_vault *v)
{
	return rota_flash_sector(v->c.flash->run, 0).len;
}

uint32_t rota_vault_sectors(const struct rota_vault *v)
{
	return rota_flash_sectors(v->c.flash->run);
}

/* What came of several readings of one place: one that was made says that the flash works there. */
static void keep(enum rota_err *err, enum rota_err now)
{
	if (now == ROTA_OK || *err == ROTA_ERR_CORRUPT)
		*err = now;
}

/* What does not read for ECC is not valid, and no failure. */
static enum rota_err fault(enum rota_err err)
{
	return err == ROTA_ERR_CORRUPT ? ROTA_OK : err;
}

/* ---- sectors ---- */

static void encode_header(const struct rota_vault *v, struct rota_vault_header *h,
	uint8_t out[static ROTA_VAULT_HEADER_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_VAULT_HEADER_LEN));

	rota_write_le16(&w, MAGIC);
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, h->last ? FLAG_LAST : 0);
	rota_write_le32(&w, h->sequence);
	rota_write_le32(&w, h->since);
	h->crc = v->c.crc(0, rota_writer_span(&w));
	rota_write_le32(&w, h->crc);
}

/* What is read is a header if it is just what encoding its numbers gives. */
static enum rota_err header_once(
	const struct rota_vault *v, uint32_t sector, struct rota_vault_header *out)
{
	uint8_t bytes[ROTA_VAULT_HEADER_LEN], again[ROTA_VAULT_HEADER_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(bytes));
	struct rota_vault_header h = { .sector = sector };

	*out = h;
	ROTA_TRY(v->c.flash->read(
		v->c.flash->ctx, sector * rota_vault_sector_len(v), ROTA_BUF(bytes)));
	(void)rota_read_span(&r, 3);
	h.last = rota_read_u8(&r) == FLAG_LAST;
	h.sequence = rota_read_le32(&r);
	h.since = rota_read_le32(&r);
	encode_header(v, &h, again);
	if (h.since > 0 && h.since <= h.sequence && memcmp(bytes, again, sizeof(bytes)) == 0)
		*out = h;
	return ROTA_OK;
}

enum rota_err rota_vault_header_read(
	const struct rota_vault *v, uint32_t sector, struct rota_vault_header *out)
{
	enum rota_err err = ROTA_ERR_CORRUPT;

	out->sequence = 0;
	for (unsigned i = 0; i < READS && out->sequence == 0; i++)
		keep(&err, header_once(v, sector, out));
	return fault(err);
}

enum rota_err rota_vault_oldest(
	const struct rota_vault *v, uint32_t from, struct rota_vault_header *out)
{
	struct rota_vault_header h;

	*out = (struct rota_vault_header){ .sector = ROTA_VAULT_NO_SECTOR };
	for (uint32_t i = 0; i < rota_vault_sectors(v); i++) {
		ROTA_TRY(rota_vault_header_read(v, i, &h));
		if (h.sequence >= from && h.sequence > 0 && h.sequence <= v->sequence &&
			(out->sequence == 0 || h.sequence < out->sequence))
			*out = h;
	}
	return ROTA_OK;
}

/* Of two sectors with one sequence, which no vault writes, the nearer to the start comes first, and counts alone. */
static bool is_later(const struct rota_vault_turn *a, const struct rota_vault_turn *b)
{
	return a->sequence != b->sequence ? a->sequence > b->sequence : a->sector > b->sector;
}

static void swap(struct rota_vault_turn *a, struct rota_vault_turn *b)
{
	struct rota_vault_turn was = *a;

	*a = *b;
	*b = was;
}

/* Down to where none below it is later. */
static void sink(struct rota_vault_turn *all, uint32_t i, uint32_t n)
{
	while (2 * i + 1 < n) {
		uint32_t next = 2 * i + 1;

		if (next + 1 < n && is_later(&all[next + 1], &all[next]))
			next++;
		if (!is_later(&all[next], &all[i]))
			return;
		swap(&all[i], &all[next]);
		i = next;
	}
}

/* By a heap: whoever made the file has no order that is worse than another. */
static void sort(struct rota_vault_turn *all, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sink(all, i, n);
	while (n > 1) {
		swap(&all[0], &all[--n]);
		sink(all, 0, n);
	}
}

enum rota_err rota_vault_line_up(const struct rota_vault *v, uint32_t *n)
{
	struct rota_vault_header h;

	*n = 0;
	for (uint32_t i = 0; i < rota_vault_sectors(v); i++) {
		ROTA_TRY(rota_vault_header_read(v, i, &h));
		if (h.sequence >= v->since && h.sequence > 0 && h.sequence <= v->sequence)
			v->c.turns[(*n)++] = (struct rota_vault_turn){ h.sequence, i };
	}
	sort(v->c.turns, *n);
	return ROTA_OK;
}

/* Room to read into beside an entry of `used` bytes: what the record's room has left, or a few bytes of the stack. */
static struct rota_buf stage(
	const struct rota_vault *v, size_t used, uint8_t small[static STAGE_LEN])
{
	size_t rest = v->c.record.len - used;

	return rest > STAGE_LEN ? rota_buf(v->c.record.p + used, rest) : rota_buf(small, STAGE_LEN);
}

/* `bytes` lie at the start of the record's room, or elsewhere. */
static bool reads_back(const struct rota_vault *v, uint32_t at, struct rota_span bytes)
{
	uint8_t small[STAGE_LEN];
	struct rota_buf to = stage(v, bytes.len, small);

	while (bytes.len > 0) {
		size_t n = bytes.len < to.len ? bytes.len : to.len;

		if (v->c.flash->read(v->c.flash->ctx, at, rota_buf(to.p, n)) != ROTA_OK ||
			memcmp(to.p, bytes.p, n) != 0)
			return false;
		at += (uint32_t)n;
		bytes = rota_span_skip(bytes, n);
	}
	return true;
}

static enum rota_err write_checked(const struct rota_vault *v, uint32_t at, struct rota_span bytes)
{
	ROTA_TRY(v->c.flash->write(v->c.flash->ctx, at, bytes));
	return reads_back(v, at, bytes) ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_vault_header_write(const struct rota_vault *v, struct rota_vault_header *h)
{
	uint8_t room[ROTA_VAULT_HEADER_LEN + ROTA_FLASH_WRITE_MAX];
	uint32_t len = rota_flash_padded(v->c.flash, ROTA_VAULT_HEADER_LEN);

	memset(room, v->c.flash->erased, sizeof(room));
	encode_header(v, h, room);
	return write_checked(v, h->sector * rota_vault_sector_len(v), rota_span(room, len));
}

enum rota_err rota_vault_is_erased(const struct rota_vault *v, uint32_t at, uint32_t len, bool *yes)
{
	struct rota_buf to = v->c.record;

	*yes = false;
	while (len > 0) {
		uint32_t n = len < to.len ? len : (uint32_t)to.len;

		ROTA_TRY(v->c.flash->read(v->c.flash->ctx, at, rota_buf(to.p, n)));
		/* Each byte is as the one before it. */
		if (to.p[0] != v->c.flash->erased || memcmp(to.p, to.p + 1, n - 1) != 0)
			return ROTA_OK;
		at += n;
		len -= n;
	}
	*yes = true;
	return ROTA_OK;
}

enum rota_err rota_vault_erase(const struct rota_vault *v, uint32_t sector)
{
	uint32_t len = rota_vault_sector_len(v);
	bool clean;

	ROTA_TRY(v->c.flash->erase(v->c.flash->ctx, sector * len));
	ROTA_TRY(rota_vault_is_erased(v, sector * len, len, &clean));
	return clean ? ROTA_OK : ROTA_ERR_IO;
}

/* ---- entries ---- */

static void encode_head(const struct rota_vault *v, struct rota_vault_entry *e, uint32_t seed,
	uint8_t out[static ROTA_VAULT_ENTRY_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_VAULT_ENTRY_HEAD_LEN));

	rota_write_le32(&w, e->id);
	rota_write_u8(&w, e->kind);
	rota_write_u8(&w, 0);
	rota_write_le16(&w, e->len);
	e->crc = v->c.crc(seed, rota_writer_span(&w));
	rota_write_le32(&w, e->crc);
}

static struct rota_vault_entry decode_head(
	uint32_t at, const uint8_t bytes[static ROTA_VAULT_ENTRY_HEAD_LEN])
{
	struct rota_reader r = rota_reader(rota_span(bytes, ROTA_VAULT_ENTRY_HEAD_LEN));
	struct rota_vault_entry e = { .at = at };

	e.id = rota_read_le32(&r);
	e.kind = rota_read_u8(&r);
	(void)rota_read_u8(&r);
	e.len = rota_read_le16(&r);
	e.crc = rota_read_le32(&r);
	return e;
}

static bool may_be(const struct rota_vault_entry *e)
{
	if (e->kind == ROTA_VAULT_PUT)
		return e->len <= ROTA_VAULT_SEALED_MAX;
	return (e->kind == ROTA_VAULT_REMOVED || e->kind == ROTA_VAULT_CLEANED) && e->len == 0;
}

static enum rota_err entry_once(const struct rota_vault *v, uint32_t seed, uint32_t at,
	uint32_t room, struct rota_vault_entry *out)
{
	uint8_t bytes[ROTA_VAULT_ENTRY_HEAD_LEN], again[ROTA_VAULT_ENTRY_HEAD_LEN];
	struct rota_vault_entry e;

	out->kind = 0;
	ROTA_TRY(v->c.flash->read(v->c.flash->ctx, at, ROTA_BUF(bytes)));
	e = decode_head(at, bytes);
	encode_head(v, &e, seed, again);
	if (memcmp(bytes, again, sizeof(bytes)) == 0 && may_be(&e) &&
		rota_vault_entry_len(v->c.flash, e.len) <= room)
		*out = e;
	return ROTA_OK;
}

enum rota_err rota_vault_entry_read(const struct rota_vault *v, const struct rota_vault_header *h,
	uint32_t off, struct rota_vault_entry *out)
{
	uint32_t len = rota_vault_sector_len(v);
	enum rota_err err = ROTA_ERR_CORRUPT;

	out->kind = 0;
	if (len - off < ROTA_VAULT_ENTRY_OVERHEAD)
		return ROTA_ERR_NOT_FOUND;
	for (unsigned i = 0; i < READS && out->kind == 0; i++)
		keep(&err, entry_once(v, h->crc, h->sector * len + off, len - off, out));
	ROTA_TRY(fault(err));
	return out->kind != 0 ? ROTA_OK : ROTA_ERR_NOT_FOUND;
}

static enum rota_err record_once(const struct rota_vault *v, const struct rota_vault_entry *e)
{
	uint8_t *at = v->c.record.p + ROTA_VAULT_ENTRY_HEAD_LEN;
	struct rota_reader r = rota_reader(rota_span(at + e->len, CRC_LEN));

	ROTA_TRY(v->c.flash->read(v->c.flash->ctx, e->at + ROTA_VAULT_ENTRY_HEAD_LEN,
		rota_buf(at, (size_t)e->len + CRC_LEN)));
	return rota_read_le32(&r) == v->c.crc(e->crc, rota_span(at, e->len)) ? ROTA_OK
									     : ROTA_ERR_CORRUPT;
}

enum rota_err rota_vault_record_read(const struct rota_vault *v, const struct rota_vault_entry *e)
{
	enum rota_err err = ROTA_ERR_CORRUPT;

	if (rota_vault_entry_len(v->c.flash, e->len) > v->c.record.len)
		return ROTA_ERR_LIMIT;
	for (unsigned i = 0; i < READS && err != ROTA_OK; i++)
		err = record_once(v, e);
	return err;
}

enum rota_err rota_vault_load(const struct rota_vault *v, const struct rota_vault_place *place,
	struct rota_vault_entry *out)
{
	uint8_t bytes[ROTA_VAULT_ENTRY_HEAD_LEN];
	enum rota_err err = ROTA_ERR_CORRUPT;

	for (unsigned i = 0; i < READS && err != ROTA_OK; i++) {
		err = v->c.flash->read(v->c.flash->ctx, place->at, ROTA_BUF(bytes));
		if (err != ROTA_OK)
			continue;
		*out = decode_head(place->at, bytes);
		if (out->id != place->id || out->kind != ROTA_VAULT_PUT || !may_be(out))
			err = ROTA_ERR_CORRUPT;
	}
	ROTA_TRY(err);
	err = rota_vault_record_read(v, out);
	return err == ROTA_ERR_LIMIT ? ROTA_ERR_CORRUPT : err; /* at the open it was not so long */
}

/* 0 where there are too few bytes. */
static uint32_t generation_of(struct rota_span bytes)
{
	struct rota_reader r = rota_reader(bytes);

	return rota_read_le32(&r);
}

uint32_t rota_vault_generation(const struct rota_vault *v, const struct rota_vault_entry *e)
{
	struct rota_span record = rota_span(v->c.record.p + ROTA_VAULT_ENTRY_HEAD_LEN, e->len);

	return generation_of(rota_span_skip(record, GENERATION_AT));
}

enum rota_err rota_vault_weigh(
	const struct rota_vault *v, uint32_t at, uint16_t *len, uint32_t *generation)
{
	const struct rota_flash *flash = v->c.flash;
	uint8_t bytes[ROTA_VAULT_ENTRY_HEAD_LEN + GENERATION_AT + 4];
	struct rota_span number =
		rota_span_skip(ROTA_SPAN(bytes), ROTA_VAULT_ENTRY_HEAD_LEN + GENERATION_AT);
	uint32_t rest = rota_vault_sector_len(v) - at % rota_vault_sector_len(v);

	ROTA_TRY(flash->read(
		flash->ctx, at, rota_buf(bytes, rest < sizeof(bytes) ? rest : sizeof(bytes))));
	*len = decode_head(at, bytes).len;
	*generation = *len >= GENERATION_AT + number.len ? generation_of(number) : 0;
	return ROTA_OK;
}

/* Head and CRC around the record in its place, and padding behind it; bytes in all. */
static uint32_t lay(const struct rota_vault *v, struct rota_vault_entry *e)
{
	uint32_t all = rota_vault_entry_len(v->c.flash, e->len);
	size_t end = (size_t)ROTA_VAULT_ENTRY_HEAD_LEN + e->len;
	uint8_t *p = v->c.record.p;
	struct rota_writer w = rota_writer(rota_buf(p + end, CRC_LEN));

	encode_head(v, e, v->seed, p);
	rota_write_le32(&w, v->c.crc(e->crc, rota_span(p + ROTA_VAULT_ENTRY_HEAD_LEN, e->len)));
	memset(p + end + CRC_LEN, v->c.flash->erased, all - end - CRC_LEN);
	return all;
}

enum rota_err rota_vault_append(struct rota_vault *v, struct rota_vault_entry *e)
{
	uint32_t len = rota_vault_sector_len(v), all = rota_vault_entry_len(v->c.flash, e->len);
	uint32_t tail = v->tail;

	if (tail == 0)
		return ROTA_ERR_IO;
	if (all > len - tail)
		return ROTA_ERR_FULL;
	e->at = v->head * len + tail;
	v->tail = 0; /* if it is not well, nothing goes behind it */
	if (write_checked(v, e->at, rota_span(v->c.record.p, lay(v, e))) != ROTA_OK)
		return ROTA_ERR_IO;
	v->tail = tail + all;
	return ROTA_OK;
}
