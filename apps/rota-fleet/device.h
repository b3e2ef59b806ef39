/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-fleet/device.h -- one simulated device with data keys: the real update cycle, key slots and soft root of trust on a chip
 * that can lose its power.
 *
 * What a device remembers lies on its chip alone: its device journal, key journal, archive and root of trust. A device that sleeps is
 * what its chip holds; one that is awake is put on the one chip of its thread, works, and is taken off again. So a thread has RAM for one
 * device, whatever their number. Each waking is a start: journals are opened anew, and the cycle settles what a cut left.
 *
 * Of images only the digests are kept (slots.h). Two devices of one
 * thread are never awake at once.
 */
#ifndef APPS_ROTA_FLEET_DEVICE_H
#define APPS_ROTA_FLEET_DEVICE_H

#include "apps/rota-fleet/sleeper.h"
#include "apps/rota-fleet/slots.h"
#include "ports/rot_soft/rot_soft.h"
#include "rota/update/keys.h"

#define FLEET_SECTOR 4096u /* what a key journal's has at least (SPEC 34.1) */
#define FLEET_PIECE 1024u /* bytes fed at once */
#define FLEET_ROOM 32768u /* workspace of a cycle: rota_update_room(&rota_limits_m3) is less */

/* What devices have in common; stays in use. */
struct fleet_model {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const struct rota_p256 *p256;
	struct rota_random random;
	struct rota_span product, hardware, channel;
	uint8_t root_sha256[ROTA_SHA256_LEN]; /* of version 1 */
	uint8_t purposes; /* that they take part in: bits (1u << purpose); 0: all */
};

/* What is outside of a device; ctx is the caller's. */
struct fleet_outside {
	void *ctx;
	/* A file of the repository, whole; valid until the next call. */
	enum rota_err (*file)(void *ctx, const char *path, struct rota_span *out);
	/* The answer of a campaign for this device (SPEC 33.6). ROTA_ERR_NOT_FOUND: there is none. */
	enum rota_err (*bundle)(void *ctx, const uint8_t campaign[static ROTA_SHA256_LEN],
		struct rota_buf room, size_t *len);
	/* A statement; ROTA_ERR_VERSION: out of turn, and *counter is what the server has. */
	enum rota_err (*say)(void *ctx, struct rota_span statement, uint32_t *counter);
};

/* A device that is awake, on the chip of its thread. Not moved. */
struct fleet_device {
	const struct fleet_model *model;
	struct rota_sim_supply supply;
	struct rota_flash_sim chip;
	struct rota_flash_sim_region journal_at, keys_at, archive_at, page_at;

	/* who it is */
	uint8_t id[ROTA_DEVICE_LEN];
	char id_text[2 * ROTA_DEVICE_LEN + 1];
	uint8_t spki[91];
	struct rota_device what;

	/* RAM of a start */
	struct rota_rot_soft soft;
	struct rota_keyslots slots;
	struct rota_key_desk desk;
	struct rota_update_keys keys;
	struct rota_journal journal;
	struct rota_update update;
	struct fleet_slots slot;
	struct rota_named_slots named;
	struct rota_why keys_why; /* of the last cycle */
	struct rota_outcome outcome;
	bool reboots; /* it wants to */
	uint8_t scratch[ROTA_KEYSTATE_LEN_MAX];
	uint64_t room[FLEET_ROOM / 8];
	uint8_t packing[FLEET_SLEEPER_ROOM(8 * FLEET_SECTOR, 8)];
};

/* A blank chip, with power. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err fleet_device_init(
	struct fleet_device *d, const struct fleet_model *model);
void fleet_device_free(struct fleet_device *d);

/* Become the device of this id and identity point, whatever was on the chip: that of `sleeper`, or a blank one (NULL). Power is on.
 * images: its own, in use while it is awake. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err fleet_device_wake(struct fleet_device *d,
	const uint8_t id[static ROTA_DEVICE_LEN], const uint8_t point[static ROTA_P256_KEY_LEN],
	const struct fleet_sleeper *sleeper, struct fleet_images *images);

/* What the chip holds is kept. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err fleet_device_sleep(
	struct fleet_device *d, struct fleet_sleeper *sleeper);

/* What a device brings from its factory, beside what it makes itself. The caller wipes. */
struct fleet_birth {
	uint8_t secret[ROTA_P256_SECRET_LEN], point[ROTA_P256_KEY_LEN]; /* of its identity */
	bool has_login; /* LDevID 0: */
	uint8_t login_secret[ROTA_P256_SECRET_LEN], login_point[ROTA_P256_KEY_LEN];
	bool has_factory; /* a factory secret: */
	uint8_t factory[ROTA_SECRET_LEN];
};

/* Leave the factory: these keys, first keys of its own, the state of `model`'s root; and the statement of kind 3 that tells the first
 * agree key (SPEC 30.2), into `room` of ROTA_STATEMENT_MAX bytes, *out of them. */
ROTA_MUST_USE enum rota_err fleet_device_factory(struct fleet_device *d,
	const struct fleet_birth *birth, struct rota_buf room, struct rota_span *out);

/* A start and a cycle. The power may go in it: d->supply.off, after which nothing in RAM counts.
 * ROTA_OK: idle, or d->reboots: it is to boot, and start again. Else why not, with d->outcome. What came of keys is in d->keys_why. */
ROTA_MUST_USE enum rota_err fleet_device_cycle(
	struct fleet_device *d, uint64_t now_s, const struct fleet_outside *outside);

#endif
