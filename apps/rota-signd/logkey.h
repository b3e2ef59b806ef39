/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/logkey.h -- the log's public key, for who is to believe it. */
#ifndef APPS_ROTA_SIGND_LOGKEY_H
#define APPS_ROTA_SIGND_LOGKEY_H

#include "apps/rota-signd/plan.h"

/* Open the log's token and print `log VKEY`, a line of trust/log-policy (SPEC 22.7). */
ROTA_MUST_USE enum rota_err logkey_print(const struct plan *plan, struct rota_fail *why);

#endif
