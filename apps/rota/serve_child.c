/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/serve_child.h"
#include "host/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How much of a log's end is looked at for its last line. */
#define TAIL_LEN 4096

static bool become(const struct serve_child *c)
{
	if (c->user == NULL)
		return true;
	if (setgroups(c->extra_group != 0 ? 1 : 0, &c->extra_group) != 0)
		return false;
	return setgid(c->user->gid) == 0 && setuid(c->user->uid) == 0;
}

static void run_child(const struct serve_child *c, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(c->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(126);
	if (chdir("/") != 0 || !become(c)) {
		perror(c->name);
		_exit(126);
	}
	/* After the change of user, which clears it; then our death may already have been missed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	execv(c->argv[0], (char *const *)(uintptr_t)c->argv);
	perror(c->argv[0]);
	_exit(127);
}

enum rota_err serve_child_start(struct serve_child *c, struct rota_fail *why)
{
	pid_t us = getpid();

	if (access(c->argv[0], X_OK) != 0)
		return rota_fail_errno(why, errno, "%s: program %s", c->name, c->argv[0]);
	c->pid = fork();
	if (c->pid == 0)
		run_child(c, us);
	if (c->pid > 0)
		return ROTA_OK;
	c->pid = 0;
	return rota_fail_errno(why, errno, "%s cannot be started", c->name);
}

enum rota_err serve_child_run(struct serve_child *c, int *status, struct rota_fail *why)
{
	ROTA_TRY(serve_child_start(c, why));
	while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	return ROTA_OK;
}

bool serve_child_ended(struct serve_child *c)
{
	if (c->pid == 0 || waitpid(c->pid, &c->status, WNOHANG) != c->pid)
		return false;
	kill(-c->pid, SIGKILL); /* workers that a dead master left */
	c->pid = 0;
	return true;
}

void serve_child_stop(struct serve_child *c, unsigned seconds)
{
	const struct timespec tick = { .tv_nsec = 20 * 1000 * 1000 };

	if (c->pid == 0)
		return;
	kill(c->pid, c->stop_signal);
	for (unsigned i = 0; i < seconds * 50; i++) {
		if (serve_child_ended(c))
			return;
		nanosleep(&tick, NULL);
	}
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
}

const char *serve_last_line(const char *log, const char *with, char *room, size_t len)
{
	char tail[TAIL_LEN + 1];
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t got = fd < 0 ? -1 : pread(fd, tail, TAIL_LEN, end > TAIL_LEN ? end - TAIL_LEN : 0);
	char *next = tail, *line;

	room[0] = '\0';
	if (fd >= 0)
		close(fd);
	tail[got > 0 ? got : 0] = '\0';
	while ((line = strsep(&next, "\n")) != NULL)
		if (line[0] != '\0' && strstr(line, with) != NULL)
			snprintf(room, len, "%s", line);
	return room;
}
