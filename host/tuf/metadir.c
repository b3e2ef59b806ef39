/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tuf/metadir.h"
#include "host/agent/metastore.h"
#include "host/base/digest.h"
#include "host/base/json.h"
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
	return hold(m, why);
}

void rota_metadir_close(struct rota_metadir *m)
{
	if (m->lock >= 0)
		close(m->lock);
	m->lock = -1;
}

static enum rota_err path_of(const struct rota_metadir *m, struct rota_span role,
	char path[static ROTA_FILE_PATH_MAX], struct rota_fail *why)
{
	char name[ROTA_META_NAME_MAX];
	int len;

	if (rota_meta_name(role, 0, name) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_LIMIT, "a role's name is longer than %d bytes",
			ROTA_ROLE_NAME_MAX);
	len = snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", m->dir, name);
	if (len < 0 || len >= ROTA_FILE_PATH_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", m->dir);
	return ROTA_OK;
}

enum rota_err rota_metadir_read(const struct rota_metadir *m, struct rota_span role,
	struct rota_bytes *out, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	*out = (struct rota_bytes){ 0 };
	ROTA_TRY(path_of(m, role, path, why));
	return rota_file_read(path, ROTA_META_MAX_LEN, out, why);
}

enum rota_err rota_metadir_write(const struct rota_metadir *m, struct rota_span role,
	struct rota_span file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(path_of(m, role, path, why));
	return rota_file_write(path, file, 0644, why);
}

/* *gone: a file was removed. */
static enum rota_err forget(
	const struct rota_metadir *m, struct rota_span role, bool *gone, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(path_of(m, role, path, why));
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
	if (gone && fsync(m->lock) != 0)
		return rota_fail_errno(why, errno, "cannot sync %s", m->dir);
	return ROTA_OK;
}

/* ---- what the files say ---- */

static uint64_t whole(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* `signed` of a file of this type, a new reference; NULL when it is none. */
static json_t *content(struct rota_span file, const char *type)
{
	struct rota_fail ignored;
	json_t *top, *part;
	const char *is;

	if (rota_json_parse(file, &top, &ignored) != ROTA_OK)
		return NULL;
	part = json_incref(json_object_get(top, "signed"));
	json_decref(top);
	is = json_string_value(json_object_get(part, "_type"));
	if (part && whole(part, "version") && (!type || (is && strcmp(is, type) == 0)))
		return part;
	json_decref(part);
	return NULL;
}

uint64_t rota_metadir_version(struct rota_span file)
{
	json_t *part = content(file, NULL);
	uint64_t version = part ? whole(part, "version") : 0;

	json_decref(part);
	return version;
}

static enum rota_err root_version(struct rota_span root, uint64_t *version, struct rota_fail *why)
{
	json_t *part = content(root, "root");

	*version = part ? whole(part, "version") : 0;
	json_decref(part);
	if (*version == 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "no root metadata (TUF 5.2)");
	return ROTA_OK;
}

enum rota_err rota_metadir_init(
	const struct rota_metadir *m, struct rota_span root, struct rota_fail *why)
{
	uint64_t version;

	ROTA_TRY(root_version(root, &version, why));
	ROTA_TRY(rota_metadir_forget(m, why));
	return rota_metadir_write(m, ROTA_STR("root"), root, why);
}

enum rota_err rota_metadir_trusted(
	const struct rota_metadir *m, struct rota_trusted *out, struct rota_fail *why)
{
	struct rota_bytes root;
	enum rota_err err = rota_metadir_read(m, ROTA_STR("root"), &root, why);

	*out = (struct rota_trusted){ 0 };
	if (err == ROTA_ERR_NOT_FOUND)
		return rota_fail(why, err,
			"%s/root.json is not there (TUF 5.2); begin with: rota-tuf init", m->dir);
	ROTA_TRY(err);
	err = root_version(rota_bytes_span(&root), &out->root_version, why);
	if (err == ROTA_OK)
		rota_digest_of(rota_bytes_span(&root), out->root_sha256);
	rota_bytes_free(&root);
	return err == ROTA_OK ? err : rota_fail_in(why, "%s/root.json", m->dir);
}
