/* SPDX-License-Identifier: Apache-2.0 */
/* What a rollout policy may say after the one before it, within what the release's signers allow (SPEC 8.6, 8.7, 19.2).
 * Devices hold the ceilings themselves; here a person is told, and what devices cannot see is held: how long a stage has
 * been open, that an abort stays one, that somebody looked before everyone gets it. */
#include "host/base/when.h"
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/notary/attempts.h"
#include "host/repo/judge.h"
#include "host/repo/store.h"
#include "rota/trust/rollout.h"

#include <string.h>

/* A campaign that is new or changed, with its release. */
struct campaign {
	struct trial *t;
	const json_t *now;
	json_t *release; /* text of release.json */
	struct rota_ceilings ceilings;
	uint64_t issued_s;
};

static uint32_t number(const json_t *object, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(object, name));
}

/* The release.json that a campaign points to: one of the log's, or that role ci lists, read under its digest. */
static enum rota_err read_release(struct campaign *c, struct rota_fail *why)
{
	const json_t *release = json_object_get(c->now, "release");
	const char *path = rota_judge_text(release, "path");
	struct rota_record_role *ci = rota_records_role(c->t->j->records, c->t->ask->scope, "ci");
	uint8_t sha256[ROTA_DIGEST_LEN], is[ROTA_DIGEST_LEN], listed[ROTA_DIGEST_LEN];
	char file[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	if (!rota_unhex(rota_judge_text(release, "sha256"), ROTA_BUF(sha256)))
		return rota_refuse(why, ROTA_REFUSED_MEMBER, "a campaign without a release");
	if (!rota_records_release(c->t->j->records, c->t->ask->scope, sha256) &&
		!(ci &&
			judge_digest_of(
				json_object_get(json_object_get(ci->content, "targets"), path),
				listed) &&
			memcmp(listed, sha256, sizeof(listed)) == 0))
		return rota_refuse(why, ROTA_REFUSED_BYTES,
			"the log knows no release of that digest at %s", path);
	rota_store_target_path(c->t->dir, path, sha256, file);
	if (rota_file_read(file, ROTA_RELEASE_MAX, &text, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_BYTES);
	rota_digest_of(rota_bytes_span(&text), is);
	err = memcmp(is, sha256, sizeof(is)) == 0
		? rota_json_parse_strict(rota_bytes_span(&text), &c->release, why)
		: rota_refuse(why, ROTA_REFUSED_BYTES, "%s is another file", file);
	rota_bytes_free(&text);
	return err;
}

static enum rota_err open_campaign(struct campaign *c, struct rota_fail *why)
{
	const json_t *ceilings;

	ROTA_TRY(read_release(c, why));
	ceilings = json_object_get(c->release, "ceilings");
	c->ceilings = (struct rota_ceilings){ .canary = number(ceilings, "canary"),
		.first_ppm = number(ceilings, "first_ppm"),
		.growth = number(ceilings, "growth"),
		.soak_s = number(ceilings, "soak_s") };
	if (rota_when_parse(rota_judge_text(c->release, "issued"), &c->issued_s))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_BYTES, "the release does not say when it was issued");
}

static bool has_group(const struct campaign *c, const char *name)
{
	const json_t *groups = json_object_get(json_object_get(c->release, "ceilings"), "groups");

	for (size_t i = 0; i < json_array_size(groups); i++)
		if (strcmp(json_string_value(json_array_get(groups, i)), name) == 0)
			return true;
	return false;
}

/* One open stage. */
static enum rota_err judge_stage(
	const struct campaign *c, const json_t *stage, struct rota_fail *why)
{
	const char *kind = rota_judge_text(stage, "kind");
	const char *everyone = rota_judge_text(json_object_get(c->release, "ceilings"), "everyone");
	uint32_t ceiling = rota_rollout_ceiling(&c->ceilings, c->issued_s, c->t->j->now);

	if (strcmp(kind, "canary") == 0 &&
		json_array_size(json_object_get(stage, "tags")) > c->ceilings.canary)
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"a canary list is longer than the %u that the release allows",
			c->ceilings.canary);
	if (strcmp(kind, "ppm") == 0 && number(stage, "ppm") > ceiling)
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"a stage of %u ppm is open, the release allows %u by now",
			number(stage, "ppm"), ceiling);
	if (strcmp(kind, "group") == 0 && !has_group(c, rota_judge_text(stage, "name")))
		return rota_refuse(why, ROTA_REFUSED_CEILING, "the release allows no group %s",
			rota_judge_text(stage, "name"));
	if (strcmp(kind, "everyone") == 0 && strcmp(everyone, "human") == 0 &&
		c->t->rule->approvals == 0)
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"the release wants a person to agree before everyone gets it, and [rule "
			"%s] "
			"takes no approval",
			c->t->rule->name);
	return ROTA_OK;
}

