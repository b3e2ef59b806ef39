/* SPDX-License-Identifier: Apache-2.0 */
/* Room at the head, and the way of old records to it.
 *
 * A sector is begun when another one is known to be free behind it: it was erased, and looked at. Where there is none, the
 * sector is begun as the *last*: nothing goes into it before the oldest sector was cleaned into it, wholly, which an
 * entry says; its room is enough, since what counts in a sector fits a sector. If power goes before that entry is
 * durable, the open passes the last sector over, all of whose entries stand in the oldest one still. The entry also
 * makes sure that no half of an erase brings back what was removed: the sector counts no more, whatever reads there.
 *
 * Room for one such entry is kept at the end of each sector. */
#include "rota/base/mem.h"
#include "rota/store/vault_parts.h"

#define FAILURES 3 /* sectors that are tried to be begun */

/* Put where nothing else may: an entry of no record. */
static uint32_t mark_len(const struct rota_vault *v)
{
	return rota_vault_entry_len(v->c.flash, 0);
}

static uint32_t longest(const struct rota_vault *v)
{
	return (uint32_t)(v->c.record.len & ~((size_t)v->c.flash->write_len - 1));
}

uint64_t rota_vault_capacity(const struct rota_vault *v)
{
	uint32_t lost =
		rota_flash_padded(v->c.flash, ROTA_VAULT_HEADER_LEN) + 2 * mark_len(v) + longest(v);

	if (rota_vault_sector_len(v) < lost)
		return 0;
	return (uint64_t)(rota_vault_sectors(v) - 1) * (rota_vault_sector_len(v) - lost);
}

/* From here until all is durable, what was needed stays needed: the old copies may be all that a cut leaves. */
static void hold_needs(struct rota_vault *v)
{
	if (v->moved)
		return;
	v->least = rota_vault_needs(v);
	v->moved = true;
}

enum rota_err rota_vault_sync(struct rota_vault *v)
{
	ROTA_TRY(v->c.flash->sync(v->c.flash->ctx));
	v->moved = v->owed;
	return ROTA_OK;
}

/* ---- a new sector at the head ---- */

/* A sector that does not count, and takes an erase; the nearest behind the head, for the sake of wear. ROTA_ERR_FULL: all
 * count. ROTA_ERR_IO: those that do not take no erase. */
static enum rota_err find_spare(const struct rota_vault *v, uint32_t but, uint32_t *out)
{
	uint32_t n = rota_vault_sectors(v);
	enum rota_err err = ROTA_ERR_FULL;
	struct rota_vault_header h;

	for (uint32_t i = 1; i <= n && err != ROTA_OK; i++) {
		uint32_t sector = (v->head + i) % n;

		ROTA_TRY(rota_vault_header_read(v, sector, &h));
		if (sector == but ||
			(h.sequence >= v->since && h.sequence > 0 && h.sequence <= v->sequence))
			continue;
		err = rota_vault_erase(v, sector) == ROTA_OK ? ROTA_OK : ROTA_ERR_IO;
		*out = sector;
	}
	return err;
}

static enum rota_err begin(struct rota_vault *v)
{
	struct rota_vault_header oldest, h = { .sector = v->spare };

	if (v->highest == UINT32_MAX)
		return ROTA_ERR_FULL;
	ROTA_TRY(rota_vault_oldest(v, v->since, &oldest));
	if (h.sector == ROTA_VAULT_NO_SECTOR)
		ROTA_TRY(find_spare(v, h.sector, &h.sector));
	if (find_spare(v, h.sector, &v->spare) != ROTA_OK)
		v->spare = ROTA_VAULT_NO_SECTOR;
	h.sequence = ++v->highest; /* not a second time, even if this one fails */
	h.since = oldest.sequence > 0 ? oldest.sequence : h.sequence;
	h.last = v->spare == ROTA_VAULT_NO_SECTOR;
	v->tail = 0;
	ROTA_TRY(rota_vault_header_write(v, &h));
	v->since = h.since;
	v->sequence = h.sequence;
	v->head = h.sector;
	v->seed = h.crc;
	v->tail = rota_flash_padded(v->c.flash, ROTA_VAULT_HEADER_LEN);
	v->owed = h.last;
	if (h.last)
		hold_needs(v);
	return ROTA_OK;
}

/* ---- cleaning ---- */

/* The flash does not give this record back. */
static enum rota_err lose(struct rota_vault *v, uint32_t id)
{
	rota_vault_drop(v, id);
	v->lost++;
	return rota_vault_tally(v);
}

static bool countable(struct rota_vault *v, uint32_t generation)
{
	return v->generations < ROTA_VAULT_GENERATIONS || rota_vault_counted(v, generation) != NULL;
}

