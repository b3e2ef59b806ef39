/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-witness/front.h -- HTTP: one address, one request, one thread (SPEC 22.2).
 *
 * The listener is on this machine only; what is outside comes through nginx, which bounds connections and rates.
 */
#ifndef APPS_ROTA_WITNESS_FRONT_H
#define APPS_ROTA_WITNESS_FRONT_H

#include "host/log/cosigner.h"

/* 127.0.0.1:PORT, [::1]:PORT or unix:PATH. *fd is the caller's. ROTA_ERR_FORMAT: none of these. ROTA_ERR_IO: it is taken,
 * or may not be used. */
ROTA_MUST_USE enum rota_err front_listen(const char *where, int *fd, struct rota_fail *why);

/* Serve until SIGTERM or SIGINT. Takes `fd`. */
ROTA_MUST_USE enum rota_err front_run(
	int fd, struct rota_cosigner *cosigner, struct rota_fail *why);

#endif
