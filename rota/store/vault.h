/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/vault.h -- sealed records in a log on flash, which a new key rewrites as it is cleaned (SPEC 36.4, 36.5).
 *
 * A record has an id, is sealed for it (rota/crypto/record.h) and is replaced as a whole. Whatever is put goes to the
 * end of a log; the newest of an id counts. Room comes back from the log's other end: what of the oldest sector still
 * counts is written again at the head, and the sector is free. A record that was sealed with an older key is
 * opened and sealed anew on that way. So re-encryption is cleaning, at the pace that rota_vault_step() is called with,
 * while records are read and put; and the log itself says how far it is: after a cut there is nothing to
 * resume but the scan of an open. Opening writes nothing.
 *
 * In RAM stand 8 bytes an id, the count of records by generation, two prepared keys, and room for one record. One user at a time:
 * a caller with threads takes its own lock around each call (host/vault does).
 *
 * Room: of n sectors one is always free, and the end of a sector may take no more of the longest record; so what
 * fits is (n - 1) x (sector - longest entry). Near that limit each put moves others: a fourth of it should be left free.
 *
 * Errors of all functions: ROTA_ERR_IO where the flash fails, ROTA_ERR_CORRUPT where it cannot give a record back, and what
 * the keys' function returns. After an error of put, remove or step the record is as before or as asked, and so it is
 * at the next open.
 */
#ifndef ROTA_STORE_VAULT_H
#define ROTA_STORE_VAULT_H

#include "rota/crypto/record.h"
#include "rota/port/flash.h"

/* What a sector is begun with, and what an entry takes beside its sealed record. */
#define ROTA_VAULT_HEADER_LEN 16
#define ROTA_VAULT_ENTRY_HEAD_LEN 12
#define ROTA_VAULT_ENTRY_OVERHEAD (ROTA_VAULT_ENTRY_HEAD_LEN + 4)

/* Longest sealed record: its length stands in 16 bits, and an entry is no longer than 64 KiB. */
#define ROTA_VAULT_SEALED_MAX 65000

/* Room for an entry of a plaintext of so many bytes, whatever the program unit. */
#define ROTA_VAULT_ROOM(plain)                                                                     \
	((plain) + ROTA_RECORD_OVERHEAD + ROTA_VAULT_ENTRY_OVERHEAD + ROTA_FLASH_WRITE_MAX - 1)

/* A device holds at most three slots and sixteen archived keys of a purpose (SPEC 34). */
#define ROTA_VAULT_GENERATIONS 20

/* Reads of older records that are remembered until the next step. */
#define ROTA_VAULT_MARKS 8

struct rota_vault_place {
	uint32_t id;
	uint32_t at; /* of its newest entry, from the region's start; 0: free */
};

/* A sector that counts, in the line of all of them. */
struct rota_vault_turn {
	uint32_t sequence, sector;
};

/* Where the keys are: a key ring, or a test. */
struct rota_vault_keys {
	void *ctx;
	/* Prepare the key of a generation and epoch, to seal or only to open; the vault ends it.
	 * ROTA_ERR_NOT_FOUND: that generation is gone for good. */
	enum rota_err (*key)(void *ctx, uint32_t generation,
		const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals,
		struct rota_record_key *out);
	uint32_t (*active)(void *ctx); /* the generation that seals; 0: there is none */
	/* Before each seal under it: counted durably (SPEC 31.7). Any error: nothing is sealed. NULL: the caller counts. */
	enum rota_err (*count)(void *ctx, uint32_t generation);
};

struct rota_vault_config {
	const struct rota_flash *flash; /* at least three sectors, all of one length */
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const struct rota_vault_keys *keys;
	/* What gives the same as rota_crc32() faster, where room for its tables is; NULL: rota_crc32(). */
	uint32_t (*crc)(uint32_t crc, struct rota_span data);
	struct rota_vault_place *index;
	uint32_t index_len; /* a power of two; four fifths of it are records at most */
	/* Room for one of each sector: then an open reads each header a few times, and not once more for each sector. NULL: it does
	 * without. */
	struct rota_vault_turn *turns;
	struct rota_buf
		record; /* ROTA_VAULT_ROOM() of the longest; the vault's until it is closed */
};

struct rota_vault_count {
	uint32_t generation, records;
	bool gone; /* its key is: these records do not open any more */
};

struct rota_vault_cached {
	bool held;
	struct rota_record_key key;
};

