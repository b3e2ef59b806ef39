/* SPDX-License-Identifier: Apache-2.0 */
/* The method. A record's CRC goes on from the CRC of its sector's header, which holds the sequence. So a
 * record that outlived an erase which power cut off is not valid under the header written after it, and
 * header and record need no sync between them: either alone means nothing. Judging a sector walks its
 * records until one is not valid; only where all the rest reads erased may a commit append, since a torn
 * record may have left any of its units programmed.
 *
 * Nothing that one place of the flash does is believed or fatal by itself: what does not verify is read again,
 * what cannot be read is passed over, what was erased is looked at, what was written is read back, and a
 * sector that fails any of this is left for the next one. */
#include "rota/store/journal.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/store/erased.h"

#define MAGIC 0x4A52 /* "RJ" */
#define FORMAT 1
#define HEADER_LEN 12
#define RECORD_HEAD_LEN 8
#define CRC_LEN 4
/* Readings made of what does not verify, since one bad reading is no damage. */
#define READS 3
/* Bytes moved at a time: a multiple of every program unit, and small enough for any stack. */
#define STAGE_LEN 128

struct header {
	uint32_t sector;
	uint32_t sequence;
	uint32_t crc;
};

struct record {
	uint16_t len;
	uint32_t number;
};

static uint32_t record_len(const struct rota_flash *flash, size_t payload_len)
{
	return rota_flash_padded(flash, RECORD_HEAD_LEN + payload_len + CRC_LEN);
}

/* One function of the port's inline one, which is long. */
static ROTA_APART struct rota_flash_sector place(const struct rota_flash *flash, uint32_t sector)
{
	return rota_flash_sector(flash->run, sector);
}

/* ---- reading ---- */

/* Sequence and CRC of the header of h->sector; sequence 0 when it is not valid. */
static enum rota_err read_header(const struct rota_flash *flash, struct header *h)
{
	uint8_t bytes[HEADER_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(bytes));
	bool valid;

	h->sequence = 0;
	ROTA_TRY(flash->read(flash->ctx, place(flash, h->sector).at, ROTA_BUF(bytes)));
	valid = rota_read_le16(&r) == MAGIC;
	valid = rota_read_u8(&r) == FORMAT && valid;
	valid = rota_read_u8(&r) == 0 && valid;
	h->sequence = rota_read_le32(&r);
	h->crc = rota_read_le32(&r);
	if (!valid || h->crc != rota_crc32(0, rota_span(bytes, HEADER_LEN - CRC_LEN)))
		h->sequence = 0;
	return ROTA_OK;
}

/* CRC over [off, off + len) of the region, going on from `crc`. */
static enum rota_err crc_over(
	const struct rota_flash *flash, uint32_t off, uint32_t len, uint32_t *crc)
{
	uint8_t stage[STAGE_LEN];

	while (len > 0) {
		uint32_t n = len < STAGE_LEN ? len : STAGE_LEN;

		ROTA_TRY(flash->read(flash->ctx, off, rota_buf(stage, n)));
		*crc = rota_crc32(*crc, rota_span(stage, n));
		off += n;
		len -= n;
	}
	return ROTA_OK;
}

/* The record at `off` of the region, with `room` bytes left in its sector. Its CRC is taken from the same reading
 * of the head as what is given out. */
static enum rota_err read_record(const struct rota_journal *j, uint32_t off, uint32_t room,
	uint32_t seed, struct record *out, bool *valid)
{
	uint8_t head[RECORD_HEAD_LEN], tail[CRC_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(head)), t = rota_reader(ROTA_SPAN(tail));
	uint32_t crc, at = off + RECORD_HEAD_LEN;
	uint8_t kind, format;

	*valid = false;
	if (room < RECORD_HEAD_LEN + CRC_LEN)
		return ROTA_OK;
	ROTA_TRY(j->flash->read(j->flash->ctx, off, ROTA_BUF(head)));
	out->len = rota_read_le16(&r);
	kind = rota_read_u8(&r);
	format = rota_read_u8(&r);
	out->number = rota_read_le32(&r);
	if (kind != j->kind || format != FORMAT || out->len > ROTA_JOURNAL_PAYLOAD_MAX ||
		record_len(j->flash, out->len) > room)
		return ROTA_OK;
	crc = rota_crc32(seed, ROTA_SPAN(head));
	ROTA_TRY(crc_over(j->flash, at, out->len, &crc));
	ROTA_TRY(j->flash->read(j->flash->ctx, at + out->len, ROTA_BUF(tail)));
	*valid = rota_read_le32(&t) == crc;
	return ROTA_OK;
}

