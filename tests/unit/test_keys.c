/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and their lives: what may follow what, what DIR/keys may say, and what the published metadata adds to it. */
#include "host/keys/depends.h"
#include "host/keys/keys.h"
#include "host/keys/period.h"
#include "host/repo/store.h"
#include "host/series/series.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <openssl/ec.h>
#include <stdlib.h>

#define DAY 86400ULL
#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "aaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char line_of[1024];

/* A line of DIR/keys. */
static const char *line(const char *at, const char *event, const char *id, const char *uses)
{
	snprintf(line_of, sizeof(line_of),
		"{\"at\":\"%s\",\"event\":\"%s\",\"id\":\"%s\",\"label\":\"\",\"owner\":\"\","
		"\"reason\":\"\",\"token\":\"\",\"uses\":\"%s\"}\n",
		at, event, id, uses);
	return line_of;
}

TEST(what_may_follow_what)
{
	/* SP 800-57 part 1 rev. 5, figure 5; rows and columns as enum rota_key_state */
	static const char *const may[] = { "-+-++", "--+++", "---++", "----+", "---+-" };

	for (int from = 0; from < ROTA_KEY_STATES; from++) {
		for (int to = ROTA_KEY_ACTIVE; to < ROTA_KEY_STATES; to++) {
			enum rota_key_state state = (enum rota_key_state)from;
			bool marked = false;
			enum rota_err err = rota_key_step(
				&state, &marked, rota_key_into((enum rota_key_state)to));

			test_row = rota_key_state_text((enum rota_key_state)to);
			CHECK_EQ(err, may[from][to] == '+' ? ROTA_OK : ROTA_ERR_STATE);
			if (err != ROTA_OK)
				CHECK_EQ(state, from);
			else /* what was destroyed is not there again */
				CHECK_EQ(state, from == ROTA_KEY_DESTROYED ? from : to);
			CHECK_EQ(marked, err == ROTA_OK && to == ROTA_KEY_COMPROMISED);
		}
	}
	test_row = NULL;
}

TEST(lines_that_are_none)
{
	static const struct {
		const char *row, *text;
	} cases[] = {
		{ "an unknown event", "\"event\":\"lost\"" },
		{ "no time", "\"at\":\"yesterday\"" },
		{ "an id that is none", "\"id\":\"aa\"" },
		{ "a number", "\"label\":1" },
		{ "an unknown member", "\"zone\":\"\"" },
	};
	struct rota_key_event e;
	struct rota_fail why;

	line("2026-01-01T00:00:00Z", "made", ID_A, "root");
	CHECK_OK(rota_key_event_read(rota_span(line_of, strlen(line_of) - 1), &e, &why));
	CHECK(e.what == ROTA_KEY_MADE && strcmp(e.uses, "root") == 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *wrong;
		json_t *value = json_loads(line("2026-01-01T00:00:00Z", "made", ID_A, ""), 0, NULL);
		char *member = rota_text("{%s}", cases[i].text);
		json_t *change = json_loads(member, 0, NULL);

		test_row = cases[i].row;
		json_object_update(value, change);
		wrong = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT);
		CHECK_EQ(rota_key_event_read(rota_span_cstr(wrong), &e, &why), ROTA_ERR_CORRUPT);
		free(wrong);
		free(member);
		json_decref(change);
		json_decref(value);
	}
	test_row = NULL;
}

