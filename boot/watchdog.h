/* SPDX-License-Identifier: Apache-2.0 */
/* boot/watchdog.h -- a device that has long not refreshed runs its updater alone, once (SPEC 10.8, 10.9).
 *
 * Who breaks into the application may keep the device from ever hearing of the update that throws him out. So a
 * ROM record may set a watchdog (field 9): when the device has run for `period_s` without a verified refresh or a
 * signed ticket, boot starts the updater component alone, for at most `bound_s`, and then the application again,
 * whatever came of it: the watchdog never costs a device its work. It is off unless the factory set it.
 *
 * Running time is bought in advance, a *slice* at a time: what the boot state says is left is already without
 * the slice that runs, so a reset never gives time back and a clock is not needed. A slice is a 64th of the period
 * and at least 15 minutes; that is what bounds the commits.
 *
 *            boot, nothing left                    boot
 *     RUN ------------------------> UPDATER alone ------> RUN, a whole period left
 *
 * A trial that was asked for goes first: it is what a refresh brought.
 */
#ifndef BOOT_WATCHDOG_H
#define BOOT_WATCHDOG_H

#include "rota/store/watchdog.h"

enum rota_watchdog_event {
	ROTA_WATCHDOG_BOOT, /* before an image is chosen */
	ROTA_WATCHDOG_OVER, /* what ran has used its time up */
};

enum rota_watchdog_act {
	ROTA_WATCHDOG_RUN_APPLICATION,
	ROTA_WATCHDOG_RUN_UPDATER, /* alone; the confirmed set, no trial */
	ROTA_WATCHDOG_RESET, /* end what runs, and boot */
};

struct rota_watchdog_turn {
	enum rota_watchdog_act act;
	uint32_t run_s; /* until OVER is to be told; 0: never, there is no watchdog */
	bool commit; /* the state was changed, and is to be durable before what runs runs */
};

/* What is to be done now; *state becomes what is to be committed. Where a commit before the updater fails, the
 * application is run: an updater that left no trace would run at every boot. Before the application, or in the
 * middle of its time, a commit that fails stops nothing. */
void rota_watchdog_next(const struct rota_rom_watchdog *rom, enum rota_watchdog_event event,
	struct rota_bootstate *state, struct rota_watchdog_turn *out);

/* A decoded ticket: verified, counted, its seconds left if that is more; *state is then to be committed.
 * ROTA_ERR_UNSUPPORTED  the device has no watchdog, or does not have the signature's scheme
 * ROTA_ERR_VERSION      its number is not the next one: it was taken before, or one before it was not
 * ROTA_ERR_LIMIT        more seconds than the period
 * ROTA_ERR_ROLE         signed by a key that the last refresh did not leave
 * ROTA_ERR_SIGNATURE    does not verify: not for this device, or changed */
ROTA_MUST_USE enum rota_err rota_watchdog_ticket(const struct rota_rom *rom,
	const struct rota_crypto *crypto, const struct rota_ticket *ticket,
	struct rota_bootstate *state);

#endif
