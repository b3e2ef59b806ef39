/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/serve_state.h"
#include "host/base/bytes.h"
#include "host/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CA_FILE_MAX ((size_t)16 * 1024 * 1024)

const char *serve_path(const struct serve_state *s, const char *name)
{
	static char room[8][ROTA_FILE_PATH_MAX];
	static unsigned next;
	char *path = room[next++ % 8];

	snprintf(path, ROTA_FILE_PATH_MAX, "%s/%s", s->config->state, name);
	return path;
}

static void run_useradd(const char *name)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/usr/sbin/useradd", "useradd", "--system", "--user-group",
			"--no-create-home", "--home-dir", "/nonexistent", "--shell",
			"/usr/sbin/nologin", name, (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

enum rota_err serve_need_user(const char *name, struct serve_user *out, struct rota_fail *why)
{
	struct passwd *pw = getpwnam(name);

	if (pw == NULL) {
		/* It also fails where another `rota serve` makes the same user at this moment: look again. */
		run_useradd(name);
		pw = getpwnam(name);
	}
	if (pw == NULL)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"user %s does not exist and useradd could not make it", name);
	if (pw->pw_uid == 0)
		return rota_fail(why, ROTA_ERR_DENIED, "user %s is root; name another one", name);
	*out = (struct serve_user){ .uid = pw->pw_uid, .gid = pw->pw_gid };
	return ROTA_OK;
}

/* A directory of ours with this owner and mode, also when it was there with others. */
static enum rota_err own_dir(const struct serve_state *s, const char *name, struct serve_user owner,
	mode_t mode, struct rota_fail *why)
{
	const char *path = serve_path(s, name);

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return rota_fail_errno(why, errno, "directory %s cannot be made", path);
	if (s->root && lchown(path, owner.uid, owner.gid) != 0)
		return rota_fail_errno(why, errno, "directory %s cannot be given its owner", path);
	if (chmod(path, mode) != 0)
		return rota_fail_errno(why, errno, "directory %s cannot be given its mode", path);
	return ROTA_OK;
}

static enum rota_err make_dirs(const struct serve_state *s, struct rota_fail *why)
{
	const struct serve_user us = { .uid = geteuid(), .gid = getegid() };
	const struct serve_user front = { .uid = us.uid, .gid = s->root ? s->web.gid : us.gid };
	const struct serve_user run = { .uid = s->ingest.uid, .gid = s->web.gid };
	const struct {
		const char *name;
		struct serve_user owner;
		mode_t mode;
	} dirs[] = {
		{ "nginx", us, 0755 }, { "nginx/log", us, 0755 }, { "nginx/tmp", us, 0755 },
		/* not in run/: nginx's master, which may be root, binds and chmods a path in it */
		{ "nginx/run", front, 0750 }, { "log", us, 0755 }, { "ca", us, 0755 },
		{ "rotad", s->ingest, 0750 },
		{ "desk", s->ingest, 0755 }, /* rotad asks who comes */
		{ "run", run, 02750 }, /* set-group-id: sockets get nginx's group */
	};

	ROTA_TRY(rota_file_mkdirs(s->config->state, 0755, why));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		ROTA_TRY(own_dir(s, dirs[i].name, dirs[i].owner, dirs[i].mode, why));
	return ROTA_OK;
}

/* Can nginx's workers get to this part of the repository? Asked as that user, since only the kernel knows all the rules. */
static enum rota_err can_read(
	const struct serve_state *s, const char *path, const char *part, struct rota_fail *why)
{
	char below[ROTA_FILE_PATH_MAX];
	int status = 0;
	pid_t child;

	snprintf(below, sizeof(below), "%s/%s", path, part);
	child = s->root ? fork() : 0;
	if (child == 0 && s->root) {
		if (setgroups(0, NULL) != 0 || setgid(s->web.gid) != 0 || setuid(s->web.uid) != 0)
			_exit(2);
		_exit(access(below, R_OK | X_OK) == 0 ? 0 : 1);
	}
	if (!s->root)
		status = access(below, R_OK | X_OK) == 0 ? 0 : 1;
	else if (child < 0 || waitpid(child, &status, 0) < 0)
		return rota_fail_errno(why, errno, "a process cannot be made");
	if (status == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_DENIED,
		"repository %s cannot be read%s%s: it must hold %s/, and every directory above it "
		"must be open to that user",
		path, s->root ? " by user " : "", s->root ? s->config->web_user : "", part);
}

