/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/config.h -- rota-agent.ini(5) as a struct, checked as a whole before anything is done.
 *
 * Only form is checked here; whether files and servers are there is device.h's and doctor's business.
 */
#ifndef APPS_ROTA_AGENT_CONFIG_H
#define APPS_ROTA_AGENT_CONFIG_H

#include "host/base/file.h"
#include "host/base/ini.h"
#include "host/fetch/fetch.h"
#include "rota/port/rot.h"

/* Where Linux has a TPM, behind its resource manager. */
#define AGENT_TPM_USUAL "device:/dev/tpmrm0"

/* A release has at most as many components (SPEC 7.1). */
#define AGENT_SLOTS_MAX 8

enum agent_clock {
	AGENT_CLOCK_SYSTEM, /* the system's clock is believed */
	AGENT_CLOCK_SYNCHRONISED, /* while the kernel says that something keeps it right */
	AGENT_CLOCK_NONE, /* there is none: the time floors stand in (SPEC 5.2) */
};

enum agent_backend {
	AGENT_BACKEND_BOOT,
	AGENT_BACKEND_EXEC,
	/* those behind a boot loader: */
	AGENT_BACKEND_UBOOT,
	AGENT_BACKEND_GRUB,
	AGENT_BACKEND_SDBOOT,
};

/* A program before or after an image is written: its words. */
#define AGENT_HOOK_WORDS_MAX 16
#define AGENT_HOOK_LEN_MAX (ROTA_FILE_PATH_MAX / 2) /* as of any path */

struct agent_hook {
	char text[AGENT_HOOK_LEN_MAX]; /* the words, each ended by a NUL; argv points into it */
	char *argv[AGENT_HOOK_WORDS_MAX + 1]; /* argv[0] NULL: there is none */
	uint64_t timeout_s;
};

struct agent_slot {
	const char *name;
	enum agent_backend backend;
	const char *at; /* boot: the device's directory; exec: the script */
	const char *directory; /* exec: where the script works */
	uint64_t timeout_s; /* exec: of one call, of a write without progress */
	const char *place[2]; /* behind a boot loader: block device or file of places A and B */
	struct agent_hook before, after;
};

/* The one boot loader that starts the slots behind a boot loader. */
struct agent_loader {
	const char *state; /* folder of the boot journal */
	const char *at; /* fw_env.config, grubenv, or where the EFI system partition is mounted */
	const char *cmdline, *boot_id; /* what the kernel tells */
};

/* A token of PKCS#11 that holds the device's keys. */
struct agent_token {
	const char *module, *label, *pin_file, *environment;
};

/* Data at rest that the device's data keys seal: a vault of host/vault. */
#define AGENT_VAULTS_MAX 8
#define AGENT_RECORD_MAX 16384 /* bytes of one that a program may put: a line of twice as many */
struct agent_vault {
	const char *name, *path;
	uint8_t purpose; /* enum rota_purpose */
	bool sqlite; /* a database, where rota-agent records makes one; else a file */
	uint32_t records, length; /* how many there may be, how long each */
};

struct agent_command {
	const char *line; /* NULL: none */
	uint64_t timeout_s;
};

/* Strings belong to `ini`. */
struct agent_config {
	struct rota_ini ini;

	const char *repository; /* its name */
	struct rota_fetch_server metadata, targets;
	const char *root; /* file: the first trusted root */
	struct rota_fetch_server server; /* url NULL: events stay here */

	const char *product, *hardware, *channel;
	const char *group, *region; /* NULL: none */
	const char *rom, *state; /* file, directory */
	const char *tpm; /* TCTI of the TPM that keeps counters and keys; NULL: the usual one */
	enum rota_rot_kind rot; /* what holds the keys; NONE: what the ROM record says */
	struct agent_token token;
	enum agent_clock clock;

	const char *certificate, *key; /* files; or */
	const char *identity; /* the folder of certificates whose keys are in the root of trust */
	struct rota_fetch_login
		*login; /* then: what the device shows of itself, as identity.h has it; owned */

	struct agent_slot slot[AGENT_SLOTS_MAX];
	uint8_t slot_count;
	enum agent_backend loader_backend; /* AGENT_BACKEND_BOOT: no slot is behind a loader */
	struct agent_loader loader;
	struct agent_vault vault[AGENT_VAULTS_MAX];
	uint8_t vault_count;
	struct agent_command health, reboot;
	const char *recovery; /* a recovery pack, or the folder where one appears; NULL: none */

	uint64_t interval_s, jitter_percent, retry_first_s, retry_most_s;
	uint64_t connect_s, stall_s, metadata_s, target_s; /* deadlines */
	uint64_t rate; /* bytes a second; 0: any */
	uint64_t outbox; /* events */
	uint64_t resume_every; /* bytes; 0: never */
	uint64_t tries; /* of a transfer that breaks off, in one cycle */
};

/* ROTA_ERR_FORMAT and the rest of rota_ini_load()'s; `why` names file, section, key and line. On failure there
 * is nothing to free. */
ROTA_MUST_USE enum rota_err agent_config_load(
	const char *path, struct agent_config *c, struct rota_fail *why);
void agent_config_free(struct agent_config *c);

#endif
