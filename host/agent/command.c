/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often a wait looks at the stop flag. */
#define LOOK_MS 500

static void child(char *const *argv, char *const *env)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL); /* ignored here, which would go along */
	if (null < 0 || dup2(null, 0) < 0)
		_exit(127);
	close_range(3, ~0U, 0); /* libcurl's connections do not close by themselves */
	execve(argv[0], argv, env);
	_exit(127);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Wait until the process is gone, a deadline passed (ROTA_ERR_TIMEOUT) or somebody said stop. */
static enum rota_err wait_for(int pidfd, uint32_t timeout_s, const volatile sig_atomic_t *stop)
{
	uint64_t end = now_ms() + (uint64_t)timeout_s * 1000;

	for (;;) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		uint64_t now = now_ms();

		if (stop && *stop)
			return ROTA_ERR_BUSY;
		if (now >= end)
			return ROTA_ERR_TIMEOUT;
		if (poll(&p, 1, end - now < LOOK_MS ? (int)(end - now) : LOOK_MS) > 0)
			return ROTA_OK;
	}
}

static enum rota_err judge(const char *line, enum rota_err waited, int status, uint32_t timeout_s,
	struct rota_fail *why)
{
	if (waited == ROTA_ERR_TIMEOUT)
		return rota_fail(
			why, waited, "'%s' took longer than %u s and was killed", line, timeout_s);
	if (waited != ROTA_OK)
		return rota_fail(why, waited, "'%s' was stopped by a signal", line);
	if (WIFSIGNALED(status))
		return rota_fail(why, ROTA_ERR_DENIED, "'%s' was killed by signal %d", line,
			WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return rota_fail(why, ROTA_ERR_DENIED, "'%s' ended with status %d", line,
			WEXITSTATUS(status));
	return ROTA_OK;
}

/* Run it to its end, whatever that is; `line` is what it is called in messages. */
static enum rota_err run(const char *line, char *const *argv, char *const *env, uint32_t timeout_s,
	const volatile sig_atomic_t *stop, int *status, struct rota_fail *why)
{
	enum rota_err waited;
	int raw = 0, pidfd;
	pid_t pid = fork();

	*status = -1;
	if (pid < 0)
		return rota_fail_errno(why, errno, "cannot start '%s'", line);
	if (pid == 0)
		child(argv, env);
	setpgid(pid, pid); /* whoever of the two comes first */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	waited = pidfd < 0 ? ROTA_ERR_IO : wait_for(pidfd, timeout_s, stop);
	/* Before it is reaped, so that the number is still that of this group. */
	kill(-pid, SIGKILL);
	while (waitpid(pid, &raw, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
	if (waited == ROTA_OK && WIFEXITED(raw))
		*status = WEXITSTATUS(raw);
	return judge(line, waited, raw, timeout_s, why);
}

enum rota_err rota_command_run(const char *line, char *const *env, uint32_t timeout_s,
	const volatile sig_atomic_t *stop, struct rota_fail *why)
{
	const char *argv[] = { "/bin/sh", "-c", line, NULL };
	int status;

	/* execve takes its arguments as char *const * for reasons older than const. */
	return run(line, (char *const *)(uintptr_t)argv, env, timeout_s, stop, &status, why);
}

enum rota_err rota_command_exec(char *const *argv, char *const *env, uint32_t timeout_s,
	const volatile sig_atomic_t *stop, int *status, struct rota_fail *why)
{
	return run(argv[0], argv, env, timeout_s, stop, status, why);
}
