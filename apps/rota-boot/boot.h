/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/boot.h -- one boot: choose a slot (boot/choice.h), take its payload into sealed memory. */
#ifndef APPS_ROTA_BOOT_BOOT_H
#define APPS_ROTA_BOOT_BOOT_H

#include "apps/rota-boot/device.h"

/* An image that may run. */
struct loaded {
	int fd; /* sealed memory with the payload, or -1 */
	uint8_t slot;
	enum rota_boot_kind kind;
	bool unknown; /* a fallback to an image that the boot state does not know */
	struct rota_image_info info;
	uint8_t keys; /* that vouch for it: bits of boot/keys.h */
	struct rota_watchdog_turn turn; /* what is to run of it, and for how long */
};

/* Choose, load, make the boot state durable, write run/booted. Refusals are said as they happen. False:
 * nothing may run. */
bool boot_load(struct device *d, struct loaded *out);
void boot_unload(struct loaded *image);

/* Become the image. Returns only when that failed, having said why. */
void boot_exec(const struct device *d, const struct loaded *image);

/* Say that the image in `slot` is refused, by which clause, and why. */
void say_refused(uint8_t slot, enum rota_err err, uint8_t clause, const char *why);

#endif