/* A place that cannot be read holds nothing valid and is not erased, whatever the reason: others are looked at.
 * But where nothing at all is found, *fault says whether the flash failed (ROTA_ERR_CORRUPT is no failure: a cut
 * leaves that under ECC). */
static void note(enum rota_err err, enum rota_err *fault)
{
	if (err != ROTA_OK && err != ROTA_ERR_CORRUPT)
		*fault = err;
}

/* What came of several readings of one place: one that was made says that the flash works there. */
static void keep(enum rota_err *err, enum rota_err now)
{
	if (now == ROTA_OK || *err == ROTA_ERR_CORRUPT)
		*err = now;
}

static bool find_record(const struct rota_journal *j, uint32_t off, uint32_t room, uint32_t seed,
	struct record *out, enum rota_err *fault)
{
	enum rota_err err = ROTA_ERR_CORRUPT;
	bool valid = false;

	for (unsigned i = 0; i < READS && !valid; i++)
		keep(&err, read_record(j, off, room, seed, out, &valid));
	note(err, fault);
	return valid;
}

/* Walk a sector's records; the last valid one becomes the current one. */
static void walk(struct rota_journal *j, const struct header *h, enum rota_err *fault)
{
	struct rota_flash_sector s = place(j->flash, h->sector);
	uint32_t off = rota_flash_padded(j->flash, HEADER_LEN);
	struct record rec;
	bool clean;

	while (find_record(j, s.at + off, s.len - off, h->crc, &rec, fault)) {
		if (j->held && rec.number != j->number + 1)
			break;
		j->held = true;
		j->sector = h->sector;
		j->seed = h->crc;
		j->number = rec.number;
		j->payload_off = s.at + off + RECORD_HEAD_LEN;
		j->payload_len = rec.len;
		off += record_len(j->flash, rec.len);
	}
	if (!j->held)
		return;
	note(rota_flash_is_erased(j->flash, s.at + off, s.len - off, &clean), fault); /* SPEC 9.3 */
	j->tail = clean ? off : 0;
}

/* The valid header with the highest sequence below `below`; sequence 0 when there is none. */
static struct header newest(const struct rota_flash *flash, uint64_t below, enum rota_err *fault)
{
	struct header best = { 0 };

	for (uint32_t i = 0; i < rota_flash_sectors(flash->run); i++) {
		struct header h = { .sector = i };
		enum rota_err err = ROTA_ERR_CORRUPT;

		for (unsigned k = 0; k < READS && h.sequence == 0; k++)
			keep(&err, read_header(flash, &h));
		note(err, fault);
		if (h.sequence > best.sequence && h.sequence < below)
			best = h;
	}
	return best;
}

/* Bytes of a sector that holds one record. */
static uint32_t room_taken(const struct rota_flash *flash, size_t payload_len)
{
	return rota_flash_padded(flash, HEADER_LEN) + record_len(flash, payload_len);
}

/* Whether each sector holds such a payload: the ring takes no other way round the short ones. */
static bool fits(const struct rota_flash *flash, size_t payload_len)
{
	for (uint32_t r = 0; r < ROTA_FLASH_RUNS_MAX; r++) {
		if (flash->run[r].count > 0 &&
			flash->run[r].sector_len < room_taken(flash, payload_len))
			return false;
	}
	return true;
}

static bool geometry_ok(const struct rota_flash *flash)
{
	uint32_t unit = flash->write_len;

	if (unit == 0 || (unit & (unit - 1)) != 0 || unit > ROTA_FLASH_WRITE_MAX)
		return false;
	for (uint32_t r = 0; r < ROTA_FLASH_RUNS_MAX; r++) {
		const struct rota_flash_run *run = &flash->run[r];

		if (run->count > 0 && run->sector_len % unit != 0)
			return false;
	}
	return fits(flash, 0) && rota_flash_sectors(flash->run) >= 2 &&
		rota_flash_size(flash->run) <= UINT32_MAX;
}

static bool is_blank(const struct rota_flash *flash, enum rota_err *fault)
{
	uint32_t size = (uint32_t)rota_flash_size(flash->run);
	enum rota_err err = ROTA_ERR_CORRUPT;
	bool blank = false;

	for (unsigned i = 0; i < READS && !blank; i++)
		keep(&err, rota_flash_is_erased(flash, 0, size, &blank));
	note(err, fault);
	return blank;
}

