/* SPDX-License-Identifier: Apache-2.0 */
#include "host/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static ssize_t read_full(int fd, uint8_t *to, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, to + have, len - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static int write_full(int fd, struct rota_span data)
{
	while (data.len) {
		ssize_t put = write(fd, data.p, data.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data = rota_span_skip(data, (size_t)put);
	}
	return 0;
}

enum rota_err rota_file_open(const char *path, int *fd, uint64_t *len, struct rota_fail *why)
{
	struct stat st;

	*fd = open(path, ROTA_FILE_OPEN);
	if (*fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", path);
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*len = (uint64_t)st.st_size;
		return ROTA_OK;
	}
	close(*fd);
	return rota_fail(why, ROTA_ERR_IO, "%s is not a regular file", path);
}

enum rota_err rota_file_read(
	const char *path, size_t max, struct rota_bytes *out, struct rota_fail *why)
{
	uint64_t len;
	ssize_t got;
	int fd;

	*out = (struct rota_bytes){ 0 };
	ROTA_TRY(rota_file_open(path, &fd, &len, why));
	if (len > max) {
		close(fd);
		return rota_fail(why, ROTA_ERR_LIMIT, "%s has %llu bytes, at most %zu are accepted",
			path, (unsigned long long)len, max);
	}
	out->room = (size_t)len;
	out->p = malloc(out->room + 1);
	if (!out->p)
		abort();
	got = read_full(fd, out->p, out->room);
	close(fd);
	if (got < 0) {
		rota_fail_errno(why, errno, "cannot read %s", path);
		rota_bytes_free(out);
		return why->err;
	}
	out->len = (size_t)got;
	out->p[out->len] = 0;
	return ROTA_OK;
}

/* The directory part of `path`, "." when there is none. */
static void dir_of(const char *path, char dir[ROTA_FILE_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int len = slash ? (int)(slash - path) : 1;

	if (slash == path)
		len = 1;
	snprintf(dir, ROTA_FILE_PATH_MAX, "%.*s", len, slash ? path : ".");
}

static int sync_at(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;

	if (fd < 0)
		return -1;
	status = fsync(fd);
	close(fd);
	return status;
}

/* The directory that `path` lies in. */
static int sync_dir(const char *path)
{
	char dir[ROTA_FILE_PATH_MAX];

	dir_of(path, dir);
	return sync_at(dir);
}

enum rota_err rota_file_sync_dir(const char *path, struct rota_fail *why)
{
	if (sync_at(path) != 0)
		return rota_fail_errno(why, errno, "cannot sync the directory %s", path);
	return ROTA_OK;
}

/* Whether the draft could be locked before a sweep took it for a dead one. */
static bool hold_draft(const struct rota_draft *d)
{
	struct stat st;

	return flock(d->fd, LOCK_EX) != 0 || fstat(d->fd, &st) != 0 || st.st_nlink != 0;
}

enum rota_err rota_draft_open(
	struct rota_draft *d, const char *dir, mode_t mode, struct rota_fail *why)
{
	bool held = false;

	d->synced = false;
	while (!held) {
		d->fd = -1;
		if ((size_t)snprintf(d->path, sizeof(d->path), "%s/" ROTA_DRAFT_PREFIX "XXXXXX",
			    dir) >= sizeof(d->path))
			return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", dir);
		d->fd = mkostemp(d->path, O_CLOEXEC);
		if (d->fd < 0)
			return rota_fail_errno(why, errno, "cannot make a file in %s", dir);
		held = hold_draft(d);
		if (!held)
			close(d->fd);
	}
	if (fchmod(d->fd, mode) != 0) {
		rota_fail_errno(why, errno, "cannot set the mode of %s", d->path);
		rota_draft_drop(d);
		return why->err;
	}
	return ROTA_OK;
}

enum rota_err rota_draft_write(struct rota_draft *d, struct rota_span data, struct rota_fail *why)
{
	d->synced = false;
	if (write_full(d->fd, data) != 0)
		return rota_fail_errno(why, errno, "cannot write %s", d->path);
	return ROTA_OK;
}

void rota_draft_push(const struct rota_draft *d)
{
	/* a hint: what it does not begin, the sync does */
	(void)sync_file_range(d->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

enum rota_err rota_draft_sync(struct rota_draft *d, struct rota_fail *why)
{
	if (!d->synced && fsync(d->fd) != 0)
		return rota_fail_errno(why, errno, "cannot write %s", d->path);
	d->synced = true;
	return ROTA_OK;
}

/* A rename would put a file in the place of a device or a socket: /dev/null, for who is root. */
static bool is_special(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) &&
		!S_ISDIR(st.st_mode);
}

enum rota_err rota_draft_place(struct rota_draft *d, const char *path, struct rota_fail *why)
{
	if (is_special(path)) {
		rota_draft_drop(d);
		return rota_fail(why, ROTA_ERR_DENIED,
			"%s is a device, pipe or socket, and is not replaced: name a file", path);
	}
	if ((!d->synced && fsync(d->fd) != 0) || rename(d->path, path) != 0) {
		rota_fail_errno(why, errno, "cannot write %s", path);
		rota_draft_drop(d);
		return why->err;
	}
	close(d->fd);
	d->fd = -1;
	return ROTA_OK;
}

enum rota_err rota_draft_commit(struct rota_draft *d, const char *path, struct rota_fail *why)
{
	ROTA_TRY(rota_draft_place(d, path, why));
	if (sync_dir(path) != 0)
		return rota_fail_errno(why, errno, "cannot sync the directory of %s", path);
	return ROTA_OK;
}

void rota_draft_sync_later(struct rota_draft *d)
{
	d->synced = true;
}

void rota_draft_drop(struct rota_draft *d)
{
	if (d->fd < 0)
		return;
	close(d->fd);
	d->fd = -1;
	unlink(d->path);
}

/* Errors of writing back are told to descriptors that were open then (syncfs(2)), so this one is opened before anything is written. */
enum rota_err rota_sync_all_begin(struct rota_sync_all *s, const char *dir, struct rota_fail *why)
{
	s->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->fd >= 0 ? ROTA_OK : rota_fail_errno(why, errno, "cannot open %s", dir);
}

enum rota_err rota_sync_all_end(struct rota_sync_all *s, struct rota_fail *why)
{
	enum rota_err err = ROTA_OK;

	if (syncfs(s->fd) != 0)
		err = rota_fail_errno(why, errno, "cannot write what was made");
	rota_sync_all_drop(s);
	return err;
}

void rota_sync_all_drop(struct rota_sync_all *s)
{
	close(s->fd);
	s->fd = -1;
}

void rota_draft_sweep(const char *dir)
{
	DIR *at = opendir(dir);
	const struct dirent *e;

	if (!at)
		return;
	while ((e = readdir(at))) {
		int fd = -1;

		if (strncmp(e->d_name, ROTA_DRAFT_PREFIX, sizeof(ROTA_DRAFT_PREFIX) - 1) == 0)
			fd = openat(dirfd(at), e->d_name, ROTA_FILE_OPEN | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(at), e->d_name, 0);
		if (fd >= 0)
			close(fd);
	}
	closedir(at);
}

enum rota_err rota_file_write(
	const char *path, struct rota_span data, mode_t mode, struct rota_fail *why)
{
	char dir[ROTA_FILE_PATH_MAX];
	struct rota_draft d;

	dir_of(path, dir);
	ROTA_TRY(rota_draft_open(&d, dir, mode, why));
	if (rota_draft_write(&d, data, why) != ROTA_OK) {
		rota_draft_drop(&d);
		return rota_fail_in(why, "%s", path);
	}
	return rota_draft_commit(&d, path, why);
}

/* Where the last whole line ends; what stands behind it was cut off while it was written. */
static off_t whole_lines(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last;

	while (end > 0) {
		if (pread(fd, &last, 1, end - 1) != 1)
			return -1;
		if (last == '\n')
			break;
		end--;
	}
	return end;
}

enum rota_err rota_file_append(
	const char *path, struct rota_span data, mode_t mode, struct rota_fail *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode);
	off_t end;
	int status;

	if (fd < 0)
		return rota_fail_errno(why, errno, "cannot open %s", path);
	end = whole_lines(fd);
	status = end < 0 ? -1 : ftruncate(fd, end);
	if (status == 0)
		status = write_full(fd, data);
	if (status == 0)
		status = fsync(fd);
	if (status == 0 && end == 0)
		status = sync_dir(path);
	if (status != 0) {
		rota_fail_errno(why, errno, "cannot write %s", path);
		if (end >= 0 && ftruncate(fd, end) != 0)
			end = -1; /* half a line stays; the next call takes it away */
	}
	close(fd);
	return status == 0 ? ROTA_OK : why->err;
}

enum rota_err rota_file_rename(const char *from, const char *to, struct rota_fail *why)
{
	if (rename(from, to) != 0)
		return rota_fail_errno(why, errno, "cannot rename %s to %s", from, to);
	if (sync_dir(to) != 0)
		return rota_fail_errno(why, errno, "cannot sync the directory of %s", to);
	return ROTA_OK;
}

enum rota_err rota_file_remove(const char *path, struct rota_fail *why)
{
	if (unlink(path) != 0)
		return errno == ENOENT ? ROTA_OK
				       : rota_fail_errno(why, errno, "cannot remove %s", path);
	if (sync_dir(path) != 0)
		return rota_fail_errno(why, errno, "cannot sync the directory of %s", path);
	return ROTA_OK;
}

enum rota_err rota_file_mkdirs(const char *path, mode_t mode, struct rota_fail *why)
{
	char part[ROTA_FILE_PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, mode) == 0) {
			if (sync_dir(part) != 0)
				return rota_fail_errno(why, errno, "cannot sync %s", part);
		} else if (errno != EEXIST) {
			return rota_fail_errno(why, errno, "cannot make directory %s", part);
		}
	}
	return ROTA_OK;
}

