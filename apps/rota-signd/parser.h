/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/parser.h -- the process that clients talk to: it reads, judges and answers, and holds neither key nor PIN,
 * nor may it write to the log. One thread, one wait. */
#ifndef APPS_ROTA_SIGND_PARSER_H
#define APPS_ROTA_SIGND_PARSER_H

#include "apps/rota-signd/plan.h"

/* In a process of its own, until SIGTERM. The exit status. A byte goes over `ready` when clients can be answered, and one more
 * whenever it is another slot's turn than the plan knows. */
int parser_run(struct plan *plan, int ready);

#endif