static enum rota_err judge_stages(const struct campaign *c, uint64_t open, struct rota_fail *why)
{
	const json_t *stages = json_object_get(c->now, "stages");

	for (size_t i = 0; i <= open; i++)
		ROTA_TRY(judge_stage(c, json_array_get(stages, i), why));
	return ROTA_OK;
}

/* Stages open one after the other, each after a soak of the one before; what was opened is not changed. */
static enum rota_err judge_attempt(
	const struct campaign *c, const struct rota_attempt *attempt, struct rota_fail *why)
{
	const struct rota_record_attempt *was =
		rota_records_attempt(c->t->j->records, attempt->key);
	uint64_t last = was ? was->open : 0, open_s;
	uint8_t stages[ROTA_DIGEST_LEN];

	if (was &&
		(!rota_attempt_stages(c->now, was->open + 1, stages) ||
			memcmp(stages, was->stages, sizeof(stages)) != 0))
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"stages that were opened are not changed; begin another attempt");
	if (was && was->aborted && !attempt->aborted && c->t->rule->approvals == 0)
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"this attempt was aborted; going on takes a rule with approvals");
	if (attempt->open > last + (was != NULL))
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"stage %llu is opened before stage %llu was; --open %llu is next",
			(unsigned long long)attempt->open, (unsigned long long)attempt->open - 1,
			(unsigned long long)(last + (was != NULL)));
	open_s = was && c->t->j->now > was->since_s ? c->t->j->now - was->since_s : 0;
	if (was && attempt->open > last && open_s < c->ceilings.soak_s)
		return rota_refuse(why, ROTA_REFUSED_CEILING,
			"stage %llu opened %llu s ago, a soak takes %u s", (unsigned long long)last,
			(unsigned long long)open_s, c->ceilings.soak_s);
	return ROTA_OK;
}

static enum rota_err judge_campaign(struct campaign *c, struct rota_fail *why)
{
	struct rota_attempt attempt;

	rota_attempt_of(c->t->ask->scope, c->now, &attempt);
	ROTA_TRY(open_campaign(c, why));
	ROTA_TRY(judge_attempt(c, &attempt, why));
	return judge_stages(c, attempt.open, why);
}

static bool stood(const json_t *was, const json_t *campaign)
{
	const json_t *all = json_object_get(was, "campaigns");

	for (size_t i = 0; i < json_array_size(all); i++)
		if (json_equal(json_array_get(all, i), campaign))
			return true;
	return false;
}

static bool is_withdrawn(const char *text, const char *release)
{
	struct rota_fail why;
	json_t *file;
	bool found = false;

	if (!text || rota_json_parse_strict(rota_span_cstr(text), &file, &why) != ROTA_OK)
		return false;
	for (size_t i = 0; i < json_array_size(json_object_get(file, "withdrawn")); i++)
		found |= strcmp(json_string_value(
					json_array_get(json_object_get(file, "withdrawn"), i)),
				 release) == 0;
	json_decref(file);
	return found;
}

/* No campaign that leads to an installation points to a release that was taken back. */
static enum rota_err judge_withdrawn(
	const struct trial *t, const json_t *campaign, struct rota_fail *why)
{
	const struct rota_record_role *role =
		rota_records_role(t->j->records, t->ask->scope, "revocations");
	const char *release = rota_judge_text(json_object_get(campaign, "release"), "sha256");
	const char *state = rota_judge_text(campaign, "state"), *path;
	bool installs = strcmp(state, "active") == 0 || strcmp(state, "done") == 0;
	json_t *text;

	if (!installs || !role)
		return ROTA_OK;
	json_object_foreach(role->files, path, text)
	{
		if (is_withdrawn(json_string_value(text), release))
			return rota_refuse(why, ROTA_REFUSED_WITHDRAWN,
				"channel %s would get release %s, which was withdrawn",
				rota_judge_text(campaign, "channel"), release);
	}
	return ROTA_OK;
}

enum rota_err judge_rollout(
	struct trial *t, const json_t *was, const json_t *now, struct rota_fail *why)
{
	const json_t *all = json_object_get(now, "campaigns");

	for (size_t i = 0; i < json_array_size(all); i++) {
		struct campaign c = { .t = t, .now = json_array_get(all, i) };
		enum rota_err err = judge_withdrawn(t, c.now, why);

		if (err == ROTA_OK && !stood(was, c.now))
			err = judge_campaign(&c, why);
		json_decref(c.release);
		ROTA_TRY(err);
	}
	json_decref(t->attempts);
	t->attempts = rota_attempts_of_policy(t->ask->scope, now);
	return ROTA_OK;
}
