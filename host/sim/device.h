/* SPDX-License-Identifier: Apache-2.0 */
/* host/sim/device.h -- a simulated device: the real core, stores and boot library on simulated chips.
 *
 * Everything a device remembers lies on the chips of one supply (ports/flash_sim). Power on, sim_run() boots it,
 * runs update cycles against the world outside, reboots when asked, and sleeps until the next poll on a clock
 * of its own, until the time it is given or until the power goes. What it then holds in RAM counts for
 * nothing: sim_power() and the next sim_run() begin with the boot stage, from what is on the chips.
 *
 * Nothing here is static or shared but what the fleet holds, which is only read (its crypto port may remember):
 * a device may be run inside a call that another device of the same thread makes.
 */
#ifndef HOST_SIM_DEVICE_H
#define HOST_SIM_DEVICE_H

#include "boot/watchdog.h"
#include "host/sim/board.h"
#include "ports/counter_sim/counter_fuses.h"
#include "ports/counter_sim/counter_sim.h"
#include "rota/codec/rom.h"
#include "rota/store/bootstate.h"
#include "rota/store/flasharea.h"
#include "ports/rot_soft/rot_soft.h"
#include "rota/update/keys.h"

#define SIM_ROOM 24576 /* workspace of a cycle */
#define SIM_RAM 16384 /* what an image is loaded into */
#define SIM_TIME_ANSWER_MAX 512
#define SIM_ORDER_MAX 2048 /* of a recovery order, and of its key-set record */

struct sim_device;

/* A call that changes what outlives the power, as a device makes it. */
enum sim_call_kind { SIM_WRITE, SIM_ERASE, SIM_SYNC, SIM_COUNT };
struct sim_call {
	enum sim_call_kind kind;
	enum sim_place_name place;
	uint32_t off;
	struct rota_span bytes; /* SIM_WRITE */
	enum rota_counter_id id; /* SIM_COUNT: advance it */
	uint32_t to;
};

/* What is outside of a device, which each function is told. Each but the first two may be NULL. */
struct sim_world {
	void *ctx;
	/* A file of the repository, whole: it is fed from there. ROTA_ERR_NOT_FOUND, ROTA_ERR_NET, ... */
	enum rota_err (*meta)(void *ctx, const struct sim_device *d, const struct rota_want *want,
		struct rota_span *out);
	enum rota_err (*target)(void *ctx, const struct sim_device *d,
		const struct rota_update_want *want, struct rota_span *out);
	/* Whether what runs resets the device before its agent comes to run. */
	bool (*crashes)(void *ctx, const struct sim_device *d);
	/* Whether what runs never looks for updates. */
	bool (*silent)(void *ctx, const struct sim_device *d);
	/* Whether what runs is well: ROTA_OK, or what is wrong. */
	enum rota_err (*health)(void *ctx, const struct sim_device *d);
	/* A part of a recovery order, whole; the order itself with sha256 all zeros. */
	enum rota_err (*recovery)(void *ctx, const struct sim_device *d,
		const struct rota_update_want *want, struct rota_span *out);
	/* The time, signed for this device and nonce (SPEC 5.5). */
	enum rota_err (*time)(void *ctx, const struct sim_device *d, const uint8_t *nonce,
		struct rota_buf room, struct rota_span *out);
	/* A ticket for the watchdog that is carried to it at this poll; ROTA_ERR_NOT_FOUND: none. */
	enum rota_err (*ticket)(
		void *ctx, const struct sim_device *d, struct rota_buf room, struct rota_span *out);
	/* Of a device with data keys: the answer of a campaign, and what comes of a statement; ROTA_ERR_VERSION with the number
	 * that the server has. After a cycle that ended idle its application has a turn. */
	enum rota_err (*keys)(void *ctx, const struct sim_device *d, const uint8_t *campaign,
		struct rota_buf room, struct rota_span *out);
	enum rota_err (*statement)(void *ctx, const struct sim_device *d,
		struct rota_span statement, uint32_t *counter);
	void (*application)(void *ctx, struct sim_device *d);
	/* A file of metadata is to be kept. */
	void (*keep)(void *ctx, const struct sim_device *d, const struct rota_want *want);
	void (*event)(void *ctx, const struct sim_device *d, const struct rota_event *e);
	/* An image was started: d->booted, d->ram. */
	void (*started)(void *ctx, const struct sim_device *d);
	/* Told before each such call. The device stands still while this runs. */
	void *call_ctx;
	void (*call)(void *ctx, struct sim_device *d, const struct sim_call *call);
};

/* What devices with data keys work with: a soft root of trust on p256, and the secret that the factory left. */
struct sim_key_parts {
	const struct rota_p256 *p256;
	const struct rota_aead *aead;
	uint8_t factory[ROTA_SECRET_LEN];
	/* The vault's word, as rota/update/keys.h has it; ctx is the device. Or NULL. */
	uint32_t (*needs)(void *ctx, uint8_t purpose);
};

/* What the devices of a fleet have in common; stays in use. */
struct sim_fleet {
	const struct sim_board *board;
	const struct rota_rom *rom;
	const struct rota_crypto *crypto;
	const struct rota_device *what; /* all but the ids of devices that have a number */
	uint8_t components;
	struct rota_span slot_name[SIM_COMPONENTS];
	uint32_t poll_s; /* between two polls */
	bool sleeps; /* off between them */
	bool patient; /* a cycle that is refused or fails is tried again at the next poll */
	bool fuses; /* are the security counter, whatever else the board counts in hardware */
	const struct sim_key_parts *keys; /* NULL: its devices have no data keys */
};

