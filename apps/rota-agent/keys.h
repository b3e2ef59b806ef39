/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/keys.h -- the journals of a device's data keys (SPEC 34), as files of its state.
 *
 *     STATE/keys.bin       the key journal
 *     STATE/archive.bin    keys that only read
 *
 * They belong to the device and not to a repository, as its keys do. Who changes them holds the lock of keys.bin: a cycle from its
 * beginning to its end, but not over a long download or the health check; and for a moment a program that keeps records beside (ring.h).
 */
#ifndef APPS_ROTA_AGENT_KEYS_H
#define APPS_ROTA_AGENT_KEYS_H

#include "apps/rota-agent/config.h"
#include "ports/flash_file/flash_file.h"
#include "rota/store/keyslots.h"

#define AGENT_KEYS_FILE "keys.bin"
#define AGENT_ARCHIVE_FILE "archive.bin"

struct agent_keys {
	bool open;
	struct rota_flash_file file, archive;
	struct rota_keyslots slots; /* refers to this struct: do not move it while it is open */
	uint8_t device[ROTA_SHA256_LEN];
	uint8_t scratch[ROTA_KEYSTATE_LEN_MAX];
	enum rota_err found; /* what rota_keyslots_open() said */
	struct rota_key_held noted[ROTA_PURPOSES_MAX]; /* purpose - 1 */
};

/* `make`: where they are not there they are made, blank. `device`: its id. rot stays in use.
 * ROTA_ERR_NOT_FOUND: they are not there. Whatever the journals are like is no error here: k->found. */
ROTA_MUST_USE enum rota_err agent_keys_open(struct agent_keys *k, const struct agent_config *config,
	const struct rota_rot *rot, const uint8_t device[static ROTA_SHA256_LEN], bool make,
	struct rota_fail *why);

/* Read the journals again, and hold their lock; for a minute whoever else has it is waited for. k->found ROTA_ERR_BUSY: he has it
 * still, and no key can be used. */
void agent_keys_again(struct agent_keys *k);

/* The same without the lock. */
void agent_keys_read(struct agent_keys *k);

/* Let go of it; and, in the same cycle, take it again, with the numbers that others wrote meanwhile. ROTA_ERR_BUSY as above. */
void agent_keys_release(struct agent_keys *k);
ROTA_MUST_USE enum rota_err agent_keys_resume(struct agent_keys *k);

/* Note what is held; and say of each purpose what is held now, where that is something else. */
void agent_keys_note(struct agent_keys *k);
void agent_keys_say(struct agent_keys *k);

/* What was zeroed may be closed. */
void agent_keys_close(struct agent_keys *k);

#endif
