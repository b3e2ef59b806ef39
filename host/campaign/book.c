/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/book.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/codec/purpose.h"
#include "rota/crypto/hkdf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "ROTABOK"
#define VERSION 1
#define LABEL "rota-book-v1"
#define SALT_AT 20
#define PLAIN (ROTA_BOOK_ROW_LEN - ROTA_AEAD_TAG_LEN)

/* ---- bytes ---- */

static void head_encode(uint8_t purpose, uint32_t rows,
	const uint8_t salt[static ROTA_BOOK_SALT_LEN], uint8_t out[static ROTA_BOOK_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_BOOK_HEAD_LEN));

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, VERSION);
	rota_write_u8(&w, purpose);
	rota_write_fill(&w, 0, 7);
	rota_write_le32(&w, rows);
	rota_write_span(&w, rota_span(salt, ROTA_BOOK_SALT_LEN));
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
}

static enum rota_err head_decode(
	const uint8_t in[static ROTA_BOOK_HEAD_LEN], uint8_t purpose, uint32_t *rows)
{
	struct rota_reader r = rota_reader(rota_span(in, ROTA_BOOK_HEAD_LEN));
	uint8_t again[ROTA_BOOK_HEAD_LEN];

	if (!rota_span_eq(rota_read_span(&r, sizeof(MAGIC) - 1), ROTA_STR(MAGIC)))
		return ROTA_ERR_FORMAT;
	if (rota_read_u8(&r) != VERSION)
		return ROTA_ERR_UNSUPPORTED;
	(void)rota_read_span(&r, 8);
	*rows = rota_read_le32(&r);
	head_encode(purpose, *rows, in + SALT_AT, again);
	return memcmp(in, again, sizeof(again)) == 0 ? ROTA_OK : ROTA_ERR_FORMAT;
}

static void row_encode(const struct rota_book_row *row, uint8_t out[static PLAIN])
{
	struct rota_writer w = rota_writer(rota_buf(out, PLAIN));

	rota_write_span(&w, ROTA_SPAN(row->device));
	rota_write_le32(&w, row->counter);
	rota_write_le32(&w, row->before);
	rota_write_le32(&w, row->proved);
	rota_write_span(&w, ROTA_SPAN(row->proved_psk));
	rota_write_le32(&w, row->delivered);
	rota_write_span(&w, ROTA_SPAN(row->delivered_psk));
	rota_write_span(&w, ROTA_SPAN(row->before_psk));
}

static enum rota_err row_decode(const uint8_t in[static PLAIN], struct rota_book_row *out)
{
	struct rota_reader r = rota_reader(rota_span(in, PLAIN));

	rota_read_bytes(&r, ROTA_BUF(out->device));
	out->counter = rota_read_le32(&r);
	out->before = rota_read_le32(&r);
	out->proved = rota_read_le32(&r);
	rota_read_bytes(&r, ROTA_BUF(out->proved_psk));
	out->delivered = rota_read_le32(&r);
	rota_read_bytes(&r, ROTA_BUF(out->delivered_psk));
	rota_read_bytes(&r, ROTA_BUF(out->before_psk));
	return rota_reader_end(&r);
}

/* ---- reading ---- */

static void nonce_of(uint32_t row, uint8_t nonce[static ROTA_AEAD_NONCE_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(nonce, ROTA_AEAD_NONCE_LEN));

	rota_write_fill(&w, 0, ROTA_AEAD_NONCE_LEN - 4);
	rota_write_be32(&w, row);
}

/* SPEC 37.4: HKDF-Expand(book key, label || salt || purpose). */
static enum rota_err key_begin(const struct rota_book_tools *tools, const uint8_t *head,
	uint8_t purpose, struct rota_aead_key *out)
{
	const struct rota_span info[] = { ROTA_STR(LABEL),
		rota_span(head + SALT_AT, ROTA_BOOK_SALT_LEN), rota_span(&purpose, 1) };
	uint8_t key[32];
	enum rota_err err;

	err = rota_hkdf_expand(tools->crypto, tools->key, info, 3, ROTA_BUF(key));
	if (err == ROTA_OK)
		err = tools->aead->begin(out, ROTA_SPAN(key));
	rota_wipe(key, sizeof(key));
	return err;
}

