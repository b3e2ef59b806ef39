/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/audit.h"
#include "apps/rota/verb.h"
#include "host/sign/authdir.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>

/* Whether `rota audit export` made it. */
static bool is_export(const char *folder)
{
	char *policy = rota_text("%s/log-policy", folder), *log = rota_text("%s/log", folder);
	bool both = rota_file_exists(policy) && rota_file_exists(log);

	free(policy);
	free(log);
	return both;
}

/* The repository's, wherever rota.ini has that; a folder without one may have its log in repo. */
static char *log_of_authority(void)
{
	struct rota_authdir dir;
	struct rota_fail none;
	char *log;

	if (rota_authdir_load(verb_dir(), &dir, &none) != ROTA_OK)
		return rota_text("%s/repo/log", verb_dir());
	log = rota_text("%s/log", dir.repo);
	rota_authdir_free(&dir);
	return log;
}

static void find_place(struct audit_place *place, const char *folder, const char *policy)
{
	bool whole = folder && is_export(folder);

	place->export = whole ? rota_text("%s", folder) : NULL;
	place->folder = whole ? rota_text("%s/log", folder)
		: folder      ? rota_text("%s", folder)
			      : log_of_authority();
	place->policy_file = policy ? rota_text("%s", policy)
		: whole             ? rota_text("%s/log-policy", folder)
				    : rota_text("%s/trust/log-policy", verb_dir());
}

static enum rota_err is_published(const char *folder, struct rota_fail *why)
{
	char *path = rota_text("%s/checkpoint", folder);
	bool there = rota_file_exists(path);

	free(path);
	if (there)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"there is no checkpoint in %s: no log is published there; rota publish brings it, "
		"where "
		"[log] of rota.ini names one",
		folder);
}

enum rota_err audit_open(
	struct audit_place *place, const char *folder, const char *policy, struct rota_fail *why)
{
	enum rota_err err;

	find_place(place, folder, policy);
	place->files = rota_tiles_in(place->folder);
	err = rota_log_policy_load(&rota_crypto_openssl, place->policy_file, &place->policy, why);
	if (err == ROTA_OK)
		return is_published(place->folder, why);
	if (err != ROTA_ERR_NOT_FOUND || policy)
		return err;
	return rota_fail(why, err,
		"there is no %s; name the keys of log and witnesses with --policy, or the "
		"authority "
		"with --dir",
		place->policy_file);
}

char *audit_records_in(const struct audit_place *place)
{
	char *path = place->export ? rota_text("%s/records", place->export) : NULL;

	if (path && rota_file_exists(path))
		return path;
	free(path);
	return NULL;
}

void audit_close(struct audit_place *place)
{
	free(place->export);
	free(place->folder);
	free(place->policy_file);
}

enum rota_err audit_demand(
	const char *policy, struct rota_buf room, struct rota_span *out, struct rota_fail *why)
{
	struct rota_log_policy p;
	struct rota_log_demand demand;
	enum rota_err err;

	ROTA_TRY(rota_log_policy_load(&rota_crypto_openssl, policy, &p, why));
	if (rota_log_policy_demand(&p, &demand, why) != ROTA_OK)
		return rota_fail_in(why, "%s", policy);
	err = rota_log_demand_write(&rota_crypto_openssl, &demand, room, out);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "%s: not what a device can hold", policy);
}
