/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_exec/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TERM_MS 2000 /* from SIGTERM to SIGKILL */

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* ---- starting ---- */

/* A pipe whose end for us is `ours` (0: we read, 1: we write), not blocking. */
static bool make_pipe(int fds[2], int ours)
{
	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	return fcntl(fds[ours], F_SETFL, O_NONBLOCK) == 0;
}

/* The script sees nothing of our environment but PATH and what the contract names. */
struct environment {
	char text[6][4096 + 32];
	char *list[7];
};

static void fill(
	struct environment *env, const struct rota_slots_exec_config *config, const char *variable)
{
	size_t n = 0;

	(void)snprintf(env->text[n++], sizeof(env->text[0]),
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	(void)snprintf(env->text[n++], sizeof(env->text[0]), "LC_ALL=C");
	(void)snprintf(env->text[n++], sizeof(env->text[0]), "ROTA_SLOT_DIR=%s", config->dir);
	(void)snprintf(env->text[n++], sizeof(env->text[0]), "ROTA_SLOT_NAME=%s", config->name);
	if (variable[0] != '\0')
		(void)snprintf(env->text[n++], sizeof(env->text[0]), "%s", variable);
	for (size_t i = 0; i < n; i++)
		env->list[i] = env->text[i];
	env->list[n] = NULL;
}

static int set_files(posix_spawn_file_actions_t *files, const char *dir, int in, int out)
{
	int bad = posix_spawn_file_actions_addchdir_np(files, dir);

	bad |= in >= 0
		? posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO)
		: posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	bad |= out >= 0
		? posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO)
		: posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	/* a library of the caller's may open without O_CLOEXEC, as libcurl does */
	bad |= posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return bad;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	return posix_spawnattr_setflags(attributes,
		       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) |
		posix_spawnattr_setpgroup(attributes, 0) |
		posix_spawnattr_setsigmask(attributes, &none) |
		posix_spawnattr_setsigdefault(attributes, &all);
}

/* errno of what failed; 0: started. */
static int spawn(struct run *r, const struct rota_slots_exec_config *config, const char *verb,
	const char *variable, int in, int out)
{
	char *argv[] = { (char *)(uintptr_t)config->script, (char *)(uintptr_t)verb, NULL };
	static struct environment env;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int bad;

	fill(&env, config, variable);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	bad = set_files(&files, config->dir, in, out) | set_attributes(&attributes);
	if (bad == 0)
		bad = posix_spawn(&r->pid, config->script, &files, &attributes, argv, env.list);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return bad;
}

static enum rota_err by_errno(int number)
{
	switch (number) {
	case 0:
		return ROTA_OK;
	case ENOENT:
	case ENOTDIR:
		return ROTA_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case ENOEXEC:
		return ROTA_ERR_DENIED;
	default:
		return ROTA_ERR_IO;
	}
}

enum rota_err run_start(struct run *r, const struct rota_slots_exec_config *config,
	const char *verb, const char *variable, bool feed)
{
	int fds[2] = { -1, -1 };
	enum rota_err err;

	*r = (struct run){ .pidfd = -1, .to_fd = -1, .from_fd = -1 };
	if (!make_pipe(fds, feed)) {
		close_fd(&fds[0]);
		close_fd(&fds[1]);
		return ROTA_ERR_IO;
	}
	err = by_errno(spawn(r, config, verb, variable, feed ? fds[0] : -1, feed ? -1 : fds[1]));
	close_fd(&fds[feed ? 0 : 1]);
	r->to_fd = feed ? fds[1] : -1;
	r->from_fd = feed ? -1 : fds[0];
	if (err == ROTA_OK) {
		r->pidfd = pidfd_open(r->pid, 0);
		if (r->pidfd >= 0)
			return ROTA_OK;
		err = ROTA_ERR_IO;
		run_kill(r);
	}
	close_fd(&r->to_fd);
	close_fd(&r->from_fd);
	return err;
}

/* ---- feeding ---- */