/* Seal what an older key sealed anew, in its place; what does not open stays as it is. */
static enum rota_err renew(struct rota_vault *v, struct rota_vault_entry *e, uint32_t *generation)
{
	uint32_t active = v->c.keys->active(v->c.keys->ctx);
	struct rota_span plain;
	enum rota_err err;

	if (*generation >= active || !countable(v, active))
		return ROTA_OK;
	err = rota_vault_unseal(v, e, &plain);
	if (err == ROTA_OK) {
		*generation = active;
		return rota_vault_seal(v, active, plain.len, e);
	}
	if (err != ROTA_ERR_EXPIRED && err != ROTA_ERR_SIGNATURE && err != ROTA_ERR_CORRUPT)
		return err;
	return rota_vault_record_read(v, e); /* what was tried may have wiped it */
}

/* Write a record again at the head, where there is room for it. */
static enum rota_err move(struct rota_vault *v, struct rota_vault_place *p, uint32_t *written)
{
	struct rota_vault_entry e;
	uint32_t was, generation;
	uint16_t len;
	enum rota_err err = rota_vault_load(v, p, &e);

	if (err == ROTA_ERR_CORRUPT)
		return lose(v, p->id);
	ROTA_TRY(err);
	len = e.len;
	was = rota_vault_generation(v, &e);
	generation = was;
	ROTA_TRY(renew(v, &e, &generation));
	hold_needs(v);
	ROTA_TRY(rota_vault_append(v, &e));
	*written += rota_vault_entry_len(v->c.flash, e.len);
	p->at = e.at;
	rota_vault_discount(v, was, len);
	return rota_vault_count(v, generation, e.len);
}

/* The oldest sector is to be cleaned from here on. ROTA_ERR_NOT_FOUND: it is the head. */
static enum rota_err choose_old(struct rota_vault *v)
{
	struct rota_vault_header h;

	if (v->cleaning)
		return ROTA_OK;
	ROTA_TRY(rota_vault_oldest(v, v->since, &h));
	if (h.sequence == 0 || h.sequence == v->sequence)
		return ROTA_ERR_NOT_FOUND;
	v->cleaning = true;
	v->old = h.sector;
	v->old_sequence = h.sequence;
	v->old_seed = h.crc;
	v->walked = false;
	v->cursor = rota_flash_padded(v->c.flash, ROTA_VAULT_HEADER_LEN);
	return ROTA_OK;
}

/* Nothing in it counts any more. Only when that is durable may it be erased. */
static enum rota_err finish(struct rota_vault *v)
{
	struct rota_vault_entry mark = { .id = v->old_sequence + 1, .kind = ROTA_VAULT_CLEANED };

	ROTA_TRY(rota_vault_append(v, &mark));
	ROTA_TRY(v->c.flash->sync(v->c.flash->ctx));
	v->since = v->old_sequence + 1;
	v->cleaning = false;
	if (v->spare == ROTA_VAULT_NO_SECTOR && rota_vault_erase(v, v->old) == ROTA_OK)
		v->spare = v->old;
	v->owed = v->owed && v->spare == ROTA_VAULT_NO_SECTOR;
	v->moved = v->owed;
	return ROTA_OK;
}

/* The next one in the oldest sector that counts, in the order of its entries; NULL: none is left there. What counts is passed over
 * only once it does not any more, so that what could not be moved is met again. */
static enum rota_err walk_old(struct rota_vault *v, struct rota_vault_place **out)
{
	struct rota_vault_header h = { .sector = v->old, .crc = v->old_seed };
	enum rota_err err = ROTA_OK;

	*out = NULL;
	while (*out == NULL) {
		struct rota_vault_entry e;
		struct rota_vault_place *p;

		err = rota_vault_entry_read(v, &h, v->cursor, &e);
		if (err != ROTA_OK)
			break;
		p = e.kind == ROTA_VAULT_PUT ? rota_vault_find(v, e.id) : NULL;
		if (p != NULL && p->at == e.at)
			*out = p;
		else
			v->cursor += rota_vault_entry_len(v->c.flash, e.len);
	}
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

/* Behind the last entry all is erased; else a head went bad since the open, and only the index knows what stands behind it. */
static enum rota_err end_walk(struct rota_vault *v)
{
	uint32_t len = rota_vault_sector_len(v);
	bool clean;
	enum rota_err err =
		rota_vault_is_erased(v, v->old * len + v->cursor, len - v->cursor, &clean);

