/* SPDX-License-Identifier: Apache-2.0 */
/* Series of roots: made, and judged by who is asked to sign them. Each row of the table is a good series with one value
 * changed. */
#include "host/base/when.h"
#include "host/series/series.h"
#include "host/sign/p256.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define HOUR 3600
#define DAY 86400
#define NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define SLOTS 4
#define LIFETIME (365 * DAY)

struct scene {
	json_t *before, *roots;
	struct rota_series_plan plan;
	struct rota_series_pair pairs[SLOTS + 1];
	struct rota_fail why;
};

/* No point of the curve; nothing here computes with it. */
static void point(unsigned n, uint8_t out[static ROTA_P256_KEY_LEN])
{
	memset(out, 0, ROTA_P256_KEY_LEN);
	out[0] = 4;
	out[ROTA_P256_KEY_LEN - 1] = (uint8_t)n;
	out[1] = (uint8_t)(n >> 8);
}

static void give(json_t *root, const char *role, unsigned first, unsigned count, int threshold)
{
	json_t *ids = json_array();

	for (unsigned n = first; n < first + count; n++) {
		uint8_t key[ROTA_P256_KEY_LEN];
		char id[ROTA_DIGEST_HEX];

		point(n, key);
		rota_p256_key_id(key, id);
		json_array_append_new(ids, json_string(id));
		json_object_set_new(json_object_get(root, "keys"), id, rota_p256_key_object(key));
	}
	json_object_set_new(json_object_get(root, "roles"), role,
		json_pack("{s:o,s:i}", "keyids", ids, "threshold", threshold));
}

static void put_time(json_t *root, const char *name, uint64_t at)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(at, text);
	json_object_set_new(root, name, json_string(text));
}

/* Root 7, as `rota init` and its followers write them. */
static json_t *root_before(void)
{
	json_t *root = json_pack("{s:s,s:b,s:{},s:{},s:s,s:i}", "_type", "root",
		"consistent_snapshot", 1, "keys", "roles", "spec_version", "1.0.34", "version", 7);

	give(root, "root", 1, 3, 2);
	give(root, "targets", 4, 3, 2);
	give(root, "snapshot", 7, 1, 1);
	give(root, "timestamp", 8, 1, 1);
	put_time(root, "x-rota-issued", NOW - 30 * DAY);
	put_time(root, "x-rota-not-before", NOW - 30 * DAY);
	put_time(root, "expires", NOW + 300 * DAY);
	return root;
}

static enum rota_err make(struct scene *s)
{
	return rota_series_make(s->before, &s->plan, s->pairs, &s->roots, &s->why);
}

static bool begin(struct scene *s)
{
	*s = (struct scene){ .before = root_before(),
		.plan = { .issued_s = NOW,
			.from_s = NOW + DAY,
			.period_s = 6 * HOUR,
			.slots = SLOTS,
			.landing_s = 90 * DAY } };
	for (unsigned i = 0; i <= SLOTS; i++) {
		point(100 + 2 * i, s->pairs[i].snapshot);
		point(101 + 2 * i, s->pairs[i].timestamp);
	}
	return make(s) == ROTA_OK;
}

static void end(struct scene *s)
{
	json_decref(s->before);
	json_decref(s->roots);
}

static enum rota_err judge(struct scene *s, const json_t *roots, uint64_t now)
{
	return rota_series_judge(s->before, roots, LIFETIME, now, &s->why);
}

static const char *text(const json_t *root, const char *name)
{
	return json_string_value(json_object_get(root, name));
}

TEST(makes_roots_that_touch)
{
	struct scene s;
	const json_t *one, *landing;

	CHECK(begin(&s));
	CHECK_EQ(json_array_size(s.roots), SLOTS + 1);
	one = json_array_get(s.roots, 1);
	landing = json_array_get(s.roots, SLOTS);
	CHECK_EQ(json_integer_value(json_object_get(one, "version")), 9);
	CHECK(strcmp(text(one, "x-rota-issued"), "2027-01-15T08:00:00Z") == 0);
	CHECK(strcmp(text(one, "x-rota-not-before"), "2027-01-16T14:00:00Z") == 0);
	CHECK(strcmp(text(one, "x-rota-slot-end"), "2027-01-16T20:00:00Z") == 0);
	CHECK(strcmp(text(one, "expires"), "2027-01-23T20:00:00Z") == 0);
	CHECK(strcmp(text(landing, "x-rota-not-before"), "2027-01-17T08:00:00Z") == 0);
	CHECK(strcmp(text(landing, "expires"), "2027-04-17T08:00:00Z") == 0);
	CHECK(strcmp(text(landing, "x-rota-slot-end"), text(landing, "expires")) == 0);
	CHECK_EQ(json_object_size(json_object_get(one, "keys")), 8); /* the old pair is gone */
	CHECK_OK(judge(&s, s.roots, NOW));
	end(&s);
}

