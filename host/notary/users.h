/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/users.h -- whom the processes of the signing daemon become: [daemon] users of signd.ini (SPEC 18.9).
 *
 * None of them has other groups than its own, so what one of them is to read is readable for that group, or for all.
 */
#ifndef HOST_NOTARY_USERS_H
#define HOST_NOTARY_USERS_H

#include "host/base/apart.h"
#include "host/notary/policy.h"

enum { ROTA_DAEMON_PARSER, ROTA_DAEMON_LOGGER, ROTA_DAEMON_HOLDER, ROTA_DAEMON_USERS };

#define ROTA_USER_NAME_MAX 33 /* what useradd takes, with the zero byte behind it */

struct rota_daemon_users {
	bool apart; /* false: all are who starts the daemon */
	char name[ROTA_DAEMON_USERS][ROTA_USER_NAME_MAX];
	struct rota_user user[ROTA_DAEMON_USERS];
};

/* ROTA_ERR_FORMAT: not three names. ROTA_ERR_NOT_FOUND: there is no such user. */
ROTA_MUST_USE enum rota_err rota_daemon_users(
	const struct rota_policy *policy, struct rota_daemon_users *out, struct rota_fail *why);

#endif
