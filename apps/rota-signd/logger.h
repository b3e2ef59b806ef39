/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/logger.h -- the log writer: every entry durable, then what it grants handed to who signs.
 *
 * One thread gathers what is there, appends all of it, syncs once, and hands on; while the holders sign one group, the next is
 * synced. Another makes tiles and checkpoints of what is durable. It ends when the parser does.
 */
#ifndef APPS_ROTA_SIGND_LOGGER_H
#define APPS_ROTA_SIGND_LOGGER_H

#include "apps/rota-signd/plan.h"

/* In a process of its own. The exit status. */
int logger_run(struct plan *plan, int ready);

#endif
