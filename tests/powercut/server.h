/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/server.h -- the repository that the devices of a scenario poll, in memory, as the time goes on.
 *
 * It is put together before a device runs, step by step; each step says from when on it counts. What a device is
 * given depends on its own clock alone, so that any number of devices, each at another hour, share one server.
 */
#ifndef TESTS_POWERCUT_SERVER_H
#define TESTS_POWERCUT_SERVER_H

#include "host/sim/device.h"
#include "tests/powercut/keylife.h"
#include "tests/unit/world.h"

#define SERVER_STEPS_MAX 160
#define SERVER_ORDERS_MAX 3

struct server {
	struct world world; /* its repository: the device in it is not used */
	struct {
		uint64_t from_s;
		struct maker_bytes timestamp;
		uint64_t root; /* newest */
	} step[SERVER_STEPS_MAX];
	int steps;
	struct rota_rom rom;
	const struct world_image *factory[SIM_COMPONENTS];
	struct rota_span record; /* of recovery */
	struct {
		uint64_t from_s;
		struct rota_span order;
	} order[SERVER_ORDERS_MAX];
	int orders;
	struct rota_span ticket; /* empty: there is none */
	uint64_t ticket_from_s;
	struct keylife keys; /* where the scenario is keyed */
	const struct world_image *broken; /* an order's image that never comes whole; NULL: none */
	uint8_t record_sha256[ROTA_SHA256_LEN];
};

/* Product sensor, factory release 1.0.0 with no policy, from WORLD_NOW on. Random bytes are drawn from `seed`. */
void server_init(struct server *s, uint64_t seed);

/* The offline signers ask for this counter floor, 0: none, and this key floor. */
void server_retire(struct server *s, unsigned counter, unsigned key_floor);

/* ROM has two image keys; what the factory made is signed by the first. */
void server_two_keys(struct server *s);

/* The device has data keys (keylife.h). Lists of campaigns of this generation of two purposes, which begin at once, from
 * `from_s` on; retired: storage keys up to this generation, 0: none. */
void server_keys(struct server *s);
void server_rotate(struct server *s, uint64_t from_s, uint32_t generation, uint32_t retired);

/* ROM has a watchdog. */
void server_watch(struct server *s, uint32_t period_s, uint32_t bound_s);

/* What was published up to now counts from `from_s` on, later than the step before. */
void server_step(struct server *s, uint64_t from_s);

/* The role `time` is there. */
void server_tell_time(struct server *s);

/* From `from_s` on somebody carries ticket number 1, of so many seconds, by the same role, to the device: at each poll
 * the same. */
void server_ticket(struct server *s, uint64_t from_s, uint32_t seconds);

/* From `from_s` on, later than the order before, there is a recovery order: an image of this major version with this
 * security counter, signed by nobody whom the ROM knows. */
struct server_order {
	unsigned epoch, version;
	uint32_t counter;
	bool root; /* the newest root of the repository takes the place of the device's own */
	bool broken; /* the second half of the image never comes */
};
void server_order(struct server *s, uint64_t from_s, const struct server_order *what);
enum rota_err server_recovery(const struct server *s, uint64_t now_s,
	const struct rota_update_want *want, struct rota_span *out);

/* For struct sim_world; the time is that of the device that asks. */
enum rota_err server_meta(const struct server *s, uint64_t now_s, const struct rota_want *want,
	struct rota_span *out);
enum rota_err server_target(
	const struct server *s, const struct rota_update_want *want, struct rota_span *out);

/* An image that was ever published, by its digest; NULL: none. */
const struct world_image *server_image(
	const struct server *s, const uint8_t digest[static ROTA_SHA256_LEN]);

/* Its payload, which is what is loaded; its version. */
struct rota_span server_payload(const struct world_image *image);
uint64_t server_version(const struct world_image *image);

#endif
