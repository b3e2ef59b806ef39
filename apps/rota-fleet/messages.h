/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/messages.h -- telemetry of simulated devices: sealed records of use 1 (SPEC 36.1), all into one file.
 *
 *     entry  device id (32) || length of the record (u32, little-endian) || record
 *     text   number of the message (u32, little-endian, from 1) || simulated time (u64, likewise)
 *     context of the record: `rota-fleet`
 *
 * A device numbers its messages without a gap, so whoever opens them knows of each that is not there. A message is numbered once its
 * opening is durable: what the power takes before that was never sent. Any thread writes.
 */
#ifndef APPS_ROTA_FLEET_MESSAGES_H
#define APPS_ROTA_FLEET_MESSAGES_H

#include "apps/rota-fleet/device.h"

#include <pthread.h>
#include <stdio.h>

#define MESSAGES_CONTEXT "rota-fleet"
#define MESSAGES_TEXT_LEN 12

struct messages {
	FILE *out;
	pthread_mutex_t lock;
	bool failed; /* something could not be written */
};

/* Seal and write `count` messages with the active key; *sent is the number of the last, and rises with each. ROTA_ERR_NOT_FOUND: no key
 * is active. Else key slots' and records' errors; after a cut d->supply.off. */
ROTA_MUST_USE enum rota_err messages_send(
	struct messages *m, struct fleet_device *d, uint64_t now_s, uint32_t count, uint32_t *sent);

/* Whole entries, of any kind, into any such file. */
void messages_write(struct messages *m, struct rota_span head, struct rota_span body);

#endif
