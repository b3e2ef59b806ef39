/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/world.h -- one device with flash, slots and a boot stage, its server, and the power between them.
 *
 * The repository is real (repo_maker), the journal lies on flash that loses power (flash_mem), images are real
 * (image_make). Slots are modelled in memory by the rules of rota/port/slots.h: what was not finished is lost in
 * a cut. The boot stage is that of SPEC 10.2, and the world holds every image that it starts to what the server
 * published: an image that nobody released must never run.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "rota/update/keys.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/repo_maker.h"

#define WORLD_NOW UINT64_C(1800000000)
#define WORLD_SLOT_LEN 8192
#define WORLD_EVENTS_MAX 256
#define WORLD_IMAGES_MAX 8

/* A component's two places, and how far they got. */
struct world_slots {
	struct rota_slots port;
	struct world *w;
	const char *name;
	bool blind; /* cannot tell digests */
	bool unknown; /* what runs is an image that the boot state does not know */
	bool obliging; /* asked to confirm where no trial runs, it says yes, as rota-boot's slots do */
	uint8_t bytes[2][WORLD_SLOT_LEN];
	uint64_t end; /* of the inactive place, since power-on */
	bool writing; /* since power-on */
	uint8_t begun[32]; /* image that it is written with */
	uint64_t durable; /* bytes of it that a finish made durable */
	uint8_t confirmed; /* place */
	enum { WORLD_NONE, WORLD_ASKED, WORLD_STARTED } trial;
	uint8_t trial_digest[32];
	uint8_t running;
	enum rota_boot_kind kind;
	unsigned trials; /* that were started */
	unsigned written; /* bytes, in all */
};

/* An image (or a file that is none) that the server ever listed as good. */
struct world_image {
	struct maker_bytes bytes;
	uint8_t digest[32]; /* as a trial is asked with */
	bool crashes;
};

/* What the next world_release() makes. */
struct world_release {
	const char *version;
	const char *minimum;
	const char *product;
	const char *hardware;
	const char *slot;
	const char *revert_to; /* inside of the JSON list */
	const char *depends; /* likewise */
	const char *everyone;
	const char *groups; /* likewise */
	unsigned canary, first_ppm, growth, soak_s;
	uint64_t issued_s;
	uint32_t counter; /* of the image and as listed */
	uint32_t listed_counter; /* 0: the same */
	const char *image_product;
	const char *image_version; /* NULL: the release's */
	const char *image_tail; /* its recipe (image_make.h); NULL: as ever */
	bool wrong_digest, wrong_sha256;
	bool two; /* a second component, no image, for the slot `data` */
	bool second_image; /* the same, an image of 1,000 bytes */
	bool crashes;
	unsigned payload_len;
};

struct world_policy {
	uint64_t sequence;
	const char *product;
	const char *channel;
	const char *state;
	const char *stages; /* inside of the JSON list */
	const char *window; /* the member with a comma before it, or "" */
	unsigned attempt, open, retry_max, backoff_s;
	const char *path; /* NULL: of the release made last */
	bool wrong_sha256;
};

struct world {
	struct maker m;
	struct world_release release;
	struct world_policy policy;
	uint8_t release_sha256[32]; /* of the release made last */
	char release_path[128];
	const char *role; /* releases or ci */

	/* the device */
	struct flash_mem flash;
	struct rota_journal journal;
	struct flash_mem log; /* of the device log; it loses no power */
	struct world_slots slots[2];
	uint8_t slots_count;
	struct rota_named_slots named[2];
	const struct rota_boot_access *boot; /* NULL: none */
	const struct rota_rom_watchdog *watchdog; /* NULL: none */
	struct rota_device device;
	uint8_t spki[128];
	uint64_t clock_s;
	uint64_t resume_every;
	size_t piece;
	enum rota_err health;
	bool resets; /* the device is reset while it is asked whether it is well */
	struct maker_file kept[MAKER_FILES_MAX];
	int kept_count;

	/* what binds its journals; NULL: nothing does */
	const struct rota_counter *counter;
	const struct rota_random *random;
	const struct rota_uptime *uptime;
	/* The time service: feeds its answer to this nonce. NULL: there is none. */
	enum rota_err (*time)(struct world *w, struct rota_update *u, const uint8_t *nonce);
	unsigned time_asked;
	/* Answers for a proof (SPEC 22.5); NULL: there is none. */
	enum rota_err (*proof)(
		struct world *w, struct rota_update *u, const struct rota_update_want *want);
	const struct rota_update_demand *demand; /* NULL: the device demands none */
	unsigned proof_asked;

	/* data keys: NULL, and the two that answer with rota_update_done() are not called */
	const struct rota_update_keys *keys;
	void (*key_answer)(
		struct world *w, struct rota_update *u, const struct rota_update_want *want);
	void (*statement)(
		struct world *w, struct rota_update *u, const struct rota_update_want *want);
	struct rota_why keys_why; /* after the last cycle */

	/* the power */
	unsigned slot_ops; /* changes of slots so far */
	unsigned cut_at; /* the power goes at this one; 0: never */
	bool cut_done; /* and it was done */

	/* the network */
	uint64_t break_at; /* a target breaks off after so many bytes; 0: never */
	bool tamper; /* components have one bit wrong, */
	uint64_t tamper_at; /* in this byte; 0: in the middle */
	bool extend; /* components have a byte too many */
	unsigned target_bytes; /* of targets, fetched in all */
	unsigned fetches;
	uint64_t last_offset; /* that a component was asked from */

	/* what was seen */
	struct world_image image[WORLD_IMAGES_MAX];
	int image_count;
	struct rota_event event[WORLD_EVENTS_MAX];
	int event_count;
	struct rota_outcome outcome;
	struct rota_state state; /* after the last cycle */
	unsigned commits; /* journal records, in the last cycle */
	const char *broken; /* an invariant that does not hold, or NULL */
};

/* A device of product sensor, hardware demo-1, channel stable, that left the factory with 1.0.0, and a server
 * with the policy file empty of campaigns. */
void world_init(struct world *w);

/* Make the release in w->release, and the policy in w->policy that points to it. */
void world_release(struct world *w);
void world_policy(struct world *w);

/* The image of the second component of that release, added to what may run. */
struct world_image *world_second_make(struct world *w);

/* A boot, after a reboot or after the power went. */
void world_boot(struct world *w);

/* One cycle, to IDLE, REBOOT or STOPPED. */
enum rota_update_want_kind world_cycle(struct world *w);

/* Cycles, with a boot after each that asks for one, until there is nothing to do or something stops.
 * REBOOT: it did not end. */
enum rota_update_want_kind world_settle(struct world *w);

/* Events of a kind so far. */
int world_events(const struct world *w, enum rota_event_kind kind);

/* Whether every boot runs image n: 0 is the factory's, 1 its data, then those of the releases in turn. */
bool world_runs(const struct world *w, int image);

#endif
