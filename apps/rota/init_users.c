/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/init_users.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A token's folder, its store, a token in that, its objects. */
#define DEPTH_MAX 8

enum rota_err init_users_make(struct init_users *out, struct rota_fail *why)
{
	if (geteuid() != 0)
		return rota_fail(why, ROTA_ERR_DENIED,
			"--daemon-users makes users and gives them files: only root can");
	ROTA_TRY(serve_need_user("rota-signd", &out->parser, why));
	ROTA_TRY(serve_need_user("rota-signd-log", &out->logger, why));
	return serve_need_user("rota-token", &out->holder, why);
}

static enum rota_err give_tree(
	const char *path, const struct serve_user *to, unsigned depth, struct rota_fail *why);

static enum rota_err give_inside(
	const char *path, const struct serve_user *to, unsigned depth, struct rota_fail *why)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, NULL, NULL);
	enum rota_err err = ROTA_OK;

	if (count < 0)
		return rota_fail_errno(why, errno, "%s", path);
	for (int i = 0; i < count; i++) {
		char *inside = rota_text("%s/%s", path, names[i]->d_name);

		if (err == ROTA_OK && strcmp(names[i]->d_name, ".") != 0 &&
			strcmp(names[i]->d_name, "..") != 0)
			err = give_tree(inside, to, depth + 1, why);
		free(inside);
		free(names[i]);
	}
	free(names);
	return err;
}

/* Links are given themselves, not what they lead to. */
static enum rota_err give_tree(
	const char *path, const struct serve_user *to, unsigned depth, struct rota_fail *why)
{
	struct stat st;

	if (depth > DEPTH_MAX)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "%s: folders lie too deep for a token's", path);
	if (lstat(path, &st) != 0 || lchown(path, to->uid, to->gid) != 0)
		return rota_fail_errno(why, errno, "%s cannot be given to its user", path);
	return S_ISDIR(st.st_mode) ? give_inside(path, to, depth, why) : ROTA_OK;
}

static enum rota_err give_token(const struct init_users *users, const struct rota_authdir *dir,
	const struct rota_token *token, struct rota_fail *why)
{
	char part[80], path[ROTA_FILE_PATH_MAX];

	snprintf(part, sizeof(part), "tokens/%s", token->name);
	rota_authdir_path(dir, part, path);
	if (rota_file_exists(path))
		return give_tree(path, &users->holder, 0, why);
	if (!token->pin_file || !token->pin_file[0])
		return ROTA_OK;
	rota_authdir_path(dir, token->pin_file, path);
	return give_tree(path, &users->holder, 0, why);
}

static enum rota_err set_mode(const struct rota_authdir *dir, const char *part, gid_t group,
	mode_t mode, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(dir, part, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	if (chown(path, (uid_t)-1, group) != 0 || chmod(path, mode) != 0)
		return rota_fail_errno(why, errno, "%s cannot be given its group", path);
	return ROTA_OK;
}

/* Signed and not published yet: what comes there later has the folder's group. */
static enum rota_err share(
	const struct init_users *users, const struct rota_authdir *dir, struct rota_fail *why)
{
	static const char *const staged[] = { "trust/1.snapshot.json", "trust/1.timestamp.json" };

	for (size_t i = 0; i < sizeof(staged) / sizeof(staged[0]); i++)
		ROTA_TRY(set_mode(dir, staged[i], users->parser.gid, 0640, why));
	ROTA_TRY(set_mode(dir, "trust", users->parser.gid, 02755, why));
	return set_mode(dir, "staging", users->parser.gid, 02750, why);
}

enum rota_err init_users_give(
	const struct init_users *users, const struct rota_authdir *dir, struct rota_fail *why)
{
	for (size_t i = 0; i < dir->token_count; i++)
		if (dir->tokens[i].online)
			ROTA_TRY(give_token(users, dir, &dir->tokens[i], why));
	/* of people's tokens nobody but us sees more than the name */
	ROTA_TRY(set_mode(dir, "tokens", (gid_t)-1, 0711, why));
	return share(users, dir, why);
}
