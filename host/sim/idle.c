/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/idle.h"
#include "host/sim/parts.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct sim_idle) <= SIM_IDLE_MAX, "a sleeping device is small");

#define NEW_FROM 128 /* bytes of difference from which a payload is one of its own */
#define RUN_MAX 255
#define PIECE 256U /* divides every place */

static enum rota_journal_kind kind_of(int place)
{
	return place == SIM_BOOT ? ROTA_JOURNAL_BOOT : ROTA_JOURNAL_DEVICE;
}

/* ---- payloads: runs of (offset u16, length u8, bytes) that stand in the place of the catalogue's ---- */

static uint8_t at(const struct sim_payload *p, uint32_t i)
{
	return i < p->len ? p->bytes[i] : 0;
}

/* What differs of `payload` into `to`; its length, SIZE_MAX when it does not fit. */
static size_t differ(const struct sim_payload *p, struct rota_span payload, struct rota_buf to)
{
	size_t used = 0;

	for (uint32_t i = 0; i < payload.len;) {
		uint32_t begin = i;

		if (payload.p[i] == at(p, i)) {
			i++;
			continue;
		}
		while (i < payload.len && i - begin < RUN_MAX && payload.p[i] != at(p, i))
			i++;
		if (to.len - used < 3 + (i - begin))
			return SIZE_MAX;
		to.p[used++] = (uint8_t)begin;
		to.p[used++] = (uint8_t)(begin >> 8);
		to.p[used++] = (uint8_t)(i - begin);
		memcpy(&to.p[used], &payload.p[begin], i - begin);
		used += i - begin;
	}
	return used;
}

static void join(const struct sim_payload *p, struct rota_span diff, struct rota_buf to)
{
	for (uint32_t i = 0; i < to.len; i++)
		to.p[i] = at(p, i);
	while (diff.len > 0) {
		uint32_t begin = diff.p[0] | (uint32_t)diff.p[1] << 8;

		memcpy(&to.p[begin], &diff.p[3], diff.p[2]);
		diff = rota_span_skip(diff, 3U + diff.p[2]);
	}
}

/* The payload that resembles ours most, or ours itself from now on. */
static enum rota_err like(struct sim_catalogue *c, struct rota_span payload, uint16_t *out)
{
	uint8_t room[NEW_FROM];
	size_t least = SIZE_MAX;

	for (uint32_t i = 0; i < c->payloads && least > 0; i++) {
		size_t len = differ(&c->payload[i], payload, ROTA_BUF(room));

		if (len < least) {
			least = len;
			*out = (uint16_t)i;
		}
	}
	if (least != SIZE_MAX)
		return ROTA_OK;
	if (c->payloads == SIM_PAYLOADS_MAX)
		return ROTA_ERR_LIMIT;
	*out = (uint16_t)c->payloads;
	c->payload[c->payloads].len = (uint16_t)payload.len;
	memcpy(c->payload[c->payloads++].bytes, payload.p, payload.len);
	return ROTA_OK;
}

static enum rota_err fold_journal(struct sim_device *d, struct sim_catalogue *c, int place,
	struct sim_idle *out, size_t *used)
{
	uint8_t room[ROTA_JOURNAL_PAYLOAD_MAX];
	struct rota_span payload;
	struct rota_journal j;
	size_t len;

	ROTA_TRY(rota_journal_open(&j, &d->place[place].region.port, kind_of(place)));
	ROTA_TRY(rota_journal_load(&j, ROTA_BUF(room), &payload));
	ROTA_TRY(like(c, payload, &out->journal[place].payload));
	len = differ(&c->payload[out->journal[place].payload], payload,
		rota_buf(&out->diff[*used], sizeof(out->diff) - *used));
	if (len == SIZE_MAX)
		return ROTA_ERR_LIMIT;
	out->journal[place].record = j.number;
	out->journal[place].len = (uint16_t)payload.len;
	out->journal[place].diff_len = (uint16_t)len;
	*used += len;
	return ROTA_OK;
}

