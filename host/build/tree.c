/* SPDX-License-Identifier: Apache-2.0 */
#include "host/build/tree.h"
#include "host/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders in folders: as deep as a path may be long. */
#define DEPTH_MAX 64

struct copy {
	struct rota_digest *digest;
	uint64_t epoch_s;
	size_t entries, depth;
	struct rota_fail *why;
};

/* A file on its way: what is read is written and hashed. */
struct file_copy {
	struct rota_digest *digest;
	FILE *out;
	const char *to;
	struct rota_fail *why;
};

/* "KIND HEX PATH", NUL: names are whatever the file system lets them be, but for that. */
static void note(struct copy *c, char kind, const char *hex, const char *rel)
{
	char *line = rota_text("%c %s %s", kind, hex, rel);

	rota_digest_add(c->digest, rota_span(line, strlen(line) + 1));
	free(line);
}

static enum rota_err set_times(struct copy *c, const char *path)
{
	const struct timespec at = { .tv_sec = (time_t)c->epoch_s };
	const struct timespec both[2] = { at, at };

	if (utimensat(AT_FDCWD, path, both, AT_SYMLINK_NOFOLLOW) == 0)
		return ROTA_OK;
	return rota_fail_errno(c->why, errno, "cannot set the time of %s", path);
}

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct file_copy *f = ctx;

	rota_digest_add(f->digest, piece);
	if (fwrite(piece.p, 1, piece.len, f->out) == piece.len)
		return ROTA_OK;
	return rota_fail_errno(f->why, errno, "cannot write %s", f->to);
}

static enum rota_err copy_file(
	struct copy *c, const char *from, const char *to, const char *rel, mode_t mode)
{
	struct file_copy f = { rota_digest_new(), fopen(to, "wxe"), to, c->why };
	uint8_t digest[ROTA_DIGEST_LEN];
	char hex[ROTA_DIGEST_HEX];
	enum rota_err err;

	err = f.out ? rota_feed_file(from, NULL, &f, take, c->why)
		    : rota_fail_errno(c->why, errno, "cannot make %s", to);
	if (err == ROTA_OK && fchmod(fileno(f.out), mode & S_IXUSR ? 0755 : 0644) != 0)
		err = rota_fail_errno(c->why, errno, "cannot set the mode of %s", to);
	if (f.out && fclose(f.out) != 0 && err == ROTA_OK)
		err = rota_fail_errno(c->why, errno, "cannot write %s", to);
	rota_digest_get(f.digest, digest);
	rota_digest_free(f.digest);
	ROTA_TRY(err);
	rota_hex(ROTA_SPAN(digest), hex);
	note(c, mode & S_IXUSR ? 'x' : 'f', hex, rel);
	return set_times(c, to);
}

static enum rota_err copy_link(struct copy *c, const char *from, const char *to, const char *rel)
{
	char target[ROTA_FILE_PATH_MAX], hex[ROTA_DIGEST_HEX];
	ssize_t len = readlink(from, target, sizeof(target) - 1);

	if (len < 0 || (size_t)len == sizeof(target) - 1)
		return rota_fail_errno(
			c->why, len < 0 ? errno : ENAMETOOLONG, "cannot read link %s", from);
	target[len] = 0;
	if (symlink(target, to) != 0)
		return rota_fail_errno(c->why, errno, "cannot make %s", to);
	rota_digest_hex(rota_span(target, (size_t)len), hex);
	note(c, 'l', hex, rel);
	return set_times(c, to);
}

static enum rota_err copy_dir(struct copy *c, const char *from, const char *to, const char *rel);

static enum rota_err copy_one(struct copy *c, const char *from, const char *to, const char *rel)
{
	struct stat st;

	if (++c->entries > ROTA_TREE_ENTRIES_MAX)
		return rota_fail(c->why, ROTA_ERR_LIMIT, "%s: more than %d files in the source",
			from, ROTA_TREE_ENTRIES_MAX);
	if (lstat(from, &st) != 0)
		return rota_fail_errno(c->why, errno, "cannot look at %s", from);
	if (S_ISREG(st.st_mode))
		return copy_file(c, from, to, rel, st.st_mode);
	if (S_ISLNK(st.st_mode))
		return copy_link(c, from, to, rel);
	if (S_ISDIR(st.st_mode))
		return copy_dir(c, from, to, rel);
	return rota_fail(c->why, ROTA_ERR_UNSUPPORTED,
		"%s is no file, folder or link; a source has nothing else", from);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum rota_err copy_entry(
	struct copy *c, const char *from, const char *to, const char *rel, const char *name)
{
	char source[ROTA_FILE_PATH_MAX], target[ROTA_FILE_PATH_MAX], path[ROTA_FILE_PATH_MAX];
	const size_t room = ROTA_FILE_PATH_MAX;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		(!*rel && strcmp(name, ".git") == 0))
		return ROTA_OK;
	if ((size_t)snprintf(source, room, "%s/%s", from, name) >= room ||
		(size_t)snprintf(target, room, "%s/%s", to, name) >= room ||
		(size_t)snprintf(path, room, "%s%s%s", rel, *rel ? "/" : "", name) >= room)
		return rota_fail(c->why, ROTA_ERR_LIMIT, "path too long: %s/%s", from, name);
	return copy_one(c, source, target, path);
}

static enum rota_err copy_dir(struct copy *c, const char *from, const char *to, const char *rel)
{
	struct dirent **names;
	enum rota_err err = ROTA_OK;
	int count;

	if (c->depth == DEPTH_MAX)
		return rota_fail(
			c->why, ROTA_ERR_LIMIT, "%s: folders deeper than %d", from, DEPTH_MAX);
	if (mkdir(to, 0755) != 0)
		return rota_fail_errno(c->why, errno, "cannot make folder %s", to);
	count = scandir(from, &names, NULL, by_name);
	if (count < 0)
		return rota_fail_errno(c->why, errno, "cannot read folder %s", from);
	if (*rel)
		note(c, 'd', "-", rel);
	c->depth++;
	for (int i = 0; i < count; i++) {
		if (err == ROTA_OK)
			err = copy_entry(c, from, to, rel, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	c->depth--;
	ROTA_TRY(err);
	return set_times(c, to);
}

enum rota_err rota_tree_copy(const char *from, const char *to, uint64_t epoch_s,
	uint8_t digest[static ROTA_DIGEST_LEN], struct rota_fail *why)
{
	struct copy c = { .digest = rota_digest_new(), .epoch_s = epoch_s, .why = why };
	enum rota_err err = copy_dir(&c, from, to, "");

	rota_digest_get(c.digest, digest);
	rota_digest_free(c.digest);
	return err;
}
