/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/records.h -- `rota-agent records`: a vault for a program that has no key (SPEC 36.8).
 *
 * The program starts this one and speaks with it over a pipe, a line each way; what it puts is sealed with the device's data keys
 * and written into [vault NAME], what it gets was opened. While it lasts records of older generations are sealed anew, by the usual
 * budget. It runs beside the agent, as its user, and sees each switch (ring.h); where the pipe ends, it does.
 */
#ifndef APPS_ROTA_AGENT_RECORDS_H
#define APPS_ROTA_AGENT_RECORDS_H

#include "apps/rota-agent/config.h"

/* Of the vault of this name. Gives the exit status. */
int agent_records(const struct agent_config *config, const char *name);

#endif
