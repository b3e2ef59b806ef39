/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/scenario.h -- what the devices live through while their power is cut: a table. */
#ifndef TESTS_POWERCUT_SCENARIO_H
#define TESTS_POWERCUT_SCENARIO_H

#include "tests/powercut/server.h"

/* What a device begins with is on it at WORLD_NOW; it polls first an hour later. */
#define SCENARIO_START (WORLD_NOW + 3600)
#define SCENARIO_POLL 600

struct scenario {
	const char *name;
	const char *what;
	void (*publish)(struct server *s);
	uint8_t components;
	uint8_t polls; /* beyond the first */
	uint32_t asleep_s; /* it polls so much later first */
	uint8_t calm; /* polls before the first cut: they only fill the journal */
	bool thinned; /* its lives are long: the shorter runs do a part of its cuts */
	bool ill; /* what is on trial is not well */
	bool crashes; /* what is on trial does not live so long */
	bool restored; /* where a state counter counts, the flash is an older one */
	bool sleeps; /* it is off between two polls */
	bool patient; /* a cycle may fail on the way */
	bool silent; /* what the factory made looks for nothing after its first poll */
	bool fuses; /* are the security counter */
	bool keyed; /* it has data keys */
	uint32_t poll_s; /* 0: SCENARIO_POLL */
	uint32_t quiet_s; /* since SCENARIO_START: before it the updater does not run alone */
	uint32_t counter; /* security counter in the end */
	uint32_t epoch; /* of recovery orders, in the end */
	uint32_t ticket; /* number of the last one, in the end */
	uint8_t key_floor; /* in the end */
	uint64_t version; /* that runs in the end, as rota/codec/version.h has it */
	uint32_t ends_root; /* version of the root in the end */
};

#define SCENARIOS 18
extern const struct scenario scenarios[SCENARIOS];

/* Between two polls; from the first poll to the end. */
uint32_t scenario_poll_s(const struct scenario *scenario);
uint64_t scenario_len_s(const struct scenario *scenario);

/* By its name, or NULL. */
const struct scenario *scenario_find(const char *name);

#endif