enum rota_err serve_state_open(
	struct serve_state *s, const struct serve_config *c, struct rota_fail *why)
{
	*s = (struct serve_state){ .config = c, .root = geteuid() == 0, .lock = -1 };
	if (s->root) {
		ROTA_TRY(serve_need_user(c->web_user, &s->web, why));
		ROTA_TRY(serve_need_user(c->ingest_user, &s->ingest, why));
	}
	ROTA_TRY(make_dirs(s, why));
	if (rota_lock_take(serve_path(s, "lock"), 0, &s->lock, why) != ROTA_OK)
		return why->err == ROTA_ERR_BUSY
			? rota_fail(why, ROTA_ERR_BUSY,
				  "another `rota serve` runs in %s; stop it, or choose another "
				  "--state",
				  c->state)
			: why->err;
	unlink(serve_path(s, "nginx/run/status.sock")); /* nginx does not take over a dead one */
	ROTA_TRY(can_read(s, c->repository, "metadata", why));
	/* not there before the first build */
	return c->staging && rota_file_exists(c->staging) ? can_read(s, c->staging, "targets", why)
							  : ROTA_OK;
}

void serve_state_close(struct serve_state *s)
{
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

static enum rota_err copy_if_other(
	struct rota_span text, const char *to, bool *changed, struct rota_fail *why)
{
	struct rota_bytes old = { 0 };
	struct rota_fail ignored;
	bool same = rota_file_read(to, CA_FILE_MAX, &old, &ignored) == ROTA_OK &&
		rota_span_eq(rota_bytes_span(&old), text);

	rota_bytes_free(&old);
	if (same)
		return ROTA_OK;
	*changed = true;
	return rota_file_write(to, text, 0644, why);
}

static enum rota_err copy_one(const struct serve_state *s, const char *from, const char *to,
	bool *changed, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err;

	ROTA_TRY(rota_file_read(from, CA_FILE_MAX, &text, why));
	err = copy_if_other(rota_bytes_span(&text), serve_path(s, to), changed, why);
	rota_bytes_free(&text);
	return err;
}

/* nginx asks for certificates of either CA, so it gets both in one file. */
static enum rota_err copy_both(const struct serve_state *s, bool *changed, struct rota_fail *why)
{
	struct rota_bytes text = { 0 }, more = { 0 };
	enum rota_err err = rota_file_read(s->config->device_ca, CA_FILE_MAX, &text, why);

	if (err == ROTA_OK)
		err = rota_file_read(s->config->operational_ca, CA_FILE_MAX, &more, why);
	if (err == ROTA_OK) {
		rota_bytes_add_text(&text, "\n");
		rota_bytes_add(&text, rota_bytes_span(&more));
		err = copy_if_other(
			rota_bytes_span(&text), serve_path(s, "ca/client-ca.pem"), changed, why);
	}
	rota_bytes_free(&text);
	rota_bytes_free(&more);
	return err;
}

enum rota_err serve_copy_cas(const struct serve_state *s, bool *changed, struct rota_fail *why)
{
	const struct serve_config *c = s->config;

	*changed = false;
	if (c->crl != NULL)
		ROTA_TRY(copy_one(s, c->crl, "ca/crl.pem", changed, why));
	ROTA_TRY(copy_one(s, c->operational_ca, "ca/operational-ca.pem", changed, why));
	ROTA_TRY(copy_one(s, c->device_ca, "ca/device-ca.pem", changed, why));
	return copy_both(s, changed, why);
}
