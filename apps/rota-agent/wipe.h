/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/wipe.h -- `rota-agent wipe`: this device gives up its data keys, for good (SPEC 34.5, last row).
 *
 * It says so to the server first and destroys nothing before that was taken, so that nobody waits for it or seals to it any
 * more; or, --offline, it tells nobody: for a device that changes hands, or whose server is gone. Data keys, agree and LDevID
 * keys and the factory secret are destroyed in the root of trust, then the LDevIDs' certificates go. The identity stays, and a
 * factory may take the device again. What was cut off is gone on with by another wipe.
 */
#ifndef APPS_ROTA_AGENT_WIPE_H
#define APPS_ROTA_AGENT_WIPE_H

#include "apps/rota-agent/cycle.h"

/* Of an agent that is open. Gives the exit status. */
int agent_wipe(struct agent *a, bool offline);

#endif
