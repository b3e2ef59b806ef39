/* SPDX-License-Identifier: Apache-2.0 */
/* rota init: an authority directory with everything signed once. It is made under a temporary name and renamed
 * at the end, so that it is there whole or not at all. */
#include "apps/rota/init_users.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/signdini.h"
#include "apps/rota/softhsm.h"
#include "apps/rota/verb.h"
#include "host/keys/keys.h"
#include "host/pki/hierarchy.h"
#include "host/repo/publish.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *product, *config, *module;
static bool softhsm, at_hand, daemon_users;
static struct opts_list names;

static const struct opts_row rows[] = {
	{ "softhsm", NULL, "make SoftHSM2 tokens below DIR/tokens (development)", OPTS_FLAG,
		&softhsm },
	{ "product", "NAME", "product, with --softhsm", OPTS_TEXT, &product },
	{ "module", "FILE", "libsofthsm2.so, where it is not below /usr/lib", OPTS_TEXT, &module },
	{ "config", "FILE", "a rota.ini that names your own tokens", OPTS_TEXT, &config },
	{ "at-hand", NULL, "with --softhsm: no signing daemon, verbs open the online token",
		OPTS_FLAG, &at_hand },
	{ "daemon-users", NULL,
		"as root: the signing daemon's processes are three users, made here", OPTS_FLAG,
		&daemon_users },
	{ "name", "NAME", "host name or address of the update server; may repeat", OPTS_LIST,
		&names },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota init [OPTION]... DIR",
	.text = "Makes the authority directory DIR: rota.ini, tokens (with --softhsm), "
		"certificates,\n"
		"and a repository with every role of the trust table signed by its threshold.\n"
		"Where rota.ini names a signing daemon (with --softhsm it does), also signd.ini: "
		"you may have\n"
		"signed what the online keys sign.",
	.examples = "  rota init --softhsm --product sensor ./authority\n"
		    "  rota init --config ceremony.ini --name updates.example.org /srv/authority\n"
		    "  rota init --config ceremony.ini --daemon-users /srv/authority",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

static enum rota_err copy_config(const char *dir, struct rota_fail *why)
{
	struct rota_bytes text;
	char *path;
	enum rota_err err;

	ROTA_TRY(rota_file_read(config, ROTA_INI_BYTES_MAX, &text, why));
	path = rota_text("%s/rota.ini", dir);
	err = rota_file_write(path, rota_bytes_span(&text), 0644, why);
	free(path);
	rota_bytes_free(&text);
	return err;
}

/* Version 1 of a role, from what its builder gives. */
static enum rota_err first(
	struct rota_desk *desk, const char *role, json_t *content, struct rota_fail *why)
{
	uint64_t version;
	enum rota_err err = rota_metadata_sign(desk, role, content, 0, &version, why);

	json_decref(content);
	return err;
}

/* Whose key is which, while all tokens are open. */
static enum rota_err write_keys(struct rota_desk *desk, struct rota_fail *why)
{
	struct rota_keys *k;
	enum rota_err err;

	ROTA_TRY(rota_keys_load(desk->dir, &k, why));
	err = rota_keys_adopt(k, desk, why);
	if (err == ROTA_OK)
		err = rota_keys_settle(k, why);
	rota_keys_free(k);
	return err;
}

static enum rota_err sign_all(struct rota_desk *desk, struct rota_fail *why)
{
	struct rota_publish_role done[ROTA_DUTY_COUNT];
	const struct rota_publish_plan plan = { 0 };
	json_t *content;

	ROTA_TRY(rota_store_make(desk->dir, why));
	ROTA_TRY(rota_metadata_root(desk, &content, why));
	ROTA_TRY(first(desk, "root", content, why));
	ROTA_TRY(rota_metadata_targets(desk, &content, why));
	ROTA_TRY(first(desk, "targets", content, why));
	for (size_t i = ROTA_DUTY_TOP_COUNT; i < ROTA_DUTY_COUNT; i++)
		ROTA_TRY(first(desk, rota_duties[i].name, rota_metadata_empty(), why));
	ROTA_TRY(rota_publish(desk, &plan, done, why));
	ROTA_TRY(rota_hierarchy_records(desk, why));
	ROTA_TRY(rota_hierarchy_make(desk, why));
	ROTA_TRY(rota_hierarchy_server(desk, names.at, names.count, why));
	return write_keys(desk, why);
}

/* The new directory is renamed over what is there, which works for an empty one only; say so early. */
static enum rota_err refuse_used(const char *dir, struct rota_fail *why)
{
	struct dirent **names_there = NULL;
	int count = scandir(dir, &names_there, NULL, NULL);

	if (count < 0 && errno == ENOENT)
		return ROTA_OK;
	if (count < 0)
		return rota_fail_errno(why, errno, "%s", dir);
	for (int i = 0; i < count; i++)
		free(names_there[i]);
	free(names_there);
	if (count > 2) /* "." and ".." */
		return rota_fail(why, ROTA_ERR_STATE, "%s is not empty; name a new directory", dir);
	return ROTA_OK;
}

static enum rota_err write_daemon(struct session *s)
{
	if (s->dir.signd[0])
		return signdini_write(s, softhsm, daemon_users ? INIT_USERS : NULL);
	if (!daemon_users)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
		"--daemon-users: there is no signing daemon, as %s names none ([authority] signd)",
		s->dir.ini.path);
}

