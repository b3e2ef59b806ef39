/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/trust.h"
#include "host/repo/chain.h"
#include "host/repo/listed.h"
#include "host/repo/store.h"
#include "host/sign/envelope.h"

#include <string.h>

#define ANCHOR "trust/root.json"

enum rota_err rota_trust_anchor(
	const struct rota_authdir *dir, struct rota_span file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(dir, "trust", path);
	ROTA_TRY(rota_file_mkdirs(path, 0755, why));
	rota_authdir_path(dir, ANCHOR, path);
	return rota_file_write(path, file, 0644, why);
}

enum rota_err rota_trust_anchor_read(
	const struct rota_authdir *dir, struct rota_bytes *file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(dir, ANCHOR, path);
	return rota_file_read(path, ROTA_ENVELOPE_MAX, file, why);
}

enum rota_err rota_trust_anchor_version(
	const struct rota_authdir *dir, uint64_t *version, struct rota_fail *why)
{
	struct rota_bytes file;
	json_t *root;
	enum rota_err err;

	ROTA_TRY(rota_trust_anchor_read(dir, &file, why));
	err = rota_chain_begin(rota_bytes_span(&file), &root, why);
	rota_bytes_free(&file);
	if (err != ROTA_OK)
		return rota_fail_in(why, ANCHOR);
	*version = rota_chain_version(root);
	json_decref(root);
	return ROTA_OK;
}

/* From the anchor to the newest root: its content and its file. */
static enum rota_err newest_root(const struct rota_authdir *dir, json_t **root,
	struct rota_bytes *file, struct rota_fail *why)
{
	uint64_t newest;
	enum rota_err err;

	*root = NULL;
	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	ROTA_TRY(rota_trust_anchor_read(dir, file, why));
	err = rota_chain_begin(rota_bytes_span(file), root, why);
	while (err == ROTA_OK && rota_chain_version(*root) < newest) {
		rota_bytes_free(file);
		err = rota_store_read(dir, "root", rota_chain_version(*root) + 1, file, why);
		if (err == ROTA_OK)
			err = rota_chain_succeed(root, rota_bytes_span(file), why);
	}
	if (err == ROTA_OK)
		return ROTA_OK;
	json_decref(*root);
	*root = NULL;
	rota_bytes_free(file);
	return rota_fail_in(why, "root");
}

static enum rota_err under_targets(const struct rota_authdir *dir, const json_t *root,
	const char *role, struct rota_span file, json_t **content, struct rota_fail *why)
{
	struct rota_bytes text;
	json_t *targets, *meta;
	uint64_t version;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(dir, "targets", true, &version, why));
	ROTA_TRY(rota_listed_load(dir, &meta, why));
	err = rota_store_read(dir, "targets", version, &text, why);
	if (err == ROTA_OK)
		err = rota_listed_check(meta, "targets", version, rota_bytes_span(&text), why);
	json_decref(meta);
	if (err == ROTA_OK)
		err = rota_chain_verify(root, "targets", rota_bytes_span(&text), &targets, why);
	rota_bytes_free(&text);
	if (err != ROTA_OK)
		return rota_fail_in(why, "targets");
	err = rota_chain_verify(targets, role, file, content, why);
	json_decref(targets);
	return err;
}

enum rota_err rota_trust_check(const struct rota_authdir *dir, const char *role,
	struct rota_span file, json_t **content, struct rota_fail *why)
{
	struct rota_bytes newest = { 0 };
	json_t *root;
	enum rota_err err;

	*content = NULL;
	ROTA_TRY(newest_root(dir, &root, &newest, why));
	if (strcmp(role, "root") == 0) {
		if (rota_span_eq(file, rota_bytes_span(&newest)))
			*content = json_incref(root);
		err = *content ? ROTA_OK : rota_fail(why, ROTA_ERR_HASH, "is not the newest root");
	} else if (json_object_get(json_object_get(root, "roles"), role)) {
		err = rota_chain_verify(root, role, file, content, why);
	} else {
		err = under_targets(dir, root, role, file, content, why);
	}
	json_decref(root);
	rota_bytes_free(&newest);
	return err;
}
