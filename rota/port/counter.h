/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/counter.h -- numbers that only rise, whatever is done to the flash.
 *
 * They are kept in hardware of their own: a TPM's NV memory, a secure element, fuses. A thief who puts an
 * older image of the flash back cannot put these back, and that is all they are for. ports/counter_sim has
 * them on the simulator's supply, cut before, between and after steps, and as fuses; ports/tpm2 as NV counters, whose
 * bases stand in ROM field 10 (SPEC 12.1): a TPM's counter begins anywhere, and a base in NV could be raised
 * to bring the number down. A device without such hardware has a port whose `have` is 0.
 */
#ifndef ROTA_PORT_COUNTER_H
#define ROTA_PORT_COUNTER_H

#include "rota/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are part of stored formats (SPEC 12.1). */
enum rota_counter_id {
	ROTA_COUNTER_SECURITY, /* SPEC 10.5: below it no image boots. May be fuses: few steps */
	ROTA_COUNTER_STATE, /* SPEC 9.6: binds the journals. Never fuses: rises ~50 times a year */
	ROTA_COUNTER_KEYS, /* first ROM image key that counts: 0 or 1 */
	ROTA_COUNTER_EPOCH, /* of recovery orders */
};
#define ROTA_COUNTER_COUNT 4

struct rota_counter {
	void *ctx;

	/* bit (1u << id): kept in hardware; the others live in the boot journal alone. */
	uint8_t have;

	/* ROTA_ERR_IO: not now. ROTA_ERR_CORRUPT: reads below its base, or is gone: treat as restored. */
	enum rota_err (*read)(void *ctx, enum rota_counter_id id, uint32_t *value);

	/* To at least `to`, durable; lower: nothing to do. A cut leaves any value in between, and what was half done
	 * may show or not: calls are repeated, also with what is read already, and then it stays.
	 * ROTA_ERR_FULL: not so many steps are left. */
	enum rota_err (*advance)(void *ctx, enum rota_counter_id id, uint32_t to);

	uint32_t last
		[ROTA_COUNTER_COUNT]; /* highest value of each; UINT32_MAX where there is no limit */
};

/* Whether the hardware keeps `id`. `c` may be NULL: it keeps none. Of an `id` that is not kept neither
 * function is called. */
static inline bool rota_counter_has(const struct rota_counter *c, enum rota_counter_id id)
{
	return c != NULL && (c->have & (1u << id)) != 0;
}

#endif
