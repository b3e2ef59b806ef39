/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/folders.h"
#include "host/base/file.h"
#include "host/log/log.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	enum plan_process whose;
	mode_t mode;
} rows[] = {
	{ "log", PLAN_LOGGER, 0750 },
	{ "pending", PLAN_PARSER, 0700 },
	{ "records", PLAN_PARSER, 0700 },
};

static enum rota_err check(const char *path, uid_t owner, struct rota_fail *why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return rota_fail_errno(why, errno, "%s", path);
	if (S_ISDIR(st.st_mode) && st.st_uid == owner && (st.st_mode & 022) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE,
		"%s must be a folder of user %u that no other may write (SPEC 18.9); chown %u %s "
		"&& "
		"chmod go-w %s",
		path, (unsigned)owner, (unsigned)owner, path, path);
}

/* Nobody else writes STATE, so what is made here stays what it is until it has its owner. */
static enum rota_err make(
	const char *path, mode_t mode, const struct rota_user *owner, struct rota_fail *why)
{
	if (mkdir(path, mode) != 0)
		return errno == EEXIST ? ROTA_OK : rota_fail_errno(why, errno, "%s", path);
	if (lchown(path, owner->uid, owner->gid) != 0)
		return rota_fail_errno(why, errno, "%s", path);
	return ROTA_OK;
}

enum rota_err folders_make(const struct plan *plan, struct rota_fail *why)
{
	const char *state = rota_policy_daemon(plan->policy)->state;
	char path[ROTA_FILE_PATH_MAX];

	if (!plan_user(plan, PLAN_LOGGER))
		return ROTA_OK;
	ROTA_TRY(rota_file_mkdirs(state, 0711, why));
	ROTA_TRY(check(state, geteuid(), why));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rota_user *owner = plan_user(plan, rows[i].whose);

		ROTA_TRY(rota_log_path(state, rows[i].name, ROTA_BUF(path), why));
		ROTA_TRY(make(path, rows[i].mode, owner, why));
		ROTA_TRY(check(path, owner->uid, why));
	}
	return ROTA_OK;
}