struct rota_vault {
	struct rota_vault_config c;
	struct rota_record_opening opening;
	uint32_t sequence; /* of the sector at the head; 0: no sector was begun */
	uint32_t highest; /* sequence of any sector: the next one's is above it */
	uint32_t since; /* sectors of lower sequences are free, whatever stands in them */
	uint32_t head; /* sector */
	uint32_t seed; /* CRC of its header */
	uint32_t tail; /* where its next entry goes, from its start; 0: nothing may be appended */
	uint32_t spare; /* a sector that was erased and looked at; UINT32_MAX: none is known */
	bool owed; /* the head took the last one: the oldest sector is cleaned before anything is put */
	bool astray; /* what is in the index is not what is on the flash: it is read again first */
	bool cleaning;
	uint32_t old, old_sequence, old_seed; /* while cleaning: the sector, and as for the head */
	bool walked; /* its entries were */
	uint32_t cursor; /* how far in the sector; then in the index */
	uint32_t aim,
		aimed; /* sectors up to this sequence may hold what is older than this generation */
	bool moved; /* what was written again is not durable yet; `least` was needed before it */
	uint32_t least;
	uint32_t records;
	uint32_t
		lost; /* records that the flash could not give back when their sector was cleaned */
	uint64_t live; /* bytes of entries that count */
	uint8_t generations, marks;
	struct rota_vault_count count[ROTA_VAULT_GENERATIONS];
	uint32_t marked[ROTA_VAULT_MARKS]; /* ids */
	struct rota_vault_cached sealing, unsealing;
};

/* Find what is on the flash. opening: new, and durable already (SPEC 36.3); copied.
 *
 * ROTA_ERR_ARGUMENT     fewer than three sectors, unequal ones, or too short for one entry of c->record; an index of no
 *                       power of two; a program unit above ROTA_FLASH_WRITE_MAX
 * ROTA_ERR_LIMIT        more records than the index takes, one longer than c->record, or more generations than
 *                       ROTA_VAULT_GENERATIONS
 * Nothing is to be closed after an error. */
ROTA_MUST_USE enum rota_err rota_vault_open(struct rota_vault *v, const struct rota_vault_config *c,
	const struct rota_record_opening *opening);

/* Wipes keys and the record's room. */
void rota_vault_close(struct rota_vault *v);

/* Put or replace a record; durable when it returns. `plain` lies outside of the record's room, and may be empty.
 *
 * ROTA_ERR_LIMIT      longer than the record's room, or than ROTA_VAULT_SEALED_MAX
 * ROTA_ERR_FULL       no room: in the index, on the flash, or for one more generation. What is there stays, and can be
 *                     replaced by what is no longer, and removed
 * ROTA_ERR_NOT_FOUND  no key seals */
ROTA_MUST_USE enum rota_err rota_vault_put(
	struct rota_vault *v, uint32_t id, struct rota_span plain);

/* *plain is the part of `room` used. A record that an older key sealed is rewritten first in the next step.
 *
 * ROTA_ERR_NOT_FOUND  there is none
 * ROTA_ERR_EXPIRED    there is one, and its key is gone
 * ROTA_ERR_SIGNATURE  it does not open: its bytes are not those that were sealed for this id
 * ROTA_ERR_LIMIT      longer than `room` */
ROTA_MUST_USE enum rota_err rota_vault_get(
	struct rota_vault *v, uint32_t id, struct rota_buf room, struct rota_span *plain);

/* Durable when it returns. ROTA_ERR_NOT_FOUND: there is none. */
ROTA_MUST_USE enum rota_err rota_vault_remove(struct rota_vault *v, uint32_t id);

/* Write again until `bytes` were written or nothing is left to do, and perhaps one sector more, durable when it returns.
 * *left: as rota_vault_left(). */
ROTA_MUST_USE enum rota_err rota_vault_step(struct rota_vault *v, uint32_t bytes, uint32_t *left);

/* Records that are older than the active key and can be opened, as far as they were not tried in vain since the open. */
uint32_t rota_vault_left(struct rota_vault *v);

/* The least generation of a record that can be opened; 0: there is no such record. What is below it nobody needs. */
uint32_t rota_vault_needs(const struct rota_vault *v);

/* Each record, in no order. What `each` returns but ROTA_OK is the result; it calls no function of this vault. */
ROTA_MUST_USE enum rota_err rota_vault_each(struct rota_vault *v, void *ctx,
	enum rota_err (*each)(void *ctx, uint32_t id, uint32_t generation));

#endif
