/* SPDX-License-Identifier: Apache-2.0 */
/* Three processes. The caller waits, with a deadline. Its child makes the namespaces and waits too: who unshares the
 * process namespace stays outside of it. The grandchild is process 1 in there: it makes the root, gives up what it
 * could still do, and becomes the command. What goes wrong before that is told through a pipe that closes when the
 * command begins. */
#include "host/build/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER 1000
/* Status of the child when nothing ran, since the pipe says why. */
#define NOT_BEGUN 125

/* What went wrong before the command began. */
struct trouble {
	int code; /* errno */
	char what[64];
};

struct maker {
	const struct rota_sandbox *plan;
	int pipe; /* to the caller; closes by itself at exec */
};

__attribute__((noreturn)) static void give_up(const struct maker *m, const char *what)
{
	struct trouble t = { .code = errno };

	snprintf(t.what, sizeof(t.what), "%s", what);
	/* A caller that is gone hears nothing, and needs not. */
	if (write(m->pipe, &t, sizeof(t)) < 0)
		_exit(NOT_BEGUN);
	_exit(NOT_BEGUN);
}

static void need(const struct maker *m, bool good, const char *what)
{
	if (!good)
		give_up(m, what);
}

static void put(const struct maker *m, const char *path, const char *text)
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

	put(m, "/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "%d %u 1\n", USER, (unsigned)uid);
	put(m, "/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "%d %u 1\n", USER, (unsigned)gid);
	put(m, "/proc/self/gid_map", line);
}

/* PATH below the new root, which the caller's process is in. */
static void bind(const struct maker *m, const char *from, const char *to, bool writable)
{
	struct mount_attr only_read = { .attr_set = MOUNT_ATTR_RDONLY };

	need(m, mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0, to);
	if (!writable)
		need(m,
			mount_setattr(AT_FDCWD, to, AT_RECURSIVE, &only_read, sizeof(only_read)) ==
				0,
			to);
}

static void touch(const struct maker *m, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	need(m, fd >= 0, path);
	close(fd);
}

/* A file of the machine, or a device, at its own place. */
static void bind_file(const struct maker *m, const char *path, bool writable)
{
	touch(m, path + 1);
	bind(m, path, path + 1, writable);
}

static void make_etc(const struct maker *m)
{
	need(m, mkdir("etc", 0755) == 0, "etc");
	if (access("/etc/alternatives", F_OK) == 0) {
		need(m, mkdir("etc/alternatives", 0755) == 0, "etc/alternatives");
		bind(m, "/etc/alternatives", "etc/alternatives", false);
	}
	if (access("/etc/ld.so.cache", F_OK) == 0)
		bind_file(m, "/etc/ld.so.cache", false);
	touch(m, "etc/passwd"); /* some compilers look, and take emptiness for an answer */
}

static void make_dev(const struct maker *m)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
		"/dev/urandom" };

	need(m, mkdir("dev", 0755) == 0, "dev");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		bind_file(m, devices[i], true);
}

/* /bin and its like: links into /usr on a merged system, folders elsewhere. */
static void make_alias(const struct maker *m, const char *folder)
{
	char target[64];
	ssize_t len = readlink(folder, target, sizeof(target) - 1);

	if (len >= 0) {
		target[len] = 0;
		need(m, symlink(target, folder + 1) == 0, folder);
	} else if (errno == EINVAL) {
		need(m, mkdir(folder + 1, 0755) == 0, folder);
		bind(m, folder, folder + 1, false);
	}
}