/* write() to a pipe whose reader may be gone, without the signal that comes with it. */
static ssize_t write_quietly(int fd, struct rota_span data)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe_only, before, pending;
	bool pended;
	ssize_t put;
	int saved;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)sigpending(&pending);
	pended = sigismember(&pending, SIGPIPE) == 1; /* somebody else's: leave it */
	(void)sigprocmask(SIG_BLOCK, &pipe_only, &before);
	put = write(fd, data.p, data.len);
	saved = errno;
	if (put < 0 && saved == EPIPE && !pended)
		(void)sigtimedwait(&pipe_only, NULL, &at_once);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return put;
}

/* Wait for one of the events. ROTA_ERR_TIMEOUT at `end`. */
static enum rota_err wait_for(struct pollfd *fds, nfds_t count, uint64_t end)
{
	for (;;) {
		uint64_t now = now_ms();
		int ready = poll(fds, count, now >= end ? 0 : (int)(end - now));

		if (ready > 0)
			return ROTA_OK;
		if (ready < 0 && errno != EINTR)
			return ROTA_ERR_IO;
		if (now >= end)
			return ROTA_ERR_TIMEOUT;
	}
}

enum rota_err run_feed(struct run *r, struct rota_span data, uint32_t deadline_ms)
{
	while (data.len > 0) {
		struct pollfd fd = { .fd = r->to_fd, .events = POLLOUT };
		ssize_t put;

		ROTA_TRY(wait_for(&fd, 1, now_ms() + deadline_ms));
		put = write_quietly(r->to_fd, data);
		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (put < 0)
			return ROTA_ERR_IO;
		data = rota_span_skip(data, (size_t)put);
	}
	return ROTA_OK;
}

/* ---- ending ---- */

/* Read what is there. *len grows; ROTA_ERR_LIMIT when it does not fit with a NUL behind it. */
static enum rota_err drain(struct run *r, struct rota_buf room, size_t *len)
{
	for (;;) {
		ssize_t got = read(r->from_fd, &room.p[*len], room.len - *len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? ROTA_OK : ROTA_ERR_IO;
		if (got == 0) {
			close_fd(&r->from_fd);
			return ROTA_OK;
		}
		*len += (size_t)got;
		if (*len == room.len)
			return ROTA_ERR_LIMIT;
	}
}

/* Until the process itself ended; what it started may live on and hold its output open. */
static enum rota_err collect(struct run *r, struct rota_buf room, uint64_t end, size_t *len)
{
	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = r->pidfd, .events = POLLIN },
			{ .fd = r->from_fd, .events = POLLIN }, /* -1 is passed over */
		};

		ROTA_TRY(wait_for(fds, 2, end));
		if (r->from_fd >= 0)
			ROTA_TRY(drain(r, room, len));
		if (fds[0].revents != 0)
			return ROTA_OK;
	}
}

static void close_all(struct run *r)
{
	close_fd(&r->to_fd);
	close_fd(&r->from_fd);
	close_fd(&r->pidfd);
}

enum rota_err run_end(struct run *r, struct rota_buf room, uint32_t deadline_ms, int *status)
{
	size_t len = 0;
	int raw;
	enum rota_err err;

	*status = -1;
	close_fd(&r->to_fd); /* end of file */
	err = collect(r, room, now_ms() + deadline_ms, &len);
	if (err != ROTA_OK) {
		run_kill(r);
		return err;
	}
	room.p[len] = '\0';
	close_all(r);
	if (waitpid(r->pid, &raw, 0) != r->pid || !WIFEXITED(raw))
		return ROTA_ERR_IO;
	*status = WEXITSTATUS(raw);
	return ROTA_OK;
}

void run_kill(struct run *r)
{
	struct pollfd fd = { .fd = r->pidfd, .events = POLLIN };

	close_fd(&r->to_fd);
	(void)kill(-r->pid, SIGTERM);
	if (r->pidfd >= 0)
		(void)wait_for(&fd, 1, now_ms() + TERM_MS);
	(void)kill(-r->pid, SIGKILL);
	(void)waitpid(r->pid, NULL, 0);
	close_all(r);
}
