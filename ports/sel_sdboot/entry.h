/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_sdboot/entry.h -- the file name of a boot loader entry, which is all that systemd-boot is told.
 *
 *     rota-GENERATION-PLACE[+LEFT[-DONE]].conf      rota-7-b+1.conf, rota-7-b+0-1.conf, rota-7-b.conf
 *
 * LEFT and DONE are the boot counting of the Boot Loader Specification: each start takes one from LEFT, and an
 * entry with none left ranks behind all others. Entries without sort-key rank by name, the higher generation
 * first. So the highest entry that has starts left, or that is not counted, is what boots.
 */
#ifndef PORTS_SEL_SDBOOT_ENTRY_H
#define PORTS_SEL_SDBOOT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#define ROTA_SDBOOT_NAME_MAX 64 /* ours have at most 35 bytes */
#define ROTA_SDBOOT_GENERATION_MAX                                                                 \
	999999999 /* a longer name would be none of ours: an update a second for 30 years */

struct rota_sdboot_entry {
	uint32_t generation;
	uint8_t place; /* 0 a, 1 b */
	bool counted;
	uint32_t left, done; /* when counted */
};

/* Of a name of ours; false: it is not one, or a number is beyond 9 digits. */
bool rota_sdboot_entry_parse(const char *name, struct rota_sdboot_entry *out);

void rota_sdboot_entry_name(
	const struct rota_sdboot_entry *e, char out[static ROTA_SDBOOT_NAME_MAX]);

/* Whether systemd-boot starts `a` rather than `b`. */
bool rota_sdboot_entry_before(const struct rota_sdboot_entry *a, const struct rota_sdboot_entry *b);

#endif