static enum rota_err fill(const char *making, struct rota_fail *why)
{
	struct session s;
	enum rota_err err = session_open(&s, making, SESSION_WRITE);

	if (err == ROTA_OK) {
		session_by_hand(&s); /* a daemon begins with what is made here */
		err = sign_all(&s.desk, &s.why);
		if (err == ROTA_OK)
			err = write_daemon(&s);
		session_drop(&s);
	}
	*why = s.why;
	return err;
}

/* No token is open any more, and its files may change hands. */
static enum rota_err give(const char *making, const struct init_users *users, struct rota_fail *why)
{
	struct rota_authdir dir;
	enum rota_err err;

	ROTA_TRY(rota_authdir_load(making, &dir, why));
	err = init_users_give(users, &dir, why);
	rota_authdir_free(&dir);
	return err;
}

static enum rota_err make(const char *making, struct rota_fail *why)
{
	const struct softhsm_plan plan = { .product = product,
		.module = module,
		.host = names.count ? names.at[0] : "localhost",
		.at_hand = at_hand };
	struct init_users users;

	if (daemon_users)
		ROTA_TRY(init_users_make(&users, why));
	if (softhsm)
		ROTA_TRY(softhsm_make(&plan, making, why));
	else
		ROTA_TRY(copy_config(making, why));
	ROTA_TRY(fill(making, why));
	return daemon_users ? give(making, &users, why) : ROTA_OK;
}

static int run(const char *dir)
{
	char *making = rota_text("%s.making", dir);
	struct rota_fail why;
	enum rota_err err = rota_file_mkdir_anew(making, 0755, &why);

	if (err == ROTA_OK) {
		err = make(making, &why);
		if (err == ROTA_OK)
			err = rota_file_rename(making, dir, &why);
		if (err != ROTA_OK)
			rota_file_remove_tree(making);
	}
	free(making);
	if (err != ROTA_OK)
		return say_fail(&why);
	printf("%s is ready: every role signed, certificates in ca/ and server/, repository in "
	       "repo/\n"
	       "next: rota --dir %s image sign, rota --dir %s factory enrol\n",
		dir, dir, dir);
	if (daemon_users)
		printf("the signing daemon is " INIT_USERS
		       ": rota --dir %s doctor says whether they "
		       "reach it\n",
			dir);
	return 0;
}

int verb_init(int argc, char **argv)
{
	struct rota_fail why;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (at_hand && config)
		return opts_wrong(
			&usage, "--at-hand is for --softhsm; a FILE without `signd` says the same");
	if (softhsm == (config != NULL))
		return opts_wrong(&usage, "give one of --softhsm and --config");
	if (at_hand && daemon_users)
		return opts_wrong(
			&usage, "--at-hand is without a daemon, --daemon-users is of one");
	if (softhsm && (!product || !rota_name_ok(product)))
		return opts_wrong(&usage, "--product NAME is needed: 1 to 32 of [a-z0-9._-]");
	if (refuse_used(argv[at], &why) != ROTA_OK)
		return say_fail(&why);
	opts_trim_slashes(argv[at]);
	return run(argv[at]);
}
