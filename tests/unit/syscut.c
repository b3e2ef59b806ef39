/* SPDX-License-Identifier: Apache-2.0 */
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
static void (*meanwhile)(void);

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

static size_t part(bool cut, size_t len)
{
	return cut && how == SYSCUT_HALF ? len / 2 : len;
}

ssize_t write(int fd, const void *from, size_t len)
{
	bool cut = here();

	dirty = true;
	return done(cut, syscall(SYS_write, fd, from, part(cut, len)));
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t off)
{
	bool cut = here();

	if (lies > 0 && len > 1000) {
		lies--;
		return (ssize_t)len;
	}
	return done(cut, syscall(SYS_pwrite64, fd, from, part(cut, len), off));
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

int fsync(int fd)
{
	bool cut = here();

	dirty = false;
	return (int)done(cut, syscall(SYS_fsync, fd));
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
	return (int)done(here(), syscall(SYS_fdatasync, fd));
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

void syscut_meanwhile(void (*what)(void))
{
	meanwhile = what;
}
