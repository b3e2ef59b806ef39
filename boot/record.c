/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/record.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/codec/magic.h"

#define MAGIC "ROTAMBR\x01" /* the last byte is the format */
#define HEAD_LEN 3 /* of an entry: kind, length */

enum entry {
	ENTRY_ANCHORS = 1,
	ENTRY_NUMBERS = 2,
	ENTRY_ORDER = 3,
	ENTRY_MEMBER = 4,
	ENTRY_VERDICT = 5,
};

static void head(struct rota_writer *w, enum entry kind, uint16_t len)
{
	rota_write_u8(w, (uint8_t)kind);
	rota_write_le16(w, len);
}

static void write_numbers(struct rota_writer *w, const struct rota_record *r)
{
	head(w, ENTRY_NUMBERS, 12);
	rota_write_u8(w, r->hardware);
	rota_write_u8(w, r->unreadable);
	rota_write_u8(w, r->restored);
	rota_write_le32(w, r->counter);
	rota_write_u8(w, r->key_floor);
	rota_write_le32(w, r->epoch);
}

static void write_member(
	struct rota_writer *w, uint8_t component, const struct rota_record_member *m)
{
	head(w, ENTRY_MEMBER, 47);
	rota_write_u8(w, component);
	rota_write_u8(w, m->place);
	rota_write_u8(w, m->keys);
	rota_write_le32(w, m->counter);
	rota_write_le64(w, m->version);
	rota_write_span(w, ROTA_SPAN(m->digest));
}

static bool agrees(const struct rota_record *r)
{
	if (r->count == 0 || r->count > ROTA_SET_MAX || r->kind > ROTA_BOOT_FALLBACK ||
		(r->hardware | r->unreadable) >> ROTA_COUNTER_COUNT != 0 ||
		(r->hardware & r->unreadable) != 0)
		return false;
	for (uint8_t i = 0; i < r->count; i++) {
		if (r->member[i].place > 1)
			return false;
	}
	return true;
}

enum rota_err rota_record_encode(
	const struct rota_record *record, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	if (!agrees(record))
		return ROTA_ERR_ARGUMENT;
	rota_write_span(&w, ROTA_STR(MAGIC));
	head(&w, ENTRY_ANCHORS, ROTA_SHA256_LEN);
	rota_write_span(&w, ROTA_SPAN(record->anchors));
	write_numbers(&w, record);
	if (record->has_order) {
		head(&w, ENTRY_ORDER, ROTA_SHA256_LEN);
		rota_write_span(&w, ROTA_SPAN(record->order));
	}
	for (uint8_t i = 0; i < record->count; i++)
		write_member(&w, i, &record->member[i]);
	head(&w, ENTRY_VERDICT, 2);
	rota_write_u8(&w, record->kind);
	rota_write_u8(&w, record->updater);
	return rota_writer_end(&w, out);
}

/* The next entry's kind and value; kind 0 at the end. A length beyond the end fails the reader. */
static uint8_t next(struct rota_reader *r, struct rota_span *value)
{
	uint8_t kind = rota_read_u8(r);

	*value = rota_read_span(r, rota_read_le16(r));
	return kind;
}

static bool read_flag(struct rota_reader *r)
{
	uint8_t flag = rota_read_u8(r);

	if (flag > 1)
		rota_reader_fail(r);
	return flag == 1;
}

static void read_member(struct rota_reader *r, struct rota_record *out)
{
	struct rota_record_member *m = &out->member[out->count];

	if (out->count == ROTA_SET_MAX || rota_read_u8(r) != out->count) {
		rota_reader_fail(r);
		return;
	}
	out->count++;
	m->place = rota_read_u8(r);
	m->keys = rota_read_u8(r);
	m->counter = rota_read_le32(r);
	m->version = rota_read_le64(r);
	rota_read_bytes(r, ROTA_BUF(m->digest));
}

static enum rota_err read_value(uint8_t kind, struct rota_span value, struct rota_record *out)
{
	struct rota_reader r = rota_reader(value);

	switch (kind) {
	case ENTRY_ANCHORS:
		rota_read_bytes(&r, ROTA_BUF(out->anchors));
		break;
	case ENTRY_NUMBERS:
		out->hardware = rota_read_u8(&r);
		out->unreadable = rota_read_u8(&r);
		out->restored = read_flag(&r);
		out->counter = rota_read_le32(&r);
		out->key_floor = rota_read_u8(&r);
		out->epoch = rota_read_le32(&r);
		break;
	case ENTRY_ORDER:
		rota_read_bytes(&r, ROTA_BUF(out->order));
		out->has_order = true;
		break;
	case ENTRY_MEMBER:
		read_member(&r, out);
		break;
	case ENTRY_VERDICT:
		out->kind = rota_read_u8(&r);
		out->updater = read_flag(&r);
		break;
	default:
		return ROTA_ERR_FORMAT;
	}
	return rota_reader_end(&r);
}

/* Kinds stand in their order, each once but members. */
static bool follows(uint8_t kind, uint8_t last)
{
	if (kind == ENTRY_MEMBER)
		return last >= ENTRY_NUMBERS && last <= ENTRY_MEMBER;
	if (kind == ENTRY_VERDICT)
		return last == ENTRY_MEMBER;
	return kind == last + 1; /* an order may be left out: a member follows the numbers too */
}

enum rota_err rota_record_decode(struct rota_span in, struct rota_record *out)
{
	struct rota_reader r = rota_reader(in);
	uint8_t last = 0;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_magic_read(&r, ROTA_STR(MAGIC)));
	while (r.rest.len > 0) {
		struct rota_span value;
		uint8_t kind = next(&r, &value);

		if (r.failed || !follows(kind, last))
			return ROTA_ERR_FORMAT;
		ROTA_TRY(read_value(kind, value, out));
		last = kind;
	}
	return last == ENTRY_VERDICT && agrees(out) ? ROTA_OK : ROTA_ERR_FORMAT;
}

static void extend(
	const struct rota_crypto *crypto, struct rota_span entry, struct rota_record_chain *out)
{
	uint8_t *digest = out->entry[out->count++];
	struct rota_sha256 h;

	rota_sha256_of(crypto, entry, digest);
	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_SPAN(out->chain));
	crypto->sha256_update(&h, rota_span(digest, ROTA_SHA256_LEN));
	crypto->sha256_final(&h, out->chain);
}

enum rota_err rota_record_measure(
	struct rota_span in, const struct rota_crypto *crypto, struct rota_record_chain *out)
{
	struct rota_reader r = rota_reader(in);
	struct rota_record record;

	memset(out, 0, sizeof(*out));
	ROTA_TRY(rota_record_decode(in, &record)); /* so there are not too many entries */
	ROTA_TRY(rota_magic_read(&r, ROTA_STR(MAGIC)));
	while (r.rest.len > 0) {
		struct rota_span entry = r.rest, value;

		(void)next(&r, &value);
		extend(crypto, rota_span_slice(entry, 0, HEAD_LEN + value.len), out);
	}
	return ROTA_OK;
}
