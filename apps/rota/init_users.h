/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/init_users.h -- rota init --daemon-users: the signing daemon's processes as three users, and what is to be theirs.
 *
 * The users are made where there are none. Of the authority the holder of tokens gets the online ones with their PINs, and
 * the reader of requests may look at what is staged, now and later, which only the owner could. All else is readable for
 * everybody, or for nobody. `rota doctor` looks at the same (doctor_users.h).
 */
#ifndef APPS_ROTA_INIT_USERS_H
#define APPS_ROTA_INIT_USERS_H

#include "apps/rota/serve_state.h"
#include "host/sign/authdir.h"

/* What `users` of signd.ini says. */
#define INIT_USERS "rota-signd rota-signd-log rota-token"

struct init_users {
	struct serve_user parser, logger, holder;
};

/* ROTA_ERR_DENIED: we are not root. ROTA_ERR_NOT_FOUND: useradd could not make one. */
ROTA_MUST_USE enum rota_err init_users_make(struct init_users *out, struct rota_fail *why);

/* No token may be open any more. ROTA_ERR_IO: something could not be given away. */
ROTA_MUST_USE enum rota_err init_users_give(
	const struct init_users *users, const struct rota_authdir *dir, struct rota_fail *why);

#endif
