/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/device.h -- the device as it is configured: ROM record, slots, and the state folder.
 *
 *     STATE/lock                   one agent at a time
 *     STATE/NAME/journal.bin       the device journal (SPEC 9, 11) of repository NAME
 *     STATE/NAME/metadata/         host/agent/metastore.h
 *     STATE/NAME/outbox/           host/agent/outbox.h
 *
 * The first start of a device finds no journal and makes one whose state trusts the factory's root file, if
 * that is the one whose SHA-256 the ROM record names (SPEC 12.1).
 */
#ifndef APPS_ROTA_AGENT_DEVICE_H
#define APPS_ROTA_AGENT_DEVICE_H

#include "apps/rota-agent/config.h"
#include "apps/rota-agent/hooks.h"
#include "apps/rota-agent/loader.h"
#include "host/agent/metastore.h"
#include "host/agent/outbox.h"
#include "ports/flash_file/flash_file.h"
#include "ports/slots_boot/orders.h"
#include "ports/slots_boot/slots_boot.h"
#include "ports/slots_exec/slots_exec.h"
#include "ports/tpm2/counter_tpm.h"
#include "rota/codec/rom.h"
#include "rota/update/update.h"

/* Longest file of the factory's root: what a session accepts. */
#define AGENT_ROOT_MAX ROTA_ROOT_MAX_LEN

/* rota-boot boots all components of a device: the slots of one device are members of one set. */
struct agent_slots {
	uint8_t boot; /* backend boot: which of agent_device.boots */
	struct rota_slots_exec exec;
};

struct agent_device {
	const struct agent_config *config;
	struct rota_bytes rom_record;
	struct rota_rom rom;
	struct rota_log_demand log_demand; /* of its field 11 */
	struct rota_logproof proof;
	struct rota_update_demand demand; /* of the two */
	struct rota_device device;

	struct agent_slots backend[AGENT_SLOTS_MAX]; /* of those that are not behind a loader */
	struct rota_slots_boot boots[AGENT_SLOTS_MAX]; /* devices that rota-boot boots */
	uint8_t boots_count;
	struct agent_loader_slots loader;
	uint8_t loader_count; /* its slots so far */
	struct agent_hooks hooks[AGENT_SLOTS_MAX];
	struct rota_patience patience; /* with hooks that hold up an order */
	struct rota_named_slots slots[AGENT_SLOTS_MAX];
	uint8_t slots_count;
	const struct rota_boot_access
		*boot; /* to the boot state of the slot that rota-boot boots; NULL: there is none */

	struct rota_counter_tpm tpm; /* where [device] tpm says so */
	const struct rota_counter *counter; /* that, or NULL */
	/* Recovery orders, where rota-boot boots the device. */
	bool takes_orders;
	struct rota_flash_file places;
	struct rota_order_config order;
	struct rota_order_desk desk;
	uint8_t record_room[ROTA_KEYSET_MAX], order_room[ROTA_ORDER_MAX];

	char dir[ROTA_FILE_PATH_MAX]; /* STATE/NAME */
	int lock_fd; /* -1: not held */
	struct rota_flash_file flash;
	struct rota_journal journal;
	bool first; /* the journal was made just now */
	struct rota_flash_file log_file;
	const struct rota_flash *log; /* of the device log, or NULL: it cannot be used */
	struct rota_metastore meta;
	struct rota_outbox outbox;
};

/* ROM record and slots. `d` is not moved while it is open. Errors name the file and what to do. */
ROTA_MUST_USE enum rota_err agent_device_open(
	struct agent_device *d, const struct agent_config *config, struct rota_fail *why);

/* Whether the TPM that keeps the device's counters answers now. Where it does not the device still takes recovery
 * orders, so that this is a warning and no end. */
ROTA_MUST_USE enum rota_err agent_device_tpm(const struct agent_device *d, struct rota_fail *why);

/* Whether programs and TPM that the settings name are there, without opening the device. */
ROTA_MUST_USE enum rota_err agent_config_there(const struct agent_config *c, struct rota_fail *why);

/* Then the state, under the lock. ROTA_ERR_BUSY: another agent runs. */
ROTA_MUST_USE enum rota_err agent_state_open(struct agent_device *d, struct rota_fail *why);

/* Or only to look, without the lock: nothing is made. ROTA_ERR_NOT_FOUND: never started. */
ROTA_MUST_USE enum rota_err agent_state_look(
	struct agent_device *d, struct rota_state *state, struct rota_fail *why);

/* Why a device that rota-boot boots runs nothing now, in words. Static storage. */
const char *agent_device_idle(const struct agent_device *d);

void agent_device_close(struct agent_device *d);

/* The device of a slot of backend boot. */
const struct rota_slots_boot *agent_slots_boot(const struct agent_device *d, uint8_t slot);

/* The factory's root file, held against the ROM record. */
ROTA_MUST_USE enum rota_err agent_factory_root(
	const struct agent_device *d, struct rota_bytes *root, struct rota_fail *why);

/* The present, and whether it can be believed ([device] clock). */
struct rota_time agent_clock_now(enum agent_clock clock);

#endif
