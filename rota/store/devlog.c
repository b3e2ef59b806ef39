/* SPDX-License-Identifier: Apache-2.0 */
/* A sector begins with a header: the number of its first entry and the head before it. So the chain within each sector
 * can be followed by itself, and goes on in the sector whose header begins where it ends. Of several entries with
 * one number in a sector the last counts: those before it were void when it was written. */
#include "rota/store/devlog.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/store/erased.h"

#define MAGIC 0x4C52 /* "RL" */
#define FORMAT 1
#define CRC_LEN 4
#define HEADER_LEN (4 + 8 + ROTA_SHA256_LEN + CRC_LEN)
#define RECORD_LEN (ROTA_DEVLOG_ENTRY_LEN + CRC_LEN)
#define TRIES 2 /* sectors that an entry is tried in */

struct header {
	struct rota_flash_sector place;
	struct rota_logged before; /* first entry's number, and the head before it */
	uint32_t crc; /* from which those of the records go on */
	bool valid;
};

static uint32_t places(const struct rota_flash *flash, uint32_t sector_len)
{
	uint32_t head = rota_flash_padded(flash, HEADER_LEN);

	return sector_len < head ? 0 : (sector_len - head) / rota_flash_padded(flash, RECORD_LEN);
}

static uint32_t record_at(const struct rota_flash *flash, const struct header *h, uint32_t place)
{
	return h->place.at + rota_flash_padded(flash, HEADER_LEN) +
		place * rota_flash_padded(flash, RECORD_LEN);
}

/* ---- bytes ---- */

static void encode(const struct rota_devlog_entry *e, uint8_t out[static ROTA_DEVLOG_ENTRY_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_DEVLOG_ENTRY_LEN));

	rota_write_le64(&w, e->number);
	rota_write_le64(&w, e->at_s);
	rota_write_le64(&w, e->seq);
	rota_write_le64(&w, e->version);
	rota_write_span(&w, ROTA_SPAN(e->release));
	rota_write_span(&w, ROTA_SPAN(e->image));
	rota_write_le32(&w, e->counter);
	rota_write_u8(&w, e->kind);
	rota_write_u8(&w, e->clause);
	rota_write_u8(&w, e->err);
	rota_write_u8(&w, e->attempt);
}

static void decode(const uint8_t bytes[static ROTA_DEVLOG_ENTRY_LEN], struct rota_devlog_entry *e)
{
	struct rota_reader r = rota_reader(rota_span(bytes, ROTA_DEVLOG_ENTRY_LEN));

	e->number = rota_read_le64(&r);
	e->at_s = rota_read_le64(&r);
	e->seq = rota_read_le64(&r);
	e->version = rota_read_le64(&r);
	rota_read_bytes(&r, ROTA_BUF(e->release));
	rota_read_bytes(&r, ROTA_BUF(e->image));
	e->counter = rota_read_le32(&r);
	e->kind = rota_read_u8(&r);
	e->clause = rota_read_u8(&r);
	e->err = rota_read_u8(&r);
	e->attempt = rota_read_u8(&r);
}

static void chain(const struct rota_crypto *crypto, struct rota_logged *l,
	const uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR("rota-devlog-v1"));
	crypto->sha256_update(&h, ROTA_SPAN(l->head));
	crypto->sha256_update(&h, rota_span(entry, ROTA_DEVLOG_ENTRY_LEN));
	crypto->sha256_final(&h, l->head);
	l->count++;
}

/* ---- reading ---- */

/* What cannot be read is as what is not valid: another sector does. */
static struct header read_header(const struct rota_flash *flash, uint32_t sector)
{
	struct header h = { .place = rota_flash_sector(flash->run, sector) };
	uint8_t bytes[HEADER_LEN];
	struct rota_reader r = rota_reader(ROTA_SPAN(bytes));

	if (flash->read(flash->ctx, h.place.at, ROTA_BUF(bytes)) != ROTA_OK)
		return h;
	h.valid = rota_read_le16(&r) == MAGIC;
	h.valid = rota_read_u8(&r) == FORMAT && h.valid;
	h.valid = rota_read_u8(&r) == 0 && h.valid;
	h.before.count = rota_read_le64(&r);
	rota_read_bytes(&r, ROTA_BUF(h.before.head));
	h.crc = rota_read_le32(&r);
	h.valid = h.valid && h.crc == rota_crc32(0, rota_span(bytes, HEADER_LEN - CRC_LEN));
	return h;
}

/* The entry in a place, if there is a valid one. */
static bool read_record(const struct rota_flash *flash, const struct header *h, uint32_t place,
	uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	uint8_t bytes[RECORD_LEN];
	struct rota_reader crc = rota_reader(rota_span(bytes + ROTA_DEVLOG_ENTRY_LEN, CRC_LEN));

	if (flash->read(flash->ctx, record_at(flash, h, place), ROTA_BUF(bytes)) != ROTA_OK)
		return false;
	memcpy(entry, bytes, ROTA_DEVLOG_ENTRY_LEN);
	return rota_read_le32(&crc) == rota_crc32(h->crc, rota_span(bytes, ROTA_DEVLOG_ENTRY_LEN));
}