enum rota_err rota_file_mkdir_anew(const char *path, mode_t mode, struct rota_fail *why)
{
	char dir[ROTA_FILE_PATH_MAX];
	struct stat st;

	if (strlen(path) >= sizeof(dir))
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", path);
	if (lstat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
			return rota_fail(why, ROTA_ERR_DENIED,
				"%s is in the way, and no directory of ours; remove it", path);
		rota_file_remove_tree(path);
	}
	dir_of(path, dir);
	ROTA_TRY(rota_file_mkdirs(dir, 0755, why));
	if (mkdir(path, mode) != 0 || sync_dir(path) != 0)
		return rota_fail_errno(why, errno, "cannot make directory %s", path);
	return ROTA_OK;
}

bool rota_file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void rota_file_remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

enum rota_err rota_lock_take(const char *path, unsigned wait_s, int *fd, struct rota_fail *why)
{
	const struct timespec pause = { .tv_nsec = 50000000 };

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return rota_fail_errno(why, errno, "cannot open lock %s", path);
	for (unsigned tries = 0; tries <= wait_s * 20; tries++) {
		if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
			return ROTA_OK;
		nanosleep(&pause, NULL);
	}
	close(*fd);
	*fd = -1;
	return rota_fail(why, ROTA_ERR_BUSY,
		"%s is held by another rota for more than %u s; wait for it to end", path, wait_s);
}
