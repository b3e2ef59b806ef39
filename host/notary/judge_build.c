/* SPDX-License-Identifier: Apache-2.0 */
/* Where a release comes from: statements of builds that are signed here, and those that a release must have (SPEC 26.5). */
#include "host/build/dsse.h"
#include "host/build/provenance.h"
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"
#include "host/repo/store.h"
#include "rota/codec/release.h"

#include <string.h>

/* ---- kind build ---- */

/* An image of it is of this scope's product. */
static bool is_ours(const struct trial *t, const json_t *definition)
{
	const json_t *image =
		json_object_get(json_object_get(definition, "externalParameters"), "image");

	return json_is_null(image) || strcmp(rota_judge_text(image, "product"), t->ask->scope) == 0;
}

enum rota_err judge_build(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	const json_t *text = json_object_get(t->ask->body, "statement");
	struct rota_span bytes = rota_span(json_string_value(text), json_string_length(text));
	const json_t *predicate, *run;
	struct rota_bytes message = { 0 };
	json_t *statement;
	bool ours;

	if (strcmp(t->ask->role, "ci") != 0)
		return rota_refuse(
			why, ROTA_REFUSED_KIND, "statements of builds are asked for in role ci");
	if (rota_provenance_parse(bytes, &statement, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_MEMBER);
	predicate = json_object_get(statement, "predicate");
	run = json_object_get(json_object_get(predicate, "runDetails"), "metadata");
	ours = is_ours(t, json_object_get(predicate, "buildDefinition"));
	t->build = json_incref(json_object_get(run, "invocationId"));
	json_decref(statement);
	if (!ours)
		return rota_refuse(why, ROTA_REFUSED_PRODUCT,
			"the build made an image of another product than %s", t->ask->scope);
	if (!json_is_string(t->build))
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "the statement names no build id");
	rota_dsse_message(bytes, &message);
	rota_digest_of(rota_bytes_span(&message), out->leaf.message);
	rota_bytes_free(&message);
	rota_digest_of(bytes, out->leaf.digest);
	return ROTA_OK;
}

/* ---- releases ---- */

/* The bytes of a target that is listed, whole. */
static enum rota_err read_target(const struct trial *t, const char *path, const json_t *entry,
	size_t max, struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_store_target target;
	uint8_t digest[ROTA_DIGEST_LEN];
	char file[ROTA_FILE_PATH_MAX];

	if (!entry || !rota_store_target_read(entry, &target))
		return rota_refuse(why, ROTA_REFUSED_BYTES, "%s is not listed", path);
	rota_store_target_path(t->dir, path, target.sha256, file);
	if (rota_file_read(file, max, out, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_BYTES);
	rota_digest_of(rota_bytes_span(out), digest);
	if (memcmp(digest, target.sha256, sizeof(digest)) == 0)
		return ROTA_OK;
	rota_bytes_free(out);
	return rota_refuse(why, ROTA_REFUSED_BYTES, "%s is not the listed file", file);
}

static enum rota_err judge_builders(const struct trial *t, const json_t *release,
	const struct judge_list *list, struct rota_fail *why)
{
	const char *path = json_string_value(json_object_get(release, "provenance"));
	const struct rota_named_key *builders;
	struct rota_bytes bundle = { 0 };
	json_t *entry = NULL;
	enum rota_err err = ROTA_OK;
	size_t count;

	builders = rota_policy_builders(t->j->policy, &count);
	if (path)
		err = list->find(list->ctx, path, &entry, why);
	if (err == ROTA_OK && path)
		err = read_target(t, path, entry, ROTA_DSSE_BUNDLE_MAX, &bundle, why);
	json_decref(entry);
	if (err != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_BYTES);
	err = rota_provenance_check(
		rota_bytes_span(&bundle), builders, count, release, t->rule->builders, why);
	rota_bytes_free(&bundle);
	if (err == ROTA_OK)
		return ROTA_OK;
	return rota_refuse_as(
		why, err == ROTA_ERR_THRESHOLD ? ROTA_REFUSED_APPROVALS : ROTA_REFUSED_BYTES);
}

enum rota_err judge_origin(struct trial *t, struct rota_span text, const struct judge_list *list,
	struct rota_fail *why)
{
	json_t *release;
	enum rota_err err = ROTA_OK;

	if (rota_json_parse_strict(text, &release, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_SPELLING);
	json_decref(t->build);
	t->build = json_incref(json_object_get(release, "build"));
	if (t->rule->builders > 0)
		err = judge_builders(t, release, list, why);
	json_decref(release);
	return err;
}

enum rota_err judge_origin_file(struct trial *t, const char *path, const json_t *entry,
	const struct judge_list *list, struct rota_fail *why)
{
	struct rota_bytes text;
	enum rota_err err;

	ROTA_TRY(read_target(t, path, entry, ROTA_RELEASE_MAX, &text, why));
	err = judge_origin(t, rota_bytes_span(&text), list, why);
	rota_bytes_free(&text);
	return err;
}
