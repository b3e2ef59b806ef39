/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/boot.h -- one boot: choose a set (boot/choice.h), take its payloads into sealed memory. */
#ifndef APPS_ROTA_BOOT_BOOT_H
#define APPS_ROTA_BOOT_BOOT_H

#include "apps/rota-boot/device.h"

/* An image, verified. */
struct loaded_image {
	int fd; /* sealed memory with the payload, or -1 */
	uint8_t place;
	struct rota_image_info info;
	uint8_t keys; /* that vouch for it: bits of boot/keys.h */
};

/* A set that may run: component 0 is executed, the others are handed on. */
struct loaded {
	struct loaded_image image[ROTA_SET_MAX];
	uint8_t count;
	uint8_t trial; /* bit i: component i runs on trial */
	enum rota_boot_kind kind;
	bool unknown; /* a fallback to an image that the boot state does not know */
	struct rota_watchdog_turn turn; /* what is to run of it, and for how long */
};

/* Choose, load, make the boot state durable, write run/booted. Refusals are said as they happen. False:
 * nothing may run. */
bool boot_load(struct device *d, struct loaded *out);
void boot_unload(struct loaded *set);

/* Become the program of component 0. Returns only when that failed, having said why. */
void boot_exec(const struct device *d, const struct loaded *set);

#endif
