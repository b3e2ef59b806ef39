/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a target that a signer reads (SPEC 14.3): what devices will make of it. */
#include "host/base/digest.h"
#include "host/repo/judge.h"
#include "host/repo/keylist.h"
#include "host/repo/rehearse.h"
#include "host/repo/retire.h"
#include "host/repo/rollout.h"
#include "rota/trust/release.h"

#include <stdio.h>
#include <string.h>

bool rota_judge_is_read(const struct rota_duty *duty, const char *path)
{
	static const char name[] = "/release.json";
	bool release = strcmp(duty->name, "releases") == 0 || strcmp(duty->name, "ci") == 0;
	size_t len = strlen(path);

	return !release ||
		(len >= sizeof(name) && strcmp(path + len - (sizeof(name) - 1), name) == 0);
}

/* Whether the role lists this path with this digest and length. */
static bool lists(const struct rota_judge_list *list, const struct rota_path *path,
	const uint8_t sha256[static ROTA_DIGEST_LEN], uint64_t length)
{
	char name[ROTA_PATH_MAX + 1], hex[ROTA_DIGEST_HEX];
	const json_t *entry;

	memcpy(name, path->text, path->len);
	name[path->len] = 0;
	entry = list->find(list->ctx, name);
	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), hex);
	return strcmp(rota_judge_text(json_object_get(entry, "hashes"), "sha256"), hex) == 0 &&
		(uint64_t)json_integer_value(json_object_get(entry, "length")) == length;
}

/* What a device makes of the text; `want` keeps the parts for every hardware. */
static enum rota_err decode(struct rota_span text, const struct rota_release_want *want,
	const char *role, const char *path, struct rota_release *out, struct rota_fail *why)
{
	static struct rota_release_decoder decoder;
	uint8_t names[ROTA_RELEASE_NAMES_ROOM], value[ROTA_RELEASE_VALUE_ROOM];
	struct rota_release_device device = { .role = rota_span_cstr(role),
		.path = rota_span_cstr(path) };
	enum rota_err err;

	rota_release_begin(&decoder, want, ROTA_BUF(names), ROTA_BUF(value));
	err = rota_release_feed(&decoder, text);
	if (err == ROTA_OK)
		err = rota_release_end(&decoder);
	if (err == ROTA_OK) {
		device.product = rota_name_span(&decoder.release.product);
		err = rota_release_agrees(&decoder.release, &device);
	}
	if (err != ROTA_OK)
		return rota_fail(
			why, err, "%s: a device would refuse it: %s", path, rota_err_str(err));
	*out = decoder.release;
	return ROTA_OK;
}

static enum rota_err judge_release(const struct rota_judge_list *list, const struct rota_duty *duty,
	const char *path, struct rota_span text, struct rota_fail *why)
{
	static struct rota_component parts[ROTA_RELEASE_COMPONENTS_MAX];
	static struct rota_delta deltas[ROTA_RELEASE_DELTAS_MAX];
	const struct rota_release_want want = { .components = parts,
		.component_room = ROTA_RELEASE_COMPONENTS_MAX,
		.deltas = deltas,
		.delta_room = ROTA_RELEASE_DELTAS_MAX };
	struct rota_release release = { 0 };
	bool good = true;

	ROTA_TRY(decode(text, &want, duty->name, path, &release, why));
	if (rota_rehearse_release(text, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	for (size_t i = 0; i < release.component_count; i++)
		good &= lists(list, &parts[i].path, parts[i].sha256, parts[i].length);
	for (size_t i = 0; i < release.delta_count; i++)
		good &= lists(list, &deltas[i].path, deltas[i].sha256, deltas[i].length);
	if (good)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH,
		"%s names a file that the role does not list with that digest and length", path);
}

/* A file of one product, ROLE/PRODUCT.json: of the product that its path names. */
static enum rota_err judge_product(const struct rota_duty *duty, const char *path,
	const struct rota_name *product, struct rota_fail *why)
{
	char own[ROTA_PATH_MAX];

	snprintf(own, sizeof(own), "%.*s%.*s.json", (int)strcspn(duty->paths, "*"), duty->paths,
		product->len, (const char *)product->text);
	if (strcmp(own, path) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_PRODUCT, "%s is for product %.*s", path, product->len,
		(const char *)product->text);
}

/* What a device says of a text that is no release; a role whose files nobody knows has none to say it. */
static enum rota_err read_as_device(
	const struct rota_duty *duty, struct rota_span text, struct rota_name *product, bool *known)
{
	static struct rota_retirements_decoder retirements;

	*known = true;
	if (strcmp(duty->name, "rollouts") == 0)
		return rota_rollout_read(text, product);
	if (strcmp(duty->name, "revocations") == 0)
		return rota_revocations_read(text, product);
	if (strncmp(duty->name, "keys-", 5) == 0)
		return rota_keylist_read(text, duty->name, product);
	*known = strcmp(duty->name, "retirements") == 0;
	if (!*known)
		return ROTA_OK;
	ROTA_TRY(rota_retirements_read(&retirements, text));
	*product = retirements.product;
	return ROTA_OK;
}

static const char *clause_of(const struct rota_duty *duty)
{
	if (strcmp(duty->name, "rollouts") == 0)
		return "8.1";
	if (strncmp(duty->name, "keys-", 5) == 0)
		return "32.2";
	return strcmp(duty->name, "revocations") == 0 ? "16.2" : "16.1";
}

static enum rota_err judge_other(const struct rota_duty *duty, const char *path,
	struct rota_span text, struct rota_fail *why)
{
	struct rota_name product = { 0 };
	bool known;
	enum rota_err err = read_as_device(duty, text, &product, &known);

	if (err != ROTA_OK)
		return rota_fail(why, err, "%s: a device would refuse it: %s (SPEC %s)", path,
			rota_err_str(err), clause_of(duty));
	return known ? judge_product(duty, path, &product, why) : ROTA_OK;
}

enum rota_err rota_judge_file(const struct rota_duty *duty, const char *path, const json_t *entry,
	const json_t *file, const struct rota_judge_list *list, struct rota_fail *why)
{
	struct rota_span text = rota_span(json_string_value(file), json_string_length(file));
	const char *want = rota_judge_text(json_object_get(entry, "hashes"), "sha256");
	char hex[ROTA_DIGEST_HEX];
	json_t *value;

	if (!file)
		return rota_fail(
			why, ROTA_ERR_NOT_FOUND, "what shall be signed lacks the text of %s", path);
	rota_digest_hex(text, hex);
	if (strcmp(want, hex) != 0 ||
		(size_t)json_integer_value(json_object_get(entry, "length")) != text.len)
		return rota_fail(why, ROTA_ERR_HASH,
			"the text of %s is not the one that the role lists", path);
	if (rota_json_parse_strict(text, &value, why) != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	json_decref(value);
	if (strcmp(duty->name, "releases") == 0 || strcmp(duty->name, "ci") == 0)
		return judge_release(list, duty, path, text, why);
	return judge_other(duty, path, text, why);
}
