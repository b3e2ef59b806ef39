/* SPDX-License-Identifier: Apache-2.0 */
#undef _FORTIFY_SOURCE /* there pread is inline, and cannot be another */
#include "tests/unit/syscut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_CUT 77
#define STATUS_FAILED 78

static unsigned left; /* calls until the cut; 0: never */
static enum syscut_tear how;
static unsigned lies; /* writes that do nothing */
static unsigned sync_failures;
static struct {
	unsigned spared, count;
	int error;
} bad_writes, bad_reads;
static void (*meanwhile)(void);
static void (*synced)(int fd);

/* Names of files that were written and not synced; what outlives a child. */
#define LOOSE_MAX 64
static struct loose {
	unsigned count;
	char name[LOOSE_MAX][512];
} * loose;
static bool dirty; /* the file that was written last */

/* Whether the call at hand is the one; ends the process there and then if nothing of it is to happen. */
static bool here(void)
{
	if (left == 0 || --left > 0)
		return false;
	if (how == SYSCUT_BEFORE)
		_exit(STATUS_CUT);
	return true;
}

static long done(bool cut, long result)
{
	if (cut)
		_exit(STATUS_CUT);
	return result;
}

/* Whether this write, or read, is one of those that are to fail; errno says how. */
static bool fails(unsigned *spared, unsigned *count, int error)
{
	if (*count == 0)
		return false;
	if (*spared > 0) {
		--*spared;
		return false;
	}
	--*count;
	errno = error;
	return true;
}

static bool write_fails(void)
{
	return fails(&bad_writes.spared, &bad_writes.count, bad_writes.error);
}

static size_t part(bool cut, size_t len)
{
	return cut && how == SYSCUT_HALF ? len / 2 : len;
}

ssize_t write(int fd, const void *from, size_t len)
{
	bool cut = here();

	if (write_fails())
		return -1;
	dirty = true;
	return done(cut, syscall(SYS_write, fd, from, part(cut, len)));
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t off)
{
	bool cut = here();

	if (write_fails())
		return -1;
	if (lies > 0 && len > 1000) {
		lies--;
		return (ssize_t)len;
	}
	return done(cut, syscall(SYS_pwrite64, fd, from, part(cut, len), off));
}

ssize_t pread(int fd, void *to, size_t len, off_t off)
{
	if (fails(&bad_reads.spared, &bad_reads.count, bad_reads.error))
		return -1;
	return syscall(SYS_pread64, fd, to, len, off);
}

int ftruncate(int fd, off_t len)
{
	return (int)done(here(), syscall(SYS_ftruncate, fd, len));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)done(here(), syscall(SYS_renameat2, from_dir, from, to_dir, to, 0));
}

static void note_name(const char *name)
{
	if (loose == NULL || !dirty)
		return;
	if (loose->count == LOOSE_MAX)
		abort();
	snprintf(loose->name[loose->count], sizeof(loose->name[0]), "%s", name);
	loose->count++;
}

int rename(const char *from, const char *to)
{
	bool cut = here();

	note_name(to);
	return (int)done(cut, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int mkdir(const char *path, mode_t mode)
{
	return (int)done(here(), syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int unlinkat(int dir, const char *name, int flags)
{
	return (int)done(here(), syscall(SYS_unlinkat, dir, name, flags));
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

/* A sync's call, and what is to follow it. */
static int sync_by(long call, int fd)
{
	bool cut = here();
	long result = syscall(call, fd);

	if (result == 0 && synced != NULL)
		synced(fd);
	return (int)done(cut, result);
}

int fsync(int fd)
{
	dirty = false;
	return sync_by(SYS_fsync, fd);
}

int syncfs(int fd)
{
	bool cut = here();
	int result = (int)syscall(SYS_syncfs, fd);

	if (loose != NULL)
		loose->count = 0;
	return (int)done(cut, result);
}

int fdatasync(int fd)
{
	if (meanwhile != NULL)
		meanwhile();
	if (sync_failures > 0) {
		sync_failures--;
		errno = EIO;
		return -1;
	}
	return sync_by(SYS_fdatasync, fd);
}

bool syscut_run(unsigned at, enum syscut_tear tear, int (*what)(void *ctx), void *ctx)
{
	pid_t child;
	int status;

	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		left = at;
		how = tear;
		status = what(ctx);
		left = 0;
		_exit(status == 0 ? 0 : STATUS_FAILED);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		abort();
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != STATUS_CUT) {
		printf("cut %u, tear %d: failed\n", at, (int)tear);
		abort();
	}
	return WEXITSTATUS(status) == STATUS_CUT;
}

void syscut_watch_names(void)
{
	if (loose == NULL)
		loose = mmap(NULL, sizeof(*loose), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (loose == MAP_FAILED)
		abort();
	loose->count = 0;
}

void syscut_lose_unsynced(void)
{
	for (unsigned i = 0; i < loose->count; i++)
		(void)!truncate(loose->name[i], 0); /* one may be gone again */
	loose->count = 0;
}

void syscut_lie(unsigned count)
{
	lies = count;
}

void syscut_fail_syncs(unsigned count)
{
	sync_failures = count;
}

void syscut_fail_writes(unsigned spared, unsigned count, int error)
{
	bad_writes.spared = spared;
	bad_writes.count = count;
	bad_writes.error = error;
}

void syscut_fail_reads(unsigned spared, unsigned count, int error)
{
	bad_reads.spared = spared;
	bad_reads.count = count;
	bad_reads.error = error;
}

void syscut_synced(void (*what)(int fd))
{
	synced = what;
}

void syscut_meanwhile(void (*what)(void))
{
	meanwhile = what;
}