/* One place of the flash map as the core sees it. */
struct sim_place {
	struct rota_flash port;
	struct sim_device *device;
	enum sim_place_name name;
	struct rota_flash_sim_region region;
};

enum sim_end {
	SIM_IDLE, /* it is that time, or nothing is to be done */
	SIM_CUT, /* the power went */
	SIM_STOPPED, /* a cycle was refused or failed: outcome */
	SIM_BRICKED, /* the boot stage refuses all */
	SIM_BROKEN, /* it does what no device does: why */
};

struct sim_device {
	const struct sim_fleet *fleet;
	const struct sim_world *world;
	uint32_t number; /* 0: the fleet's own id */
	struct rota_device what;
	uint8_t id[2 * ROTA_SHA256_LEN];
	uint64_t clock_s;

	/* what outlives the power */
	struct rota_sim_supply supply;
	struct rota_flash_sim chip[SIM_CHIPS + 1];
	struct sim_place place[SIM_ALL_PLACES];
	struct rota_rot_soft rot; /* RAM, but for its place */
	struct rota_random random;
	struct rota_counter_sim counters;
	struct rota_sim_fuses fuses;
	struct rota_counter hardware, fused; /* their ports, and the one that tells the world: */
	struct rota_counter counter;

	/* RAM */
	bool runs;
	struct rota_journal boot, journal;
	struct rota_running now; /* what the boot stage started */
	struct rota_booted booted; /* of it, component 0; */
	uint64_t version; /* likewise */
	uint32_t image_counter; /* the least of all components */
	bool restored; /* the boot stage says so: hardware is ahead of the journal */
	struct rota_watchdog_turn turn; /* what runs, and until when */
	uint64_t turn_until_s;
	enum rota_err ticket; /* what came of the one that was carried last */
	struct rota_running_source running;
	struct rota_set set;
	struct rota_set_member member[SIM_COMPONENTS];
	struct rota_flash_area area[SIM_COMPONENTS];
	struct rota_named_slots named[SIM_COMPONENTS];
	struct rota_boot_access access;
	struct rota_order_desk desk;
	uint8_t record[SIM_ORDER_MAX], order[SIM_ORDER_MAX];
	struct rota_update update;
	struct rota_keyslots keys;
	struct rota_key_desk key_desk;
	struct rota_why keys_why; /* of the last cycle */
	uint8_t key_device[ROTA_DEVICE_LEN], key_scratch[ROTA_KEYSTATE_LEN_MAX];
	struct rota_outcome outcome;
	struct rota_state state; /* after the last cycle */
	const char *why; /* SIM_BROKEN, SIM_BRICKED */
	uint32_t boots, cycles;
	uint32_t loaded;
	uint8_t ram[SIM_RAM]; /* the payload that runs */
	uint64_t room[SIM_ROOM / 8];
};

/* What outlives the power, kept. */
struct sim_image {
	struct rota_flash_sim_image chip[SIM_CHIPS + 1];
	struct rota_sim_cells synced[SIM_CHIPS + 1]; /* a cut may still take back what came since */
	uint32_t counter[ROTA_COUNTER_COUNT];
	struct rota_sim_fuses fuses;
	uint64_t clock_s;
};

/* A device with blank chips, off. `d` is not moved while it is in use. ROTA_ERR_FULL: no memory. */
ROTA_MUST_USE enum rota_err sim_device_init(struct sim_device *d, const struct sim_fleet *fleet);
void sim_device_free(struct sim_device *d);

/* From now on it is the device of that number, whose id follows from it. */
void sim_number(struct sim_device *d, uint32_t number);

/* As it leaves the factory: `image` confirmed in place 0 of each component, `state` in the device journal. */
ROTA_MUST_USE enum rota_err sim_factory(struct sim_device *d, const struct rota_span *image,
	const uint8_t (*digest)[ROTA_SHA256_LEN], const struct rota_state *state);

/* Do to a place what `call` says, with power and without the world being told. */
ROTA_MUST_USE enum rota_err sim_call(struct sim_device *d, const struct sim_call *call);

/* Keep, and put onto a device of the same fleet, which is off after it. sim_image_free() when done. */
ROTA_MUST_USE enum rota_err sim_save(struct sim_device *d, struct sim_image *image);
void sim_restore(struct sim_device *d, const struct sim_image *image);
void sim_image_free(struct sim_image *image);

/* What a thief with a programmer does: the places of `which` (bits) as they are in the image; all else stays as
 * it is, counters and clock too. The device is off after it. */
void sim_put_back(struct sim_device *d, const struct sim_image *image, uint32_t which);

/* Off, and on again: RAM is forgotten. */
void sim_power(struct sim_device *d);

/* Boot if it is off, run, poll and reboot until `until_s`; at least one cycle. It goes to sleep with SIM_IDLE
 * from the first cycle that ends idle at or after `until_s`, and stops at once for any other end, but where the fleet is
 * patient. */
enum sim_end sim_run(struct sim_device *d, const struct sim_world *world, uint64_t until_s);

/* What its hardware shows in any case: a fuse that was half burnt does not count. */
uint32_t sim_counter(const struct sim_device *d, enum rota_counter_id id);

/* The state of the boot stage and of the device as they are on flash. */
ROTA_MUST_USE enum rota_err sim_boot_state(struct sim_device *d, struct rota_bootstate *out);

#endif
