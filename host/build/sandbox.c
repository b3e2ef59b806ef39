/* SPDX-License-Identifier: Apache-2.0 */
/* Four processes. The caller passes on what the command says. Its child makes the namespaces and waits with a deadline:
 * who unshares the process namespace stays outside of it. The grandchild is process 1 in there: it makes the root and
 * waits too, since all that was started in there ends with it, and nothing in there can signal it or look into it; a
 * command that were process 1 itself could wish not to end with its parent. Its child gives up what it could still do,
 * and becomes the command. What goes wrong before that is told through a pipe that closes when the command begins. */
#include "host/build/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define need rota_sandbox_need
#define USER 1000
/* Status of the child when nothing ran, since the pipe says why. */
#define NOT_BEGUN 125
/* What the child ends itself with when the time is over. */
#define TOO_LONG SIGALRM

/* What went wrong before the command began. */
struct trouble {
	int code; /* errno */
	char what[64];
};

void rota_sandbox_need(const struct maker *m, bool good, const char *what)
{
	struct trouble t = { .code = errno };

	if (good)
		return;
	snprintf(t.what, sizeof(t.what), "%s", what);
	/* A caller that is gone hears nothing, and needs not. */
	if (write(m->pipe, &t, sizeof(t)) < 0)
		_exit(NOT_BEGUN);
	_exit(NOT_BEGUN);
}

