/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/format.h -- what the factory does to a device's flash: make the files, write the first
 * image, confirm it.
 */
#ifndef PORTS_SLOTS_BOOT_FORMAT_H
#define PORTS_SLOTS_BOOT_FORMAT_H

#include "rota/port/crypto.h"
#include "rota/store/bootstate.h"

#define ROTA_SLOT_CAPACITY_DEFAULT ((uint64_t)64 << 20)
#define ROTA_SLOT_CAPACITY_MIN ((uint64_t)1 << 16) /* a small static program and its TLVs */
#define ROTA_SLOT_CAPACITY_MAX ((uint64_t)1 << 30)

/* Where a format failed, for one line to the user. */
struct rota_format_fault {
	uint8_t component; /* that was made then */
	const char *what; /* static: the step or the file below the device's directory */
	uint8_t clause; /* n of SPEC 6.n when the image was refused, else 0 */
	int os_error; /* errno, or 0 */
};

/* One component: what it is called, and its first image (a regular file, read from its start). */
struct rota_format_part {
	const char *name; /* of one component alone: not looked at */
	int image_fd;
};

/* What the flash is made of. */
struct rota_format_plan {
	uint64_t capacity; /* of each place, in bytes */
	uint8_t count; /* components, 1 to ROTA_SET_MAX */
	struct rota_format_part part[ROTA_SET_MAX]; /* part[0] is the program that is executed */
};

/* Make DEVICE/flash with two places for each component, DEVICE/run, and a boot journal that confirms the set of
 * their first images in place 0. DEVICE/rom.bin is there already: the images are held against it as boot will, down
 * to the kind of program (SPEC 6.5, 6.6). Images are streamed. The journal is written last and under a temporary
 * name: what was cut off before is no formatted device, and formatting it again starts over.
 *
 * ROTA_ERR_BUSY      formatted already
 * ROTA_ERR_FORMAT    names that are none, or too alike (components.h); folders of other components lie there
 * ROTA_ERR_ARGUMENT  capacity outside the limits
 * ROTA_ERR_FULL      the disk is full, or the image is larger than `capacity`
 * else               reading rom.bin (rota_rom_decode), the image's refusal, ROTA_ERR_IO */
ROTA_MUST_USE enum rota_err rota_slots_boot_format(const char *device_dir,
	const struct rota_format_plan *plan, const struct rota_crypto *crypto,
	struct rota_format_fault *fault);

#endif
