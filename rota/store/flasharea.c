/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/flasharea.h"
#include "rota/base/mem.h"

static enum rota_err area_capacity(void *ctx, uint8_t place, uint64_t *out)
{
	const struct rota_flash_area *a = ctx;
	uint64_t first = rota_flash_size(a->place[0]->run);
	uint64_t second = rota_flash_size(a->place[1]->run);

	(void)place;
	*out = first < second ? first : second;
	return ROTA_OK;
}

static void restart(struct rota_flash_area *a)
{
	a->whole = false;
	a->sector = 0;
	a->erased = 0;
	a->end = 0;
}

/* What the map says of the place must not outlive it. */
static enum rota_err area_discard(void *ctx, uint8_t place)
{
	struct rota_flash_area *a = ctx;

	restart(a);
	a->mapped = false;
	return a->map[place] == NULL ? ROTA_OK : rota_chunkmap_forget(a->map[place]);
}

/* Sectors that the first `length` bytes of a place take. */
static uint32_t sectors_of(const struct rota_flash *flash, uint64_t length)
{
	uint32_t n = 0;

	while (rota_flash_sector(flash->run, n).at < length)
		n++;
	return n;
}

/* Go on behind the chunks that are durable. */
static void go_on(struct rota_flash_area *a, const struct rota_flash *flash, uint32_t done)
{
	uint32_t at = rota_flash_sector(flash->run, done).at;

	a->sector = done;
	a->erased = at;
	a->whole = at >= a->length;
	a->end = a->whole ? (uint32_t)a->length : at;
}

static enum rota_err area_begin(void *ctx, uint8_t place,
	const uint8_t digest[static ROTA_SHA256_LEN], uint64_t length, uint64_t *durable)
{
	struct rota_flash_area *a = ctx;
	const struct rota_flash *flash = a->place[place], *map = a->map[place];
	uint32_t done;

	restart(a);
	a->length = length;
	a->mapped = map != NULL &&
		rota_chunkmap_begin(&a->chunks, map, digest, length, sectors_of(flash, length),
			&done) == ROTA_OK;
	if (a->mapped)
		go_on(a, flash, done);
	*durable = a->end;
	return ROTA_OK;
}

/* The sector at hand is written. */
static enum rota_err chunk_done(struct rota_flash_area *a, const struct rota_flash *flash)
{
	if (!a->mapped)
		return ROTA_OK;
	ROTA_TRY(flash->sync(flash->ctx));
	a->mapped = rota_chunkmap_mark(&a->chunks, a->sector - 1) == ROTA_OK;
	return ROTA_OK;
}

/* Erase the sector that begins where the erased bytes end. */
static enum rota_err erase_next(struct rota_flash_area *a, const struct rota_flash *flash)
{
	struct rota_flash_sector s = rota_flash_sector(flash->run, a->sector);

	if (s.len == 0)
		return ROTA_ERR_FULL;
	ROTA_TRY(flash->erase(flash->ctx, s.at));
	a->sector++;
	a->erased = s.at + s.len;
	return ROTA_OK;
}

/* The next bytes of `data` into what is erased: whole units at once, else what one unit takes. *took of them. */
static enum rota_err put(struct rota_flash_area *a, const struct rota_flash *flash,
	struct rota_span data, size_t *took)
{
	size_t unit = flash->write_len, in = a->end % unit, n = a->erased - a->end;

	if (n > data.len)
		n = data.len;
	if (in == 0 && n >= unit) {
		*took = n - n % unit;
		return flash->write(flash->ctx, a->end, rota_span(data.p, *took));
	}
	*took = n < unit - in ? n : unit - in;
	memcpy(&a->unit[in], data.p, *took);
	if (in + *took < unit)
		return ROTA_OK;
	return flash->write(flash->ctx, a->end - (uint32_t)in, rota_span(a->unit, unit));
}

static enum rota_err area_write(void *ctx, uint8_t place, uint64_t off, struct rota_span data)
{
	struct rota_flash_area *a = ctx;
	const struct rota_flash *flash = a->place[place];
	size_t took;

	if (off != a->end)
		return ROTA_ERR_ARGUMENT;
	while (data.len > 0) {
		if (a->end == a->erased)
			ROTA_TRY(erase_next(a, flash));
		ROTA_TRY(put(a, flash, data, &took));
		a->end += (uint32_t)took;
		data = rota_span_skip(data, took);
		if (a->end == a->erased)
			ROTA_TRY(chunk_done(a, flash));
	}
	return ROTA_OK;
}

/* Once: a finish that is repeated must not program the unit again. */
static enum rota_err write_rest(struct rota_flash_area *a, const struct rota_flash *flash)
{
	uint32_t unit = flash->write_len, in = a->end % unit;

	if (a->whole)
		return ROTA_OK;
	if (in > 0) {
		memset(&a->unit[in], flash->erased, unit - in);
		ROTA_TRY(flash->write(flash->ctx, a->end - in, rota_span(a->unit, unit)));
	}
	a->whole = true;
	return chunk_done(a, flash);
}

static enum rota_err area_finish(void *ctx, uint8_t place, uint64_t len)
{
	struct rota_flash_area *a = ctx;
	const struct rota_flash *flash = a->place[place];

	if (len == a->length)
		ROTA_TRY(write_rest(a, flash));
	return flash->sync(flash->ctx);
}

static enum rota_err area_read(void *ctx, uint8_t place, uint64_t off, struct rota_buf to)
{
	const struct rota_flash_area *a = ctx;
	const struct rota_flash *flash = a->place[place];

	return flash->read(flash->ctx, (uint32_t)off, to); /* within what is there: it fits */
}

void rota_flash_area_init(
	struct rota_flash_area *a, const struct rota_flash *first, const struct rota_flash *second)
{
	memset(a, 0, sizeof(*a));
	a->place[0] = first;
	a->place[1] = second;
	a->port = (struct rota_slotarea){
		.ctx = a,
		.capacity = area_capacity,
		.begin = area_begin,
		.discard = area_discard,
		.write = area_write,
		.finish = area_finish,
		.read = area_read,
	};
}

void rota_flash_area_maps(
	struct rota_flash_area *a, const struct rota_flash *first, const struct rota_flash *second)
{
	a->map[0] = first;
	a->map[1] = second;
}