static enum rota_err judge(struct rota_book *b, uint8_t purpose, struct rota_fail *why)
{
	struct stat st;
	enum rota_err err;

	if (fstat(b->fd, &st) != 0)
		return rota_fail_errno(why, errno, "%s", b->path);
	ROTA_TRY(rota_part_pread(b->fd, 0, ROTA_BUF(b->head), b->path, why));
	err = head_decode(b->head, purpose, &b->rows);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: no book of this purpose, or damaged", b->path);
	if ((uint64_t)st.st_size != ROTA_BOOK_HEAD_LEN + (uint64_t)b->rows * ROTA_BOOK_ROW_LEN)
		return rota_fail(why, ROTA_ERR_FORMAT, "%s: %u rows do not have %llu bytes",
			b->path, (unsigned)b->rows, (unsigned long long)st.st_size);
	err = key_begin(b->tools, b->head, purpose, &b->key);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "%s: no key for it", b->path);
}

enum rota_err rota_book_open(struct rota_book *b, const char *path, uint8_t purpose,
	const struct rota_book_tools *tools, struct rota_fail *why)
{
	memset(b, 0, sizeof(*b));
	b->tools = tools;
	snprintf(b->path, sizeof(b->path), "%s", path);
	b->fd = open(path, ROTA_FILE_OPEN | O_NOFOLLOW);
	if (b->fd < 0 && errno == ENOENT)
		return ROTA_OK;
	if (b->fd < 0)
		return rota_fail_errno(why, errno, "cannot read %s", path);
	if (judge(b, purpose, why) == ROTA_OK)
		return ROTA_OK;
	close(b->fd);
	b->fd = -1;
	b->rows = 0;
	return why->err;
}

void rota_book_path(const char *folder, uint8_t purpose, char out[static ROTA_FILE_PATH_MAX])
{
	const char *word = purpose == ROTA_BOOK_FACTORY ? "factory" : rota_purpose_word(purpose);

	snprintf(out, ROTA_FILE_PATH_MAX, "%s/book.%s", folder, word);
}

void rota_book_close(struct rota_book *b)
{
	if (b->fd < 0)
		return;
	b->tools->aead->end(&b->key);
	close(b->fd);
	b->fd = -1;
}

/* Sealed rows from `n` on, as many as `to` has room for. */
static enum rota_err fetch(
	const struct rota_book *b, uint32_t n, struct rota_buf to, struct rota_fail *why)
{
	if (n >= b->rows)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: no row %u", b->path, (unsigned)n);
	return rota_part_pread(
		b->fd, ROTA_BOOK_HEAD_LEN + (uint64_t)n * ROTA_BOOK_ROW_LEN, to, b->path, why);
}

static enum rota_err open_row(const struct rota_book *b, uint32_t n,
	uint8_t sealed[static ROTA_BOOK_ROW_LEN], struct rota_book_row *out, struct rota_fail *why)
{
	uint8_t nonce[ROTA_AEAD_NONCE_LEN];
	enum rota_err err;

	nonce_of(n, nonce);
	err = b->tools->aead->open(
		&b->key, nonce, ROTA_SPAN(b->head), rota_buf(sealed, PLAIN), sealed + PLAIN);
	if (err == ROTA_OK)
		err = row_decode(sealed, out);
	rota_wipe(sealed, ROTA_BOOK_ROW_LEN);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CORRUPT, "%s: row %u does not open", b->path, (unsigned)n);
}

