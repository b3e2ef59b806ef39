/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/rotate.h -- the data keys of this device in its cycles (rota/update/keys.h): where they lie, and the two things
 * that they want of the server.
 *
 * A device takes part whose root of trust opens and that has a server. What is sealed here is in the vaults of [vault NAME]
 * (sealed.h): a generation that a record there needs is not destroyed, and as long as one of them is not known none is.
 */
#ifndef APPS_ROTA_AGENT_ROTATE_H
#define APPS_ROTA_AGENT_ROTATE_H

#include "apps/rota-agent/cycle.h"

/* Open the journals, under the state's lock. ROTA_ERR_NOT_FOUND: this device has no data keys. */
ROTA_MUST_USE enum rota_err agent_rotate_open(struct agent *a, struct rota_fail *why);
void agent_rotate_close(struct agent *a);

/* Before each cycle: what rota_update_config.keys is; NULL: the device has none. */
const struct rota_update_keys *agent_rotate_begin(struct agent *a);

/* ROTA_UPDATE_FETCH_KEYS: the answer goes into `u`. ROTA_ERR_NOT_FOUND: there is none for this device. */
ROTA_MUST_USE enum rota_err agent_rotate_fetch(struct agent *a, struct rota_update *u,
	const struct rota_update_want *want, struct rota_fail *why);

/* ROTA_UPDATE_SEND_STATEMENT. True: the server knows another number, and `u` was told; else *err is for
 * rota_update_done(). */
ROTA_MUST_USE bool agent_rotate_send(struct agent *a, struct rota_update *u,
	const struct rota_update_want *want, enum rota_err *err, struct rota_fail *why);

/* Say what went wrong with them in the cycle that is over. */
void agent_rotate_say(const struct agent *a, const struct rota_update *u);

#endif
