/* SPDX-License-Identifier: Apache-2.0 */
/* ports/slots_part/slots_part.h -- rota/port/slots.h for a device that U-Boot, GRUB or systemd-boot boots.
 *
 * A *group* is all that one loader starts together: say, kernel and root file system, each with a place A and a
 * place B. One selector (selector.h) says which places are started; they switch as one set. Which slot may be
 * written, and when, are the rules of rota/store/slots.h; the boot state is kept in
 *
 *     STATE/boot.bin          boot journal (SPEC 9, 10); flock on it orders all who use it
 *     STATE/given-up          id of the boot in which a trial was given up; means nothing after a reset
 *     STATE/NAME.progress     how far the image of slot NAME is durable
 *
 * Each call judges anew what the loader did (judge.h) and, where the selector does not say what the boot state
 * wants, writes it again; the journal is always changed first. The first call on a device finds no journal, and
 * makes one in which what runs is confirmed.
 *
 * A release that brings images for some slots of a group only gets the others copied from where they run, when
 * the trial is asked for: a loader that starts place B finds all of B.
 *
 * The loader verifies no signature unless it is told to (docs/boot-loaders.md); security counters are not burnt.
 */
#ifndef PORTS_SLOTS_PART_SLOTS_PART_H
#define PORTS_SLOTS_PART_SLOTS_PART_H

#include "ports/flash_file/flash_file.h"
#include "ports/slots_part/judge.h"
#include "ports/slots_part/partarea.h"
#include "rota/store/slots.h"

/* How long one call waits for another's: many times what any takes but a copy, which holds no lock. */
#define ROTA_SLOTS_PART_LOCK_MS 60000

struct rota_slots_part_slot {
	const char *name; /* SPEC 1.2 */
	const char *place[2]; /* block device or file, of A and of B */
};

/* All of it stays in use as long as the group. */
struct rota_slots_part_config {
	const struct rota_selector *selector;
	const struct rota_crypto *crypto;
	const char *state; /* folder */
	const char *cmdline, *boot_id; /* files, as machine.h says */
	const struct rota_slots_part_slot *slot;
	uint8_t count; /* 1 to ROTA_SET_MAX; their order is the boot state's, and stays */
};

struct rota_slots_part {
	struct rota_set set; /* first: the set's ctx is this struct too */
	struct rota_set_member member[ROTA_SET_MAX]; /* .port goes to the update cycle */
	struct rota_partarea area[ROTA_SET_MAX];
	struct rota_slots_part_config config;
	enum rota_err (*switch_asked)(void *ctx); /* of those that were asked for */
	struct rota_boot_access boot;
	struct rota_running_source source;
	int state_fd;

	/* While the boot state is held: */
	struct rota_flash_file flash;
	struct rota_journal journal;
	struct rota_running running;
};

/* Open the state folder and make its journal's file where there is none; places and selector are looked at by the
 * calls that need them. The group's ctx is the struct: do not move it. ROTA_ERR_NOT_FOUND, ROTA_ERR_DENIED,
 * ROTA_ERR_FULL, ROTA_ERR_IO: the folder. */
ROTA_MUST_USE enum rota_err rota_slots_part_open(
	struct rota_slots_part *g, const struct rota_slots_part_config *config);
void rota_slots_part_close(struct rota_slots_part *g);

#endif
