/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/folders.h -- the state's folders, where each process is a user of its own.
 *
 * Who may write a folder may rename what lies in it, whoever owns that: with the state's own folder in the parser's hands, the log's
 * would be too. So STATE is of whoever starts the daemon, and in it each process has its own: `records` and `pending` the
 * parser, `log` the log writer.
 */
#ifndef APPS_ROTA_SIGND_FOLDERS_H
#define APPS_ROTA_SIGND_FOLDERS_H

#include "apps/rota-signd/plan.h"

/* Make those that are missing and look at all of them; nothing where all processes are one user. ROTA_ERR_STATE: one is
 * somebody else's, or others may write it. */
ROTA_MUST_USE enum rota_err folders_make(const struct plan *plan, struct rota_fail *why);

#endif
