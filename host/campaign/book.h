/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/book.h -- which psk a device has already (SPEC 37.4): one book a purpose, one for what the factory left.
 *
 *     head (40 bytes) || rows of 160 bytes, ascending by device id
 *
 * A row is sealed by itself, so that one is read by one pread; the key is the *book key*, one for all books, which the
 * HSM unwraps once a campaign. The nonce is the row's number, so a book is never changed in place: it is written whole,
 * with a new salt and hence a new key, and renamed.
 *
 * What is in it is a psk and no secret (SPEC 31.5): it lets its thief make bundles, and read none and no data.
 */
#ifndef HOST_CAMPAIGN_BOOK_H
#define HOST_CAMPAIGN_BOOK_H

#include "host/campaign/part.h"
#include "host/campaign/keywrap.h"
#include "rota/crypto/datakey.h"
#include "rota/port/aead.h"
#include "rota/port/crypto.h"

#include <stdatomic.h>

#define ROTA_BOOK_HEAD_LEN 40
#define ROTA_BOOK_ROW_LEN 160
#define ROTA_BOOK_SALT_LEN 16
#define ROTA_BOOK_FACTORY 0 /* in the place of a purpose */

/* What a device can have as psk; generation 0: none. In the factory's book `delivered_psk` is that of its factory secret,
 * and both generations are 0. */
struct rota_book_row {
	uint8_t device[ROTA_DEVICE_LEN];
	uint32_t counter; /* of the newest agree key that was seen */
	uint32_t
		before; /* generation that was sealed before the last one, if it was not proved when that was sealed */
	uint32_t proved; /* generation that the registry says it proved */
	uint8_t proved_psk[ROTA_PSK_LEN];
	uint32_t delivered; /* generation that was sealed last */
	uint8_t delivered_psk[ROTA_PSK_LEN];
	uint8_t before_psk[ROTA_PSK_LEN];
};

struct rota_book_tools {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const uint8_t *key; /* book key, ROTA_KEYWRAP_KEY_LEN bytes; in use as long as the book */
};

/* For one thread; another opens it again. */
struct rota_book {
	int fd; /* -1: there is no such book, and it has no rows */
	const struct rota_book_tools *tools;
	struct rota_aead_key key;
	char path[ROTA_FILE_PATH_MAX];
	uint8_t head[ROTA_BOOK_HEAD_LEN];
	uint32_t rows;
};

/* ROTA_OK too where there is no file: a book without rows. ROTA_ERR_FORMAT, ROTA_ERR_UNSUPPORTED: no such book, or one of
 * another purpose, or length. */
ROTA_MUST_USE enum rota_err rota_book_open(struct rota_book *b, const char *path, uint8_t purpose,
	const struct rota_book_tools *tools, struct rota_fail *why);
void rota_book_close(struct rota_book *b);

/* FOLDER/book.PURPOSE, or FOLDER/book.factory. */
void rota_book_path(const char *folder, uint8_t purpose, char out[static ROTA_FILE_PATH_MAX]);

/* Row n, which the caller wipes. ROTA_ERR_CORRUPT: it does not open. */
ROTA_MUST_USE enum rota_err rota_book_read(
	const struct rota_book *b, uint32_t n, struct rota_book_row *out, struct rota_fail *why);

/* The same for who reads row after row: many are taken from the file at once, sealed. Starts as { 0 }; of one book. */
#define ROTA_BOOK_AHEAD 64
struct rota_book_ahead {
	uint32_t first, count;
	uint8_t rows[ROTA_BOOK_AHEAD][ROTA_BOOK_ROW_LEN];
};
ROTA_MUST_USE enum rota_err rota_book_ahead_read(struct rota_book_ahead *a,
	const struct rota_book *b, uint32_t n, struct rota_book_row *out, struct rota_fail *why);

/* The first row whose device is not below this one; b->rows: there is none. */
ROTA_MUST_USE enum rota_err rota_book_seek(const struct rota_book *b,
	const uint8_t device[static ROTA_DEVICE_LEN], uint32_t *n, struct rota_fail *why);

/* ---- one in the making ---- */

/* Rows that lie one behind the other, written by one thread. */
struct rota_book_range {
	const struct rota_part *part;
	const uint8_t *head;
	const struct rota_book_tools *tools;
	struct rota_aead_key key;
	bool open;
	uint32_t first, next, end; /* rows */
	size_t held;
	uint8_t last[ROTA_DEVICE_LEN];
	uint8_t room[64 * ROTA_BOOK_ROW_LEN]; /* of one write */
};

/* A book of so many rows: either all of them are added here, or several threads add a range of them each. */
struct rota_book_maker {
	struct rota_part part;
	const struct rota_book_tools *tools;
	uint8_t head[ROTA_BOOK_HEAD_LEN];
	uint8_t purpose;
	uint32_t rows;
	_Atomic uint32_t written; /* of ranges that have ended */
	struct rota_book_range all;
};

ROTA_MUST_USE enum rota_err rota_book_make(struct rota_book_maker *m, const char *path,
	uint8_t purpose, uint32_t rows, const struct rota_random *random,
	const struct rota_book_tools *tools, struct rota_fail *why);
/* ROTA_ERR_ARGUMENT: not above the row before, or more than were said. */
ROTA_MUST_USE enum rota_err rota_book_add(
	struct rota_book_maker *m, const struct rota_book_row *row, struct rota_fail *why);
/* In the place of what was there, whole. ROTA_ERR_ARGUMENT: fewer rows than were said. */
ROTA_MUST_USE enum rota_err rota_book_place(struct rota_book_maker *m, struct rota_fail *why);
/* Give up; safe after it was placed. */
void rota_book_drop(struct rota_book_maker *m);

/* Rows from `first` to before `end` of a book in the making, which is not moved meanwhile. That its rows are above those of the range
 * before is the caller's to see. rota_book_range_drop() when done, after an error too. */
ROTA_MUST_USE enum rota_err rota_book_range(struct rota_book_range *r,
	const struct rota_book_maker *m, uint32_t first, uint32_t end, struct rota_fail *why);
/* As rota_book_add(). */
ROTA_MUST_USE enum rota_err rota_book_range_add(
	struct rota_book_range *r, const struct rota_book_row *row, struct rota_fail *why);
/* All of it is written. ROTA_ERR_ARGUMENT: fewer rows than were said. */
ROTA_MUST_USE enum rota_err rota_book_range_end(
	struct rota_book_range *r, struct rota_book_maker *m, struct rota_fail *why);
void rota_book_range_drop(struct rota_book_range *r);

/* ---- what the rows mean, as pure functions ---- */

/* The psk for a device whose registry row says that it proved generation `proved` of this purpose (0: none), out of its
 * rows in the purpose's and in the factory's book; NULL: it has none there. SPEC 31.5: the newest proved one, else the
 * factory's; in an emergency the other way round. NULL where neither is known: base mode, which a device that proved a
 * generation refuses. */
const uint8_t *rota_book_psk(const struct rota_book_row *own, const struct rota_book_row *factory,
	uint32_t proved, bool emergency);

/* The row that follows in the purpose's book once `generation` was sealed. own: what it was; NULL: none. The same once more
 * changes nothing. A device may take an older bundle up to the moment in which the new one is listed, and prove it: so the psk of
 * the generation before stays. */
void rota_book_next(const struct rota_book_row *own, uint32_t proved, uint32_t generation,
	const uint8_t psk[static ROTA_PSK_LEN], struct rota_book_row *out);

#endif
