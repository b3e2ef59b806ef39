/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/held.h -- which generations of its data keys a device holds, and which of them its vaults need: for `status`
 * and `vault`. Nothing is locked, changed or opened with a key. */
#ifndef APPS_ROTA_AGENT_HELD_H
#define APPS_ROTA_AGENT_HELD_H

#include "apps/rota-agent/device.h"

#include <jansson.h>

/* A list, an object for each purpose that it has a generation of: "purpose", and "active", "staged", "proved", "oldest", those
 * that there are. NULL: this device has no data keys, or their journal cannot be read; *note says which. */
json_t *agent_held(const struct agent_device *d, const char **note);

/* `rota-agent vault`: of each [vault NAME] the records by generation, and how many wait to be rewritten. Exit status. */
int agent_vaults(const struct agent_config *config, bool json);

#endif