enum rota_err rota_journal_open(
	struct rota_journal *j, const struct rota_flash *flash, enum rota_journal_kind kind)
{
	struct rota_journal found = { .flash = flash, .kind = (uint8_t)kind };
	uint64_t below = (uint64_t)UINT32_MAX + 1;
	enum rota_err fault = ROTA_OK;

	if (!geometry_ok(flash))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(flash->sync(flash->ctx));
	while (!found.held) { /* SPEC 9.3: mostly one turn, a second after a cut in a new sector */
		struct header h = newest(flash, below, &fault);

		if (h.sequence == 0)
			break;
		if (found.sequence == 0)
			found.sequence = h.sequence;
		walk(&found, &h, &fault);
		below = h.sequence;
		if (h.sequence != found.sequence) /* a later sector was begun: go on after it */
			found.tail = 0;
	}
	if (!found.held)
		found.blank = is_blank(flash, &fault);
	if (!found.held && fault != ROTA_OK)
		return fault;
	*j = found;
	return ROTA_OK;
}

static void make_head(
	const struct rota_journal *j, struct record rec, uint8_t head[static RECORD_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(head, RECORD_HEAD_LEN));

	rota_write_le16(&w, rec.len);
	rota_write_u8(&w, j->kind);
	rota_write_u8(&w, FORMAT);
	rota_write_le32(&w, rec.number);
}

/* One reading of the held payload. Its CRC is taken from the bytes that are given out and from the head that was
 * judged, so no other reading is believed. */
static enum rota_err load_once(const struct rota_journal *j, struct rota_buf to)
{
	uint8_t head[RECORD_HEAD_LEN], tail[CRC_LEN];
	struct rota_reader t = rota_reader(ROTA_SPAN(tail));
	uint32_t crc;

	make_head(j, (struct record){ j->payload_len, j->number }, head);
	ROTA_TRY(j->flash->read(j->flash->ctx, j->payload_off, to));
	ROTA_TRY(j->flash->read(j->flash->ctx, j->payload_off + j->payload_len, ROTA_BUF(tail)));
	crc = rota_crc32(rota_crc32(j->seed, ROTA_SPAN(head)), rota_span(to.p, to.len));
	return rota_read_le32(&t) == crc ? ROTA_OK : ROTA_ERR_CORRUPT;
}

enum rota_err rota_journal_load(
	const struct rota_journal *j, struct rota_buf room, struct rota_span *out)
{
	enum rota_err err = ROTA_ERR_CORRUPT;

	*out = rota_span(NULL, 0);
	if (!j->held)
		return j->blank ? ROTA_ERR_NOT_FOUND : ROTA_ERR_CORRUPT;
	if (j->payload_len > room.len)
		return ROTA_ERR_LIMIT;
	for (unsigned i = 0; i < READS && err != ROTA_OK; i++)
		err = load_once(j, rota_buf(room.p, j->payload_len));
	if (err == ROTA_OK)
		*out = rota_span(room.p, j->payload_len);
	return err;
}

/* ---- writing ---- */

/* Programs whole units from pieces of any length. */
struct stager {
	const struct rota_flash *flash;
	uint32_t off;
	uint32_t crc;
	uint32_t used;
	uint8_t bytes[STAGE_LEN];
};

static enum rota_err flush(struct stager *s)
{
	uint32_t len = rota_flash_padded(s->flash, s->used);

	memset(&s->bytes[s->used], s->flash->erased, len - s->used);
	s->used = 0;
	s->off += len;
	return s->flash->write(s->flash->ctx, s->off - len, rota_span(s->bytes, len));
}

static enum rota_err put(struct stager *s, struct rota_span data)
{
	s->crc = rota_crc32(s->crc, data);
	while (data.len > 0) {
		struct rota_span now = rota_span_slice(data, 0, STAGE_LEN - s->used);

		memcpy(&s->bytes[s->used], now.p, now.len);
		s->used += (uint32_t)now.len;
		data = rota_span_skip(data, now.len);
		if (s->used == STAGE_LEN)
			ROTA_TRY(flush(s));
	}
	return ROTA_OK;
}

/* The CRC over what was put, and what is staged still; *crc is its value. */
static enum rota_err finish(struct stager *s, uint32_t *crc)
{
	uint8_t bytes[CRC_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));

	*crc = s->crc;
	rota_write_le32(&w, s->crc);
	ROTA_TRY(put(s, ROTA_SPAN(bytes)));
	return s->used > 0 ? flush(s) : ROTA_OK;
}