enum rota_err rota_book_read(
	const struct rota_book *b, uint32_t n, struct rota_book_row *out, struct rota_fail *why)
{
	uint8_t sealed[ROTA_BOOK_ROW_LEN];

	ROTA_TRY(fetch(b, n, ROTA_BUF(sealed), why));
	return open_row(b, n, sealed, out, why);
}

enum rota_err rota_book_ahead_read(struct rota_book_ahead *a, const struct rota_book *b, uint32_t n,
	struct rota_book_row *out, struct rota_fail *why)
{
	uint8_t sealed[ROTA_BOOK_ROW_LEN];

	if (n - a->first >= a->count) {
		uint32_t left = n < b->rows ? b->rows - n : 1;
		uint32_t count = left < ROTA_BOOK_AHEAD ? left : ROTA_BOOK_AHEAD;

		a->count = 0;
		ROTA_TRY(fetch(b, n, rota_buf(a->rows, count * (size_t)ROTA_BOOK_ROW_LEN), why));
		a->first = n;
		a->count = count;
	}
	memcpy(sealed, a->rows[n - a->first], sizeof(sealed));
	return open_row(b, n, sealed, out, why);
}

enum rota_err rota_book_seek(const struct rota_book *b,
	const uint8_t device[static ROTA_DEVICE_LEN], uint32_t *n, struct rota_fail *why)
{
	uint32_t low = 0, high = b->rows;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct rota_book_row row;

		ROTA_TRY(rota_book_read(b, middle, &row, why));
		if (memcmp(row.device, device, sizeof(row.device)) < 0)
			low = middle + 1;
		else
			high = middle;
		rota_wipe(&row, sizeof(row));
	}
	*n = low;
	return ROTA_OK;
}

/* ---- making ---- */

enum rota_err rota_book_make(struct rota_book_maker *m, const char *path, uint8_t purpose,
	uint32_t rows, const struct rota_random *random, const struct rota_book_tools *tools,
	struct rota_fail *why)
{
	uint8_t salt[ROTA_BOOK_SALT_LEN];
	enum rota_err err;

	memset(m, 0, sizeof(*m));
	m->part.fd = -1;
	m->tools = tools;
	m->purpose = purpose;
	m->rows = rows;
	if (random->fill(random->ctx, ROTA_BUF(salt)) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "%s: no random bytes for its salt", path);
	head_encode(purpose, rows, salt, m->head);
	ROTA_TRY(rota_part_open(&m->part, path, true, why));
	err = rota_part_write(&m->part, 0, ROTA_SPAN(m->head), why);
	if (err == ROTA_OK)
		err = rota_book_range(&m->all, m, 0, rows, why);
	if (err != ROTA_OK)
		rota_part_close(&m->part);
	return err;
}

enum rota_err rota_book_add(
	struct rota_book_maker *m, const struct rota_book_row *row, struct rota_fail *why)
{
	return rota_book_range_add(&m->all, row, why);
}

enum rota_err rota_book_place(struct rota_book_maker *m, struct rota_fail *why)
{
	if (m->all.next > 0)
		ROTA_TRY(rota_book_range_end(&m->all, m, why));
	if (m->written != m->rows)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: %u rows of %u", m->part.path,
			(unsigned)m->written, (unsigned)m->rows);
	ROTA_TRY(rota_part_place(&m->part, why));
	rota_book_range_drop(&m->all);
	return ROTA_OK;
}

void rota_book_drop(struct rota_book_maker *m)
{
	rota_book_range_drop(&m->all);
	if (m->part.fd >= 0)
		rota_part_close(&m->part);
}

/* ---- a range of it ---- */

enum rota_err rota_book_range(struct rota_book_range *r, const struct rota_book_maker *m,
	uint32_t first, uint32_t end, struct rota_fail *why)
{
	enum rota_err err;

	memset(r, 0, sizeof(*r));
	r->part = &m->part;
	r->head = m->head;
	r->tools = m->tools;
	r->first = r->next = first;
	r->end = end;
	err = key_begin(m->tools, m->head, m->purpose, &r->key);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: no key for it", m->part.path);
	r->open = true;
	return ROTA_OK;
}