TEST(makes_no_plan_out_of_bounds)
{
	static const struct {
		const char *reason;
		struct rota_series_plan plan;
	} rows[] = {
		{ "no slot", { NOW, NOW, 6 * HOUR, 0, DAY } },
		{ "too many", { NOW, NOW, 6 * HOUR, ROTA_SERIES_MAX, DAY } },
		{ "too short", { NOW, NOW, 2 * HOUR - 1, 1, DAY } },
		{ "too long", { NOW, NOW, 30 * DAY + 1, 1, DAY } },
		{ "no landing", { NOW, NOW, 6 * HOUR, 1, 0 } },
		{ "a landing root for ever", { NOW, NOW, 6 * HOUR, 1, 90 * DAY + 1 } },
	};
	struct scene s;
	json_t *roots = NULL;

	CHECK(begin(&s));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		CHECK_EQ(rota_series_make(s.before, &rows[i].plan, s.pairs, &roots, &s.why),
			ROTA_ERR_ARGUMENT);
		CHECK(!roots);
	}
	ROW(NULL);
	end(&s);
}

TEST(one_signature_of_each_online_role)
{
	struct scene s;

	CHECK(begin(&s));
	give(s.before, "snapshot", 7, 2, 2);
	json_decref(s.roots);
	CHECK_EQ(make(&s), ROTA_ERR_UNSUPPORTED);
	s.roots = NULL;
	end(&s);
}

/* What stands at a path like "0 roles root threshold", set to a JSON text, or taken away. */
static void edit(json_t *roots, const char *path, const char *value)
{
	json_t *at = roots;
	char name[80];

	for (;;) {
		size_t len = strcspn(path, " ");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (!path[len])
			break;
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name))
				       : json_object_get(at, name);
		path += len + 1;
	}
	if (!value)
		json_object_del(at, name);
	else if (json_is_array(at))
		json_array_set_new(
			at, (size_t)atoi(name), json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_set_new(at, name, json_loads(value, JSON_DECODE_ANY, NULL));
}

