/* SPDX-License-Identifier: Apache-2.0 */
/* rota series show: the timeline, and what is to be seen to. */
#include "apps/rota/opts.h"
#include "apps/rota/slots.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/store.h"

#include <stdio.h>

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "the timeline as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota series show [OPTION]",
	.text = "Shows each root that is signed ahead, and the one that counts: from when until "
		"when, whether a\n"
		"keeper has it (sealed) or its keys are at hand (open), which keys sign now, what "
		"is published,\n"
		"and what somebody must see to.",
	.examples = "  rota series show\n  rota series show --json",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

struct show {
	const struct rota_ahead *ahead;
	struct rota_due due;
	uint64_t published, now;
};

/* SPEC 23, "Slot of a series". */
static const char *state_of(const struct show *v, size_t i)
{
	const struct rota_timeslot *slot = &v->ahead->timeline.at[i];

	if (slot->end_s <= slot->from_s)
		return "skipped";
	if (v->now >= slot->end_s && slot->end_s != ROTA_SLOT_OPEN)
		return rota_timeline_over(&v->ahead->timeline, i, v->now) ? "over" : "ending";
	if (v->ahead->kept[i] && !v->ahead->open[i])
		return "sealed";
	if (slot->version == v->published)
		return "current";
	return v->ahead->kept[i] ? "open" : "signed";
}

static bool is_among(const struct rota_due *due, size_t at)
{
	for (size_t i = 0; i < due->signers; i++)
		if (due->sign[i] == at)
			return true;
	return false;
}

static json_t *row_of(const struct show *v, size_t i)
{
	const struct rota_timeslot *slot = &v->ahead->timeline.at[i];
	char from[ROTA_WHEN_LEN], until[ROTA_WHEN_LEN];
	json_t *row;

	rota_when_text(slot->from_s, from);
	row = json_pack("{s:s,s:b,s:b,s:b,s:s,s:b,s:n,s:I}", "from", from, "keeper",
		(int)v->ahead->kept[i], "landing",
		v->ahead->root[i] && rota_root_lands(v->ahead->root[i]), "published",
		slot->version <= v->published, "state", state_of(v, i), "signs",
		is_among(&v->due, i), "until", "version", (json_int_t)slot->version);
	if (slot->end_s != ROTA_SLOT_OPEN) {
		rota_when_text(slot->end_s, until);
		json_object_set_new(row, "until", json_string(until));
	}
	return row;
}

static void print_row(const json_t *row)
{
	const char *until = json_string_value(json_object_get(row, "until"));

	printf("%7lld  %s  %-20s  %s%s%s%s\n",
		(long long)json_integer_value(json_object_get(row, "version")),
		json_string_value(json_object_get(row, "from")), until ? until : "-",
		json_string_value(json_object_get(row, "state")),
		json_is_true(json_object_get(row, "signs")) ? ", signs" : "",
		json_is_true(json_object_get(row, "published")) ? ", published" : "",
		json_is_true(json_object_get(row, "landing")) ? ", landing root" : "");
}

static void print_all(const json_t *list)
{
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
		return;
	}
	if (!json_array_size(list))
		printf("no series is under way\n");
	else
		printf("   root  %-20s  %-20s  state\n", "from", "until");
	for (size_t i = 0; i < json_array_size(list); i++)
		print_row(json_array_get(list, i));
}

static enum rota_err show(struct session *s)
{
	struct rota_ahead ahead;
	struct show v = { .ahead = &ahead, .now = s->desk.now };
	json_t *list = json_array();
	enum rota_err err;

	err = rota_store_newest(&s->dir, "root", false, &v.published, &s->why);
	if (err == ROTA_OK)
		err = rota_ahead_open(&s->dir, &ahead, &s->why);
	if (err == ROTA_OK) {
		rota_ahead_due(&ahead, v.now, &v.due);
		for (size_t i = 0; i < ahead.timeline.count; i++)
			json_array_append_new(list, row_of(&v, i));
		rota_ahead_close(&ahead);
		print_all(list);
		slots_warn(s);
	}
	json_decref(list);
	return err;
}

int verb_series_show(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, show(&s));
}
