/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-boot/recover.h -- nothing may run: wait for a recovery pack, and take it (SPEC 15.4 to 15.7).
 *
 * The pack comes as a file, in a folder where a stick appears, or over a serial line. Its order is judged by ROM alone
 * and stored; its image goes into the place that is not confirmed, and on trial. The pack stays beside the boot journal,
 * so that the agent, once it runs, finds the root in it (agent.ini: [recovery] file).
 */
#ifndef APPS_ROTA_BOOT_RECOVER_H
#define APPS_ROTA_BOOT_RECOVER_H

#include "apps/rota-boot/device.h"

/* Wait for a pack from `from` and take it. A pack that is refused is waited over: nothing is tried again and again.
 * True: an order was taken, boot again. False: `from` cannot be used; it was said why. */
bool recover(const struct device *d, const char *from);

#endif
