/* SPDX-License-Identifier: Apache-2.0 */
/* Roles that list targets: ci, rollouts, revocations, keys-link, keys-store; and those that list none. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"
#include "host/repo/store.h"

#include <stdio.h>
#include <string.h>

static const json_t *find(const void *ctx, const char *path)
{
	return json_object_get(json_object_get(ctx, "targets"), path);
}

static bool has_members(const json_t *now)
{
	return rota_json_members(now, "_type expires spec_version targets version x-rota-issued") &&
		json_is_object(json_object_get(now, "targets"));
}

enum rota_err judge_no_targets(struct trial *t, struct rota_fail *why)
{
	if (has_members(t->now) && json_object_size(json_object_get(t->now, "targets")) == 0)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_MEMBER, "role %s lists no targets", t->duty->name);
}

/* The rest of ROLE/PRODUCT.json or ROLE/PRODUCT/...: of this scope's product. (keys/link/ is as long as keys-link/.) */
static bool is_ours(const struct trial *t, const char *path)
{
	size_t role = strlen(t->duty->name), scope = strlen(t->ask->scope);
	const char *product = path + role + 1;

	return strlen(path) > role + scope && strncmp(product, t->ask->scope, scope) == 0 &&
		(product[scope] == '/' || strcmp(product + scope, ".json") == 0);
}

static enum rota_err judge_path(const struct trial *t, const char *path, const json_t *old,
	const json_t *entry, struct rota_fail *why)
{
	if (rota_judge_target(t->duty, path, old, entry, why) != ROTA_OK)
		return rota_refuse_as(why,
			why->err == ROTA_ERR_ROLE           ? ROTA_REFUSED_PATH
				: why->err == ROTA_ERR_HASH ? ROTA_REFUSED_BYTES
							    : ROTA_REFUSED_MEMBER);
	if (!rota_policy_path(t->rule, path))
		return rota_refuse(why, ROTA_REFUSED_PATH, "[rule %s] does not let %s list %s",
			t->rule->name, t->j->client, path);
	if (!is_ours(t, path))
		return rota_refuse(
			why, ROTA_REFUSED_PRODUCT, "%s is not of product %s", path, t->ask->scope);
	return ROTA_OK;
}

/* What is hashed while everybody waits. Who may put files into the repository, or has them listed, must not have us read for
 * ever: of a file as much as would be listed, of a request JUDGE_HASHED_MAX. */
struct reading {
	struct rota_digest *running;
	uint64_t left;
};

static enum rota_err take_piece(void *ctx, struct rota_span piece)
{
	struct reading *r = ctx;

	if (piece.len > r->left)
		return ROTA_ERR_LIMIT;
	r->left -= piece.len;
	rota_digest_add(r->running, piece);
	return ROTA_OK;
}

/* Whether the file has this length and digest. */
static bool is_target(
	const char *file, const struct rota_store_target *target, struct rota_fail *why)
{
	struct reading r = { .running = rota_digest_new(), .left = target->len };
	uint8_t sha256[ROTA_DIGEST_LEN];
	bool good = rota_feed_file(file, NULL, &r, take_piece, why) == ROTA_OK && r.left == 0;

	rota_digest_get(r.running, sha256);
	rota_digest_free(r.running);
	return good && memcmp(sha256, target->sha256, sizeof(sha256)) == 0;
}

/* A file that nobody reads: hashed here when it was posted, or now where it lies. */
static enum rota_err judge_artifact(
	struct trial *t, const char *path, const json_t *entry, struct rota_fail *why)
{
	struct rota_store_target target;
	char file[ROTA_FILE_PATH_MAX];
	const struct rota_artifact *known;

	if (!rota_store_target_read(entry, &target))
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "%s has no digest", path);
	known = rota_records_artifact(t->j->records, t->ask->scope, target.sha256);
	if (known && known->length == target.len)
		return ROTA_OK;
	if (target.len > JUDGE_HASHED_MAX - t->hashed)
		return rota_refuse(why, ROTA_REFUSED_BYTES,
			"%s: too many bytes to be hashed for one request; post them first", path);
	t->hashed += target.len;
	rota_store_target_path(t->dir, path, target.sha256, file);
	if (is_target(file, &target, why))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_BYTES,
		"%s has not the digest and length that would be listed", file);
}