TEST(files_that_are_damaged)
{
	struct rota_keys *k;
	struct scene s;
	char *text;

	CHECK(scene_begin(&s));
	tempdir_put("vault/keys", line("2026-01-01T00:00:00Z", "activated", ID_A, ""));
	CHECK_EQ(rota_keys_load(&s.vault, &k, &s.why), ROTA_ERR_CORRUPT); /* never made */
	CHECK(strstr(s.why.text, "line 1"));
	text = rota_text("%s", line("2026-01-01T00:00:00Z", "made", ID_A, "root"));
	tempdir_put("vault/keys", text);
	CHECK_OK(rota_keys_load(&s.vault, &k, &s.why));
	CHECK_EQ(rota_keys_count(k), 1);
	CHECK_EQ(rota_keys_at(k, 0)->state, ROTA_KEY_PRE_ACTIVE);
	rota_keys_free(k);
	text[strlen(text) - 1] = 0; /* power went while it was written */
	tempdir_put("vault/keys", text);
	CHECK_OK(rota_keys_load(&s.vault, &k, &s.why));
	CHECK_EQ(rota_keys_count(k), 0);
	rota_keys_free(k);
	free(text);
	text = rota_text("%s", line("2026-01-01T00:00:00Z", "made", ID_A, "root"));
	tempdir_put("vault/keys", line("2026-01-01T00:00:00Z", "deactivated", ID_A, ""));
	text = realloc(text, 4096);
	CHECK(text);
	strcat(text, line("2026-01-01T00:00:00Z", "deactivated", ID_A, ""));
	tempdir_put("vault/keys", text);
	CHECK_EQ(rota_keys_load(&s.vault, &k, &s.why), ROTA_ERR_CORRUPT);
	CHECK(strstr(s.why.text, "line 2"));
	free(text);
	scene_end(&s);
}

/* Published metadata makes keys known and active, and its silence ends them; settled once, it is not written again. */
TEST(metadata_says_the_rest)
{
	const struct rota_key_info *key;
	struct rota_keys *k;
	struct scene s;
	unsigned *depends;
	char *text, *before;
	size_t count;

	CHECK(scene_begin(&s));
	text = rota_text("%s%s", line("2026-01-01T00:00:00Z", "made", ID_A, "root"), "");
	text = realloc(text, 4096);
	CHECK(text);
	strcat(text, line("2026-01-02T00:00:00Z", "activated", ID_A, ""));
	strcat(text, line("2026-01-01T00:00:00Z", "made", ID_B, "log"));
	strcat(text, line("2026-01-02T00:00:00Z", "activated", ID_B, ""));
	tempdir_put("online/keys", text);
	free(text);
	CHECK_OK(rota_keys_load(&s.online, &k, &s.why));
	count = rota_keys_count(k);
	CHECK(count >
		2 + 6); /* root and targets have three people each, and there is an online token */
	CHECK_OK(rota_keys_find(k, ID_A, &key, &s.why));
	CHECK_EQ(key->state, ROTA_KEY_DEACTIVATED); /* root does not name it */
	CHECK_OK(rota_keys_find(k, ID_B, &key, &s.why));
	CHECK_EQ(key->state, ROTA_KEY_ACTIVE); /* nothing public names keys of the log */
	CHECK_EQ(rota_keys_find(k, "aaaaaaaa", &key, &s.why), ROTA_ERR_NOT_FOUND); /* two */
	CHECK_EQ(rota_keys_find(k, "aaaaaaa", &key, &s.why), ROTA_ERR_NOT_FOUND);
	depends = rota_keys_depends(&s.online, k);
	for (size_t i = 2; i < count; i++) {
		key = rota_keys_at(k, i);
		CHECK(key->named && key->state == ROTA_KEY_ACTIVE && key->from_s == NOW);
		CHECK(depends[i] > 0 || rota_key_has_use(key->uses, "targets") ||
			rota_key_has_use(key->uses, "root") ||
			rota_key_has_use(key->uses, "releases"));
	}
	CHECK_EQ(depends[0] + depends[1], 0);
	free(depends);
	CHECK_OK(rota_keys_adopt(k, &s.desk, &s.why));
	CHECK(strcmp(rota_keys_at(k, 2)->token, "t0") == 0);
	CHECK_OK(rota_keys_settle(k, &s.why));
	rota_keys_free(k);
	before = rota_text("%s", tempdir_get("online/keys"));
	CHECK_OK(rota_keys_catch_up(&s.online, &s.why));
	CHECK(strcmp(before, tempdir_get("online/keys")) == 0);
	free(before);
	CHECK_OK(rota_keys_load(&s.online, &k, &s.why));
	CHECK_EQ(rota_keys_count(k), count);
	CHECK(strcmp(rota_keys_at(k, 2)->token, "t0") == 0);
	rota_keys_free(k);
	scene_end(&s);
}

