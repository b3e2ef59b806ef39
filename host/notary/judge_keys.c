/* SPDX-License-Identifier: Apache-2.0 */
/* What a list of campaigns for keys of devices may say after the one before it (SPEC 19.7, 32.2). That a device would read it was
 * seen before. Each campaign is one that the log has as it was approved, so who asks for the signature chooses neither purpose,
 * stages nor generation, and no more devices than were said; and what is over stays over. */
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"
#include "host/repo/judge.h"

#include <string.h>

/* Of a request for a campaign, what every list of it says again (SPEC 32.2). */
static const char *const shared[] = { "activation", "cipher", "emergency", "generation",
	"overlap_s", "purpose", "stages", "suite" };

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *id_of(const json_t *campaign)
{
	return rota_judge_text(campaign, "id");
}

/* NULL: it lists none of that id. */
static const json_t *find(const json_t *list, const char *id)
{
	const json_t *all = json_object_get(list, "campaigns");

	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(id_of(json_array_get(all, i)), id) == 0)
			return json_array_get(all, i);
	return NULL;
}

/* The highest generation of a purpose; 0: none. */
static json_int_t newest(const json_t *list, const char *purpose)
{
	const json_t *all = json_object_get(list, "campaigns");
	json_int_t highest = 0;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		if (strcmp(rota_judge_text(one, "purpose"), purpose) == 0 &&
			number(one, "generation") > highest)
			highest = number(one, "generation");
	}
	return highest;
}

/* What was approved is what is listed. */
static enum rota_err judge_request(
	const struct trial *t, const json_t *campaign, struct rota_fail *why)
{
	const struct rota_record_campaign *known;
	uint8_t id[ROTA_DIGEST_LEN];
	json_int_t devices = 0;
	const json_t *trees = json_object_get(campaign, "trees");

	known = rota_unhex(id_of(campaign), ROTA_BUF(id)) ? rota_records_campaign(t->j->records, id)
							  : NULL;
	if (!known || strcmp(known->scope, t->ask->scope) != 0 ||
		strcmp(known->role, t->ask->role) != 0)
		return rota_refuse(why, ROTA_REFUSED_BYTES,
			"the log has no campaign %.64s of role %s", id_of(campaign), t->ask->role);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if (!json_equal(json_object_get(known->body, shared[i]),
			    json_object_get(campaign, shared[i])))
			return rota_refuse(why, ROTA_REFUSED_MEMBER,
				"'%s' of campaign %.16s is not as it was asked for", shared[i],
				id_of(campaign));
	for (size_t i = 0; i < json_array_size(trees); i++)
		devices += number(json_array_get(trees, i), "size");
	if (devices <= number(known->body, "most"))
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_CEILING,
		"campaign %.16s is for %lld devices, and was asked for at most %lld",
		id_of(campaign), (long long)devices, (long long)number(known->body, "most"));
}

/* Its trees stay, others come behind them; an abort is one for good. */
static enum rota_err judge_change(
	const json_t *before, const json_t *campaign, struct rota_fail *why)
{
	const json_t *old = json_object_get(before, "trees");
	const json_t *all = json_object_get(campaign, "trees");

	for (size_t i = 0; i < json_array_size(old); i++)
		if (!json_equal(json_array_get(old, i), json_array_get(all, i)))
			return rota_refuse(why, ROTA_REFUSED_VANISHED,
				"a tree of campaign %.16s goes, or is another", id_of(campaign));
	if (strcmp(rota_judge_text(before, "state"), "aborted") != 0 ||
		strcmp(rota_judge_text(campaign, "state"), "aborted") == 0)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_CEILING, "campaign %.16s was aborted, and stays so",
		id_of(campaign));
}

static enum rota_err judge_one(
	const struct trial *t, const json_t *was, const json_t *campaign, struct rota_fail *why)
{
	const json_t *before = find(was, id_of(campaign));
	json_int_t last = newest(was, rota_judge_text(campaign, "purpose"));

	ROTA_TRY(judge_request(t, campaign, why));
	if (before)
		return judge_change(before, campaign, why);
	if (number(campaign, "generation") > last)
		return ROTA_OK;
	return rota_refuse(why, ROTA_REFUSED_VERSION,
		"campaign %.16s has generation %lld, and %lld of its purpose was listed",
		id_of(campaign), (long long)number(campaign, "generation"), (long long)last);
}

/* One that another of its purpose follows may go; the newest tells which generation is the next. */
static enum rota_err judge_gone(const json_t *was, const json_t *now, struct rota_fail *why)
{
	const json_t *all = json_object_get(was, "campaigns");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		const char *purpose = rota_judge_text(one, "purpose");

		if (!find(now, id_of(one)) && newest(now, purpose) <= number(one, "generation"))
			return rota_refuse(why, ROTA_REFUSED_VANISHED,
				"it lists campaign %.16s no more, the newest of %s", id_of(one),
				purpose);
	}
	return ROTA_OK;
}

enum rota_err judge_keys(
	struct trial *t, const json_t *was, const json_t *now, struct rota_fail *why)
{
	const json_t *all = json_object_get(now, "campaigns");

	ROTA_TRY(judge_gone(was, now, why));
	for (size_t i = 0; i < json_array_size(all); i++)
		ROTA_TRY(judge_one(t, was, json_array_get(all, i), why));
	return ROTA_OK;
}
