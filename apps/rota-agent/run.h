/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/run.h -- cycles: one, or one after the other.
 *
 * The long-running mode polls every [poll] interval, drawn anew each time within the jitter so that a fleet
 * does not come all at once; after a failure it waits from retry_first, twice as long each time, up to
 * retry_most. SIGHUP polls now, SIGTERM and SIGINT end it cleanly at the next safe place.
 */
#ifndef APPS_ROTA_AGENT_RUN_H
#define APPS_ROTA_AGENT_RUN_H

#include "apps/rota-agent/cycle.h"

/* Exit statuses. */
enum agent_exit {
	AGENT_EXIT_OK = 0,
	AGENT_EXIT_FAILED = 1, /* refused or failed */
	AGENT_EXIT_USAGE = 2,
	AGENT_EXIT_REBOOT =
		3, /* --once: a reboot is wanted, and no [reboot] command is configured */
};

/* Install the signal handlers; what a->stop points to becomes non-zero with SIGTERM and SIGINT. */
void agent_signals(struct agent *a);

int agent_run_once(struct agent *a);
int agent_run(struct agent *a);

#endif