static enum rota_err flush(struct rota_book_range *r, struct rota_fail *why)
{
	uint32_t first = r->next - (uint32_t)(r->held / ROTA_BOOK_ROW_LEN);

	ROTA_TRY(rota_part_write(r->part, ROTA_BOOK_HEAD_LEN + (uint64_t)first * ROTA_BOOK_ROW_LEN,
		rota_span(r->room, r->held), why));
	r->held = 0;
	return ROTA_OK;
}

enum rota_err rota_book_range_add(
	struct rota_book_range *r, const struct rota_book_row *row, struct rota_fail *why)
{
	uint8_t *at = r->room + r->held, nonce[ROTA_AEAD_NONCE_LEN];
	enum rota_err err;

	if (r->next == r->end ||
		(r->next > r->first && memcmp(row->device, r->last, sizeof(r->last)) <= 0))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: a row that does not belong there",
			r->part->path);
	row_encode(row, at);
	nonce_of(r->next, nonce);
	err = r->tools->aead->seal(&r->key, nonce, rota_span(r->head, ROTA_BOOK_HEAD_LEN),
		rota_buf(at, PLAIN), at + PLAIN);
	if (err != ROTA_OK) {
		rota_wipe(at, PLAIN);
		return rota_fail(why, err, "%s: cannot seal a row", r->part->path);
	}
	memcpy(r->last, row->device, sizeof(r->last));
	r->next++;
	r->held += ROTA_BOOK_ROW_LEN;
	return r->held == sizeof(r->room) ? flush(r, why) : ROTA_OK;
}

enum rota_err rota_book_range_end(
	struct rota_book_range *r, struct rota_book_maker *m, struct rota_fail *why)
{
	if (r->next != r->end)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: %u rows are missing before row %u",
			r->part->path, (unsigned)(r->end - r->next), (unsigned)r->end);
	ROTA_TRY(flush(r, why));
	m->written += r->end - r->first;
	return ROTA_OK;
}

void rota_book_range_drop(struct rota_book_range *r)
{
	if (r->open)
		r->tools->aead->end(&r->key);
	r->open = false;
}

/* ---- meaning ---- */

/* Of the generation that the registry's row says, if the book still has it. */
static const uint8_t *proved_psk(const struct rota_book_row *own, uint32_t proved)
{
	if (!own || proved == 0)
		return NULL;
	if (own->delivered == proved)
		return own->delivered_psk;
	if (own->before == proved)
		return own->before_psk;
	return own->proved == proved ? own->proved_psk : NULL;
}

const uint8_t *rota_book_psk(const struct rota_book_row *own, const struct rota_book_row *factory,
	uint32_t proved, bool emergency)
{
	const uint8_t *newest = proved_psk(own, proved);

	if (factory && (emergency || !newest))
		return factory->delivered_psk;
	return newest;
}

void rota_book_next(const struct rota_book_row *own, uint32_t proved, uint32_t generation,
	const uint8_t psk[static ROTA_PSK_LEN], struct rota_book_row *out)
{
	const uint8_t *kept = proved_psk(own, proved);
	struct rota_book_row next = { .delivered = generation };

	if (kept) {
		next.proved = proved;
		memcpy(next.proved_psk, kept, ROTA_PSK_LEN);
	}
	if (own && own->delivered == generation) {
		next.before = own->before;
		memcpy(next.before_psk, own->before_psk, ROTA_PSK_LEN);
	} else if (own && own->delivered != proved) {
		next.before = own->delivered;
		memcpy(next.before_psk, own->delivered_psk, ROTA_PSK_LEN);
	}
	memcpy(next.delivered_psk, psk, ROTA_PSK_LEN);
	*out = next;
	rota_wipe(&next, sizeof(next));
}
