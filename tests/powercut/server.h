/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/server.h -- the repository that the devices of a scenario poll, in memory, as the time goes on.
 *
 * It is put together before a device runs, step by step; each step says from when on it counts. What a device is
 * given depends on its own clock alone, so that any number of devices, each at another hour, share one server.
 */
#ifndef TESTS_POWERCUT_SERVER_H
#define TESTS_POWERCUT_SERVER_H

#include "host/sim/device.h"
#include "tests/unit/world.h"

#define SERVER_STEPS_MAX 160

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
	struct rota_span record, order; /* of recovery; the order is empty where there is none */
	uint64_t order_from_s;
	uint8_t record_sha256[ROTA_SHA256_LEN];
};

/* Product sensor, factory release 1.0.0 with no policy, from WORLD_NOW on. Random bytes are drawn from `seed`. */
void server_init(struct server *s, uint64_t seed);

/* The offline signers ask for this counter floor. */
void server_retire(struct server *s, unsigned counter);

/* What was published up to now counts from `from_s` on, later than the step before. */
void server_step(struct server *s, uint64_t from_s);

/* The role `time` is there. */
void server_tell_time(struct server *s);

/* From `from_s` on there is a recovery order of this epoch: the newest root of the repository in the place of the device's
 * own, and an image of 9.0.0 with this security counter, signed by nobody whom the ROM knows. */
void server_order(struct server *s, uint64_t from_s, unsigned epoch, uint32_t counter);
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
