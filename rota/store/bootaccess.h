/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/bootaccess.h -- how the update cycle reaches the boot state.
 *
 * Boot stage and agent take turns with the boot journal. On Linux each holds a lock while it has it; on a
 * microcontroller the other one does not run. Between begin() and end() nobody else changes the state:
 *
 *     ROTA_TRY(a->begin(a->ctx, &state));
 *     err = change(&state);                   a pure function of rota/store/bootstate.h
 *     if (err == ROTA_OK)
 *             err = a->commit(a->ctx, &state);
 *     a->end(a->ctx);
 */
#ifndef ROTA_STORE_BOOTACCESS_H
#define ROTA_STORE_BOOTACCESS_H

#include "rota/store/bootstate.h"

struct rota_boot_access {
	void *ctx;
	/* The state as it is, held. Errors are the journal's and the lock's (ROTA_ERR_TIMEOUT); nothing to
	 * end after one. */
	enum rota_err (*begin)(void *ctx, struct rota_bootstate *out);
	/* Make it durable: rota_bootstate_commit(). */
	enum rota_err (*commit)(void *ctx, const struct rota_bootstate *state);
	void (*end)(void *ctx);
};

/* To an open journal that nobody else uses meanwhile, as on a microcontroller. `j` outlives it. */
struct rota_boot_access rota_boot_access_journal(struct rota_journal *j);

#endif
