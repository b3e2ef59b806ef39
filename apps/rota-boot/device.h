/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/device.h -- the device that is booted, and how rota-boot speaks of it. */
#ifndef APPS_ROTA_BOOT_DEVICE_H
#define APPS_ROTA_BOOT_DEVICE_H

#include "boot/watchdog.h"
#include "ports/slots_boot/booted.h"
#include "ports/slots_boot/components.h"
#include "ports/slots_boot/layout.h"
#include "ports/slots_boot/source.h"
#include "ports/tpm2/counter_tpm.h"
#include "rota/codec/version.h"

#define VERSION_TEXT (ROTA_VERSION_TEXT_MAX + 1) /* and NUL */

struct device {
	int fd; /* its directory */
	char path[4096]; /* absolute */
	struct rota_layout_rom rom;
	struct rota_components set; /* what the flash has; count 0: cannot be told */
	uint8_t *room; /* ROTA_SOURCE_PIECE bytes for reading images */
	uint32_t boot; /* number of the last boot; 0: none yet */
	const char *tcti; /* how to reach the TPM; NULL: the device has none */
	const char *recovery; /* where packs come from when nothing may run; NULL: nowhere */
	unsigned pcr; /* what is measured is extended into it */
	struct rota_counter_tpm counters; /* those of ROM field 10 */
};

/* Open the directory and read its ROM. Says what is wrong. False: failed. */
bool device_open(struct device *d, const char *path);
void device_close(struct device *d);

/* The TPM, after open. tcti NULL: the system's, if the ROM has counters in one; else none. */
void device_tpm(struct device *d, const char *tcti, unsigned pcr);

/* The counters in hardware, or NULL: the ROM has none. */
const struct rota_counter *device_counter(const struct device *d);

/* Whether flash and boot state speak of as many components. Says so where not. */
bool device_agrees(const struct device *d, const struct rota_bootstate *state);

/* One line on standard error: `rota-boot: ...`. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 64 hex digits and NUL. */
void digest_text(const uint8_t digest[static ROTA_SHA256_LEN], char text[static 65]);
/* A version and NUL. */
void version_text(uint64_t version, char text[static VERSION_TEXT]);

#endif