void rota_sandbox_put(const struct maker *m, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	need(m, fd >= 0, path);
	need(m, write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

/* The one user of the namespace is the caller. */
static void map_user(const struct maker *m, uid_t uid, gid_t gid)
{
	char line[64];

	rota_sandbox_put(m, "/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "%d %u 1\n", USER, (unsigned)uid);
	rota_sandbox_put(m, "/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "%d %u 1\n", USER, (unsigned)gid);
	rota_sandbox_put(m, "/proc/self/gid_map", line);
}

/* What it starts with: nothing of the caller's, not even his terminal, which could be read, nor his session's keys; no
 * way to get more. The pipe becomes descriptor 3. */
static void settle(struct maker *m)
{
	const struct rlimit none = { 0, 0 };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	need(m,
		null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO &&
			dup2(m->out, STDOUT_FILENO) == STDOUT_FILENO &&
			dup2(m->out, STDERR_FILENO) == STDERR_FILENO,
		"standard descriptors");
	need(m, setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
		"limits");
	need(m, m->pipe == 3 || dup3(m->pipe, 3, O_CLOEXEC) == 3, "descriptors");
	m->pipe = 3;
	need(m, close_range(4, ~0U, 0) == 0, "descriptors");
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	umask(022);
}

_Noreturn static void become(const struct maker *m)
{
	char epoch[48];
	const char *env[] = { "PATH=/usr/bin:/bin", "HOME=/build", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"TZ=UTC", epoch, NULL };

	snprintf(epoch, sizeof(epoch), "SOURCE_DATE_EPOCH=%llu",
		(unsigned long long)m->plan->epoch_s);
	need(m, setsid() > 0, "a session");
	rota_sandbox_sieve(m);
	/* execve takes its arguments as char *const * for reasons older than const. */
	execvpe(m->plan->argv[0], (char *const *)(uintptr_t)m->plan->argv,
		(char *const *)(uintptr_t)env);
	need(m, false, m->plan->argv[0]);
	_exit(NOT_BEGUN);
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Process 1: makes the root, and ends as the command ended. */
_Noreturn static void preside(struct maker *m)
{
	int status = 0;
	pid_t pid, ended;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	need(m, sethostname("rota-build", 10) == 0, "host name");
	rota_sandbox_root(m);
	settle(m);
	pid = fork();
	need(m, pid >= 0, "a process");
	if (pid == 0)
		become(m);
	close(m->pipe);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* beside that it has rights which they lack */
	do
		ended = waitpid(-1, &status, 0); /* whatever was left to it */
	while (ended > 0 ? ended != pid : errno == EINTR);
	_exit(status_of(status));
}

/* Till it ends, and with it all that is in there, or its time is over. */
static int wait_for(pid_t pid, uint32_t timeout_s)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int ms = timeout_s > 2000000 ? 2000000000 : (int)timeout_s * 1000;
	int ready, status = 0;

	do
		ready = p.fd < 0 ? -1 : poll(&p, 1, ms);
	while (ready < 0 && p.fd >= 0 && errno == EINTR);
	if (ready <= 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ready == 0) {
		signal(TOO_LONG, SIG_DFL);
		raise(TOO_LONG);
	}
	return status_of(status);
}

/* The process that stands between: it makes the namespaces, and ends as the command ended. */
_Noreturn static void stand_between(struct maker *m)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	need(m,
		unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC |
			CLONE_NEWUTS) == 0,
		"namespaces");
	/* The program keeps its own /proc to itself; nothing of what it keeps is here yet. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	map_user(m, uid, gid);
	pid = fork();
	need(m, pid >= 0, "a process");
	if (pid == 0)
		preside(m);
	close(m->pipe);
	close(m->out);
	_exit(wait_for(pid, m->plan->timeout_s));
}

/* What the command says, till nothing is left that could say more: text, that moves nobody's cursor. */
static void pass_on(int out)
{
	unsigned char piece[4096], before = 0;
	ssize_t got;

	while ((got = read(out, piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < got; i++) {
			unsigned char c = piece[i];
			bool control = (c < ' ' && c != '\t' && c != '\n') || c == 0x7F ||
				(before == 0xC2 && c >= 0x80 && c <= 0x9F);

			before = c;
			if (control)
				piece[i] = c == '\r' ? '\n' : '?';
		}
		if (got > 0)
			(void)fwrite(piece, 1, (size_t)got, stderr);
	}
}

static enum rota_err judge(
	const struct rota_sandbox *plan, const struct trouble *t, int status, struct rota_fail *why)
{
	const char *name = plan->argv[0];

	if (t->what[0] && strcmp(t->what, name) == 0)
		return rota_fail_errno(why, t->code, "cannot run '%s' in the build", name);
	if (t->what[0])
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"no build without network here: the kernel refused '%s' (%s); look at "
			"sysctl "
			"user.max_user_namespaces and kernel.unprivileged_userns_clone, or at what "
			"this container or chroot allows",
			t->what, strerror(t->code));
	if (WIFSIGNALED(status) && WTERMSIG(status) == TOO_LONG)
		return rota_fail(why, ROTA_ERR_TIMEOUT, "'%s' took longer than %u s and was killed",
			name, plan->timeout_s);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ROTA_OK;
	return rota_fail(
		why, ROTA_ERR_DENIED, "'%s' ended with status %d", name, status_of(status));
}

enum rota_err rota_sandbox_run(const struct rota_sandbox *plan, struct rota_fail *why)
{
	struct trouble t = { 0 };
	int told[2], said[2], status = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC) != 0)
		return rota_fail_errno(why, errno, "cannot make a pipe");
	if (pipe2(said, O_CLOEXEC) != 0) {
		close(told[0]);
		close(told[1]);
		return rota_fail_errno(why, errno, "cannot make a pipe");
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct maker m = { plan, told[1], said[1] };

		stand_between(&m);
	}
	close(told[1]);
	close(said[1]);
	if (pid > 0) {
		/* Ends when the command begins, or when nothing is left that could begin it. */
		while ((got = read(told[0], &t, sizeof(t))) < 0 && errno == EINTR)
			;
		if (got != sizeof(t))
			t.what[0] = 0;
		pass_on(said[0]);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(told[0]);
	close(said[0]);
	return pid > 0 ? judge(plan, &t, status, why)
		       : rota_fail_errno(why, errno, "cannot start the build");
}