TEST(refused)
{
	static const struct {
		const char *reason, *path, *value;
		enum rota_err want;
	} rows[] = {
		{ "the same value", "0 version", "8", ROTA_OK },
		{ "an unknown member", "2 x", "1", ROTA_ERR_FORMAT },
		{ "another member of root", "2 roles root threshold", "1", ROTA_ERR_FORMAT },
		{ "a key of root gone", "2 roles root keyids 0", "\"00\"", ROTA_ERR_FORMAT },
		{ "another targets key", "0 roles targets keyids 0", "\"00\"", ROTA_ERR_FORMAT },
		{ "two signatures", "1 roles snapshot threshold", "2", ROTA_ERR_FORMAT },
		{ "a key that is not there", "1 roles timestamp keyids 0", "\"00\"",
			ROTA_ERR_FORMAT },
		{ "a key that no role has", "3 keys x", "{}", ROTA_ERR_FORMAT },
		{ "another type", "3 _type", "\"targets\"", ROTA_ERR_FORMAT },
		{ "not consistent", "3 consistent_snapshot", "false", ROTA_ERR_FORMAT },
		{ "no slot-end", "3 x-rota-slot-end", NULL, ROTA_ERR_FORMAT },
		{ "no not-before", "3 x-rota-not-before", NULL, ROTA_ERR_FORMAT },
		{ "no root at all", "3", "1", ROTA_ERR_FORMAT },
		{ "a version left out", "0 version", "9", ROTA_ERR_VERSION },
		{ "a version twice", "2 version", "9", ROTA_ERR_VERSION },
		{ "issued later than the others", "2 x-rota-issued", "\"2027-01-15T08:00:01Z\"",
			ROTA_ERR_TIME },
		{ "begins with a gap", "2 x-rota-not-before", "\"2027-01-16T20:00:01Z\"",
			ROTA_ERR_TIME },
		{ "begins before the other ends", "2 x-rota-not-before", "\"2027-01-16T19:59:59Z\"",
			ROTA_ERR_TIME },
		{ "begins before it is issued", "0 x-rota-not-before", "\"2027-01-15T07:59:59Z\"",
			ROTA_ERR_TIME },
		{ "another length", "3 x-rota-slot-end", "\"2027-01-17T12:00:00Z\"",
			ROTA_ERR_TIME },
		{ "no length", "0 x-rota-slot-end", "\"2027-01-16T08:00:00Z\"", ROTA_ERR_TIME },
		{ "lives on for longer", "1 expires", "\"2027-01-23T20:00:01Z\"", ROTA_ERR_TIME },
		{ "lives on for less", "1 expires", "\"2027-01-23T19:59:59Z\"", ROTA_ERR_TIME },
		{ "the landing root expires later", "4 expires", "\"2027-04-17T08:00:01Z\"",
			ROTA_ERR_TIME },
		{ "a longer landing", "4 x-rota-slot-end", "\"2027-04-17T08:00:01Z\"",
			ROTA_ERR_TIME },
	};
	struct scene s;

	CHECK(begin(&s));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *roots = json_deep_copy(s.roots);

		ROW(rows[i].reason);
		edit(roots, rows[i].path, rows[i].value);
		CHECK_EQ(judge(&s, roots, NOW), rows[i].want);
		json_decref(roots);
	}
	ROW(NULL);
	end(&s);
}

/* Several values changed, so that one rule alone is broken. */
TEST(refused_for_one_reason)
{
	static const struct {
		const char *reason;
		const char *edit[3][2];
		enum rota_err want;
	} rows[] = {
		{ "the landing root a second later, and as much shorter",
			{ { "4 x-rota-not-before", "\"2027-01-17T08:00:01Z\"" } }, ROTA_ERR_TIME },
		{ "the last slot an hour longer",
			{ { "3 x-rota-slot-end", "\"2027-01-17T09:00:00Z\"" },
				{ "3 expires", "\"2027-01-24T09:00:00Z\"" },
				{ "4 x-rota-not-before", "\"2027-01-17T09:00:00Z\"" } },
			ROTA_ERR_TIME },
		{ "a landing root of 90 days and a second",
			{ { "4 x-rota-slot-end", "\"2027-04-17T08:00:01Z\"" },
				{ "4 expires", "\"2027-04-17T08:00:01Z\"" } },
			ROTA_ERR_TIME },
		{ "a landing root of a day",
			{ { "4 x-rota-slot-end", "\"2027-01-18T08:00:00Z\"" },
				{ "4 expires", "\"2027-01-18T08:00:00Z\"" } },
			ROTA_OK },
	};
	struct scene s;

	CHECK(begin(&s));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *roots = json_deep_copy(s.roots);

		ROW(rows[i].reason);
		for (size_t k = 0; k < 3 && rows[i].edit[k][0]; k++)
			edit(roots, rows[i].edit[k][0], rows[i].edit[k][1]);
		CHECK_EQ(judge(&s, roots, NOW), rows[i].want);
		json_decref(roots);
	}
	ROW(NULL);
	end(&s);
}

/* In the pair of one slot, a key from somewhere else. */
TEST(keys_stand_once)
{
	static const struct {
		const char *reason;
		unsigned key;
		enum rota_err want;
	} rows[] = {
		{ "its own", 102, ROTA_OK },
		{ "of another slot", 104, ROTA_ERR_ROLE },
		{ "its own timestamp key", 103, ROTA_ERR_ROLE },
		{ "of root", 1, ROTA_ERR_ROLE },
		{ "of targets", 4, ROTA_ERR_ROLE },
		{ "of the snapshot before", 7, ROTA_ERR_ROLE },
	};
	struct scene s;

	CHECK(begin(&s));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		point(rows[i].key, s.pairs[1].snapshot);
		json_decref(s.roots);
		CHECK_OK(make(&s));
		CHECK_EQ(judge(&s, s.roots, NOW), rows[i].want);
	}
	ROW(NULL);
	end(&s);
}

