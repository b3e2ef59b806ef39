/* SPDX-License-Identifier: Apache-2.0 */
/* rota authority split: the air gap. Tokens that are not online move into a directory of their own, for the machine
 * without network; what stays can do everything but sign for people.
 *
 * Tokens are moved, never copied: no second copy of a key is made, and none is left behind. A run that was cut off is
 * completed by running it again. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the offline machine needs beside its tokens. Nothing of it is secret. */
static const char *const shared[] = { "rota.ini", "trust/root.json", "trust/image-keys.json",
	"trust/recovery-keys.json", "ca/device-ca.pem", "ca/operational-ca.pem",
	"ca/server-ca.pem" };

static const struct opts_row rows[] = {
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota authority split OFFLINE",
	.text = "Makes OFFLINE the authority directory of the machine without network: rota.ini, "
		"the "
		"trusted\n"
		"root, certificates, and the directories tokens/NAME of all tokens that are not "
		"online, which\n"
		"move there. The authority directory keeps the online tokens and the repository. "
		"OFFLINE lies in\n"
		"the same file system; take it to the other machine afterwards. Tokens that are "
		"devices are only\n"
		"plugged in there.",
	.examples = "  rota --dir /srv/authority authority split /srv/vault\n"
		    "  rota --dir /srv/vault repo sign release-2",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static enum rota_err copy_shared(
	const struct rota_authdir *dir, const char *to, struct rota_fail *why)
{
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		char from[ROTA_FILE_PATH_MAX], *path;
		struct rota_bytes text;
		enum rota_err err;

		rota_authdir_path(dir, shared[i], from);
		ROTA_TRY(rota_file_read(from, ROTA_INI_BYTES_MAX, &text, why));
		path = rota_text("%s/%s", to, shared[i]);
		err = rota_file_write(path, rota_bytes_span(&text), 0644, why);
		free(path);
		rota_bytes_free(&text);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

static enum rota_err move_tokens(
	const struct rota_authdir *dir, const char *to, size_t *moved, struct rota_fail *why)
{
	for (size_t i = 0; i < dir->token_count; i++) {
		char part[64], from[ROTA_FILE_PATH_MAX], *path;
		enum rota_err err;

		snprintf(part, sizeof(part), "tokens/%s", dir->tokens[i].name);
		rota_authdir_path(dir, part, from);
		if (dir->tokens[i].online || !rota_file_exists(from))
			continue;
		path = rota_text("%s/%s", to, part);
		err = rota_file_rename(from, path, why);
		free(path);
		ROTA_TRY(err);
		++*moved;
	}
	return ROTA_OK;
}

static enum rota_err make_folders(const char *making, struct rota_fail *why)
{
	static const struct {
		const char *name;
		mode_t mode;
	} folders[] = { { "/trust", 0755 }, { "/ca", 0755 }, { "/tokens", 0700 } };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = rota_text("%s%s", making, folders[i].name);
		enum rota_err err = rota_file_mkdirs(path, folders[i].mode, why);

		free(path);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* A half that an earlier run left is ours; renaming works within a file system only. Whose it is, is looked at when it
 * is there: nobody can exchange it any more where only its owner may. */
static enum rota_err check_place(
	const struct rota_authdir *dir, const char *making, const char *out, struct rota_fail *why)
{
	struct stat here, there;

	if (rota_file_exists(out))
		return rota_fail(
			why, ROTA_ERR_STATE, "%s is there already; name a new directory", out);
	ROTA_TRY(rota_file_mkdirs(making, 0700, why));
	if (lstat(making, &there) != 0 || !S_ISDIR(there.st_mode) || there.st_uid != geteuid())
		return rota_fail(why, ROTA_ERR_DENIED,
			"%s is in the way, and no directory of ours; remove it", making);
	ROTA_TRY(make_folders(making, why));
	if (stat(dir->dir, &here) != 0 || stat(making, &there) != 0 ||
		here.st_dev != there.st_dev) {
		rota_file_remove_tree(making);
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"%s lies in another file system than %s; name a directory in the same one, "
			"and take it away afterwards",
			out, dir->dir);
	}
	return ROTA_OK;
}

static enum rota_err split(struct session *s, const char *out)
{
	char *making = rota_text("%s.making", out);
	size_t moved = 0;
	enum rota_err err = check_place(&s->dir, making, out, &s->why);

	if (err == ROTA_OK)
		err = copy_shared(&s->dir, making, &s->why);
	if (err == ROTA_OK)
		err = move_tokens(&s->dir, making, &moved, &s->why);
	if (err == ROTA_OK)
		err = rota_file_rename(making, out, &s->why);
	free(making);
	if (err == ROTA_OK)
		printf("%s is ready: %zu tokens moved there; take it to the machine without "
		       "network\n"
		       "next, here: rota release add --unsigned, rota repo export; there: rota "
		       "repo sign\n",
			out, moved);
	return err;
}

int verb_authority_split(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	opts_trim_slashes(argv[at]);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, split(&s, argv[at]));
}
