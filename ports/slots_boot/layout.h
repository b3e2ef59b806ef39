/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_boot/layout.h -- a device's directory, as rota-boot and the slots over it see it.
 *
 *     DEVICE/rom.bin          ROM record (SPEC 12)
 *     DEVICE/flash/boot.bin   boot journal (SPEC 9, 10); flock on it orders rota-boot and the slots
 *     DEVICE/flash/orders.bin recovery orders (SPEC 15.6); ports/slots_boot/orders.h
 *     DEVICE/flash/slot0.bin  images (SPEC 6), sparse files of the slot's capacity; an erased byte
 *     DEVICE/flash/slot1.bin  reads 0x00 and takes no room
 *     DEVICE/flash/slot0.part, slot1.part: how far an image that is being written is durable
 *                             (a device of several components has these four in a folder for each, components.h)
 *     DEVICE/run/booted       which image runs now; rewritten at each boot, gone when the power is off
 *     DEVICE/run/record       what boot measured (SPEC 10.7), rewritten at each boot
 *     DEVICE/run/pid          the supervising rota-boot, which holds a lock on it
 *     DEVICE/run/log          what the image prints
 */
#ifndef PORTS_SLOTS_BOOT_LAYOUT_H
#define PORTS_SLOTS_BOOT_LAYOUT_H

#include "ports/flash_file/flash_file.h"
#include "rota/codec/rom.h"
#include "rota/store/bootstate.h"

#define ROTA_LAYOUT_ROM "rom.bin"
#define ROTA_LAYOUT_FLASH "flash"
#define ROTA_LAYOUT_JOURNAL "flash/boot.bin"
#define ROTA_LAYOUT_ORDERS "flash/orders.bin"
#define ROTA_LAYOUT_RUN "run"
#define ROTA_LAYOUT_BOOTED "run/booted"
#define ROTA_LAYOUT_RECORD "run/record"
#define ROTA_LAYOUT_PID "run/pid"
#define ROTA_LAYOUT_LOG "run/log"

/* How long one waits for the other at the boot journal: many times what a boot state takes, and a boot
 * holds it only while it chooses. */
#define ROTA_LAYOUT_LOCK_MS 60000

/* Geometry of boot.bin: common serial flash; four sectors halve the wear of two. */
extern const struct rota_flash_geometry rota_layout_journal;

/* The journal, locked, and the state in it. */
struct rota_layout_state {
	struct rota_flash_file flash;
	struct rota_journal journal;
	struct rota_bootstate state;
};

/* Open, lock, load. Errors of the flash file, of the lock (ROTA_ERR_TIMEOUT) and of
 * rota_bootstate_load(). Nothing to close after an error. */
ROTA_MUST_USE enum rota_err rota_layout_state_open(struct rota_layout_state *s, int device_fd);
/* The same where the state is lost: as of a device of so many components with nothing in its slots; not durable
 * before a commit. */
ROTA_MUST_USE enum rota_err rota_layout_state_anew(
	struct rota_layout_state *s, int device_fd, const struct rota_rom *rom, uint8_t count);
/* Make s->state durable. */
ROTA_MUST_USE enum rota_err rota_layout_state_commit(struct rota_layout_state *s);
void rota_layout_state_close(struct rota_layout_state *s);

/* A ROM record read from rom.bin, with room for the bytes that its spans point to: do not move it. */
struct rota_layout_rom {
	struct rota_rom rom;
	uint8_t bytes[ROTA_ROM_MAX + 1]; /* one more shows what is too long */
};

/* ROTA_ERR_NOT_FOUND, ROTA_ERR_IO, and rota_rom_decode()'s. */
ROTA_MUST_USE enum rota_err rota_layout_rom_read(struct rota_layout_rom *r, int device_fd);

#endif