static void make_usr(const struct maker *m)
{
	static const char *const folders[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64" };

	need(m, mkdir("usr", 0755) == 0, "usr");
	bind(m, "/usr", "usr", false);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make_alias(m, folders[i]);
}

static void make_root(const struct maker *m)
{
	need(m, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
	need(m, mount("none", m->plan->root, "tmpfs", MS_NOSUID, "mode=755,size=1g") == 0, "root");
	need(m, chdir(m->plan->root) == 0, "root");
	make_usr(m);
	make_etc(m);
	make_dev(m);
	need(m, mkdir("tmp", 01777) == 0 && mkdir("proc", 0555) == 0 && mkdir("build", 0755) == 0,
		"folders");
	/* Read-only: where root builds, the one user in there is root to the files of /proc/sys. */
	need(m,
		mount("none", "proc", "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ==
			0,
		"proc");
	bind(m, m->plan->build, "build", true);
	need(m, mkdir("old", 0755) == 0 && syscall(SYS_pivot_root, ".", "old") == 0, "pivot_root");
	need(m, umount2("/old", MNT_DETACH) == 0 && rmdir("/old") == 0, "the old root");
	need(m, chdir("/build") == 0, "/build");
}

/* What it starts with: nothing of the caller's, no way to get more. The pipe becomes descriptor 3. */
static void settle(struct maker *m)
{
	const struct rlimit none = { 0, 0 };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	need(m,
		null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO &&
			dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO,
		"standard input");
	need(m, setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
		"limits");
	need(m, m->pipe == 3 || dup3(m->pipe, 3, O_CLOEXEC) == 3, "descriptors");
	m->pipe = 3;
	need(m, close_range(4, ~0U, 0) == 0, "descriptors");
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	umask(022);
}

__attribute__((noreturn)) static void become(struct maker *m)
{
	char epoch[48];
	const char *env[] = { "PATH=/usr/bin:/bin", "HOME=/build", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"TZ=UTC", epoch, NULL };

	snprintf(epoch, sizeof(epoch), "SOURCE_DATE_EPOCH=%llu",
		(unsigned long long)m->plan->epoch_s);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	need(m, setsid() > 0, "a session"); /* or it could type into the caller's terminal */
	need(m, sethostname("rota-build", 10) == 0, "host name");
	make_root(m);
	settle(m);
	/* execve takes its arguments as char *const * for reasons older than const. */
	execvpe(m->plan->argv[0], (char *const *)(uintptr_t)m->plan->argv,
		(char *const *)(uintptr_t)env);
	give_up(m, m->plan->argv[0]);
}

/* The process that stands between: it makes the namespaces, and ends as the command ended. */
__attribute__((noreturn)) static void stand_between(struct maker *m)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int status = 0;
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
		become(m);
	close(m->pipe);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Till it ends or its time is over. */
static enum rota_err wait_for(pid_t pid, uint32_t timeout_s, int *status)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int ms = timeout_s > 2000000 ? 2000000000 : (int)timeout_s * 1000;
	int ready;

	do
		ready = p.fd < 0 ? -1 : poll(&p, 1, ms);
	while (ready < 0 && p.fd >= 0 && errno == EINTR);
	if (ready <= 0)
		kill(pid, SIGKILL); /* and with it, by its death signal, all that is in there */
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	if (p.fd >= 0)
		close(p.fd);
	return ready == 0 ? ROTA_ERR_TIMEOUT : ready < 0 ? ROTA_ERR_IO : ROTA_OK;
}

static enum rota_err judge(const struct rota_sandbox *plan, const struct trouble *t,
	enum rota_err waited, int status, struct rota_fail *why)
{
	const char *name = plan->argv[0];

	if (t->what[0] && strcmp(t->what, name) == 0)
		return rota_fail_errno(why, t->code, "cannot run '%s' in the build", name);
	if (t->what[0])
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"no build without network here: the kernel refused '%s' (%s); look at "
			"sysctl "
			"user.max_user_namespaces and kernel.unprivileged_userns_clone, or at what "
			"this container allows",
			t->what, strerror(t->code));
	if (waited == ROTA_ERR_TIMEOUT)
		return rota_fail(why, waited, "'%s' took longer than %u s and was killed", name,
			plan->timeout_s);
	if (waited == ROTA_OK && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED, "'%s' ended with status %d", name,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

enum rota_err rota_sandbox_run(const struct rota_sandbox *plan, struct rota_fail *why)
{
	struct trouble t = { 0 };
	enum rota_err waited;
	int ends[2], status = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return rota_fail_errno(why, errno, "cannot make a pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct maker m = { plan, ends[1] };

		stand_between(&m);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return rota_fail_errno(why, errno, "cannot start the build");
	}
	/* Ends when the command begins, or when nothing is left that could begin it. */
	while ((got = read(ends[0], &t, sizeof(t))) < 0 && errno == EINTR)
		;
	if (got != sizeof(t))
		t.what[0] = 0;
	close(ends[0]);
	waited = wait_for(pid, plan->timeout_s, &status);
	return judge(plan, &t, waited, status, why);
}
