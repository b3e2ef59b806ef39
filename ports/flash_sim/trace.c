/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/flash_sim/trace.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

void rota_flash_sim_trace_free(struct rota_flash_sim_trace *trace)
{
	free(trace->entries);
	free(trace->bytes);
	*trace = (struct rota_flash_sim_trace){ 0 };
}

/* Room for `need` elements of `size` bytes; the array, moved perhaps, or NULL. */
static void *grown(void *array, size_t *room, size_t need, size_t size)
{
	size_t more = *room > 0 ? *room : FIRST_ROOM;
	void *moved;

	if (need <= *room)
		return array;
	while (more < need)
		more *= 2;
	moved = realloc(array, more * size);
	if (moved != NULL)
		*room = more;
	return moved;
}

enum rota_err rota_flash_sim_trace_add(struct rota_flash_sim_trace *trace,
	enum rota_flash_sim_call call, uint32_t off, uint32_t len, struct rota_span bytes)
{
	struct rota_flash_sim_entry *entries;

	entries = grown(trace->entries, &trace->room, trace->count + 1, sizeof(*entries));
	if (entries == NULL)
		return ROTA_ERR_FULL;
	trace->entries = entries;
	if (bytes.len > 0) {
		uint8_t *all =
			grown(trace->bytes, &trace->bytes_room, trace->bytes_len + bytes.len, 1);

		if (all == NULL)
			return ROTA_ERR_FULL;
		trace->bytes = all;
		memcpy(&all[trace->bytes_len], bytes.p, bytes.len);
	}
	entries[trace->count++] = (struct rota_flash_sim_entry){
		.call = call,
		.off = off,
		.len = len,
		.bytes_at = trace->bytes_len,
	};
	trace->bytes_len += bytes.len;
	return ROTA_OK;
}

static enum rota_err play(struct rota_flash_sim *sim, const struct rota_flash_sim_trace *trace,
	const struct rota_flash_sim_entry *e)
{
	switch (e->call) {
	case ROTA_FLASH_SIM_WRITE:
		return rota_flash_sim_write(
			sim, e->off, rota_span(&trace->bytes[e->bytes_at], e->len));
	case ROTA_FLASH_SIM_ERASE:
		return rota_flash_sim_erase(sim, e->off, e->len);
	case ROTA_FLASH_SIM_SYNC:
		break;
	}
	return rota_flash_sim_sync(sim);
}

enum rota_err rota_flash_sim_replay(
	struct rota_flash_sim *sim, const struct rota_flash_sim_trace *trace)
{
	enum rota_err first = ROTA_OK;

	for (size_t i = 0; i < trace->count; i++) {
		enum rota_err err = play(sim, trace, &trace->entries[i]);

		if (first == ROTA_OK)
			first = err;
	}
	return first;
}
