/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/stand.h -- a scenario on a board: the device that lives it, and the judge of what devices do.
 *
 * The clean device lives the scenario once, without a cut. What it came to, and every payload that its journals
 * held on the way, is what all others are held to:
 *
 *   - at each boot: the image is one that the server published, read as it was hashed; it is the one that the boot
 *     state names; all images come from one release; no counter, key floor,
 *     epoch or ticket fell, nor passed what is confirmed; what was confirmed is not left again for an older one; the
 *     updater runs alone once at a time, and not early
 *   - after each cut: each journal holds the payload from before the interrupted call, or the one that the clean
 *     device committed next, and nothing else
 *   - in the end: the image, the versions and floors are those of the clean device, nothing is pending, and the device
 *     log is a chain to its head
 */
#ifndef TESTS_POWERCUT_STAND_H
#define TESTS_POWERCUT_STAND_H

#include "host/sim/memo.h"
#include "tests/powercut/scenario.h"

#define STAND_PAYLOADS_MAX 192

/* Payloads that a journal held, in order; one may come again later. */
struct stand_history {
	uint32_t count;
	uint8_t sha256[STAND_PAYLOADS_MAX][ROTA_SHA256_LEN];
};

struct stand {
	const struct scenario *scenario;
	const struct sim_board *board;
	struct server server;
	struct sim_memo memo;
	struct rota_device what;
	struct sim_fleet fleet;
	struct sim_world world; /* judged; no call is told of */
	uint64_t until_s;
	struct sim_image start; /* from the factory, */
	struct keylife_row row; /* and what the server of keys knows of it then */
	struct stand_history history[2]; /* SIM_BOOT, SIM_DEVICE */
	uint8_t end[ROTA_SHA256_LEN]; /* of what the clean device came to */

	/* of the device that is judged at the moment */
	const char *wrong; /* the first thing, or NULL */
	uint32_t counter, burnt; /* highest security counter seen, stored and in hardware */
	uint64_t version; /* highest confirmed one seen */
	uint8_t key_floor;
	uint32_t keys_burnt, epoch, epoch_burnt, ticket; /* likewise */
	bool alone; /* the boot before ran the updater alone */
};

/* Make the server, the device as it left the factory, and let it live once. False: it does not come to the
 * scenario's end; stand->wrong says why. */
bool stand_open(struct stand *s, const struct scenario *scenario, const struct sim_board *board,
	uint64_t seed);
void stand_close(struct stand *s);

/* A device of the stand's fleet, blank. The caller ends it. */
struct sim_device *stand_device(const struct stand *s);
void stand_device_end(struct sim_device *d);

/* A judged life begins: nothing was seen yet. */
void stand_judge(struct stand *s);

/* From power-on to the end of the scenario. False: the power went again, or stand->wrong. */
bool stand_live(struct stand *s, struct sim_device *d);

/* Whether a journal holds, on a device with power, the payload at that place of its history; and the first place from `at`
 * on whose payload it holds, the history's count: none. */
bool stand_holds(struct stand *s, struct sim_device *d, enum sim_place_name place, uint32_t at);
uint32_t stand_place(struct stand *s, struct sim_device *d, enum sim_place_name place, uint32_t at);

#endif
