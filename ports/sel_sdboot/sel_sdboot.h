/* SPDX-License-Identifier: Apache-2.0 */
/* ports/sel_sdboot/sel_sdboot.h -- the selector in the names of systemd-boot's entries (SPEC 17.4).
 *
 * ESP/loader/entries holds one entry for each place, named as entry.h says; the factory puts them there, as
 * rota-1-a.conf and rota-0-b.conf. The confirmed place is the highest that is not counted. A trial is the other
 * place with a higher generation and `+1`; the loader makes it `+0-1` when it starts it. A change is a new name: the
 * entry is written whole under it, synced, and only then the old name goes, since FAT may lose both names of a
 * file whose rename was cut off. Where two names of one place are left the one that boots counts, and the next
 * change takes the others away.
 *
 * A cut in the loader's own rename may leave both names, and so start a trial a second time.
 */
#ifndef PORTS_SEL_SDBOOT_SEL_SDBOOT_H
#define PORTS_SEL_SDBOOT_SEL_SDBOOT_H

#include "ports/slots_part/selector.h"

/* An entry of ours is some hundred bytes. */
#define ROTA_SDBOOT_ENTRY_MAX 4096

struct rota_sel_sdboot {
	struct rota_selector port; /* its ctx is this struct: do not move it while it is open */
	const char *esp; /* where the EFI system partition is mounted */
};

/* `esp` lives as long as the port; it is looked at in each call. */
void rota_sel_sdboot_open(struct rota_sel_sdboot *s, const char *esp);

#endif
