/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/registrar.h -- the process that makes rows of the registry, and alone has the keys for it (SPEC 20.6, 37.5).
 *
 * At its start it has a token unwrap the registry key of each scope that a rule of kind `rows` is for, and the token's process ends; what
 * stays in its memory is the HMAC's state. It takes orders from the log writer alone, each when its entry is durable, and answers
 * to the parser. It reads no request: items come as a batch, and each is checked for itself (host/notary/registrar.h).
 */
#ifndef APPS_ROTA_SIGND_REGISTRAR_H
#define APPS_ROTA_SIGND_REGISTRAR_H

#include "apps/rota-signd/plan.h"

/* Start it on the sockets that the plan has, where it is wanted, and wait until it has its keys; once more when it ended.
 * ROTA_ERR_DENIED: a token refused its PIN: not to be tried again. Others: as rota_keywrap_load(), rota_cert_load(). */
ROTA_MUST_USE enum rota_err registrar_start(struct plan *plan, struct rota_fail *why);

#endif