/* h->crc becomes its CRC. */
static enum rota_err write_header(const struct rota_flash *flash, struct header *h)
{
	struct stager s = { .flash = flash, .off = place(flash, h->sector).at };
	uint8_t head[HEADER_LEN - CRC_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(head));

	rota_write_le16(&w, MAGIC);
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le32(&w, h->sequence);
	ROTA_TRY(put(&s, rota_writer_span(&w)));
	return finish(&s, &h->crc);
}

static enum rota_err write_record(
	const struct rota_journal *j, uint32_t off, uint32_t seed, struct rota_span payload)
{
	struct stager s = { .flash = j->flash, .off = off, .crc = seed };
	uint8_t head[RECORD_HEAD_LEN];
	uint32_t crc;

	make_head(j, (struct record){ (uint16_t)payload.len, j->number + 1 }, head);
	ROTA_TRY(put(&s, ROTA_SPAN(head)));
	ROTA_TRY(put(&s, payload));
	return finish(&s, &crc);
}

/* Sync, read back with the header that it hangs on, and let the new record be the current one. Read once: what
 * reads well now and then is left for another sector. */
static enum rota_err settle(
	struct rota_journal *j, const struct header *h, uint32_t off, size_t payload_len)
{
	struct rota_flash_sector s = place(j->flash, h->sector);
	struct header back = { .sector = h->sector };
	struct record rec;
	bool valid;

	ROTA_TRY(j->flash->sync(j->flash->ctx));
	ROTA_TRY(read_header(j->flash, &back));
	if (back.sequence != j->sequence || back.crc != h->crc)
		return ROTA_ERR_IO;
	ROTA_TRY(read_record(j, s.at + off, s.len - off, h->crc, &rec, &valid));
	if (!valid || rec.len != payload_len || rec.number != j->number + 1)
		return ROTA_ERR_IO;
	j->held = true;
	j->blank = false;
	j->sector = h->sector;
	j->seed = h->crc;
	j->number++;
	j->payload_off = s.at + off + RECORD_HEAD_LEN;
	j->payload_len = rec.len;
	j->tail = off + record_len(j->flash, rec.len);
	return ROTA_OK;
}

static enum rota_err append(
	struct rota_journal *j, const struct header *h, uint32_t off, struct rota_span payload)
{
	uint32_t at = place(j->flash, h->sector).at;

	ROTA_TRY(write_record(j, at + off, h->crc, payload));
	return settle(j, h, off, payload.len);
}

/* Commit to `sector`, anew (SPEC 9.4). */
static enum rota_err begin(struct rota_journal *j, uint32_t sector, struct rota_span payload)
{
	const struct rota_flash *flash = j->flash;
	struct rota_flash_sector s = place(flash, sector);
	struct header h = { .sector = sector };
	bool clean;

	if (j->sequence == UINT32_MAX)
		return ROTA_ERR_FULL;
	h.sequence = ++j->sequence;
	ROTA_TRY(flash->erase(flash->ctx, s.at));
	ROTA_TRY(rota_flash_is_erased(flash, s.at, s.len, &clean));
	if (!clean)
		return ROTA_ERR_IO;
	ROTA_TRY(write_header(flash, &h));
	return append(j, &h, rota_flash_padded(flash, HEADER_LEN), payload);
}

enum rota_err rota_journal_commit(struct rota_journal *j, struct rota_span payload)
{
	const struct rota_flash *flash = j->flash;
	const struct header held = { j->sector, j->sequence, j->seed };
	uint32_t off = j->tail, sectors = rota_flash_sectors(flash->run);
	enum rota_err err = ROTA_ERR_IO;

	if (payload.len > ROTA_JOURNAL_PAYLOAD_MAX)
		return ROTA_ERR_LIMIT;
	if (!fits(flash, payload.len))
		return ROTA_ERR_FULL;
	j->tail = 0; /* until this commit has settled, nothing may be appended after it */
	if (off != 0 && record_len(flash, payload.len) <= place(flash, j->sector).len - off)
		err = append(j, &held, off, payload);
	/* No room, or what reads erased took no record: after a cut flash may do that at each power-up. */
	for (uint32_t i = j->held ? 1 : 0; i < sectors && err != ROTA_OK; i++)
		err = begin(j, (held.sector + i) % sectors, payload);
	return err == ROTA_ERR_CORRUPT ? ROTA_ERR_IO : err;
}
