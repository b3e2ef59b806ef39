/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/drill_keys.h -- data keys in a drill: who hands them out, honest or not, to simulated devices that have a factory secret.
 *
 * A campaign has one tree, with a bundle for each device of production, sealed to the agree key that its row has. Ours are sealed
 * under the psk of the factory secret (SPEC 31.5). The thief knows every row, as who broke into the server does, and no secret: his
 * are sealed in base mode. Answers and statements pass by the drill's own server, which gives out whatever it is asked for.
 */
#ifndef APPS_ROTA_DRILL_KEYS_H
#define APPS_ROTA_DRILL_KEYS_H

#include "apps/rota/drill.h"

#define DRILL_KEYS_PURPOSE ROTA_PURPOSE_TELEMETRY

struct drill_keys;

/* Never NULL. */
struct drill_keys *drill_keys_new(void);
void drill_keys_free(struct drill_keys *k); /* NULL is allowed */

/* For the fleet, and its world. */
const struct sim_key_parts *drill_keys_parts(const struct drill_keys *k);
enum rota_err drill_keys_answer(void *fleet, const struct sim_device *d, const uint8_t *campaign,
	struct rota_buf room, struct rota_span *out);
enum rota_err drill_keys_take(
	void *fleet, const struct sim_device *d, struct rota_span statement, uint32_t *counter);

/* The rows of devices that left the factory. */
ROTA_MUST_USE enum rota_err drill_keys_enrol(
	struct drill_keys *k, struct drill_fleet *f, struct rota_fail *why);

/* Whether the device uses the newest key that we handed out, and holds no other one that waits. */
bool drill_keys_well(const struct drill_keys *k, const struct sim_device *d);

/* A campaign of the next generation, listed by us and published. */
ROTA_MUST_USE enum rota_err drill_keys_campaign(struct drill *d, bool emergency);

/* The thief's list, signed by what he stole, into the front: `ours` with another sequence, and with a campaign of his of this
 * generation (0: none). */
ROTA_MUST_USE enum rota_err drill_keys_forge(
	struct drill *d, uint64_t sequence, uint32_t generation);

/* One above the sequence of our list. */
ROTA_MUST_USE enum rota_err drill_keys_sequence(struct drill *d, uint64_t *sequence);

#endif
