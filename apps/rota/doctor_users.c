/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/doctor_users.h"
#include "host/notary/users.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASS 1u /* bits of a mode, of one class */
#define READ 4u

struct look {
	const struct rota_authdir *dir;
	const char *state;
	const struct doctor_sink *sink;
	struct rota_daemon_users users;
	bool right;
};

static void wrong(struct look *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct look *l, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->sink->say(l->sink->ctx, false, text);
	l->right = false;
}

static const char *group_name(gid_t gid)
{
	const struct group *entry = getgrgid(gid);

	return entry ? entry->gr_name : "its group";
}

/* What a process of this user, which has no further groups, may do with it. */
static bool may(const struct rota_user *user, const struct stat *st, unsigned bits)
{
	unsigned shift = st->st_uid == user->uid ? 6 : st->st_gid == user->gid ? 3 : 0;

	return user->uid == 0 || (st->st_mode >> shift & bits) == bits;
}

/* The folders above `path`. The first that is in the way is told, and nothing behind it looked at. */
static bool reaches(struct look *l, size_t who, const char *path)
{
	char above[ROTA_FILE_PATH_MAX];
	struct stat st;

	snprintf(above, sizeof(above), "%s", path);
	for (char *at = strchr(above + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (stat(above, &st) == 0 && !may(&l->users.user[who], &st, PASS)) {
			wrong(l,
				"user %s of the signing daemon cannot pass %s on the way to %s; "
				"chmod o+x %s",
				l->users.name[who], above, path, above);
			return false;
		}
		*at = '/';
	}
	return true;
}

static bool may_read(const struct look *l, const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 || /* it went meanwhile */
		may(&l->users.user[ROTA_DAEMON_PARSER], &st,
			S_ISDIR(st.st_mode) ? READ | PASS : READ);
}

/* All files of a folder, where `path` is one. */
static bool may_read_in(const struct look *l, const char *path)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, NULL, NULL);
	bool good = true;

	for (int i = 0; i < count; i++) {
		char *inside = rota_text("%s/%s", path, names[i]->d_name);

		good = good && (strcmp(names[i]->d_name, "..") == 0 || may_read(l, inside));
		free(inside);
		free(names[i]);
	}
	free(names);
	return good;
}

/* What requests are judged by. Files that come later get the folder's group, where it hands that on. */
static void check_read(struct look *l, const char *path)
{
	const char *group = group_name(l->users.user[ROTA_DAEMON_PARSER].gid);
	struct stat st;

	if (stat(path, &st) != 0 || !reaches(l, ROTA_DAEMON_PARSER, path))
		return;
	if (may_read(l, path) && may_read_in(l, path))
		return;
	wrong(l,
		"user %s of the signing daemon, which judges by %s, cannot read all of it; chgrp "
		"-R %s "
		"%s && chmod -R g+rX %s%s%s",
		l->users.name[ROTA_DAEMON_PARSER], path, group, path, path,
		S_ISDIR(st.st_mode) ? " && chmod g+s " : "", S_ISDIR(st.st_mode) ? path : "");
}

/* What is one process's, and no other's. */
static void check_own(struct look *l, size_t who, const char *path, mode_t others)
{
	const char *name = l->users.name[who];
	struct stat st;

	if (stat(path, &st) != 0 || !reaches(l, who, path))
		return;
	if (st.st_uid != l->users.user[who].uid)
		wrong(l, "%s must be user %s's of the signing daemon; chown -R %s: %s", path, name,
			name, path);
	else if (st.st_mode & others)
		wrong(l, "%s is open to others than user %s (mode %04o); chmod %s %s", path, name,
			(unsigned)(st.st_mode & 07777), others == 022 ? "go-w" : "go-rwx", path);
}

static void check_judged_by(struct look *l)
{
	static const char *const parts[] = { "rota.ini", "ca", "keys", "staging", "trust" };
	static const char *const of_repo[] = { "metadata", "targets" };
	char path[ROTA_FILE_PATH_MAX], *part;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		rota_authdir_path(l->dir, parts[i], path);
		check_read(l, path);
	}
	for (size_t i = 0; i < sizeof(of_repo) / sizeof(of_repo[0]); i++) {
		part = rota_text("%s/%s", l->dir->repo, of_repo[i]);
		check_read(l, part);
		free(part);
	}
	if (l->dir->staging[0])
		check_read(l, l->dir->staging);
}

static void check_tokens(struct look *l)
{
	char path[ROTA_FILE_PATH_MAX], part[80];

	for (size_t i = 0; i < l->dir->token_count; i++) {
		const struct rota_token *token = &l->dir->tokens[i];

		if (!token->online)
			continue;
		snprintf(part, sizeof(part), "tokens/%s", token->name);
		rota_authdir_path(l->dir, part, path);
		check_own(l, ROTA_DAEMON_HOLDER, path, 022);
		if (!token->pin_file || !token->pin_file[0])
			continue;
		rota_authdir_path(l->dir, token->pin_file, path);
		check_own(l, ROTA_DAEMON_HOLDER, path, 077);
	}
}

static void check_state(struct look *l)
{
	static const struct {
		const char *name;
		size_t whose;
	} rows[] = { { "log", ROTA_DAEMON_LOGGER }, { "pending", ROTA_DAEMON_PARSER },
		{ "records", ROTA_DAEMON_PARSER } };
	struct stat st;

	if (stat(l->state, &st) != 0)
		return; /* the daemon makes it */
	if (st.st_mode & 022)
		wrong(l,
			"%s can be written by others than who starts the signing daemon; chmod "
			"go-w %s",
			l->state, l->state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *path = rota_text("%s/%s", l->state, rows[i].name);

		check_own(l, rows[i].whose, path, 022);
		free(path);
	}
}

/* Who publishes takes the log's tiles from there, and is asked as himself. */
static void check_publisher(struct look *l)
{
	const struct passwd *me = getpwuid(geteuid());
	char *public = rota_text("%s/log/public", l->state);
	char *log = rota_text("%s/log", l->state);
	struct stat st;

	if (stat(log, &st) == 0 && access(public, R_OK | X_OK) != 0)
		wrong(l,
			"you cannot read %s, which rota publish takes along; usermod -aG %s %s, "
			"and "
			"log in anew",
			public, group_name(st.st_gid), me ? me->pw_name : "YOU");
	free(public);
	free(log);
}

bool doctor_users(
	struct session *s, const struct rota_policy *policy, const struct doctor_sink *sink)
{
	struct look l = { .dir = &s->dir,
		.state = rota_policy_daemon(policy)->state,
		.sink = sink,
		.right = true };
	struct rota_fail why;

	if (rota_daemon_users(policy, &l.users, &why) != ROTA_OK) {
		wrong(&l, "%s%s", why.text,
			why.err == ROTA_ERR_NOT_FOUND
				? "; useradd --system it, or name another one in signd.ini"
				: "");
		return false;
	}
	if (!l.users.apart)
		return true;
	check_judged_by(&l);
	check_tokens(&l);
	check_state(&l);
	check_publisher(&l);
	return l.right;
}