static uint64_t number_of(const uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	struct rota_reader r = rota_reader(rota_span(entry, ROTA_DEVLOG_ENTRY_LEN));

	return rota_read_le64(&r);
}

/* Where the next entry of a sector is looked for. Entries stand one behind the other, so that most are found at once;
 * only where numbers go back, since what stood there was void, is the rest of the sector read again. */
struct cursor {
	const struct header *sector;
	uint32_t place;
	uint64_t sure; /* below this number, who stands at `place` is the last of its number */
};

static struct cursor cursor(const struct header *h)
{
	return (struct cursor){ .sector = h };
}

/* The last entry of this number, from the end of the sector. */
static bool search_entry(const struct rota_flash *flash, struct cursor *c, uint64_t number,
	uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	uint64_t behind = UINT64_MAX;

	c->sure = UINT64_MAX;
	for (c->place = places(flash, c->sector->place.len); c->place-- > 0;) {
		uint64_t here;

		if (!read_record(flash, c->sector, c->place, entry))
			continue;
		here = number_of(entry);
		if (behind <= here && behind < c->sure)
			c->sure = behind;
		behind = here;
		if (here == number) {
			c->place++;
			return true;
		}
	}
	return false;
}

/* The entry of this number; asked for in rising order. */
static bool find_entry(const struct rota_flash *flash, struct cursor *c, uint64_t number,
	uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	if (number < c->sure && c->place < places(flash, c->sector->place.len) &&
		read_record(flash, c->sector, c->place, entry) && number_of(entry) == number) {
		c->place++;
		return true;
	}
	return search_entry(flash, c, number, entry);
}

/* The sector that begins highest below `below` entries; not valid: there is none. */
static struct header find_sector(const struct rota_flash *flash, uint64_t below, uint32_t *at)
{
	struct header best = { .valid = false };

	for (uint32_t i = 0; i < rota_flash_sectors(flash->run); i++) {
		struct header h = read_header(flash, i);

		if (!h.valid || h.before.count >= below ||
			(best.valid && best.before.count >= h.before.count))
			continue;
		best = h;
		*at = i;
	}
	return best;
}

/* Whether the chain in a sector leads to just this end. */
static bool leads_to(const struct rota_flash *flash, const struct rota_crypto *crypto,
	const struct header *h, const struct rota_logged *end)
{
	uint8_t entry[ROTA_DEVLOG_ENTRY_LEN];
	struct rota_logged l = h->before;
	struct cursor c = cursor(h);

	while (l.count < end->count) {
		if (!find_entry(flash, &c, l.count, entry))
			return false;
		chain(crypto, &l, entry);
	}
	return memcmp(l.head, end->head, sizeof(l.head)) == 0;
}

static enum rota_err hand_out(const struct rota_flash *flash, const struct header *h,
	uint64_t count, void *ctx,
	enum rota_err (*take)(void *ctx, const struct rota_devlog_entry *entry))
{
	uint8_t bytes[ROTA_DEVLOG_ENTRY_LEN];
	struct rota_devlog_entry entry;
	struct cursor c = cursor(h);

	for (uint64_t n = h->before.count; n < count; n++) {
		if (!find_entry(flash, &c, n, bytes))
			return ROTA_ERR_CORRUPT; /* it was there a moment ago */
		decode(bytes, &entry);
		ROTA_TRY(take(ctx, &entry));
	}
	return ROTA_OK;
}

/* The sector that begins lowest at or above `from` entries. */
static struct header next_sector(const struct rota_flash *flash, uint64_t from)
{
	struct header best = { .valid = false };

	for (uint32_t i = 0; i < rota_flash_sectors(flash->run); i++) {
		struct header h = read_header(flash, i);

		if (h.valid && h.before.count >= from &&
			(!best.valid || best.before.count > h.before.count))
			best = h;
	}
	return best;
}

enum rota_err rota_devlog_read(const struct rota_flash *flash, const struct rota_crypto *crypto,
	const struct rota_logged *logged, void *ctx,
	enum rota_err (*take)(void *ctx, const struct rota_devlog_entry *entry))
{
	struct rota_logged end = *logged;
	bool broken = false;
	uint32_t at;

	/* Back from the end, as far as the chain holds. */
	while (end.count > 0 && !broken) {
		struct header h = find_sector(flash, end.count, &at);

		if (!h.valid)
			break; /* what is older made room */
		broken = !leads_to(flash, crypto, &h, &end);
		if (!broken)
			end = h.before;
	}
	if (end.count == logged->count && logged->count > 0)
		return ROTA_ERR_CORRUPT;
	while (end.count < logged->count) {
		struct header h = next_sector(flash, end.count), after;
		uint64_t count = logged->count;

		after = next_sector(flash, h.before.count + 1);
		if (after.valid && after.before.count < count)
			count = after.before.count;
		ROTA_TRY(hand_out(flash, &h, count, ctx, take));
		end.count = count;
	}
	return broken ? ROTA_ERR_CORRUPT : ROTA_OK;
}