static enum rota_err unfold_journal(struct sim_device *d, const struct sim_catalogue *c, int place,
	const struct sim_idle *idle, struct rota_span diff)
{
	uint8_t room[ROTA_JOURNAL_PAYLOAD_MAX];
	struct rota_buf payload = rota_buf(room, idle->journal[place].len);
	struct rota_journal j;

	join(&c->payload[idle->journal[place].payload], diff, payload);
	ROTA_TRY(rota_journal_open(&j, &d->place[place].region.port, kind_of(place)));
	j.number = idle->journal[place].record - 1;
	return rota_journal_commit(&j, rota_span(payload.p, payload.len));
}

/* ---- slots ---- */

/* Bytes of `image` that stand at the beginning of a place, and nothing behind them; 0: not so. */
static uint32_t holds(struct sim_device *d, int place, struct rota_span image, bool *clean)
{
	const struct rota_flash *flash = &d->place[place].region.port;
	uint32_t size = (uint32_t)rota_flash_size(flash->run), same = 0;
	uint8_t piece[PIECE];
	bool going = true;

	*clean = true;
	for (uint32_t off = 0; off < size && *clean; off += PIECE) {
		if (flash->read(flash->ctx, off, ROTA_BUF(piece)) != ROTA_OK)
			*clean = false;
		for (uint32_t i = 0; i < PIECE && *clean; i++) {
			going = going && off + i < image.len && piece[i] == image.p[off + i];
			same += going;
			*clean = going || piece[i] == flash->erased;
		}
	}
	return same;
}

static enum rota_err fold_slot(
	struct sim_device *d, const struct sim_catalogue *c, int slot, struct sim_idle *out)
{
	bool clean, blank;

	(void)holds(d, SIM_SLOTS + slot, rota_span(NULL, 0), &blank);
	out->slot[slot].len = 0;
	for (uint32_t i = 0; i < c->images && !blank; i++) {
		uint32_t len = holds(d, SIM_SLOTS + slot, c->image[i], &clean);

		if (clean) {
			out->slot[slot].image = i;
			out->slot[slot].len = len;
			return ROTA_OK;
		}
	}
	return blank ? ROTA_OK : ROTA_ERR_NOT_FOUND;
}

static enum rota_err unfold_slot(
	struct sim_device *d, const struct sim_catalogue *c, int slot, const struct sim_idle *idle)
{
	if (idle->slot[slot].len == 0)
		return ROTA_OK;
	return sim_put_image(&d->place[SIM_SLOTS + slot],
		rota_span_slice(c->image[idle->slot[slot].image], 0, idle->slot[slot].len));
}

/* ---- places of recovery orders: the area as a whole ---- */

/* The area's bytes into a new room. ROTA_ERR_BUSY: something there cannot be read. */
static enum rota_err read_orders(struct sim_device *d, uint8_t **out)
{
	struct rota_flash *flash = &d->place[SIM_ORDERS].region.port;
	size_t len = (size_t)rota_flash_size(flash->run);
	enum rota_err err;

	*out = malloc(len);
	if (*out == NULL)
		return ROTA_ERR_FULL;
	err = flash->read(flash->ctx, 0, rota_buf(*out, len));
	if (err == ROTA_OK)
		return ROTA_OK;
	free(*out);
	return err == ROTA_ERR_CORRUPT ? ROTA_ERR_BUSY : err;
}

static bool is_erased(const uint8_t *bytes, size_t len, uint8_t erased)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != erased)
			return false;
	}
	return true;
}

static enum rota_err fold_orders(
	struct sim_device *d, struct sim_catalogue *c, struct sim_idle *out)
{
	const struct rota_flash *flash = &d->place[SIM_ORDERS].region.port;
	size_t len = (size_t)rota_flash_size(flash->run);
	uint8_t *bytes;

	ROTA_TRY(read_orders(d, &bytes));
	out->orders = 0;
	for (uint32_t i = 0; i < c->orders_count && out->orders == 0; i++)
		out->orders = memcmp(c->orders[i], bytes, len) == 0 ? i + 1 : 0;
	if (out->orders > 0 || is_erased(bytes, len, flash->erased)) {
		free(bytes);
		return ROTA_OK;
	}
	if (c->orders_count == SIM_ORDERS_MAX) {
		free(bytes);
		return ROTA_ERR_LIMIT;
	}
	c->orders[c->orders_count++] = bytes;
	out->orders = c->orders_count;
	return ROTA_OK;
}