	if (err != ROTA_OK && err != ROTA_ERR_CORRUPT)
		return err;
	if (clean)
		return finish(v);
	v->walked = true;
	v->cursor = 0;
	return ROTA_OK;
}

/* One record of the oldest sector, or its end. */
static enum rota_err clean_some(struct rota_vault *v, uint32_t *written)
{
	struct rota_vault_place *p;

	if (!v->walked) {
		ROTA_TRY(walk_old(v, &p));
		return p != NULL ? move(v, p, written) : end_walk(v);
	}
	p = rota_vault_in(v, v->old, &v->cursor);
	return p != NULL ? move(v, p, written) : finish(v);
}

static enum rota_err settle(struct rota_vault *v)
{
	uint32_t written = 0;
	enum rota_err err = ROTA_OK;

	while (err == ROTA_OK && (v->owed || v->astray)) {
		if (v->astray || v->tail == 0) { /* the last one takes no more: it is begun anew */
			err = rota_vault_again(v);
			continue;
		}
		err = choose_old(v);
		if (err == ROTA_OK)
			err = clean_some(v, &written);
	}
	return err == ROTA_ERR_NOT_FOUND ? ROTA_ERR_FULL : err;
}

enum rota_err rota_vault_room(struct rota_vault *v, uint32_t len)
{
	uint32_t turns = rota_vault_sectors(v);
	unsigned failures = 0;
	enum rota_err err;

	for (;;) {
		ROTA_TRY(settle(v));
		if (v->tail != 0 && len + mark_len(v) <= rota_vault_sector_len(v) - v->tail)
			return ROTA_OK;
		if (turns-- == 0)
			return ROTA_ERR_FULL;
		err = begin(v);
		if (err != ROTA_OK && (err != ROTA_ERR_IO || ++failures == FAILURES))
			return err;
	}
}

/* ---- rewriting ---- */

/* What is there to do for this generation: sectors that were begun before it was the active one. */
static void aim(struct rota_vault *v)
{
	uint32_t active = v->c.keys->active(v->c.keys->ctx);

	if (active == v->aimed)
		return;
	v->aimed = active;
	v->aim = v->sequence;
}

uint32_t rota_vault_left(struct rota_vault *v)
{
	uint32_t n = 0;

	aim(v);
	for (uint32_t i = 0; v->aim > 0 && i < v->generations; i++) {
		if (v->count[i].generation < v->aimed && !v->count[i].gone)
			n += v->count[i].records;
	}
	return n;
}

/* Where an id is, if its record is older than the active key. */
static struct rota_vault_place *find_older(struct rota_vault *v, uint32_t id)
{
	struct rota_vault_place *p = rota_vault_find(v, id);
	uint32_t generation;
	uint16_t len;

	if (p == NULL || rota_vault_weigh(v, p->at, &len, &generation) != ROTA_OK)
		return NULL;
	return generation < v->aimed ? p : NULL;
}

/* Records that were read lately, out of their turn. */
static enum rota_err rewrite_marked(struct rota_vault *v, uint32_t bytes, uint32_t *written)
{
	while (v->marks > 0 && *written < bytes) {
		uint32_t id = v->marked[--v->marks];
		struct rota_vault_place *p = find_older(v, id);

		if (p == NULL)
			continue;
		ROTA_TRY(rota_vault_room(v, longest(v)));
		p = find_older(v, id); /* making room may have moved it */
		if (p != NULL)
			ROTA_TRY(move(v, p, written));
	}
	return ROTA_OK;
}

static enum rota_err rewrite_oldest(struct rota_vault *v, uint32_t *written)
{
	enum rota_err err;

	ROTA_TRY(rota_vault_room(v, longest(v)));
	err = choose_old(v);
	if (err == ROTA_ERR_NOT_FOUND && v->sequence <= v->aim)
		return begin(v); /* the head itself holds old ones */
	if (err == ROTA_ERR_NOT_FOUND || (err == ROTA_OK && v->old_sequence > v->aim)) {
		v->aim = 0; /* what is left does not open */
		v->cleaning = false;
		return ROTA_OK;
	}
	ROTA_TRY(err);
	return clean_some(v, written);
}

enum rota_err rota_vault_step(struct rota_vault *v, uint32_t bytes, uint32_t *left)
{
	uint32_t written = 0;
	enum rota_err err;

	*left = rota_vault_left(v);
	if (v->aimed == 0)
		return ROTA_OK;
	err = rewrite_marked(v, bytes, &written);
	while (err == ROTA_OK && written < bytes && rota_vault_left(v) > 0)
		err = rewrite_oldest(v, &written);
	*left = rota_vault_left(v);
	ROTA_TRY(err);
	return v->moved ? rota_vault_sync(v) : ROTA_OK;
}
