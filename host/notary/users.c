/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/users.h"

#include <stdio.h>
#include <string.h>

enum rota_err rota_daemon_users(
	const struct rota_policy *policy, struct rota_daemon_users *out, struct rota_fail *why)
{
	const char *names = rota_policy_daemon(policy)->users;
	char more[2];

	memset(out, 0, sizeof(*out));
	if (!names)
		return ROTA_OK;
	if (sscanf(names, "%32s %32s %32s %1s", out->name[ROTA_DAEMON_PARSER],
		    out->name[ROTA_DAEMON_LOGGER], out->name[ROTA_DAEMON_HOLDER], more) != 3)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"[daemon] users: three names, of parser, log writer and token holders");
	for (size_t i = 0; i < ROTA_DAEMON_USERS; i++)
		ROTA_TRY(rota_user_find(out->name[i], &out->user[i], why));
	out->apart = true;
	return ROTA_OK;
}