/* ---- writing ---- */

static bool is_erased(const struct rota_flash *flash, uint32_t at, uint32_t len)
{
	bool yes;

	return rota_flash_is_erased(flash, at, len, &yes) == ROTA_OK && yes;
}

/* First place behind all that was ever touched. */
static uint32_t free_place(const struct rota_flash *flash, const struct header *h)
{
	uint32_t place = places(flash, h->place.len);

	while (place > 0 &&
		is_erased(flash, record_at(flash, h, place - 1),
			rota_flash_padded(flash, RECORD_LEN)))
		place--;
	return place;
}

/* `len` bytes of `bytes`, padded, made durable and read back. */
static enum rota_err write_checked(
	const struct rota_flash *flash, uint32_t at, const uint8_t *bytes, uint32_t len)
{
	uint8_t room[RECORD_LEN + ROTA_FLASH_WRITE_MAX];
	uint32_t all = rota_flash_padded(flash, len);

	memset(room, flash->erased, sizeof(room));
	memcpy(room, bytes, len);
	ROTA_TRY(flash->write(flash->ctx, at, rota_span(room, all)));
	ROTA_TRY(flash->sync(flash->ctx));
	ROTA_TRY(flash->read(flash->ctx, at, rota_buf(room, len)));
	return memcmp(room, bytes, len) == 0 ? ROTA_OK : ROTA_ERR_IO;
}

static enum rota_err write_record(const struct rota_flash *flash, const struct header *h,
	uint32_t place, const uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	uint8_t bytes[RECORD_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));

	rota_write_span(&w, rota_span(entry, ROTA_DEVLOG_ENTRY_LEN));
	rota_write_le32(&w, rota_crc32(h->crc, rota_span(entry, ROTA_DEVLOG_ENTRY_LEN)));
	return write_checked(flash, record_at(flash, h, place), bytes, sizeof(bytes));
}

/* Begin a sector at what the journal says. */
static enum rota_err begin_sector(const struct rota_flash *flash, uint32_t sector,
	const struct rota_logged *from, struct header *h)
{
	uint8_t bytes[HEADER_LEN];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));

	*h = (struct header){ .place = rota_flash_sector(flash->run, sector), .before = *from };
	rota_write_le16(&w, MAGIC);
	rota_write_u8(&w, FORMAT);
	rota_write_u8(&w, 0);
	rota_write_le64(&w, from->count);
	rota_write_span(&w, ROTA_SPAN(from->head));
	h->crc = rota_crc32(0, rota_writer_span(&w));
	rota_write_le32(&w, h->crc);
	ROTA_TRY(flash->erase(flash->ctx, h->place.at));
	return write_checked(flash, h->place.at, bytes, sizeof(bytes));
}

/* In the sector at hand, where its chain holds and there is room, or in the next one. */
static enum rota_err write_somewhere(const struct rota_flash *flash,
	const struct rota_crypto *crypto, const struct rota_logged *from,
	const uint8_t entry[static ROTA_DEVLOG_ENTRY_LEN])
{
	uint32_t at = rota_flash_sectors(flash->run) - 1, place;
	struct header h = find_sector(flash, from->count + 1, &at);
	enum rota_err err = ROTA_ERR_FULL;

	place = h.valid ? free_place(flash, &h) : 0;
	if (h.valid && place < places(flash, h.place.len) && leads_to(flash, crypto, &h, from))
		err = write_record(flash, &h, place, entry);
	/* No two sectors begin at one number: where the one at hand has nothing that counts, it is begun anew. */
	if (h.valid && h.before.count == from->count)
		at += rota_flash_sectors(flash->run) - 1;
	for (unsigned i = 0; err != ROTA_OK && i < TRIES; i++) {
		at = (at + 1) % rota_flash_sectors(flash->run);
		err = begin_sector(flash, at, from, &h);
		if (err == ROTA_OK)
			err = write_record(flash, &h, 0, entry);
	}
	return err;
}

static bool fits(const struct rota_flash *flash)
{
	uint32_t sectors = rota_flash_sectors(flash->run);

	for (uint32_t i = 0; i < sectors; i++) {
		if (places(flash, rota_flash_sector(flash->run, i).len) == 0)
			return false;
	}
	return sectors >= 2;
}

enum rota_err rota_devlog_append(const struct rota_flash *flash, const struct rota_crypto *crypto,
	const struct rota_logged *from, struct rota_devlog_entry *entry, struct rota_logged *to)
{
	uint8_t bytes[ROTA_DEVLOG_ENTRY_LEN];
	struct rota_logged next = *from;

	if (!fits(flash))
		return ROTA_ERR_ARGUMENT;
	entry->number = from->count;
	encode(entry, bytes);
	if (write_somewhere(flash, crypto, from, bytes) != ROTA_OK)
		return ROTA_ERR_IO;
	chain(crypto, &next, bytes);
	*to = next;
	return ROTA_OK;
}
