/* SPDX-License-Identifier: Apache-2.0 */
#include "host/series/timeline.h"
#include "host/base/when.h"

static bool time_of(const json_t *root, const char *name, uint64_t *at)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text && rota_when_parse(text, at);
}

bool rota_root_lands(const json_t *root)
{
	const json_t *end = json_object_get(root, "x-rota-slot-end");

	return end && json_equal(end, json_object_get(root, "expires"));
}

enum rota_err rota_timeline_add(struct rota_timeline *t, const json_t *root, struct rota_fail *why)
{
	struct rota_timeslot slot = { .end_s = ROTA_SLOT_OPEN };

	slot.version = (uint64_t)json_integer_value(json_object_get(root, "version"));
	if (slot.version < 1 || !time_of(root, "x-rota-not-before", &slot.from_s) ||
		(json_object_get(root, "x-rota-slot-end") &&
			!time_of(root, "x-rota-slot-end", &slot.end_s)))
		return rota_fail(
			why, ROTA_ERR_FORMAT, "a root without version or times (SPEC 3.5)");
	return rota_timeline_put(t, &slot, why);
}

/* Whatever was to come after this root begins does not come. */
static void cut(struct rota_timeline *t, uint64_t from_s)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->at[i].end_s > from_s)
			t->at[i].end_s = from_s;
}

enum rota_err rota_timeline_put(
	struct rota_timeline *t, const struct rota_timeslot *slot, struct rota_fail *why)
{
	if (t->count == ROTA_TIMELINE_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"more than %d roots at once, which two series have (SPEC 23.1)",
			ROTA_TIMELINE_MAX);
	if (t->count && slot->version != t->at[t->count - 1].version + 1)
		return rota_fail(why, ROTA_ERR_VERSION, "root %llu does not follow root %llu",
			(unsigned long long)slot->version,
			(unsigned long long)t->at[t->count - 1].version);
	cut(t, slot->from_s);
	t->at[t->count++] = *slot;
	return ROTA_OK;
}

static bool signs(const struct rota_timeslot *slot, uint64_t now)
{
	if (slot->end_s <= slot->from_s || now + ROTA_OVERLAP_S < slot->from_s)
		return false;
	return slot->end_s == ROTA_SLOT_OPEN || now < slot->end_s + ROTA_OVERLAP_S;
}

bool rota_timeline_over(const struct rota_timeline *t, size_t at, uint64_t now)
{
	uint64_t end_s = t->at[at].end_s;

	return end_s != ROTA_SLOT_OPEN && now >= end_s + ROTA_OVERLAP_S;
}

void rota_timeline_due(const struct rota_timeline *t, uint64_t now, struct rota_due *out)
{
	*out = (struct rota_due){ 0 };
	for (size_t i = t->count; i-- > 0;) {
		if (t->at[i].from_s <= now && !out->publish)
			out->publish = t->at[i].version;
		if (out->signers < 2 && signs(&t->at[i], now))
			out->sign[1 - out->signers++] = i;
	}
	if (out->signers == 1)
		out->sign[0] = out->sign[1];
}
