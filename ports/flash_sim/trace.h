/* SPDX-License-Identifier: Apache-2.0 */
/* ports/flash_sim/trace.h -- what was done to a chip, and the same again.
 *
 * While sim->trace points to one, each write, erase and sync that has power is kept with its bytes. Played
 * onto a chip that holds what the first one held, under the same seed and plan, it leaves the same bytes:
 * a scenario is run once, and its cuts are made from the trace without the code that wrote it.
 */
#ifndef PORTS_FLASH_SIM_TRACE_H
#define PORTS_FLASH_SIM_TRACE_H

#include "ports/flash_sim/flash_sim.h"

enum rota_flash_sim_call {
	ROTA_FLASH_SIM_WRITE,
	ROTA_FLASH_SIM_ERASE,
	ROTA_FLASH_SIM_SYNC,
};

struct rota_flash_sim_entry {
	enum rota_flash_sim_call call;
	uint32_t off;
	uint32_t len;
	size_t bytes_at; /* of a write: where its bytes begin in the trace's */
};

/* Starts as { 0 }. */
struct rota_flash_sim_trace {
	struct rota_flash_sim_entry *entries;
	size_t count;
	size_t room;
	uint8_t *bytes;
	size_t bytes_len;
	size_t bytes_room;
};

void rota_flash_sim_trace_free(struct rota_flash_sim_trace *trace);

/* For the chip: keep one call. ROTA_ERR_FULL: no memory; the trace is as before. */
ROTA_MUST_USE enum rota_err rota_flash_sim_trace_add(struct rota_flash_sim_trace *trace,
	enum rota_flash_sim_call call, uint32_t off, uint32_t len, struct rota_span bytes);

/* Do to `sim`, which keeps no trace itself, what the trace holds, all of it; the first error that
 * one of the calls returns. */
ROTA_MUST_USE enum rota_err rota_flash_sim_replay(
	struct rota_flash_sim *sim, const struct rota_flash_sim_trace *trace);

#endif
