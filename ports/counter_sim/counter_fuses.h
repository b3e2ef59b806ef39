/* SPDX-License-Identifier: Apache-2.0 */
/* ports/counter_sim/counter_fuses.h -- a counter of fuses that lose their power while they are burnt.
 *
 * The number is how many fuses, from the first one on, read as burnt. One that was cut off reads now so, now so
 * (ports/flash_sim/fuses.h), so the last one that reads as burnt may be torn: advance() burns that one again
 * before the next, and also where there is nothing further to burn. What it says is done stays.
 */
#ifndef PORTS_COUNTER_SIM_COUNTER_FUSES_H
#define PORTS_COUNTER_SIM_COUNTER_FUSES_H

#include "ports/flash_sim/fuses.h"
#include "rota/port/counter.h"

/* `fuses`, which outlive the port, as the one counter `id`. */
struct rota_counter rota_counter_fuses_port(struct rota_sim_fuses *fuses, enum rota_counter_id id);

/* Fuses, from the first on, that are burnt and not torn: below that the counter never shows. */
uint32_t rota_counter_fuses_firm(const struct rota_sim_fuses *fuses);

#endif
