/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/binding.h -- whether the journals are the newest (SPEC 9.6), in a line that a person reads. */
#ifndef APPS_ROTA_AGENT_BINDING_H
#define APPS_ROTA_AGENT_BINDING_H

#include "apps/rota-agent/device.h"
#include "rota/store/binding.h"

#define AGENT_BINDING_TEXT 160

/* Read counter and boot journal, beside the state of the device journal. `text` is the line. */
enum rota_binding agent_binding_look(const struct agent_device *d, const struct rota_state *state,
	char text[static AGENT_BINDING_TEXT]);

#endif
