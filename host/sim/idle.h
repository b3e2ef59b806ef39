/* SPDX-License-Identifier: Apache-2.0 */
/* host/sim/idle.h -- a device that sleeps, in less than 512 bytes.
 *
 * A million devices do not fit a machine awake. Between two polls nothing of a device counts but what is on its
 * chips, and that is mostly what other devices have too: a payload in each journal, images in its slots. So
 * a sleeping device is *folded*: each payload as what differs from one in the fleet's catalogue, each image as its
 * number there and how much of it was written, and counters, wear and time as they are. A payload that resembles none
 * of the catalogue's becomes one of them.
 *
 * Unfolding lays the chips out anew. Payloads, their record numbers, images, counters and the wear of the worst
 * sector of each place are the same; which sector holds what is not. A device whose power was cut in the middle of
 * something cannot be folded: let it boot and come to rest. The entries of its device log are not kept; their head
 * is, in the device journal, and the log goes on from it.
 */
#ifndef HOST_SIM_IDLE_H
#define HOST_SIM_IDLE_H

#include "host/sim/device.h"

#define SIM_IDLE_MAX 512
#define SIM_PAYLOADS_MAX 512 /* different ones: phases of an update times releases in use */
#define SIM_IMAGES_MAX 64
#define SIM_ORDERS_MAX 64 /* different contents of the places of recovery orders */

/* What the payloads and images of a fleet look like. Grows while devices are folded; one thread's. */
struct sim_catalogue {
	struct sim_payload {
		uint16_t len;
		uint8_t bytes[ROTA_JOURNAL_PAYLOAD_MAX];
	} payload[SIM_PAYLOADS_MAX];
	uint32_t payloads;
	struct rota_span image[SIM_IMAGES_MAX]; /* the caller's, by number */
	uint32_t images;
	uint8_t *orders[SIM_ORDERS_MAX]; /* whole areas, found while folding; the catalogue's */
	uint32_t orders_count;
};

/* Starts as { 0 }; ends with this. */
void sim_catalogue_free(struct sim_catalogue *catalogue);

struct sim_idle {
	uint32_t number; /* of the device */
	uint64_t clock_s;
	uint32_t counter[ROTA_COUNTER_COUNT];
	uint32_t wear[SIM_PLACES];
	struct {
		uint32_t record; /* number of the current one */
		uint16_t payload; /* in the catalogue */
		uint16_t len;
		uint16_t diff_len; /* bytes of `diff`, the boot journal's first */
	} journal[2];
	struct {
		uint32_t image; /* in the catalogue */
		uint32_t len; /* bytes of it that are there; 0: the place is blank */
	} slot[2 * SIM_COMPONENTS];
	uint32_t orders; /* in the catalogue, from 1; 0: blank */
	uint8_t diff[SIM_IDLE_MAX - 144];
};

/* ROTA_ERR_UNSUPPORTED: a device with fuses. ROTA_ERR_BUSY: something on the chips is half done. ROTA_ERR_LIMIT: the catalogue is full. ROTA_ERR_NOT_FOUND: a
 * slot holds an image that it does not have. */
ROTA_MUST_USE enum rota_err sim_fold(
	struct sim_device *d, struct sim_catalogue *catalogue, struct sim_idle *out);

/* Onto a device of the fleet, whatever was on it; it is off after it. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err sim_unfold(
	struct sim_device *d, const struct sim_catalogue *catalogue, const struct sim_idle *idle);

#endif