TEST(clocks)
{
	struct scene s;

	CHECK(begin(&s));
	CHECK_OK(judge(&s, s.roots, NOW - 600));
	CHECK_EQ(judge(&s, s.roots, NOW - 601), ROTA_ERR_TIME);
	CHECK_OK(judge(&s, s.roots, NOW + DAY + 6 * HOUR - 1));
	CHECK_EQ(judge(&s, s.roots, NOW + DAY + 6 * HOUR), ROTA_ERR_EXPIRED);
	CHECK_EQ(rota_series_judge(s.before, s.roots, 91 * DAY, NOW, &s.why), ROTA_ERR_TIME);
	put_time(s.before, "x-rota-issued", NOW + 1);
	CHECK_EQ(judge(&s, s.roots, NOW), ROTA_ERR_TIME);
	end(&s);
}

TEST(follows_a_landing_root_alone)
{
	struct scene s;

	CHECK(begin(&s));
	json_decref(s.before);
	s.before = json_deep_copy(json_array_get(s.roots, SLOTS));
	json_decref(s.roots);
	for (unsigned i = 0; i <= SLOTS; i++) {
		point(200 + 2 * i, s.pairs[i].snapshot);
		point(201 + 2 * i, s.pairs[i].timestamp);
	}
	CHECK_OK(make(&s));
	CHECK_EQ(judge(&s, s.roots, NOW), ROTA_ERR_TIME); /* begins before that is due */
	json_decref(s.roots);
	s.plan.from_s = NOW + 2 * DAY;
	CHECK_OK(make(&s));
	CHECK_OK(judge(&s, s.roots, NOW));
	put_time(s.before, "expires", NOW + 93 * DAY); /* as a root of a slot */
	json_decref(s.roots);
	CHECK_OK(make(&s));
	CHECK_EQ(judge(&s, s.roots, NOW), ROTA_ERR_STATE);
	end(&s);
}

TEST(sizes)
{
	struct scene s;

	CHECK(begin(&s));
	while (json_array_size(s.roots) > 1)
		json_array_remove(s.roots, 0);
	CHECK_EQ(judge(&s, s.roots, NOW), ROTA_ERR_LIMIT);
	while (json_array_size(s.roots) <= ROTA_SERIES_MAX)
		json_array_append(s.roots, json_array_get(s.roots, 0));
	CHECK_EQ(judge(&s, s.roots, NOW), ROTA_ERR_LIMIT);
	CHECK_EQ(judge(&s, NULL, NOW), ROTA_ERR_LIMIT);
	end(&s);
}

TEST(an_ordinary_root_ends_it)
{
	struct scene s;
	json_t *root;

	CHECK(begin(&s));
	CHECK_OK(rota_series_end(json_array_get(s.roots, SLOTS), &s.pairs[0], NOW + 2 * DAY,
		LIFETIME, &root, &s.why));
	CHECK_EQ(json_integer_value(json_object_get(root, "version")), 8 + SLOTS + 1);
	CHECK(!json_object_get(root, "x-rota-slot-end"));
	CHECK(strcmp(text(root, "x-rota-not-before"), text(root, "x-rota-issued")) == 0);
	CHECK_EQ(json_object_size(json_object_get(root, "keys")), 8);
	json_decref(root);
	end(&s);
}

TEST(shows_each_root)
{
	struct rota_bytes out;
	struct scene s;
	unsigned lines = 0;

	CHECK(begin(&s));
	CHECK_OK(rota_series_show(s.before, s.roots, &out, &s.why));
	for (size_t i = 0; i < out.len; i++)
		lines += out.p[i] == '\n';
	CHECK_EQ(lines, 3 + 1 + SLOTS + 1);
	CHECK(strstr((const char *)out.p, "\n9  2027-01-16T14:00:00Z  2027-01-16T20:00:00Z  "));
	rota_bytes_free(&out);
	end(&s);
}

TESTS(T(makes_roots_that_touch), T(makes_no_plan_out_of_bounds),
	T(one_signature_of_each_online_role), T(refused), T(refused_for_one_reason),
	T(keys_stand_once), T(clocks), T(follows_a_landing_root_alone), T(sizes),
	T(an_ordinary_root_ends_it), T(shows_each_root))
