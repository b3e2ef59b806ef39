/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/keyentry.h"

#include <string.h>

static const char *text(const json_t *in, const char *name)
{
	const char *value = json_string_value(json_object_get(in, name));

	return value ? value : "";
}

static json_int_t number(const json_t *in, const char *name)
{
	return json_integer_value(json_object_get(in, name));
}

json_t *rota_keyentry_find(const json_t *list, const uint8_t id[static ROTA_SHA256_LEN])
{
	json_t *all = json_object_get(list, "campaigns");
	char hex[2 * ROTA_SHA256_LEN + 1];

	rota_hex(rota_span(id, ROTA_SHA256_LEN), hex);
	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(text(json_array_get(all, i), "id"), hex) == 0)
			return json_array_get(all, i);
	return NULL;
}

/* ---- one that stands there ---- */

/* What is listed never changes but in state and trees. */
static bool same_terms(const json_t *listed, const json_t *wanted)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)wanted, name,
		value) if (strcmp(name, "state") != 0 && strcmp(name, "trees") != 0 &&
		!json_equal(value, json_object_get(listed, name))) return false;
	return true;
}

/* One that the daemon would refuse would take all others along: a list is signed whole. */
static enum rota_err check_most(const json_t *trees, const json_t *tree, uint32_t most,
	const char *id, struct rota_fail *why)
{
	json_int_t devices = number(tree, "size");

	for (size_t i = 0; i < json_array_size(trees); i++)
		devices += number(json_array_get(trees, i), "size");
	if (devices <= (json_int_t)most)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_CEILING,
		"campaign %.16s would be for %lld devices with tree %lld, and %u were approved", id,
		(long long)devices, (long long)number(tree, "tree"), (unsigned)most);
}

static enum rota_err add_tree(json_t *listed, json_t *tree, uint32_t most, const char *id,
	bool *changed, struct rota_fail *why)
{
	json_t *all = json_object_get(listed, "trees");
	json_int_t wanted = number(tree, "tree");
	const json_t *last = json_array_get(all, json_array_size(all) - 1);

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		if (number(one, "tree") != wanted)
			continue;
		if (json_equal(one, tree))
			return ROTA_OK;
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"campaign %.16s has another tree %lld already", id, (long long)wanted);
	}
	if (strcmp(text(listed, "state"), "aborted") == 0 ||
		strcmp(text(listed, "state"), "done") == 0)
		return rota_fail(why, ROTA_ERR_STATE, "campaign %.16s is %s and takes no tree", id,
			text(listed, "state"));
	if (number(last, "tree") >= wanted)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"campaign %.16s has tree %lld already, and trees ascend", id,
			(long long)number(last, "tree"));
	ROTA_TRY(check_most(all, tree, most, id, why));
	json_array_append(all, tree);
	*changed = true;
	return ROTA_OK;
}

/* ---- one that is new ---- */

/* Lists ascend by (purpose, generation). */
static int order(const json_t *a, const json_t *b)
{
	int by_purpose = strcmp(text(a, "purpose"), text(b, "purpose"));

	if (by_purpose != 0)
		return by_purpose;
	return number(a, "generation") < number(b, "generation")
		? -1
		: number(a, "generation") > number(b, "generation");
}

static bool same_purpose(const json_t *a, const json_t *b)
{
	return strcmp(text(a, "purpose"), text(b, "purpose")) == 0;
}

static enum rota_err check_overtaken(const json_t *all, const json_t *one, struct rota_fail *why)
{
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *other = json_array_get(all, i);

		if (same_purpose(other, one) && order(other, one) >= 0)
			return rota_fail(why, ROTA_ERR_COUNTER,
				"generation %lld of %s is overtaken by %lld, which is listed",
				(long long)number(one, "generation"), text(one, "purpose"),
				(long long)number(other, "generation"));
	}
	return ROTA_OK;
}

static enum rota_err insert(json_t *all, json_t *one, struct rota_fail *why)
{
	size_t at = 0, of_purpose = 0;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *other = json_array_get(all, i);

		of_purpose += same_purpose(other, one);
		at += order(other, one) < 0;
	}
	if (of_purpose == ROTA_KEYS_OF_PURPOSE_MAX) { /* the oldest of them is the first */
		json_array_remove(all, at - of_purpose);
		at--;
	}
	if (json_array_size(all) == ROTA_KEYS_CAMPAIGNS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "the list has room for %d campaigns",
			ROTA_KEYS_CAMPAIGNS_MAX);
	json_array_insert(all, at, one);
	return ROTA_OK;
}

static enum rota_err enter(json_t *list, const json_t *found, json_t *one, uint32_t most,
	bool *changed, struct rota_fail *why)
{
	json_t *tree = json_array_get(json_object_get(one, "trees"), 0);

	if (found && !same_terms(found, one))
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"campaign %.16s is listed with other terms", text(one, "id"));
	if (found)
		return add_tree(
			(json_t *)(uintptr_t)found, tree, most, text(one, "id"), changed, why);
	/* of a supplement, too, whose campaign has gone out of the list since */
	ROTA_TRY(check_overtaken(json_object_get(list, "campaigns"), one, why));
	if (number(tree, "tree") != 0)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"campaign %.16s is not listed: tree 0 is to be published first",
			text(one, "id"));
	ROTA_TRY(check_most(NULL, tree, most, text(one, "id"), why));
	ROTA_TRY(insert(json_object_get(list, "campaigns"), one, why));
	*changed = true;
	return ROTA_OK;
}

enum rota_err rota_keyentry_add(json_t *list, const struct rota_key_campaign *c, uint32_t most,
	const struct rota_key_tree *tree, bool *changed, struct rota_fail *why)
{
	json_t *one = rota_key_campaign_write(c, tree, 1);
	enum rota_err err;

	*changed = false;
	err = enter(list, rota_keyentry_find(list, c->id), one, most, changed, why);
	json_decref(one);
	return err;
}