/* The root of a slot, with a pair of its own, takes the place of root 1. */
static bool put_slot(struct scene *s)
{
	const struct rota_series_plan plan = { .issued_s = NOW,
		.from_s = NOW + DAY,
		.period_s = DAY / 4,
		.slots = 1,
		.landing_s = 90 * DAY };
	struct rota_notary_file what = { .party = rota_authdir_party(&s->online, "root"),
		.role = "root" };
	struct rota_series_pair pairs[2];
	struct rota_bytes file = { 0 };
	json_t *before, *roots = NULL;
	bool good = rota_store_signed(&s->online, "root", &before, &s->why) == ROTA_OK;

	for (size_t i = 0; i < 4; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		good = good &&
			rota_p256_of_pkey(
				key, i % 2 ? pairs[i / 2].snapshot : pairs[i / 2].timestamp);
		EVP_PKEY_free(key);
	}
	good = good && rota_series_make(before, &plan, pairs, &roots, &s->why) == ROTA_OK;
	what.content = json_array_get(roots, 0);
	good = good && rota_envelope_sign(&s->notary, &what, &file, &s->why) == ROTA_OK &&
		rota_store_put(&s->online, "root", 2, rota_bytes_span(&file), &s->why) == ROTA_OK;
	rota_bytes_free(&file);
	json_decref(before);
	json_decref(roots);
	return good;
}

/* A key where rota.ini has that of timestamp is not over while slots sign: it ends the series. Another of the role is. */
TEST(who_stands_by)
{
	static const char *const ids[] = { ID_A, ID_B };
	const struct rota_seat *seat;
	struct rota_bytes text = { 0 };
	const struct rota_key_info *key;
	struct rota_keys *k;
	struct scene s;

	CHECK(scene_begin(&s));
	seat = &rota_authdir_party(&s.online, "timestamp")->seats[0];
	for (size_t i = 0; i < 2; i++) {
		struct rota_key_event e = { .what = ROTA_KEY_MADE, .at_s = NOW };

		snprintf(e.id, sizeof(e.id), "%s", ids[i]);
		snprintf(e.uses, sizeof(e.uses), "timestamp");
		snprintf(e.token, sizeof(e.token), "%s", seat->token->name);
		snprintf(e.label, sizeof(e.label), "%s", i == 0 ? seat->key : "another");
		CHECK_OK(rota_key_event_write(&e, &text, &s.why));
		e = (struct rota_key_event){ .what = ROTA_KEY_ACTIVATED, .at_s = NOW };
		snprintf(e.id, sizeof(e.id), "%s", ids[i]);
		CHECK_OK(rota_key_event_write(&e, &text, &s.why));
	}
	tempdir_put("online/keys", (const char *)text.p);
	rota_bytes_free(&text);
	CHECK(put_slot(&s));
	CHECK_OK(rota_keys_load(&s.online, &k, &s.why));
	CHECK_OK(rota_keys_find(k, ID_A, &key, &s.why));
	CHECK_EQ(key->state, ROTA_KEY_ACTIVE);
	CHECK_OK(rota_keys_find(k, ID_B, &key, &s.why));
	CHECK_EQ(key->state, ROTA_KEY_DEACTIVATED);
	rota_keys_free(k);
	scene_end(&s);
}

