/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/listed.h"
#include "host/repo/chain.h"

#include <stdio.h>
#include <string.h>

enum rota_err rota_listed_load(const struct rota_authdir *dir, json_t **meta, struct rota_fail *why)
{
	json_t *content;

	*meta = NULL;
	ROTA_TRY(rota_store_remembered(dir, "snapshot", &content, why));
	*meta = json_incref(json_object_get(content, "meta"));
	json_decref(content);
	return ROTA_OK;
}

static const json_t *entry_of(const json_t *meta, const char *role)
{
	char name[ROTA_FILE_PATH_MAX];

	snprintf(name, sizeof(name), "%s.json", role);
	return json_object_get(meta, name);
}

uint64_t rota_listed_version(const json_t *meta, const char *role)
{
	return rota_chain_version(entry_of(meta, role));
}

enum rota_err rota_listed_check(const json_t *meta, const char *role, uint64_t version,
	struct rota_span file, struct rota_fail *why)
{
	const json_t *entry = entry_of(meta, role);
	const char *want =
		json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	char hex[ROTA_DIGEST_HEX];

	if (!entry || rota_chain_version(entry) != version)
		return ROTA_OK;
	rota_digest_hex(file, hex);
	if (want && strcmp(want, hex) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH, "another file was listed as version %llu of role %s",
		(unsigned long long)version, role);
}

/* The version that the authority listed last; of snapshot itself the one that it remembers, which is the staged one. */
static enum rota_err last_listed(const struct rota_authdir *dir, const char *role, uint64_t staged,
	uint64_t *version, struct rota_fail *why)
{
	json_t *meta;

	*version = staged;
	if (rota_store_remembers(role))
		return ROTA_OK;
	ROTA_TRY(rota_listed_load(dir, &meta, why));
	*version = rota_listed_version(meta, role);
	json_decref(meta);
	return ROTA_OK;
}

enum rota_err rota_listed_judge(const struct rota_authdir *dir, const char *role,
	uint64_t published, uint64_t staged, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t listed;

	ROTA_TRY(last_listed(dir, role, staged, &listed, why));
	if (listed && published > listed && published > staged) {
		rota_store_path(dir, role, published, false, path);
		return rota_fail(why, ROTA_ERR_HASH,
			"%s is not what its role signed: this authority made no such version of "
			"role %s; remove it",
			path, role);
	}
	if (published >= listed || staged >= listed)
		return ROTA_OK;
	rota_store_path(dir, role, listed, false, path);
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"%s is gone, and the last snapshot lists it; put it back", path);
}
