/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/messages.h -- `rota-agent messages`: sealed messages to the server and from it, for a program that has no key
 * (SPEC 36.1, 36.8).
 *
 * As `rota-agent records`, a line each way over a pipe, beside the agent: what the program is to send is sealed with the active key of
 * telemetry or link, what it received is opened. How they travel is the program's; the back end has the same keys from
 * rota-seald serve.
 */
#ifndef APPS_ROTA_AGENT_MESSAGES_H
#define APPS_ROTA_AGENT_MESSAGES_H

#include "apps/rota-agent/config.h"

/* `purpose`: its word. Gives the exit status. */
int agent_messages(const struct agent_config *config, const char *purpose);

#endif
