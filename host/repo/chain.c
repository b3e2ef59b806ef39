/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/chain.h"
#include "host/sign/envelope.h"

#include <string.h>

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

bool rota_chain_find(const json_t *delegator, const char *role, struct rota_delegation *out)
{
	const json_t *one = json_object_get(json_object_get(delegator, "roles"), role);
	const json_t *from = one ? delegator : json_object_get(delegator, "delegations");
	json_int_t threshold;

	if (!one)
		one = delegation_to(delegator, role);
	threshold = json_integer_value(json_object_get(one, "threshold"));
	*out = (struct rota_delegation){ .keys = json_object_get(from, "keys"),
		.keyids = json_object_get(one, "keyids"),
		.threshold =
			threshold < 1 || threshold > ROTA_SIGNERS_MAX ? 0 : (unsigned)threshold };
	return one != NULL;
}

enum rota_err rota_chain_verify(const json_t *delegator, const char *role, struct rota_span file,
	json_t **content, struct rota_fail *why)
{
	struct rota_delegation who;

	*content = NULL;
	if (!rota_chain_find(delegator, role, &who))
		return rota_fail(why, ROTA_ERR_ROLE, "nobody is named who may sign role %s", role);
	return rota_envelope_verify(file, who.keys, who.keyids, who.threshold, content, why);
}

enum rota_err rota_chain_begin(struct rota_span file, json_t **root, struct rota_fail *why)
{
	json_t *whole;
	enum rota_err err;

	*root = NULL;
	ROTA_TRY(rota_json_parse_strict(file, &whole, why));
	err = rota_chain_verify(json_object_get(whole, "signed"), "root", file, root, why);
	json_decref(whole);
	return err;
}

uint64_t rota_chain_version(const json_t *content)
{
	json_int_t version = json_integer_value(json_object_get(content, "version"));

	return version < 1 ? 0 : (uint64_t)version;
}

enum rota_err rota_chain_succeed_by(json_t **root, const json_t *envelope, struct rota_fail *why)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_json_encode(envelope, ROTA_JSON_FILE, &file, why));
	err = rota_chain_succeed(root, rota_bytes_span(&file), why);
	rota_bytes_free(&file);
	return err;
}

enum rota_err rota_chain_succeed(json_t **root, struct rota_span file, struct rota_fail *why)
{
	json_t *next = NULL, *again = NULL;
	enum rota_err err = rota_chain_verify(*root, "root", file, &next, why);

	if (err == ROTA_OK)
		err = rota_chain_begin(file, &again, why);
	if (err == ROTA_OK && rota_chain_version(next) != rota_chain_version(*root) + 1)
		err = rota_fail(why, ROTA_ERR_VERSION, "holds another version (TUF 5.3.5)");
	json_decref(again);
	if (err != ROTA_OK) {
		json_decref(next);
		return err;
	}
	json_decref(*root);
	*root = next;
	return ROTA_OK;
}
