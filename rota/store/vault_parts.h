/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/vault_parts.h -- within the vault: what its parts need of each other.
 *
 * vault_log.c puts headers and entries onto flash and finds them again; vault_index.c knows where each id is, and how many
 * records each generation has; vault_seal.c opens and seals; vault_clean.c makes room; vault.c is what callers see.
 */
#ifndef ROTA_STORE_VAULT_PARTS_H
#define ROTA_STORE_VAULT_PARTS_H

#include "rota/store/vault.h"

#define ROTA_VAULT_NO_SECTOR UINT32_MAX

/* Numbers stand on flash (SPEC 36.4). */
enum rota_vault_kind {
	ROTA_VAULT_PUT = 1,
	ROTA_VAULT_REMOVED = 2,
	ROTA_VAULT_CLEANED = 3, /* its id: the lowest sequence that counts from here on */
};

struct rota_vault_header {
	uint32_t sector;
	uint32_t sequence; /* 0: there is no valid one */
	uint32_t since;
	uint32_t crc; /* from which those of the entries go on */
	bool last; /* no other sector was free when it was begun */
};

struct rota_vault_entry {
	uint32_t at; /* from the region's start */
	uint32_t id;
	uint32_t crc; /* of its head, from which that of the record goes on */
	uint16_t
		len; /* of its sealed record, which in RAM lies ROTA_VAULT_ENTRY_HEAD_LEN into the record's room */
	uint8_t kind;
};

/* ---- vault.c ---- */

/* Where RAM is not what the flash has: read all of it again, as an open does. What was needed stays needed until that went
 * well. */
ROTA_MUST_USE enum rota_err rota_vault_again(struct rota_vault *v);

/* ---- vault_log.c ---- */

/* Bytes on flash of an entry with a sealed record of this length. */
uint32_t rota_vault_entry_len(const struct rota_flash *flash, size_t sealed_len);

uint32_t rota_vault_sector_len(const struct rota_vault *v);
uint32_t rota_vault_sectors(const struct rota_vault *v);

/* The header of a sector; one that cannot be read or is not valid has sequence 0. ROTA_ERR_IO: the flash fails. */
ROTA_MUST_USE enum rota_err rota_vault_header_read(
	const struct rota_vault *v, uint32_t sector, struct rota_vault_header *out);

/* The sector that counts with the lowest sequence from `from` on; sequence 0: none. */
ROTA_MUST_USE enum rota_err rota_vault_oldest(
	const struct rota_vault *v, uint32_t from, struct rota_vault_header *out);

/* The sectors that count into v->c.turns, in their order; *n: so many. */
ROTA_MUST_USE enum rota_err rota_vault_line_up(const struct rota_vault *v, uint32_t *n);

/* Write and read back; h->crc becomes its CRC. */
ROTA_MUST_USE enum rota_err rota_vault_header_write(
	const struct rota_vault *v, struct rota_vault_header *h);

/* As rota_flash_is_erased(), in pieces as long as the record's room, which is used. */
ROTA_MUST_USE enum rota_err rota_vault_is_erased(
	const struct rota_vault *v, uint32_t at, uint32_t len, bool *yes);

/* Erase, and see that it reads erased. The record's room is used. */
ROTA_MUST_USE enum rota_err rota_vault_erase(const struct rota_vault *v, uint32_t sector);

/* The entry `off` bytes into a sector. ROTA_ERR_NOT_FOUND: none is valid there. */
ROTA_MUST_USE enum rota_err rota_vault_entry_read(const struct rota_vault *v,
	const struct rota_vault_header *h, uint32_t off, struct rota_vault_entry *out);

/* Its sealed record, into its place in the room. ROTA_ERR_CORRUPT; ROTA_ERR_LIMIT: longer than the room. */
ROTA_MUST_USE enum rota_err rota_vault_record_read(
	const struct rota_vault *v, const struct rota_vault_entry *e);

/* Both, for an id whose place is known. ROTA_ERR_CORRUPT: it is not there (any more). */
ROTA_MUST_USE enum rota_err rota_vault_load(const struct rota_vault *v,
	const struct rota_vault_place *place, struct rota_vault_entry *out);

/* The generation that the record of e, which lies in the room, says; 0: none. */
uint32_t rota_vault_generation(const struct rota_vault *v, const struct rota_vault_entry *e);

/* Length and generation of the record at a place, from their bytes alone. */
ROTA_MUST_USE enum rota_err rota_vault_weigh(
	const struct rota_vault *v, uint32_t at, uint16_t *len, uint32_t *generation);

/* Write e, whose record lies in its place, at the head, and read it back; not synced. e->at is set.
 * ROTA_ERR_FULL: the sector has no room. ROTA_ERR_IO: nothing more goes into it. */
ROTA_MUST_USE enum rota_err rota_vault_append(struct rota_vault *v, struct rota_vault_entry *e);

/* ---- vault_index.c ---- */

struct rota_vault_place *rota_vault_find(const struct rota_vault *v, uint32_t id);

/* How many records there may be. */
uint32_t rota_vault_most(const struct rota_vault *v);

/* Where `id` is now. ROTA_ERR_LIMIT: no room for another id. */
ROTA_MUST_USE enum rota_err rota_vault_set(struct rota_vault *v, uint32_t id, uint32_t at);
void rota_vault_drop(struct rota_vault *v, uint32_t id);

/* The next id that lies in a sector, from place *cursor of the index on, around it once; NULL: none. */
struct rota_vault_place *rota_vault_in(
	const struct rota_vault *v, uint32_t sector, uint32_t *cursor);

/* The generation's count; NULL: it has no record. */
struct rota_vault_count *rota_vault_counted(struct rota_vault *v, uint32_t generation);

/* One record more, or one less, of a generation and length. ROTA_ERR_LIMIT: no room for the generation. */
ROTA_MUST_USE enum rota_err rota_vault_count(
	struct rota_vault *v, uint32_t generation, uint16_t sealed_len);
void rota_vault_discount(struct rota_vault *v, uint32_t generation, uint16_t sealed_len);

/* All counts anew from the flash. */
ROTA_MUST_USE enum rota_err rota_vault_tally(struct rota_vault *v);

/* ---- vault_seal.c ---- */

/* Open the record of e in place. ROTA_ERR_EXPIRED: its key is gone. ROTA_ERR_CORRUPT: it is no sealed record. */
ROTA_MUST_USE enum rota_err rota_vault_unseal(
	struct rota_vault *v, const struct rota_vault_entry *e, struct rota_span *plain);

/* Seal the plaintext that lies where a record's does, with the active key; e->len is set. */
ROTA_MUST_USE enum rota_err rota_vault_seal(
	struct rota_vault *v, uint32_t generation, size_t plain_len, struct rota_vault_entry *e);

/* Where that plaintext lies. */
struct rota_buf rota_vault_plain_room(const struct rota_vault *v);

/* Whether the key of a generation is gone. */
ROTA_MUST_USE enum rota_err rota_vault_probe(struct rota_vault *v, uint32_t generation, bool *gone);

/* ---- vault_clean.c ---- */

/* Room at the head for an entry of `len` bytes on flash; cleans where none is left. The record's room is used. */
ROTA_MUST_USE enum rota_err rota_vault_room(struct rota_vault *v, uint32_t len);

/* Bytes of entries that can count at once. */
uint64_t rota_vault_capacity(const struct rota_vault *v);

/* All that was written is durable. */
ROTA_MUST_USE enum rota_err rota_vault_sync(struct rota_vault *v);

#endif
