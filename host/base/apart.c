/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/apart.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static enum rota_err become(const struct rota_user *user, struct rota_fail *why)
{
	if (setgroups(0, NULL) == 0 && setgid(user->gid) == 0 && setuid(user->uid) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno, "cannot become user %u", (unsigned)user->uid);
}

void rota_keep_private(void)
{
	const struct rlimit none = { 0, 0 };

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

enum rota_err rota_apart(
	const char *name, const struct rota_user *user, bool lock, struct rota_fail *why)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (lock) /* while it still may; where it may not, the limit that stands decides */
		(void)setrlimit(RLIMIT_MEMLOCK, &all);
	if (user)
		ROTA_TRY(become(user, why));
	/* after the change of user, which takes these back */
	rota_keep_private();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_NAME, name);
	if (lock && mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		return rota_fail_errno(why, errno,
			"cannot lock memory; raise the limit (LimitMEMLOCK, ulimit -l)");
	return ROTA_OK;
}

enum rota_err rota_user_find(const char *name, struct rota_user *out, struct rota_fail *why)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "there is no user %s", name);
	*out = (struct rota_user){ .uid = entry->pw_uid, .gid = entry->pw_gid };
	return ROTA_OK;
}
