/* SPDX-License-Identifier: Apache-2.0 */
/* killat -- a library for LD_PRELOAD: the program that it is loaded into is killed at its n-th durable call.
 *
 * Durable calls are those after which the disk may differ: writing, syncing, renaming, making, removing,
 * cutting files. They are counted in the order in which they happen. At number KILLAT the program is ended
 * by SIGKILL: a write is done by half first, any other call not at all; so each state between two calls
 * comes up, and each torn write. KILLAT 0 kills never; the count is then left in the file KILLAT_COUNT. Where KILLAT_COMM is
 * set, only the process of that name counts, and is killed: one among those that a program forks.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long number, at = -1;

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static int is_meant(void)
{
	const char *comm = getenv("KILLAT_COMM");
	char name[16] = "";

	return !comm || (prctl(PR_GET_NAME, name) == 0 && strcmp(name, comm) == 0);
}

/* Whether this call is the one. */
static int is_it(void)
{
	const char *text;

	if (!is_meant())
		return 0;
	if (at < 0) {
		text = getenv("KILLAT");
		at = text ? atol(text) : 0;
	}
	return __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST) == at;
}

static void count(void)
{
	if (is_it())
		die();
}

static int is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("KILLAT_COUNT");
	FILE *f = path ? fopen(path, "we") : NULL;

	if (f) {
		fprintf(f, "%ld\n", number);
		fclose(f);
	}
}

/* FUNCTION(result, name, (parameters), (arguments), whether it is durable) */
#define FUNCTION(type, name, parameters, arguments, durable)                                       \
	type name parameters                                                                       \
	{                                                                                          \
		type(*next) parameters = (type(*) parameters)(uintptr_t)real(#name);               \
                                                                                                   \
		if (durable)                                                                       \
			count();                                                                   \
		return next arguments;                                                             \
	}

#define WRITER(name, parameters, arguments, half)                                                  \
	ssize_t name parameters                                                                    \
	{                                                                                          \
		ssize_t(*next) parameters = (ssize_t(*) parameters)(uintptr_t)real(#name);         \
                                                                                                   \
		if (is_file(fd) && is_it()) {                                                      \
			(void)!next half;                                                          \
			die();                                                                     \
		}                                                                                  \
		return next arguments;                                                             \
	}

WRITER(write, (int fd, const void *p, size_t n), (fd, p, n), (fd, p, n / 2))
WRITER(pwrite, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o), (fd, p, n / 2, o))
WRITER(pwrite64, (int fd, const void *p, size_t n, off64_t o), (fd, p, n, o), (fd, p, n / 2, o))

FUNCTION(int, fsync, (int fd), (fd), 1)
FUNCTION(int, fdatasync, (int fd), (fd), 1)
FUNCTION(int, syncfs, (int fd), (fd), 1)
FUNCTION(int, sync_file_range, (int fd, off64_t o, off64_t n, unsigned f), (fd, o, n, f), 1)
FUNCTION(int, ftruncate, (int fd, off_t n), (fd, n), 1)
FUNCTION(int, ftruncate64, (int fd, off64_t n), (fd, n), 1)
FUNCTION(int, fallocate, (int fd, int m, off_t o, off_t n), (fd, m, o, n), 1)
FUNCTION(int, fallocate64, (int fd, int m, off64_t o, off64_t n), (fd, m, o, n), 1)
FUNCTION(int, rename, (const char *a, const char *b), (a, b), 1)
FUNCTION(int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b), 1)
FUNCTION(int, renameat2, (int d, const char *a, int e, const char *b, unsigned f), (d, a, e, b, f),
	1)
FUNCTION(int, unlink, (const char *a), (a), 1)
FUNCTION(int, unlinkat, (int d, const char *a, int f), (d, a, f), 1)
FUNCTION(int, mkdir, (const char *a, mode_t m), (a, m), 1)
FUNCTION(int, mkdirat, (int d, const char *a, mode_t m), (d, a, m), 1)
FUNCTION(int, mkostemp, (char *a, int f), (a, f), 1)
FUNCTION(int, mkostemp64, (char *a, int f), (a, f), 1)

#define OPENER(name, before, arguments)                                                            \
	int name(before const char *path, int flags, ...)                                          \
	{                                                                                          \
		int (*next)(before const char *, int, ...) =                                       \
			(int (*)(before const char *, int, ...))(uintptr_t)real(#name);            \
		mode_t mode = 0;                                                                   \
		va_list more;                                                                      \
                                                                                                   \
		if (flags & (O_CREAT | O_TRUNC)) {                                                 \
			va_start(more, flags);                                                     \
			mode = va_arg(more, mode_t);                                               \
			va_end(more);                                                              \
			count();                                                                   \
		}                                                                                  \
		return next arguments;                                                             \
	}
#define NOTHING
#define DIRECTORY int dir,

OPENER(open, NOTHING, (path, flags, mode))
OPENER(open64, NOTHING, (path, flags, mode))
OPENER(openat, DIRECTORY, (dir, path, flags, mode))
OPENER(openat64, DIRECTORY, (dir, path, flags, mode))
