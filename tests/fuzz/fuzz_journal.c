/* SPDX-License-Identifier: Apache-2.0 */
/* A journal on flash that holds anything at all. The first byte chooses a geometry, of sectors that are alike or not.
 * Whatever is found, a commit must be what the next open finds. */
#include "rota/store/bootstate.h"
#include "tests/unit/flash_mem.h"

#include <stdlib.h>
#include <string.h>

static struct flash_mem mem;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned how = len > 0 ? data[0] : 0;
	const struct rota_flash_run alike[ROTA_FLASH_RUNS_MAX] = { { 256, 2 + (how & 1) } },
				    unlike[ROTA_FLASH_RUNS_MAX] = { { 64, 1 + (how & 1) },
					    { 128, 2 }, { 256, 1 } };
	uint8_t room[256];
	size_t used = len > 0 ? len - 1 : 0;
	struct rota_journal j;
	struct rota_bootstate state;
	struct rota_span got;

	flash_mem_init_runs(
		&mem, how & 8 ? unlike : alike, how & 2 ? 8 : 32, how & 4 ? 0x00 : 0xFF);
	memcpy(mem.bytes, &data[len > 0], used < 768 ? used : 768);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		abort();
	if (rota_bootstate_load(&j, &state) == ROTA_OK && state.confirmed >> state.count != 0)
		abort();
	if (j.sequence >= UINT32_MAX - 1 || j.number >= UINT32_MAX - 1)
		return 0; /* worn out, which commit says */
	if (rota_journal_commit(&j, ROTA_STR("new")) != ROTA_OK ||
		rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK ||
		rota_journal_load(&j, ROTA_BUF(room), &got) != ROTA_OK ||
		!rota_span_eq(got, ROTA_STR("new")))
		abort();
	return 0;
}
