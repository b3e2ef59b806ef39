/* SPDX-License-Identifier: Apache-2.0 */
/* The method. A record's CRC goes on from the CRC of its sector's header, which holds the sequence. So a
 * record that outlived an erase which power cut off is not valid under the header written after it, and
 * header and record need no sync between them: either alone means nothing. Judging a sector walks its
 * records until one is not valid; only where all the rest reads erased may a commit append, since a torn
 * record may have left any of its units programmed. */
#include "rota/store/journal.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define MAGIC 0x4A52 /* "RJ" */
#define FORMAT 1
#define HEADER_LEN 12
#define RECORD_HEAD_LEN 8
#define CRC_LEN 4
/* Bytes moved at a time: a multiple of every program unit, and small enough for any stack. */
#define STAGE_LEN 128

struct record {
	uint16_t len;
	uint32_t number;
};

static uint32_t padded(const struct rota_flash *flash, size_t len)
{
	return ((uint32_t)len + flash->write_len - 1) & ~(flash->write_len - 1);
}

static uint32_t record_len(const struct rota_flash *flash, size_t payload_len)
{
	return padded(flash, RECORD_HEAD_LEN + payload_len + CRC_LEN);
}

/* One function of the port's inline one, which is long. */
static ROTA_APART struct rota_flash_sector place(const struct rota_flash *flash, uint32_t sector)
{
	return rota_flash_sector(flash->run, sector);
}

/* ---- reading ---- */

/* Flash that cannot be read where power cut off a write or an erase is no failure of the device: it holds no
 * record, and is not erased; so *valid, *yes and *sequence are set before the first read. */
static enum rota_err legible(enum rota_err err)
{
	return err == ROTA_ERR_CORRUPT ? ROTA_OK : err;
}

/* Whether [off, off + len) of the region reads erased. */
static enum rota_err erased(const struct rota_flash *flash, uint32_t off, uint32_t len, bool *yes)
{
	uint8_t stage[STAGE_LEN];

	*yes = false;
	while (len > 0) {
		uint32_t n = len < STAGE_LEN ? len : STAGE_LEN;

		ROTA_TRY(flash->read(flash->ctx, off, rota_buf(stage, n)));
		for (uint32_t i = 0; i < n; i++) {
			if (stage[i] != flash->erased)
				return ROTA_OK;
		}
		off += n;
		len -= n;
	}
	*yes = true;
	return ROTA_OK;
}

