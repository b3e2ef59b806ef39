/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/worker.h -- the holder's own life: open the token, report, sign until nobody orders any more.
 *
 * Threads take orders and sign, each in its session. They pass a gate, open for any number of them; who finds that the
 * token is gone shuts it, and who then opens the token anew has it alone. The first thread watches the others' clocks.
 */
#ifndef PORTS_PKCS11_WORKER_H
#define PORTS_PKCS11_WORKER_H

#include "ports/pkcs11/holder.h"

/* holder_fork()'s run; `plan` is a struct rota_pool_plan. */
void worker_run(const struct holder_fds *fds, const void *plan);

#endif