/* The new text of a file of one product, after the one before it: sequences rise by one. */
static enum rota_err judge_successor(
	struct trial *t, const char *path, const json_t *now, struct rota_fail *why)
{
	const json_t *text = t->was ? json_object_get(t->was->files, path) : NULL;
	json_int_t last = 0, next = json_integer_value(json_object_get(now, "sequence"));
	json_t *was = NULL;
	enum rota_err err = ROTA_OK;

	if (text &&
		rota_json_parse_strict(rota_span_cstr(json_string_value(text)), &was, why) !=
			ROTA_OK)
		return why->err; /* our own record: a failure of this machine */
	last = json_integer_value(json_object_get(was, "sequence"));
	if (next != last + 1)
		err = rota_refuse(why, ROTA_REFUSED_VERSION,
			"%s has sequence %lld, the next one is %lld", path, (long long)next,
			(long long)last + 1);
	else if (strcmp(t->duty->name, "rollouts") == 0)
		err = judge_rollout(t, was, now, why);
	else if (strncmp(t->duty->name, "keys-", 5) == 0)
		err = judge_keys(t, was, now, why);
	json_decref(was);
	return err;
}

/* In the file that is to be signed. */
static enum rota_err find_now(void *ctx, const char *path, json_t **entry, struct rota_fail *why)
{
	const struct trial *t = ctx;

	(void)why;
	*entry = json_incref((json_t *)(uintptr_t)find(t->now, path));
	return ROTA_OK;
}

static enum rota_err judge_text(
	struct trial *t, const char *path, const json_t *entry, struct rota_fail *why)
{
	const json_t *text = json_object_get(t->ask->files, path);
	const struct rota_judge_list list = { t->now, find };
	const struct judge_list ours = { t, find_now };
	json_t *value;
	enum rota_err err;

	if (rota_judge_file(t->duty, path, entry, text, &list, why) != ROTA_OK)
		return rota_refuse_as(why,
			why->err == ROTA_ERR_NOT_FOUND || why->err == ROTA_ERR_HASH
				? ROTA_REFUSED_BYTES
				: why->err == ROTA_ERR_PRODUCT ? ROTA_REFUSED_PRODUCT
							       : ROTA_REFUSED_MEMBER);
	if (strcmp(t->duty->name, "ci") == 0)
		return judge_origin(t, rota_span(json_string_value(text), json_string_length(text)),
			&ours, why);
	ROTA_TRY(rota_json_parse_strict(
		rota_span(json_string_value(text), json_string_length(text)), &value, why));
	err = judge_successor(t, path, value, why);
	json_decref(value);
	return err;
}

/* A file of one product stays; a build that nobody wants any more may go. */
static enum rota_err judge_gone(const struct trial *t, const json_t *before, struct rota_fail *why)
{
	const char *path;
	json_t *entry;

	if (strcmp(t->duty->name, "ci") == 0)
		return ROTA_OK;
	json_object_foreach((json_t *)(uintptr_t)before, path,
		entry) if (!find(t->now, path)) return rota_refuse(why, ROTA_REFUSED_VANISHED,
		"it lists %s no more", path);
	return ROTA_OK;
}

enum rota_err judge_listing(struct trial *t, struct rota_fail *why)
{
	const json_t *before = t->was ? json_object_get(t->was->content, "targets") : NULL;
	size_t read = 0;
	const char *path;
	json_t *entry;

	if (!has_members(t->now))
		return rota_refuse(why, ROTA_REFUSED_MEMBER,
			"role %s has a member that is missing or unknown", t->duty->name);
	ROTA_TRY(judge_gone(t, before, why));
	json_object_foreach(json_object_get(t->now, "targets"), path, entry)
	{
		const json_t *old = json_object_get(before, path);

		if (old && json_equal(old, entry))
			continue;
		ROTA_TRY(judge_path(t, path, old, entry, why));
		if (!rota_judge_is_read(t->duty, path)) {
			ROTA_TRY(judge_artifact(t, path, entry, why));
			continue;
		}
		read++;
		ROTA_TRY(judge_text(t, path, entry, why));
	}
	if (read == json_object_size(t->ask->files))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_MEMBER,
		"'files' has a text that belongs to nothing new in role %s", t->duty->name);
}
