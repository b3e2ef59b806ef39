/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/trust.h"
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

/* Under {"keyids", "threshold"} of the delegator. */
static enum rota_err under(const json_t *keys, const json_t *role, struct rota_span file,
	json_t **content, struct rota_fail *why)
{
	json_int_t threshold = json_integer_value(json_object_get(role, "threshold"));

	return rota_envelope_verify(file, keys, json_object_get(role, "keyids"),
		threshold < 1 || threshold > ROTA_SIGNERS_MAX ? 0 : (unsigned)threshold, content,
		why);
}

/* Under the role of this name of a root. */
static enum rota_err under_root(const json_t *root, const char *role, struct rota_span file,
	json_t **content, struct rota_fail *why)
{
	return under(json_object_get(root, "keys"),
		json_object_get(json_object_get(root, "roles"), role), file, content, why);
}

/* A root under itself, as every root must be (TUF 5.3.4). */
static enum rota_err under_itself(struct rota_span file, json_t **root, struct rota_fail *why)
{
	json_t *whole;
	enum rota_err err;

	*root = NULL;
	ROTA_TRY(rota_json_parse_strict(file, &whole, why));
	err = under_root(json_object_get(whole, "signed"), "root", file, root, why);
	json_decref(whole);
	return err;
}

static json_int_t version_of(const json_t *content)
{
	return json_integer_value(json_object_get(content, "version"));
}

/* *root becomes its successor, whose file is `file`. */
static enum rota_err succeed(json_t **root, struct rota_span file, struct rota_fail *why)
{
	json_t *old = *root, *next = NULL, *again = NULL;
	enum rota_err err = under_root(old, "root", file, &next, why);

	if (err == ROTA_OK)
		err = under_itself(file, &again, why);
	if (err == ROTA_OK && version_of(next) != version_of(old) + 1)
		err = rota_fail(why, ROTA_ERR_VERSION, "holds another version (TUF 5.3.5)");
	json_decref(again);
	if (err != ROTA_OK) {
		json_decref(next);
		return err;
	}
	json_decref(old);
	*root = next;
	return ROTA_OK;
}

/* From the anchor to the newest root: its content and its file. */
static enum rota_err newest_root(const struct rota_authdir *dir, json_t **root,
	struct rota_bytes *file, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	uint64_t newest;
	enum rota_err err;

	*root = NULL;
	rota_authdir_path(dir, ANCHOR, path);
	ROTA_TRY(rota_store_newest(dir, "root", false, &newest, why));
	ROTA_TRY(rota_file_read(path, ROTA_ENVELOPE_MAX, file, why));
	err = under_itself(rota_bytes_span(file), root, why);
	while (err == ROTA_OK && (uint64_t)version_of(*root) < newest) {
		rota_bytes_free(file);
		err = rota_store_read(dir, "root", (uint64_t)version_of(*root) + 1, file, why);
		if (err == ROTA_OK)
			err = succeed(root, rota_bytes_span(file), why);
	}
	if (err == ROTA_OK)
		return ROTA_OK;
	json_decref(*root);
	*root = NULL;
	rota_bytes_free(file);
	return rota_fail_in(why, "root");
}

static const json_t *delegation_to(const json_t *targets, const char *role)
{
	const json_t *list = json_object_get(json_object_get(targets, "delegations"), "roles");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(one, "name"));

		if (name && strcmp(name, role) == 0)
			return one;
	}
	return NULL;
}

static enum rota_err under_targets(const struct rota_authdir *dir, const json_t *root,
	const char *role, struct rota_span file, json_t **content, struct rota_fail *why)
{
	struct rota_bytes text;
	json_t *targets;
	uint64_t version;
	enum rota_err err;

	ROTA_TRY(rota_store_newest(dir, "targets", true, &version, why));
	ROTA_TRY(rota_store_read(dir, "targets", version, &text, why));
	err = under_root(root, "targets", rota_bytes_span(&text), &targets, why);
	rota_bytes_free(&text);
	if (err != ROTA_OK)
		return rota_fail_in(why, "targets");
	err = under(json_object_get(json_object_get(targets, "delegations"), "keys"),
		delegation_to(targets, role), file, content, why);
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
		err = under_root(root, role, file, content, why);
	} else {
		err = under_targets(dir, root, role, file, content, why);
	}
	json_decref(root);
	rota_bytes_free(&newest);
	return err;
}
