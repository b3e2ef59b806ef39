/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/drill_fleet.h -- simulated devices of an authority (host/sim), which read its repository as files.
 *
 * They have the ROM that the factory would burn: image keys, recovery keys, root. What a device reads comes from the thief's
 * folder where he shows it one and has the file there, else from the repository. Clocks are those of the machine.
 */
#ifndef APPS_ROTA_DRILL_FLEET_H
#define APPS_ROTA_DRILL_FLEET_H

#include "apps/rota/session.h"
#include "host/base/digest.h"
#include "host/sim/device.h"
#include "host/sim/memo.h"
#include "rota/codec/name.h"

#define DRILL_DEVICES 8
#define DRILL_HARDWARE "drill-1"

struct drill_keys;

struct drill_fleet {
	const struct rota_authdir *dir;
	const char
		*front; /* the thief's folder, laid out as a repository; NULL: nobody shows one */
	const struct rota_party *clock; /* who signs the time; NULL: nobody answers */
	struct rota_tokens *clock_tokens;
	struct sim_fleet fleet[2]; /* of production, and of ci */
	struct rota_rom rom[2];
	struct rota_device what[2];
	struct sim_world world;
	struct sim_memo memo;
	char product[ROTA_NAME_MAX + 1];
	uint8_t point[3][ROTA_P256_KEY_LEN], hash[3][ROTA_DIGEST_LEN]; /* image keys: two, and ci */
	uint8_t recovery[ROTA_DIGEST_LEN], root[ROTA_DIGEST_LEN];
	struct rota_bytes given; /* the file that was given out last */
	struct drill_keys *keys; /* of production, where the drill is about data keys; else NULL */
	struct sim_device device[DRILL_DEVICES + 1]; /* the last one is of ci */
};

/* Devices that left the factory with this image, of the newest root; with data keys where f->keys is set, all else of `f` is made
 * here. `f` is not moved. */
ROTA_MUST_USE enum rota_err drill_fleet_make(struct drill_fleet *f, const struct rota_authdir *dir,
	const char *image, struct rota_fail *why);
void drill_fleet_free(struct drill_fleet *f);

/* One poll of a device, its clock `ahead_s` before ours, with the reboots that it asks for. */
enum sim_end drill_poll(struct drill_fleet *f, struct sim_device *d, uint64_t ahead_s);

#endif
