/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/apart.h -- a process that others on this machine cannot look into, and that takes nothing along. Every program
 * begins by it: PINs or keys of devices pass through, or people's reports. */
#ifndef HOST_BASE_APART_H
#define HOST_BASE_APART_H

#include "host/base/fail.h"

#include <stdbool.h>
#include <sys/types.h>

struct rota_user {
	uid_t uid;
	gid_t gid;
};

/* No core, no debugger of the same user. A peer that hangs up and a limit on file size, which is a full disk, are errors of
 * the write and no signals. */
void rota_keep_private(void);

/* Called in a forked child: become `user` (NULL: stay), without its other groups; private as above, no
 * gain of privileges; gone with its parent; named `name` (at most 15 bytes). With `lock`, all memory, that of later too, stays
 * out of swap. */
ROTA_MUST_USE enum rota_err rota_apart(
	const char *name, const struct rota_user *user, bool lock, struct rota_fail *why);

/* The user of this name. ROTA_ERR_NOT_FOUND. */
ROTA_MUST_USE enum rota_err rota_user_find(
	const char *name, struct rota_user *out, struct rota_fail *why);

#endif
