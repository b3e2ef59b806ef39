/* SPDX-License-Identifier: Apache-2.0 */
/* What a build sees of the machine. */
#include "host/build/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define need rota_sandbox_need
#define put rota_sandbox_put

/* PATH below the new root, which the caller's process is in. */
static void restrict_to(const struct maker *m, const char *to, uint64_t flags)
{
	struct mount_attr how = { .attr_set = flags };

	need(m, mount_setattr(AT_FDCWD, to, AT_RECURSIVE, &how, sizeof(how)) == 0, to);
}

static void bind(const struct maker *m, const char *from, const char *to, bool writable)
{
	need(m, mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0, to);
	restrict_to(m, to, MOUNT_ATTR_NOSUID | (writable ? 0 : MOUNT_ATTR_RDONLY));
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

/* No namespaces below this one: who makes one is its administrator, and much of the kernel listens to him. Then
 * read-only: where root builds, the one user in there is root to the files of /proc/sys. */
static void make_proc(const struct maker *m)
{
	need(m, mkdir("proc", 0555) == 0, "proc");
	need(m, mount("none", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0, "proc");
	put(m, "proc/sys/user/max_user_namespaces", "0");
	restrict_to(m, "proc", MOUNT_ATTR_RDONLY);
}

void rota_sandbox_root(const struct maker *m)
{
	need(m, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
	need(m, mount("none", m->plan->root, "tmpfs", MS_NOSUID, "mode=755,size=1g") == 0, "root");
	need(m, chdir(m->plan->root) == 0, "root");
	make_usr(m);
	make_etc(m);
	make_dev(m);
	need(m, mkdir("tmp", 01777) == 0 && mkdir("build", 0755) == 0, "folders");
	make_proc(m);
	bind(m, m->plan->build, "build", true);
	need(m, mkdir("old", 0755) == 0 && syscall(SYS_pivot_root, ".", "old") == 0, "pivot_root");
	need(m, umount2("/old", MNT_DETACH) == 0 && rmdir("/old") == 0, "the old root");
	need(m, chdir("/build") == 0, "/build");
}
