/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/vault.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/store/vault_parts.h"

#define TRIES 3 /* sectors that an entry is tried in */

/* ---- opening ---- */

/* All sectors are alike, and the config's numbers are such that nothing below divides by zero or runs over. */
static bool fits(const struct rota_vault *v)
{
	const struct rota_flash *flash = v->c.flash;
	uint32_t unit = flash->write_len, n = v->c.index_len, sectors = rota_vault_sectors(v);

	if (unit == 0 || (unit & (unit - 1)) != 0 || unit > ROTA_FLASH_WRITE_MAX)
		return false;
	if (n == 0 || (n & (n - 1)) != 0 || v->c.record.len < ROTA_VAULT_ROOM(0))
		return false;
	for (uint32_t i = 0; i < sectors; i++) {
		if (rota_flash_sector(flash->run, i).len != rota_vault_sector_len(v))
			return false;
	}
	return sectors >= 3 && rota_vault_sector_len(v) % unit == 0 &&
		rota_flash_size(flash->run) <= UINT32_MAX &&
		v->c.record.len <= rota_vault_sector_len(v) && rota_vault_capacity(v) > 0;
}

/* Walk a sector's entries with what `take` makes of each; where the last one ends. */
static enum rota_err walk(struct rota_vault *v, const struct rota_vault_header *h,
	enum rota_err (*take)(struct rota_vault *v, const struct rota_vault_entry *e),
	uint32_t *end)
{
	enum rota_err err;

	*end = rota_flash_padded(v->c.flash, ROTA_VAULT_HEADER_LEN);
	for (;;) {
		struct rota_vault_entry e;

		err = rota_vault_entry_read(v, h, *end, &e);
		if (err == ROTA_ERR_NOT_FOUND)
			return ROTA_OK;
		ROTA_TRY(err);
		ROTA_TRY(take(v, &e));
		*end += rota_vault_entry_len(v->c.flash, e.len);
	}
}

/* What was cleaned, as the newest sector says. */
static enum rota_err take_mark(struct rota_vault *v, const struct rota_vault_entry *e)
{
	if (e->kind == ROTA_VAULT_CLEANED && e->id > v->since && e->id <= v->sequence)
		v->since = e->id;
	return ROTA_OK;
}

static enum rota_err newest(const struct rota_vault *v, struct rota_vault_header *out)
{
	struct rota_vault_header h;

	*out = (struct rota_vault_header){ .sector = rota_vault_sectors(v) - 1 };
	for (uint32_t i = 0; i < rota_vault_sectors(v); i++) {
		ROTA_TRY(rota_vault_header_read(v, i, &h));
		if (h.sequence <= v->sequence && h.sequence > out->sequence)
			*out = h;
	}
	return ROTA_OK;
}

/* Which sectors count: from v->since to v->sequence. A last sector into which the oldest one was not cleaned wholly is
 * passed over, and free: all that stands in it stands in the oldest one. */
static enum rota_err judge(struct rota_vault *v, struct rota_vault_header *head)
{
	struct rota_vault_header oldest;
	uint32_t end;

	v->sequence = UINT32_MAX;
	ROTA_TRY(newest(v, head));
	v->sequence = head->sequence;
	v->highest = head->sequence;
	v->since = head->since;
	ROTA_TRY(walk(v, head, take_mark, &end));
	if (!head->last || v->since != head->since || head->since == head->sequence)
		return ROTA_OK;
	ROTA_TRY(rota_vault_oldest(v, head->since, &oldest));
	if (oldest.sequence != head->since)
		return ROTA_OK;
	v->sequence--;
	return newest(v, head);
}

static enum rota_err take_entry(struct rota_vault *v, const struct rota_vault_entry *e)
{
	enum rota_err err;

	if (e->kind == ROTA_VAULT_REMOVED)
		rota_vault_drop(v, e->id);
	if (e->kind != ROTA_VAULT_PUT)
		return ROTA_OK;
	err = rota_vault_record_read(v, e);
	if (err == ROTA_ERR_CORRUPT) /* the one before it counts still */
		return ROTA_OK;
	ROTA_TRY(err);
	return rota_vault_set(v, e->id, e->at);
}

/* The one of `n` in the line whose sequence is `from` or the next above. ROTA_ERR_BUSY: it is another one by now. */
static enum rota_err next_in_line(const struct rota_vault *v, uint32_t n, uint32_t *next,
	uint32_t from, struct rota_vault_header *out)
{
	*out = (struct rota_vault_header){ .sector = ROTA_VAULT_NO_SECTOR };
	while (*next < n && v->c.turns[*next].sequence < from)
		++*next;
	if (*next == n)
		return ROTA_OK;
	ROTA_TRY(rota_vault_header_read(v, v->c.turns[*next].sector, out));
	return out->sequence == 0 || out->sequence == v->c.turns[*next].sequence ? ROTA_OK
										 : ROTA_ERR_BUSY;
}