/* Sequence and CRC of a sector's header; sequence 0 when it is not valid. */
static enum rota_err read_header(
	const struct rota_flash *flash, uint32_t sector, uint32_t *sequence, uint32_t *crc)
{
	uint8_t bytes[HEADER_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(bytes));
	bool valid;

	*sequence = 0;
	ROTA_TRY(flash->read(flash->ctx, place(flash, sector).at, ROTA_BUF(bytes)));
	valid = rota_read_le16(&r) == MAGIC;
	valid = rota_read_u8(&r) == FORMAT && valid;
	valid = rota_read_u8(&r) == 0 && valid;
	*sequence = rota_read_le32(&r);
	*crc = rota_read_le32(&r);
	if (!valid || *crc != rota_crc32(0, rota_span(bytes, HEADER_LEN - CRC_LEN)))
		*sequence = 0;
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

/* The record at `off` of the region, with `room` bytes left in its sector. */
static enum rota_err read_record(const struct rota_journal *j, uint32_t off, uint32_t room,
	uint32_t seed, struct record *out, bool *valid)
{
	uint8_t head[RECORD_HEAD_LEN], tail[CRC_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(head)), t = rota_reader(ROTA_SPAN(tail));
	uint32_t crc = seed, end;
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
	end = RECORD_HEAD_LEN + (uint32_t)out->len;
	ROTA_TRY(crc_over(j->flash, off, end, &crc));
	ROTA_TRY(j->flash->read(j->flash->ctx, off + end, ROTA_BUF(tail)));
	*valid = rota_read_le32(&t) == crc;
	return ROTA_OK;
}

/* Walk a sector's records; the last valid one becomes the current one. */
static enum rota_err walk(struct rota_journal *j, uint32_t sector, uint32_t seed)
{
	const struct rota_flash *flash = j->flash;
	struct rota_flash_sector s = place(flash, sector);
	uint32_t off = padded(flash, HEADER_LEN);
	struct record rec;
	bool valid, clean;

	for (;;) {
		ROTA_TRY(legible(read_record(j, s.at + off, s.len - off, seed, &rec, &valid)));
		if (!valid || (j->held && rec.number != j->number + 1))
			break;
		j->held = true;
		j->sector = sector;
		j->seed = seed;
		j->number = rec.number;
		j->payload_off = s.at + off + RECORD_HEAD_LEN;
		j->payload_len = rec.len;
		off += record_len(flash, rec.len);
	}
	if (!j->held)
		return ROTA_OK;
	ROTA_TRY(legible(erased(flash, s.at + off, s.len - off, &clean))); /* SPEC 9.3 */
	j->tail = clean ? off : 0;
	return ROTA_OK;
}

/* The sector with the highest sequence below `below`; 0 in *sequence when there is none. */
static enum rota_err newest(const struct rota_flash *flash, uint64_t below, uint32_t *sector,
	uint32_t *sequence, uint32_t *seed)
{
	*sequence = 0;
	for (uint32_t i = 0; i < rota_flash_sectors(flash->run); i++) {
		uint32_t found, crc;

		ROTA_TRY(legible(read_header(flash, i, &found, &crc)));
		if (found <= *sequence || found >= below)
			continue;
		*sequence = found;
		*sector = i;
		*seed = crc;
	}
	return ROTA_OK;
}

/* Bytes of a sector that holds one record. */
static uint32_t room_taken(const struct rota_flash *flash, size_t payload_len)
{
	return padded(flash, HEADER_LEN) + record_len(flash, payload_len);
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

enum rota_err rota_journal_open(
	struct rota_journal *j, const struct rota_flash *flash, enum rota_journal_kind kind)
{
	struct rota_journal found = { .flash = flash, .kind = (uint8_t)kind };
	uint64_t below = (uint64_t)UINT32_MAX + 1;

	if (!geometry_ok(flash))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(flash->sync(flash->ctx));
	while (!found.held) { /* SPEC 9.3: mostly one turn, a second after a cut in a new sector */
		uint32_t sector = 0, sequence, seed = 0;

		ROTA_TRY(newest(flash, below, &sector, &sequence, &seed));
		if (sequence == 0)
			break;
		if (found.sequence == 0)
			found.sequence = sequence;
		ROTA_TRY(walk(&found, sector, seed));
		below = sequence;
		if (sequence != found.sequence) /* a later sector was begun: go on after it */
			found.tail = 0;
	}
	if (!found.held)
		ROTA_TRY(legible(
			erased(flash, 0, (uint32_t)rota_flash_size(flash->run), &found.blank)));
	*j = found;
	return ROTA_OK;
}

enum rota_err rota_journal_load(
	const struct rota_journal *j, struct rota_buf room, struct rota_span *out)
{
	struct record rec;
	uint32_t at = j->payload_off - RECORD_HEAD_LEN;
	bool valid;

	*out = rota_span(NULL, 0);
	if (!j->held)
		return j->blank ? ROTA_ERR_NOT_FOUND : ROTA_ERR_CORRUPT;
	if (j->payload_len > room.len)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(j->flash->read(j->flash->ctx, j->payload_off, rota_buf(room.p, j->payload_len)));
	ROTA_TRY(read_record(j, at, record_len(j->flash, j->payload_len), j->seed, &rec, &valid));
	if (!valid || rec.number != j->number)
		return ROTA_ERR_CORRUPT;
	*out = rota_span(room.p, j->payload_len);
	return ROTA_OK;
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
	uint32_t len = padded(s->flash, s->used);

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

static enum rota_err write_header(
	const struct rota_flash *flash, uint32_t sector, uint32_t sequence, uint32_t *seed)
{
	struct stager s = { .flash = flash, .off = place(flash, sector).at };
	uint8_t head[HEADER_LEN - CRC_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(head));

	rota_write_le16(&w, MAGIC);
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le32(&w, sequence);
	ROTA_TRY(put(&s, rota_writer_span(&w)));
	return finish(&s, seed);
}

static enum rota_err write_record(
	const struct rota_journal *j, uint32_t off, uint32_t seed, struct rota_span payload)
{
	struct stager s = { .flash = j->flash, .off = off, .crc = seed };
	uint8_t head[RECORD_HEAD_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(head));
	uint32_t crc;

	rota_write_le16(&w, (uint16_t)payload.len);
	rota_write_u8(&w, j->kind);
	rota_write_u8(&w, FORMAT);
	rota_write_le32(&w, j->number + 1);
	ROTA_TRY(put(&s, rota_writer_span(&w)));
	ROTA_TRY(put(&s, payload));
	return finish(&s, &crc);
}

/* Make the sector after the held one ready for records (SPEC 9.4). */
static enum rota_err turn(struct rota_journal *j, uint32_t *sector, uint32_t *off, uint32_t *seed)
{
	const struct rota_flash *flash = j->flash;

	if (j->sequence == UINT32_MAX)
		return ROTA_ERR_FULL;
	*sector = j->held ? (j->sector + 1) % rota_flash_sectors(flash->run) : 0;
	*off = padded(flash, HEADER_LEN);
	j->sequence++;
	ROTA_TRY(flash->erase(flash->ctx, place(flash, *sector).at));
	return write_header(flash, *sector, j->sequence, seed);
}

/* Sync, read back with the header that it hangs on, and let the new record be the current one. */
static enum rota_err settle(
	struct rota_journal *j, uint32_t sector, uint32_t off, uint32_t seed, size_t payload_len)
{
	struct rota_flash_sector s = place(j->flash, sector);
	uint32_t at = s.at + off, room = s.len - off;
	uint32_t sequence, crc;
	struct record rec;
	bool valid;

	ROTA_TRY(j->flash->sync(j->flash->ctx));
	ROTA_TRY(legible(read_header(j->flash, sector, &sequence, &crc)));
	if (sequence != j->sequence || crc != seed)
		return ROTA_ERR_IO;
	ROTA_TRY(legible(read_record(j, at, room, seed, &rec, &valid)));
	if (!valid || rec.len != payload_len || rec.number != j->number + 1)
		return ROTA_ERR_IO;
	j->held = true;
	j->blank = false;
	j->sector = sector;
	j->seed = seed;
	j->number++;
	j->payload_off = at + RECORD_HEAD_LEN;
	j->payload_len = rec.len;
	j->tail = off + record_len(j->flash, rec.len);
	return ROTA_OK;
}

static enum rota_err append(struct rota_journal *j, uint32_t sector, uint32_t off, uint32_t seed,
	struct rota_span payload)
{
	ROTA_TRY(write_record(j, place(j->flash, sector).at + off, seed, payload));
	return settle(j, sector, off, seed, payload.len);
}

enum rota_err rota_journal_commit(struct rota_journal *j, struct rota_span payload)
{
	const struct rota_flash *flash = j->flash;
	uint32_t len = record_len(flash, payload.len), sector, off = j->tail, seed;

	if (payload.len > ROTA_JOURNAL_PAYLOAD_MAX)
		return ROTA_ERR_LIMIT;
	if (!fits(flash, payload.len))
		return ROTA_ERR_FULL;
	j->tail = 0; /* until this commit has settled, nothing may be appended after it */
	if (off != 0 && len <= place(flash, j->sector).len - off &&
		append(j, j->sector, off, j->seed, payload) == ROTA_OK)
		return ROTA_OK;
	/* No room, or what reads erased took no record: after a cut flash may do that at each power-up. */
	ROTA_TRY(turn(j, &sector, &off, &seed));
	return append(j, sector, off, seed, payload);
}
