/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/binding.h"

#include <stdio.h>

#define WAY_BACK "only recovery orders install until a refresh at signed time"

static void describe(enum rota_binding verdict, const struct rota_binding_facts *f, bool burns,
	char text[static AGENT_BINDING_TEXT])
{
	switch (verdict) {
	case ROTA_BINDING_CUT:
		snprintf(text, AGENT_BINDING_TEXT,
			"current; a rise of the state counter above %u is to be finished",
			f->counter);
		break;
	case ROTA_BINDING_RESTORED:
		if (f->counts && f->read != ROTA_OK)
			snprintf(text, AGENT_BINDING_TEXT, "the state counter is gone: " WAY_BACK);
		else if (f->ahead)
			snprintf(text, AGENT_BINDING_TEXT,
				"restored: the hardware has burnt more than the boot state "
				"knows: " WAY_BACK);
		else
			snprintf(text, AGENT_BINDING_TEXT,
				"restored: older than %s, or unknown: " WAY_BACK,
				f->counts ? "the state counter" : "the hardware's counters");
		break;
	case ROTA_BINDING_FOREIGN:
		snprintf(text, AGENT_BINDING_TEXT,
			"foreign: the state counter is of another board: " WAY_BACK);
		break;
	case ROTA_BINDING_UNREADABLE:
		snprintf(text, AGENT_BINDING_TEXT,
			"not known: the state counter cannot be read (%s), nothing installs",
			rota_err_str(f->read));
		break;
	case ROTA_BINDING_CURRENT:
	default:
		if (f->counts)
			snprintf(text, AGENT_BINDING_TEXT, "current, state counter %u", f->counter);
		else
			snprintf(text, AGENT_BINDING_TEXT,
				"no state counter: older flash that is put back %s",
				burns ? "is noticed once more was burnt since" : "is not noticed");
	}
}

enum rota_binding agent_binding_look(const struct agent_device *d, const struct rota_state *state,
	char text[static AGENT_BINDING_TEXT])
{
	struct rota_binding_facts f = {
		.device = state->bound.binding,
		.device_lost = state->next_seq == 1,
		.marked = state->bound.restored,
	};
	enum rota_binding verdict;

	rota_binding_read(d->counter, d->boot, &f);
	verdict = rota_binding_judge(&f);
	describe(verdict, &f, d->counter && d->counter->have, text);
	return verdict;
}
