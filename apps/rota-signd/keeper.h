/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/keeper.h -- the keeper of a series (SPEC 23.4): `rota-signd --keeper FILE`.
 *
 * A program start of its own, of another user, best on another machine. It answers one client at a time, who must be the user that
 * keeper.ini names; its AES key is in a process of its own. Each request that is refused, and each slot that is given, is a
 * line on standard error.
 */
#ifndef APPS_ROTA_SIGND_KEEPER_H
#define APPS_ROTA_SIGND_KEEPER_H

#include "apps/rota-signd/keeper_config.h"

/* Until SIGTERM; the exit status. */
int keeper_run(const struct keeper_config *c);

/* Its token, if it is not there, and the AES key in it; the exit status. */
int keeper_make(const struct keeper_config *c);

#endif