/* What is no longer active and counts is said; a compromised key stays so when it is destroyed. */
TEST(what_people_say)
{
	struct rota_key_event e = { .what = ROTA_KEY_WAS_COMPROMISED, .at_s = NOW + 5 };
	const struct rota_key_info *key;
	struct rota_keys *k;
	struct scene s;
	char text[96];

	CHECK(scene_begin(&s));
	CHECK_OK(rota_keys_load(&s.online, &k, &s.why));
	key = rota_keys_at(k, 0);
	memcpy(e.id, key->id, sizeof(e.id));
	CHECK_EQ(rota_keys_trouble(key, NOW), ROTA_KEY_WELL);
	CHECK_OK(rota_keys_note(k, &e, &s.why));
	CHECK_EQ(rota_keys_note(k, &e, &s.why), ROTA_ERR_STATE);
	CHECK_EQ(rota_keys_trouble(key, NOW), ROTA_KEY_NAMED);
	rota_keys_trouble_text(key, NOW, text);
	CHECK(strstr(text, "is compromised"));
	e.what = ROTA_KEY_WAS_DESTROYED;
	CHECK_OK(rota_keys_note(k, &e, &s.why));
	CHECK_OK(rota_keys_settle(k, &s.why));
	rota_keys_free(k);
	CHECK_OK(rota_keys_load(&s.online, &k, &s.why));
	key = rota_keys_at(k, 0);
	CHECK(key->state == ROTA_KEY_DESTROYED && key->compromised);
	e.what = ROTA_KEY_MADE;
	CHECK_EQ(rota_keys_note(k, &e, &s.why), ROTA_ERR_STATE);
	rota_keys_free(k);
	scene_end(&s);
}

TEST(periods)
{
	struct rota_key_info key = {
		.state = ROTA_KEY_ACTIVE, .from_s = 1000, .until_s = 5000, .replace_s = 5000
	};
	uint64_t period;

	CHECK(rota_key_period("timestamp", &period) && period == 90 * DAY);
	CHECK(rota_key_period("recovery", &period) && period == 0);
	CHECK(!rota_key_period("time ", &period));
	CHECK_EQ(rota_key_period_of("root timestamp"), 90 * DAY); /* the least */
	CHECK_EQ(rota_key_period_of("recovery"), 0);
	CHECK(!rota_key_has_use("ci-image", "image") && !rota_key_has_use("timestamp", "time"));
	CHECK(rota_key_has_use("image ci-image", "ci-image"));
	CHECK_EQ(rota_keys_trouble(&key, 3999), ROTA_KEY_WELL);
	CHECK_EQ(rota_keys_trouble(&key, 4000), ROTA_KEY_SOON);
	CHECK_EQ(rota_keys_trouble(&key, 4999), ROTA_KEY_SOON);
	CHECK_EQ(rota_keys_trouble(&key, 5000), ROTA_KEY_OVER);
	key.in_slot = true; /* the next one comes by itself, or does not */
	CHECK_EQ(rota_keys_trouble(&key, 4999), ROTA_KEY_WELL);
	CHECK_EQ(rota_keys_trouble(&key, 5000), ROTA_KEY_OVER);
	key.in_slot = false;
	key.replace_s = 2000; /* its colleagues' come later */
	CHECK_EQ(rota_keys_trouble(&key, 1749), ROTA_KEY_WELL);
	CHECK_EQ(rota_keys_trouble(&key, 1750), ROTA_KEY_SOON);
}

/* Three people's keys that began together end a third of their period apart, and no two at once ever. */
TEST(people_are_staggered)
{
	uint64_t at[3], period;
	struct rota_keys *k;
	struct scene s;
	size_t n = 0;

	CHECK(scene_begin(&s) && rota_key_period("targets", &period));
	CHECK_OK(rota_keys_load(&s.online, &k, &s.why));
	for (size_t i = 0; i < rota_keys_count(k); i++)
		if (strcmp(rota_keys_at(k, i)->uses, "targets") == 0 && n < 3)
			at[n++] = rota_keys_at(k, i)->replace_s;
	CHECK_EQ(n, 3);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(at[j] - at[i] >= period / 3);
	CHECK_EQ(at[0], NOW + period);
	rota_keys_free(k);
	scene_end(&s);
}

TESTS(T(what_may_follow_what), T(lines_that_are_none), T(files_that_are_damaged),
	T(metadata_says_the_rest), T(who_stands_by), T(what_people_say), T(periods),
	T(people_are_staggered))
