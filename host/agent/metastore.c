/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/metastore.h"
#include "host/fetch/fetch.h"
#include "rota/update/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read from the disk at a time. */
#define PIECE 16384

static enum rota_err path_of(
	const struct rota_metastore *m, const char *name, char path[ROTA_FILE_PATH_MAX])
{
	int len = snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", m->dir, name);

	return len > 0 && len < ROTA_FILE_PATH_MAX ? ROTA_OK : ROTA_ERR_LIMIT;
}

/* Call `each` for every file; it may remove it. */
static void for_each(const struct rota_metastore *m, const void *ctx,
	bool (*doomed)(const void *ctx, const char *name))
{
	DIR *dir = opendir(m->dir);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (doomed(ctx, e->d_name))
			unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
}

static bool is_draft(const void *ctx, const char *name)
{
	(void)ctx;
	return strncmp(name, ROTA_DRAFT_PREFIX, sizeof(ROTA_DRAFT_PREFIX) - 1) == 0;
}

enum rota_err rota_metastore_open(struct rota_metastore *m, const char *dir, struct rota_fail *why)
{
	*m = (struct rota_metastore){ .draft = { .fd = -1 } };
	if (strlen(dir) >= sizeof(m->dir) - ROTA_META_NAME_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", dir);
	snprintf(m->dir, sizeof(m->dir), "%s", dir);
	ROTA_TRY(rota_file_mkdirs(dir, 0700, why));
	for_each(m, NULL, is_draft);
	return ROTA_OK;
}

static void drop_staged(struct rota_metastore *m)
{
	rota_draft_drop(&m->draft);
	m->staged[0] = 0;
	m->whole = false;
}

void rota_metastore_close(struct rota_metastore *m)
{
	drop_staged(m);
}

enum rota_err rota_meta_name(
	struct rota_span role, uint64_t version, char name[static ROTA_META_NAME_MAX])
{
	char text[ROTA_URL_MAX] = "";

	if (role.len > ROTA_ROLE_NAME_MAX)
		return ROTA_ERR_LIMIT;
	if (version)
		snprintf(text, sizeof(text), "%llu.", (unsigned long long)version);
	ROTA_TRY(rota_url_add(text, role, false));
	ROTA_TRY(rota_url_add(text, ROTA_STR(".json"), false));
	if (strlen(text) >= ROTA_META_NAME_MAX)
		return ROTA_ERR_LIMIT;
	memcpy(name, text, strlen(text) + 1);
	return ROTA_OK;
}

/* ---- reading ---- */

static enum rota_err feed(int fd, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece), const char *name,
	struct rota_fail *why)
{
	uint8_t piece[PIECE];
	off_t at = 0;

	for (;;) {
		ssize_t got = pread(fd, piece, sizeof(piece), at);

		if (got < 0)
			return rota_fail_errno(why, errno, "cannot read %s", name);
		if (got == 0)
			return ROTA_OK;
		at += got;
		ROTA_TRY(take(ctx, rota_span(piece, (size_t)got)));
	}
}

static bool is_staged(const struct rota_metastore *m, const char *name)
{
	return m->whole && m->draft.fd >= 0 && strcmp(m->staged, name) == 0;
}

bool rota_metastore_has(const struct rota_metastore *m, const char *name)
{
	char path[ROTA_FILE_PATH_MAX];

	return is_staged(m, name) || (path_of(m, name, path) == ROTA_OK && rota_file_exists(path));
}

enum rota_err rota_metastore_read(struct rota_metastore *m, const char *name, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece), struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err;
	int fd;

	if (is_staged(m, name))
		return feed(m->draft.fd, ctx, take, name, why);
	ROTA_TRY(path_of(m, name, path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", path);
	err = feed(fd, ctx, take, path, why);
	close(fd);
	return err;
}

/* ---- staging ---- */

enum rota_err rota_metastore_begin(
	struct rota_metastore *m, const char *name, struct rota_fail *why)
{
	drop_staged(m);
	ROTA_TRY(rota_draft_open(&m->draft, m->dir, 0600, why));
	snprintf(m->staged, sizeof(m->staged), "%s", name);
	return ROTA_OK;
}

enum rota_err rota_metastore_add(
	struct rota_metastore *m, struct rota_span piece, struct rota_fail *why)
{
	return rota_draft_write(&m->draft, piece, why);
}

void rota_metastore_end(struct rota_metastore *m, bool whole)
{
	if (whole)
		m->whole = true;
	else
		drop_staged(m);
}

/* What a file is called without its version: "ROLE.json". */
static const char *suffix_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && name[digits] == '.' ? name + digits + 1 : name;
}

/* For the pruning; of a role the one kept last. Where there is no room older versions stay, which does no harm. */
static void note_kept(struct rota_metastore *m, const char *name)
{
	uint8_t at = 0;

	while (at < m->kept_count && strcmp(suffix_of(m->kept[at]), suffix_of(name)) != 0)
		at++;
	if (at == ROTA_META_KEPT_MAX)
		return;
	snprintf(m->kept[at], sizeof(m->kept[at]), "%s", name);
	if (at == m->kept_count)
		m->kept_count++;
}

enum rota_err rota_metastore_keep(struct rota_metastore *m, const char *name, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	ROTA_TRY(path_of(m, name, path));
	if (is_staged(m, name)) {
		enum rota_err err = rota_draft_commit(&m->draft, path, why);

		drop_staged(m);
		if (err == ROTA_OK)
			note_kept(m, name);
		return err;
	}
	if (!rota_file_exists(path))
		return rota_fail(why, ROTA_ERR_NOT_FOUND, "%s is not there", path);
	note_kept(m, name);
	return ROTA_OK;
}

/* ---- pruning ---- */

/* Another version of a role that was kept. */
static bool is_older(const void *ctx, const char *name)
{
	const char *kept = ctx;

	return strcmp(suffix_of(name), suffix_of(kept)) == 0 && strcmp(name, kept) != 0;
}

void rota_metastore_prune(struct rota_metastore *m, bool saved)
{
	for (uint8_t i = 0; saved && i < m->kept_count; i++)
		for_each(m, m->kept[i], is_older);
	m->kept_count = 0;
}
