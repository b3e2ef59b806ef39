/* SPDX-License-Identifier: Apache-2.0 */
/* The log of rota/store/vault.h in a file (host/vault/sectors.h). */
#include "host/base/crc.h"
#include "host/vault/backend.h"
#include "host/vault/sectors.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR_LEN ROTA_VAULT_FILE_SECTOR_LEN
#define UNIT ROTA_VAULT_FILE_UNIT
#define SECTORS_LEAST 4
#define ROOM_LEAST 4096 /* what is read at once where a sector is looked at */

struct file_vault {
	struct rota_vault_sectors sectors;
	struct rota_vault v;
	struct rota_vault_place *index;
	struct rota_vault_turn *turns;
	uint8_t *record;
};

static enum rota_err settle(void *ctx)
{
	struct file_vault *f = ctx;

	return rota_vault_sectors_settle(&f->sectors);
}

/* ---- the backend's functions ---- */

static enum rota_err put(void *ctx, uint32_t id, struct rota_span plain)
{
	struct file_vault *f = ctx;

	return rota_vault_put(&f->v, id, plain);
}

static enum rota_err get(void *ctx, uint32_t id, struct rota_buf room, struct rota_span *plain)
{
	struct file_vault *f = ctx;

	return rota_vault_get(&f->v, id, room, plain);
}

static enum rota_err take_out(void *ctx, uint32_t id)
{
	struct file_vault *f = ctx;

	return rota_vault_remove(&f->v, id);
}

static enum rota_err rewrite(
	void *ctx, uint32_t records, uint32_t *bytes, uint32_t *left, bool *erases)
{
	struct file_vault *f = ctx;
	uint64_t before = atomic_load(&f->sectors.written);
	uint32_t each = f->v.records > 0 ? (uint32_t)(f->v.live / f->v.records) : 0;
	enum rota_err err, written;

	rota_vault_sectors_gather(&f->sectors);
	err = rota_vault_step(&f->v, records * each, left);
	written = rota_vault_sectors_flush(&f->sectors);
	*bytes = atomic_load(&f->sectors.written) != before ? records * each : 0;
	/* The head may be full before the next batch ends, and is this near to it once. */
	*erases = rota_vault_sectors_would_wait(&f->sectors) &&
		(uint64_t)f->v.tail + 2 * (uint64_t)records * each > SECTOR_LEN;
	return err != ROTA_OK ? err : written;
}

static uint32_t needs(void *ctx)
{
	struct file_vault *f = ctx;

	return rota_vault_needs(&f->v);
}

static void progress(void *ctx, struct rota_vault_progress *out)
{
	struct file_vault *f = ctx;

	out->left = rota_vault_left(&f->v);
	out->lost = f->v.lost;
	out->generations = f->v.generations;
	memcpy(out->count, f->v.count, f->v.generations * sizeof(out->count[0]));
}

static void discard(struct file_vault *f)
{
	free(f->index);
	free(f->turns);
	free(f->record);
	free(f);
}

static void end(void *ctx)
{
	struct file_vault *f = ctx;

	rota_vault_close(&f->v);
	rota_vault_sectors_close(&f->sectors);
	discard(f);
}

/* ---- opening ---- */

static uint32_t power_above(uint64_t n)
{
	uint32_t p = 4;

	while (p < n)
		p *= 2;
	return p;
}

/* Sectors of a new file: a fourth of what the records take is free, and what the log itself wants. */
static uint64_t sectors_for(const struct rota_vault_plan *plan, size_t room)
{
	uint64_t each =
		(plan->plain_max + ROTA_RECORD_OVERHEAD + ROTA_VAULT_ENTRY_OVERHEAD + UNIT - 1) /
		UNIT * UNIT;
	uint64_t all = each * plan->records * 4 / 3, usable = SECTOR_LEN - room - 64;

	return all / usable + 2 < SECTORS_LEAST ? SECTORS_LEAST : all / usable + 2;
}

static enum rota_err open_log(struct file_vault *f, const char *path,
	const struct rota_vault_plan *plan, size_t room, struct rota_fail *why)
{
	uint32_t index_len = power_above((uint64_t)plan->records * 5 / 4 + 1);
	struct rota_vault_config c = { .flash = &f->sectors.port,
		.crypto = plan->crypto,
		.aead = plan->aead,
		.keys = plan->keys,
		.crc = rota_crc32_fast,
		.index_len = index_len };
	enum rota_err err;

	f->index = calloc(index_len, sizeof(*f->index));
	f->turns = calloc(rota_flash_sectors(f->sectors.port.run), sizeof(*f->turns));
	f->record = malloc(room);
	if (f->index == NULL || f->turns == NULL || f->record == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory for %u records", plan->records);
	c.index = f->index;
	c.turns = f->turns;
	c.record = rota_buf(f->record, room);
	err = rota_vault_open(&f->v, &c, &plan->opening);
	if (err == ROTA_ERR_LIMIT)
		return rota_fail(
			why, err, "%s: holds more or longer records than there is room for", path);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: %s", path, rota_err_str(err));
	return ROTA_OK;
}

enum rota_err rota_vault_file_open(const char *path, const struct rota_vault_plan *plan,
	struct rota_vault_store **out, struct rota_fail *why)
{
	size_t room = ROTA_VAULT_ROOM((size_t)plan->plain_max);
	struct file_vault *f;
	struct rota_vault_backend backend = { NULL, put, get, take_out, rewrite, needs, progress,
		settle, end, false };
	uint64_t sectors;
	enum rota_err err;

	*out = NULL;
	if (room < ROOM_LEAST)
		room = ROOM_LEAST;
	sectors = sectors_for(plan, room);
	if (plan->records == 0 || plan->records > ROTA_VAULT_RECORDS_MAX ||
		plan->plain_max > ROTA_VAULT_SEALED_MAX - ROTA_RECORD_OVERHEAD ||
		sectors * SECTOR_LEN > UINT32_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: %u records of %u bytes are no vault",
			path, plan->records, plan->plain_max);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	err = rota_vault_sectors_open(&f->sectors, path, (uint32_t)sectors, &f->v, why);
	if (err == ROTA_OK) {
		err = open_log(f, path, plan, room, why);
		if (err != ROTA_OK)
			rota_vault_sectors_close(&f->sectors);
	}
	if (err != ROTA_OK) {
		discard(f);
		return err;
	}
	backend.ctx = f;
	return rota_vault_store_begin(&backend, &plan->budget, out, why);
}
