/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/daemon.h -- the signing daemon of a desk.
 *
 * Where rota.ini names a daemon's socket, DIR/signd.ini says what may be signed, and nobody listens, whoever needs it runs
 * rota-signd for as long as it takes: one person then has nothing to start, and yet nothing is signed but what the policy
 * allows and the log has. A daemon that another user runs has its signd.ini elsewhere, and is never started here. */
#ifndef APPS_ROTA_DAEMON_H
#define APPS_ROTA_DAEMON_H

#include "apps/rota/serve_child.h"

struct daemon {
	struct serve_child child;
	char *program, *config, *log;
	const char *argv[4];
	struct rota_fail failed; /* how the first start ended */
};

/* Whether there is one that may be started here, of the authority directory `dir`. */
bool daemon_is_ours(const char *dir);

bool daemon_listens(const char *socket);

/* It listens on return. The error has the last line of its log, and stays: a PIN that was refused is not tried again, or a
 * token might lock itself. `d` is zeroed before the first call; daemon_stop() in any case. */
ROTA_MUST_USE enum rota_err daemon_start(
	struct daemon *d, const char *dir, const char *socket, struct rota_fail *why);

/* Whether it has ended by itself, with the last line of its log in `why`. */
ROTA_MUST_USE enum rota_err daemon_check(struct daemon *d, struct rota_fail *why);

/* Ask it to stop and wait; nothing where it does not run. What was zeroed may be stopped. */
void daemon_stop(struct daemon *d);

#endif