/* All entries that count, oldest first. */
static enum rota_err scan(struct rota_vault *v, uint32_t *end)
{
	struct rota_vault_header h;
	uint32_t from = v->since, next = 0, n = 0;

	if (v->c.turns != NULL)
		ROTA_TRY(rota_vault_line_up(v, &n));
	for (;;) {
		if (v->c.turns != NULL)
			ROTA_TRY(next_in_line(v, n, &next, from, &h));
		else
			ROTA_TRY(rota_vault_oldest(v, from, &h));
		if (h.sequence == 0) /* the head cannot be gone: it was there a moment ago */
			return v->sequence == 0 ? ROTA_OK : ROTA_ERR_IO;
		ROTA_TRY(walk(v, &h, take_entry, end));
		if (h.sequence == v->sequence)
			return ROTA_OK;
		from = h.sequence + 1;
	}
}

/* Nothing is appended where anything was ever written. */
static enum rota_err find_tail(struct rota_vault *v, uint32_t end)
{
	uint32_t len = rota_vault_sector_len(v);
	bool clean;
	enum rota_err err = rota_vault_is_erased(v, v->head * len + end, len - end, &clean);

	if (err != ROTA_OK && err != ROTA_ERR_CORRUPT)
		return err;
	v->tail = clean ? end : 0;
	return ROTA_OK;
}

static enum rota_err find_all(struct rota_vault *v)
{
	struct rota_vault_header head;
	uint32_t end = 0;

	ROTA_TRY(v->c.flash->sync(v->c.flash->ctx)); /* what is found does not vanish again */
	ROTA_TRY(judge(v, &head));
	v->head = head.sector;
	v->seed = head.crc;
	ROTA_TRY(scan(v, &end));
	if (v->sequence > 0)
		ROTA_TRY(find_tail(v, end));
	return rota_vault_tally(v);
}

static void clear_index(struct rota_vault *v)
{
	v->records = 0;
	for (uint32_t i = 0; i < v->c.index_len; i++)
		v->c.index[i].at = 0;
}

enum rota_err rota_vault_again(struct rota_vault *v)
{
	uint32_t highest = v->highest;

	if (!v->astray)
		v->least = rota_vault_needs(v);
	v->astray = v->moved = true;
	v->owed = v->cleaning = false;
	v->spare = ROTA_VAULT_NO_SECTOR;
	v->aimed = v->aim = 0;
	clear_index(v);
	ROTA_TRY(find_all(v));
	if (v->highest < highest)
		v->highest = highest; /* no number is given a second time */
	v->astray = v->moved = false;
	return ROTA_OK;
}

/* What each call on an open vault begins with. */
static enum rota_err look_again(struct rota_vault *v)
{
	return v->astray ? rota_vault_again(v) : ROTA_OK;
}

enum rota_err rota_vault_open(struct rota_vault *v, const struct rota_vault_config *c,
	const struct rota_record_opening *opening)
{
	enum rota_err err;

	*v = (struct rota_vault){ .c = *c, .opening = *opening, .spare = ROTA_VAULT_NO_SECTOR };
	if (!fits(v))
		return ROTA_ERR_ARGUMENT;
	if (v->c.crc == NULL)
		v->c.crc = rota_crc32;
	clear_index(v);
	err = find_all(v);
	if (err != ROTA_OK)
		rota_vault_close(v);
	return err;
}

/* ---- records ---- */

/* The record that one of `len` bytes replaces; none has length 0. */
static enum rota_err weigh_old(
	struct rota_vault *v, uint32_t id, uint16_t *len, uint32_t *generation)
{
	struct rota_vault_place *p = rota_vault_find(v, id);
	enum rota_err err;

	*len = 0;
	*generation = 0;
	if (p == NULL)
		return ROTA_OK;
	err = rota_vault_weigh(v, p->at, len, generation);
	return err == ROTA_ERR_CORRUPT ? rota_vault_tally(v) : err;
}

static enum rota_err may_put(struct rota_vault *v, uint32_t id, size_t plain_len, uint32_t active)
{
	uint16_t old_len;
	uint32_t generation, need, old = 0;

	if (plain_len > rota_vault_plain_room(v).len ||
		plain_len > ROTA_VAULT_SEALED_MAX - ROTA_RECORD_OVERHEAD)
		return ROTA_ERR_LIMIT;
	if (active == 0)
		return ROTA_ERR_NOT_FOUND;
	if (rota_vault_find(v, id) == NULL && v->records >= rota_vault_most(v))
		return ROTA_ERR_FULL;
	if (rota_vault_counted(v, active) == NULL && v->generations == ROTA_VAULT_GENERATIONS)
		return ROTA_ERR_FULL;
	ROTA_TRY(weigh_old(v, id, &old_len, &generation));
	if (old_len > 0)
		old = rota_vault_entry_len(v->c.flash, old_len);
	need = rota_vault_entry_len(v->c.flash, plain_len + ROTA_RECORD_OVERHEAD);
	if (need > old && v->live - old + need > rota_vault_capacity(v))
		return ROTA_ERR_FULL;
	return ROTA_OK;
}