static enum rota_err unfold_orders(
	struct sim_device *d, const struct sim_catalogue *c, const struct sim_idle *idle)
{
	struct rota_flash *flash = &d->place[SIM_ORDERS].region.port;
	uint32_t size = (uint32_t)rota_flash_size(flash->run), unit = flash->write_len;

	for (uint32_t at = 0; at < size && idle->orders > 0; at += unit) {
		const uint8_t *bytes = &c->orders[idle->orders - 1][at];

		if (!is_erased(bytes, unit, flash->erased))
			ROTA_TRY(flash->write(flash->ctx, at, rota_span(bytes, unit)));
	}
	return flash->sync(flash->ctx);
}

void sim_catalogue_free(struct sim_catalogue *c)
{
	for (uint32_t i = 0; i < c->orders_count; i++)
		free(c->orders[i]);
	c->orders_count = 0;
}

/* ---- all ---- */

static struct rota_flash_sim_sector *sector(struct sim_device *d, int place, uint32_t i)
{
	const struct sim_area *area = &d->fleet->board->area[place];
	struct rota_flash_sim *chip = &d->chip[area->chip];
	uint32_t n = 0;

	while (chip->sectors[n].at < area->at + i)
		n++;
	return &chip->sectors[n];
}

static uint32_t worst(struct sim_device *d, int place)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < d->fleet->board->area[place].len; i += sector(d, place, i)->len) {
		if (sector(d, place, i)->erases > most)
			most = sector(d, place, i)->erases;
	}
	return most;
}

enum rota_err sim_fold(struct sim_device *d, struct sim_catalogue *c, struct sim_idle *out)
{
	size_t used = 0;

	memset(out, 0, sizeof(*out));
	if (d->fleet->fuses)
		return ROTA_ERR_UNSUPPORTED;
	if (d->supply.off)
		return ROTA_ERR_BUSY;
	for (uint8_t i = 0; i < d->fleet->board->chips; i++) {
		for (uint32_t k = 0; k < d->chip[i].sector_count; k++) {
			if (d->chip[i].sectors[k].half_steps > 0)
				return ROTA_ERR_BUSY;
		}
	}
	for (int i = 0; i < 2; i++)
		ROTA_TRY(fold_journal(d, c, i, out, &used));
	for (int i = 0; i < 2 * d->fleet->components; i++)
		ROTA_TRY(fold_slot(d, c, i, out));
	ROTA_TRY(fold_orders(d, c, out));
	for (int i = 0; i < SIM_PLACES; i++)
		out->wear[i] = worst(d, i);
	memcpy(out->counter, d->counters.value, sizeof(out->counter));
	out->number = d->number;
	out->clock_s = d->clock_s;
	return ROTA_OK;
}

enum rota_err sim_unfold(
	struct sim_device *d, const struct sim_catalogue *c, const struct sim_idle *idle)
{
	struct rota_span diff = ROTA_SPAN(idle->diff);

	sim_blank(d);
	for (int i = 0; i < 2; i++) {
		uint16_t len = idle->journal[i].diff_len;

		ROTA_TRY(unfold_journal(d, c, i, idle, rota_span_slice(diff, 0, len)));
		diff = rota_span_skip(diff, len);
	}
	for (int i = 0; i < 2 * d->fleet->components; i++)
		ROTA_TRY(unfold_slot(d, c, i, idle));
	ROTA_TRY(unfold_orders(d, c, idle));
	for (int i = 0; i < SIM_PLACES; i++) {
		for (uint32_t at = 0; at < d->fleet->board->area[i].len;
			at += sector(d, i, at)->len)
			sector(d, i, at)->erases = idle->wear[i];
	}
	memcpy(d->counters.value, idle->counter, sizeof(idle->counter));
	sim_number(d, idle->number);
	d->clock_s = idle->clock_s;
	sim_power(d);
	return ROTA_OK;
}
