/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/flash_mem.h"

#include <string.h>

/* xorshift64: repeatable by its seed, which is never 0 here. */
static uint8_t random_byte(struct flash_mem *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (uint8_t)(m->random >> 32);
}

static size_t size_of(const struct flash_mem *m)
{
	return (size_t)rota_flash_size(m->port.run);
}

static bool inside(const struct flash_mem *m, uint32_t off, size_t len)
{
	return off <= size_of(m) && len <= size_of(m) - off;
}

/* Each byte a mix of the bits of `from` and `to`. */
static void mix(
	struct flash_mem *m, uint8_t *at, const uint8_t *from, const uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t mask = random_byte(m);

		at[i] = (uint8_t)((from[i] & mask) | (to[i] & ~mask));
	}
}

/* Of what was not synced, either each unit meets its own fate, or all from one place on is lost, as where a
 * cache in between writes back page by page. */
static void lose_unsynced(struct flash_mem *m)
{
	uint32_t unit = m->port.write_len, size = (uint32_t)size_of(m);
	uint32_t from = random_byte(m) % 2 == 0 ? 0 : size * random_byte(m) / 256 / unit * unit;

	for (uint32_t off = from; off < size; off += unit) {
		switch (from > 0 ? 0 : random_byte(m) % 3) {
		case 0:
			memcpy(&m->bytes[off], &m->synced[off], unit);
			break;
		case 1:
			mix(m, &m->bytes[off], &m->synced[off], &m->bytes[off], unit);
			break;
		default:
			break;
		}
	}
}

/* One operation: [off, off + len) becomes `to`. False when the power went. */
static bool operate(struct flash_mem *m, uint32_t off, const uint8_t *to, size_t len)
{
	bool cut = ++m->ops == m->cut_at;

	if (cut && m->tear == FLASH_TEAR_NOT_DONE) {
		m->off = true;
		return false;
	}
	if (cut && m->tear == FLASH_TEAR_HALF)
		mix(m, &m->bytes[off], &m->bytes[off], to, len);
	else
		memcpy(&m->bytes[off], to, len);
	if (!cut)
		return true;
	if (m->tear == FLASH_TEAR_UNSYNCED)
		lose_unsynced(m);
	m->off = true;
	return false;
}

static enum rota_err mem_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct flash_mem *m = ctx;

	if (m->off)
		return ROTA_ERR_IO;
	if (!inside(m, off, to.len))
		return ROTA_ERR_ARGUMENT;
	memcpy(to.p, &m->bytes[off], to.len);
	return ROTA_OK;
}

static enum rota_err mem_write(void *ctx, uint32_t off, struct rota_span from)
{
	struct flash_mem *m = ctx;
	uint32_t unit = m->port.write_len;

	if (m->off)
		return ROTA_ERR_IO;
	if (!inside(m, off, from.len) || off % unit != 0 || from.len % unit != 0)
		return ROTA_ERR_ARGUMENT;
	for (size_t i = 0; i < from.len; i++) {
		if (m->bytes[off + i] != m->port.erased)
			return ROTA_ERR_ARGUMENT;
	}
	for (uint32_t done = 0; done < from.len; done += unit) {
		if (!operate(m, off + done, &from.p[done], unit))
			return ROTA_ERR_IO;
	}
	return ROTA_OK;
}

static enum rota_err mem_erase(void *ctx, uint32_t off)
{
	static uint8_t blank[FLASH_MEM_MAX];
	struct flash_mem *m = ctx;
	struct rota_flash_sector s = rota_flash_sector_at(m->port.run, off);

	if (m->off)
		return ROTA_ERR_IO;
	if (s.len == 0)
		return ROTA_ERR_ARGUMENT;
	memset(blank, m->port.erased, s.len);
	return operate(m, off, blank, s.len) ? ROTA_OK : ROTA_ERR_IO;
}

static enum rota_err mem_sync(void *ctx)
{
	struct flash_mem *m = ctx;

	if (m->off)
		return ROTA_ERR_IO;
	memcpy(m->synced, m->bytes, size_of(m));
	return ROTA_OK;
}

void flash_mem_init(
	struct flash_mem *m, uint32_t sector_len, uint32_t sectors, uint32_t unit, uint8_t erased)
{
	const struct rota_flash_run run[ROTA_FLASH_RUNS_MAX] = { { sector_len, sectors } };

	flash_mem_init_runs(m, run, unit, erased);
}

void flash_mem_init_runs(struct flash_mem *m,
	const struct rota_flash_run run[static ROTA_FLASH_RUNS_MAX], uint32_t unit, uint8_t erased)
{
	m->port = (struct rota_flash){
		.ctx = m,
		.write_len = unit,
		.erased = erased,
		.read = mem_read,
		.write = mem_write,
		.erase = mem_erase,
		.sync = mem_sync,
	};
	memcpy(m->port.run, run, sizeof(m->port.run));
	memset(m->bytes, erased, size_of(m));
	memset(m->synced, erased, size_of(m));
	m->off = false;
	flash_mem_cut_at(m, 0, FLASH_TEAR_NOT_DONE, 0);
}

void flash_mem_cut_at(struct flash_mem *m, uint32_t n, enum flash_tear tear, uint64_t seed)
{
	m->ops = 0;
	m->cut_at = n;
	m->tear = tear;
	m->random = seed * 0x9E3779B97F4A7C15 + 1;
}

void flash_mem_power(struct flash_mem *m)
{
	m->off = false;
	m->cut_at = 0;
	memcpy(m->synced, m->bytes, size_of(m)); /* what survived is all there is */
}