/* The entry is durable: it counts from here on. */
static enum rota_err replace(
	struct rota_vault *v, const struct rota_vault_entry *e, uint32_t generation)
{
	uint16_t old_len;
	uint32_t old_generation;

	ROTA_TRY(weigh_old(v, e->id, &old_len, &old_generation));
	if (old_len > 0)
		rota_vault_discount(v, old_generation, old_len);
	if (e->kind == ROTA_VAULT_REMOVED) {
		rota_vault_drop(v, e->id);
		return ROTA_OK;
	}
	ROTA_TRY(rota_vault_set(v, e->id, e->at));
	return rota_vault_count(v, generation, e->len);
}

enum rota_err rota_vault_put(struct rota_vault *v, uint32_t id, struct rota_span plain)
{
	uint32_t active = v->c.keys->active(v->c.keys->ctx);
	struct rota_vault_entry e = { .id = id, .kind = ROTA_VAULT_PUT };
	enum rota_err err = ROTA_ERR_IO;

	ROTA_TRY(look_again(v));
	ROTA_TRY(may_put(v, id, plain.len, active));
	for (unsigned i = 0; i < TRIES && err == ROTA_ERR_IO; i++) {
		ROTA_TRY(rota_vault_room(
			v, rota_vault_entry_len(v->c.flash, plain.len + ROTA_RECORD_OVERHEAD)));
		if (plain.len > 0)
			memcpy(rota_vault_plain_room(v).p, plain.p, plain.len);
		ROTA_TRY(rota_vault_seal(v, active, plain.len, &e));
		err = rota_vault_append(v, &e);
	}
	ROTA_TRY(err);
	ROTA_TRY(rota_vault_sync(v));
	return replace(v, &e, active);
}

enum rota_err rota_vault_remove(struct rota_vault *v, uint32_t id)
{
	struct rota_vault_entry e = { .id = id, .kind = ROTA_VAULT_REMOVED };
	enum rota_err err = ROTA_ERR_IO;

	ROTA_TRY(look_again(v));
	if (rota_vault_find(v, id) == NULL)
		return ROTA_ERR_NOT_FOUND;
	for (unsigned i = 0; i < TRIES && err == ROTA_ERR_IO; i++) {
		ROTA_TRY(rota_vault_room(v, rota_vault_entry_len(v->c.flash, 0)));
		err = rota_vault_append(v, &e);
	}
	ROTA_TRY(err);
	ROTA_TRY(rota_vault_sync(v));
	return replace(v, &e, 0);
}

/* To be rewritten soon, if there is room to remember it. */
static void mark(struct rota_vault *v, uint32_t id)
{
	for (uint32_t i = 0; i < v->marks; i++) {
		if (v->marked[i] == id)
			return;
	}
	if (v->marks < ROTA_VAULT_MARKS)
		v->marked[v->marks++] = id;
}

enum rota_err rota_vault_get(
	struct rota_vault *v, uint32_t id, struct rota_buf room, struct rota_span *plain)
{
	struct rota_vault_place *p;
	struct rota_vault_entry e;
	struct rota_span opened;
	uint32_t generation;
	enum rota_err err = ROTA_OK;

	*plain = rota_span(NULL, 0);
	ROTA_TRY(look_again(v));
	p = rota_vault_find(v, id);
	if (p == NULL)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(rota_vault_load(v, p, &e));
	generation = rota_vault_generation(v, &e);
	ROTA_TRY(rota_vault_unseal(v, &e, &opened));
	if (opened.len > room.len)
		err = ROTA_ERR_LIMIT;
	if (err == ROTA_OK && opened.len > 0) {
		memcpy(room.p, opened.p, opened.len);
		*plain = rota_span(room.p, opened.len);
	}
	rota_wipe(v->c.record.p, (size_t)ROTA_VAULT_ENTRY_HEAD_LEN + e.len);
	if (generation < v->c.keys->active(v->c.keys->ctx))
		mark(v, id);
	return err;
}

uint32_t rota_vault_needs(const struct rota_vault *v)
{
	uint32_t least = v->moved ? v->least : 0;

	for (uint32_t i = 0; i < v->generations; i++) {
		if (!v->count[i].gone && (least == 0 || v->count[i].generation < least))
			least = v->count[i].generation;
	}
	return least;
}

enum rota_err rota_vault_each(struct rota_vault *v, void *ctx,
	enum rota_err (*each)(void *ctx, uint32_t id, uint32_t generation))
{
	ROTA_TRY(look_again(v));
	for (uint32_t i = 0; i < v->c.index_len; i++) {
		const struct rota_vault_place *p = &v->c.index[i];
		uint32_t generation;
		uint16_t len;

		if (p->at == 0)
			continue;
		ROTA_TRY(rota_vault_weigh(v, p->at, &len, &generation));
		ROTA_TRY(each(ctx, p->id, generation));
	}
	return ROTA_OK;
}
