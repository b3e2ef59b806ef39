/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tuf/metadir.h"
#include "host/agent/metastore.h"
#include "rota/update/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S 30

/* ---- the directory ---- */

static enum rota_err hold(struct rota_metadir *m, struct rota_fail *why)
{
	const struct timespec pause = { .tv_nsec = 50000000 };

	m->lock = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->lock < 0)
		return rota_fail_errno(why, errno, "cannot open %s", m->dir);
	for (unsigned tries = 0; tries < WAIT_S * 20; tries++) {
		if (flock(m->lock, LOCK_EX | LOCK_NB) == 0)
			return ROTA_OK;
		nanosleep(&pause, NULL);
	}
	rota_metadir_close(m);
	return rota_fail(why, ROTA_ERR_BUSY, "%s: another client holds it for more than %d s",
		m->dir, WAIT_S);
}

enum rota_err rota_metadir_open(struct rota_metadir *m, const char *dir, struct rota_fail *why)
{
	m->lock = -1;
	if (strlen(dir) >= sizeof(m->dir) - ROTA_META_NAME_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", dir);
	snprintf(m->dir, sizeof(m->dir), "%s", dir);
	ROTA_TRY(rota_file_mkdirs(dir, 0755, why));
	ROTA_TRY(hold(m, why));
	rota_draft_sweep(dir);
	return ROTA_OK;
}

void rota_metadir_close(struct rota_metadir *m)
{
	if (m->lock >= 0)
		close(m->lock);
	m->lock = -1;
}

enum rota_err rota_metadir_path(const struct rota_metadir *m, struct rota_span role,
	char path[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	char name[ROTA_META_NAME_MAX];
	int len;

	if (rota_meta_name(role, 0, name) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"a role's name has more than %d bytes, or its file's name more than %d",
			ROTA_ROLE_NAME_MAX, ROTA_META_NAME_MAX - 1);
	len = snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", m->dir, name);
	if (len < 0 || len >= ROTA_FILE_PATH_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", m->dir);
	return ROTA_OK;
}

enum rota_err rota_metadir_sync(const struct rota_metadir *m, struct rota_fail *why)
{
	if (fsync(m->lock) != 0)
		return rota_fail_errno(why, errno, "cannot sync %s", m->dir);
	return ROTA_OK;
}

/* *gone: a file was removed. */
static enum rota_err forget(
	const struct rota_metadir *m, struct rota_span role, bool *gone, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(rota_metadir_path(m, role, path, why));
	if (unlink(path) == 0)
		*gone = true;
	else if (errno != ENOENT)
		return rota_fail_errno(why, errno, "cannot remove %s", path);
	return ROTA_OK;
}

enum rota_err rota_metadir_forget(const struct rota_metadir *m, struct rota_fail *why)
{
	bool gone = false;

	ROTA_TRY(forget(m, ROTA_STR("timestamp"), &gone, why));
	ROTA_TRY(forget(m, ROTA_STR("snapshot"), &gone, why));
	return gone ? rota_metadir_sync(m, why) : ROTA_OK;
}
