/* SPDX-License-Identifier: Apache-2.0 */
/* Root skip and slots (SPEC 4.6) in the device profile: what a hint may and may not do, when a root counts, and
 * within which time its online keys sign. */
#include "tests/unit/session_device.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#define HINT "metadata/root-hint.json"

static unsigned hints; /* asked for */

static const struct maker_file *watch(struct device *d, const struct rota_want *w)
{
	(void)d;
	hints += w->hint;
	return NULL;
}

/* A device that has refreshed under root 1. */
static struct device *new_device(void)
{
	struct device *d = device_new();

	if (device_refresh(d).err != ROTA_OK)
		abort();
	d->server = watch;
	hints = 0;
	return d;
}

static void put_hint(struct device *d, const char *text)
{
	maker_put(&d->m, HINT, device_bytes(text));
}

static struct maker_role *root_of(struct device *d)
{
	return &d->m.role[MAKER_ROOT];
}

/* The next root with the keys as they are, by 1 and 2; `version` 0: the next one. */
static void put_root(struct device *d, uint64_t version, uint64_t from_s, uint64_t end_s)
{
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT1, KEY_ROOT2);
	if (version != 0)
		root_of(d)->version = version;
	root_of(d)->not_before_s = from_s;
	root_of(d)->slot_end_s = end_s;
	maker_publish(&d->m);
}

static void no_timestamp(struct device *d)
{
	maker_meta(&d->m, "timestamp", 0)->name[0] = '-';
}

/* ---- the hint ---- */

TEST(twelve_hundred_roots_take_one_step)
{
	struct device *d = new_device();

	put_root(d, 2, NOW, 0);
	put_root(d, 1201, NOW, 0);
	put_hint(d, "{\"changed\":[],\"newest\":1201,\"version\":1}");
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 1201);
	CHECK_EQ(d->fetched, 5); /* 2, hint, 1201, 1202 that is not there, timestamp */
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->fetched, 2);
	CHECK_EQ(hints, 1);
}

/* Roots 2 to 9; 4 has other root keys: {1, 4, 5}, of which 1 and 2 of the old set sign it and 4 and 5 what follows. */
static struct device *changed_at_4(void)
{
	struct device *d = new_device();
	struct maker_role *r = root_of(d);

	put_root(d, 2, NOW, 0);
	put_root(d, 3, NOW, 0);
	r->keys[1] = KEY_ROOT4;
	r->keys[2] = KEY_ROOT5;
	device_next_root(&d->m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT4, KEY_ROOT5);
	maker_publish(&d->m);
	for (int i = 5; i <= 9; i++) {
		device_next_root(&d->m, NOW, KEY_ROOT4, KEY_ROOT5, KEY_ROOT4, KEY_ROOT5);
		maker_publish(&d->m);
	}
	return d;
}

TEST(a_change_of_root_keys_is_a_step)
{
	struct device *d = changed_at_4();

	put_hint(d, "{\"changed\":[4],\"newest\":9,\"version\":1}");
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 9);
	CHECK_EQ(d->fetched, 8); /* 2, hint, 4, 5, hint, 9, 10, timestamp */
	CHECK_GOOD(device_session(d, "releases", RELEASE));
}

/* Nothing that a hint says ends the walk early, or costs more than a few requests. */
static const struct {
	const char *reason, *hint;
} lies[] = {
	{ "there is none", NULL },
	{ "empty", "" },
	{ "no JSON", "changed" },
	{ "cut off", "{\"changed\":[],\"newest\":4,\"version\":1" },
	{ "another form", "{\"changed\":[4],\"newest\":8,\"version\":2}" },
	{ "nothing", "{}" },
	{ "there is no later root", "{\"changed\":[],\"newest\":1,\"version\":1}" },
	{ "below zero", "{\"changed\":[-5],\"newest\":-1,\"version\":1}" },
	{ "a root that is not there", "{\"changed\":[],\"newest\":4000000000,\"version\":1}" },
	{ "over a change of keys", "{\"changed\":[],\"newest\":9,\"version\":1}" },
	{ "to a root of the thief", "{\"changed\":[],\"newest\":666,\"version\":1}" },
	{ "to a root that lacks its own threshold",
		"{\"changed\":[],\"newest\":777,\"version\":1}" },
	{ "to a root of another version", "{\"changed\":[],\"newest\":888,\"version\":1}" },
};

/* Roots that a lie may name: by the thief alone; with other keys, by the old ones alone; under another name. */
static void put_traps(struct device *d)
{
	struct maker m = d->m;
	struct maker_role *r = &m.role[MAKER_ROOT];

	device_next_root(&m, NOW, KEY_ROGUE1, KEY_ROGUE2, KEY_ROGUE1, KEY_ROGUE2);
	r->version = 666;
	r->keys[0] = KEY_ROGUE1;
	r->keys[1] = KEY_ROGUE2;
	maker_publish(&m);
	device_next_root(&m, NOW, KEY_ROOT1, KEY_ROOT2, KEY_ROOT3, KEY_ROOT3);
	r->version = 777;
	maker_publish(&m);
	maker_put(&m, "metadata/888.root.json", maker_meta(&m, "root", 2)->bytes);
	memcpy(d->m.file, m.file, sizeof(m.file));
	d->m.file_count = m.file_count;
}

TEST(a_hint_that_lies_costs_a_few_requests)
{
	for (size_t i = 0; i < ROWS(lies); i++) {
		struct device *d = changed_at_4();

		ROW(lies[i].reason);
		put_traps(d);
		if (lies[i].hint != NULL)
			put_hint(d, lies[i].hint);
		CHECK_GOOD(device_refresh(d));
		CHECK_EQ(d->trusted.root.version, 9);
		CHECK(d->fetched <=
			10 + 8 + 2); /* the walk, a hint for each step, what one lie names */
	}
	ROW(NULL);
}

TEST(a_hint_that_lied_is_not_asked_again)
{
	struct device *d = changed_at_4();

	put_hint(d, "{\"changed\":[],\"newest\":4000000000,\"version\":1}");
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(hints, 1);
}

TEST(an_endless_hint_is_cut)
{
	struct device *d = changed_at_4();
	char text[ROTA_HINT_MAX_LEN + 64];

	snprintf(text, sizeof(text), "{\"changed\":[4],\"newest\":9,\"version\":1,\"x\":\"%0*d\"}",
		ROTA_HINT_MAX_LEN, 0);
	put_hint(d, text);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(hints, 1); /* it was no use */
	CHECK_EQ(d->trusted.root.version, 9);
}

/* What they say would be right. */
TEST(a_hint_of_another_form_is_none)
{
	static const char *const forms[] = { "{\"changed\":[4],\"newest\":9,\"version\":2}",
		"{\"changed\":[4],\"newest\":9,\"version\":1" };

	for (size_t i = 0; i < ROWS(forms); i++) {
		struct device *d = changed_at_4();

		ROW(forms[i]);
		put_hint(d, forms[i]);
		CHECK_GOOD(device_refresh(d));
		CHECK_EQ(hints, 1);
	}
	ROW(NULL);
}

/* Root 2 is there once; the hint leads to a root of the thief, and then 2 is gone. His root names his timestamp
 * key. */
static const struct maker_file *once(struct device *d, const struct rota_want *w)
{
	if (w->hint)
		maker_meta(&d->m, "root", 2)->name[0] = '-';
	return NULL;
}

TEST(keys_of_a_root_that_did_not_pass_are_forgotten)
{
	struct device *d = new_device();

	put_root(d, 2, NOW, 0);
	d->m.role[MAKER_TIMESTAMP].keys[0] = KEY_ROGUE1;
	put_traps(d);
	put_hint(d, "{\"changed\":[],\"newest\":666,\"version\":1}");
	d->server = once;
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->trusted.root.version, 1);
	maker_file(&d->m, "-etadata/2.root.json")->name[0] = 'm';
	d->m.role[MAKER_ROOT].version = 2;
	d->m.role[MAKER_TIMESTAMP].signers[0] = KEY_ROGUE1;
	maker_next(&d->m, NOW + HOUR_S, -1, -1);
	CHECK_WHY(device_refresh(d), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_4_2);
}

TEST(to_the_letter_no_hint_is_asked)
{
	struct device *d = new_device();

	d->profile = &rota_session_letter;
	put_root(d, 2, NOW, 0);
	put_hint(d, "{\"changed\":[],\"newest\":9,\"version\":1}");
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(hints, 0);
	CHECK_EQ(d->trusted.root.version, 2);
}

/* ---- with a trusted clock ---- */

#define CLOCK (NOW + HOUR_S) /* of device_new() */
#define SLOT_S (6 * HOUR_S)

static void new_timestamp_key(struct device *d)
{
	d->m.role[MAKER_TIMESTAMP].keys[0] = KEY_TIMESTAMP2;
}

TEST(a_root_that_is_not_due_is_as_good_as_not_there)
{
	struct device *d = new_device();

	new_timestamp_key(d); /* the old one signs until then */
	put_root(d, 2, CLOCK + 1, CLOCK + SLOT_S);
	CHECK_GOOD(device_session(d, "releases", RELEASE));
	CHECK_EQ(d->trusted.root.version, 1);
	CHECK_EQ(d->trusted.time_floor_s, NOW);
	d->clock_s++;
	CHECK_WHY(device_refresh(d), ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_4_2);
	CHECK_EQ(d->trusted.root.version, 2);
	CHECK_EQ(d->trusted.time_floor_s, CLOCK + 1);
}

/* An emergency root has the version after the last pre-signed one, and is due before those. */
TEST(a_root_behind_one_that_is_not_due_is_reached)
{
	struct device *d = new_device();

	put_root(d, 2, CLOCK + SLOT_S, CLOCK + 2 * SLOT_S);
	put_root(d, 3, CLOCK + 2 * SLOT_S, CLOCK + 3 * SLOT_S);
	put_root(d, 4, CLOCK, 0);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 4);
}

TEST(a_skip_to_a_root_that_is_not_due_ends_before_it)
{
	struct device *d = new_device();

	for (uint64_t v = 2; v <= 5; v++)
		put_root(d, v, CLOCK - SLOT_S * (5 - v) + 1800, CLOCK - SLOT_S * (4 - v) + 1800);
	put_hint(d, "{\"changed\":[],\"newest\":5,\"version\":1}");
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 4);
	/* 2, hint, 5, 4; 5 again, which is no skip now, 6, timestamp */
	CHECK(d->fetched <= 9);
}

/* A mirror that has stolen a series shows what is not due, and spends no more requests of a device than two. */
TEST(a_skip_to_roots_that_are_not_due_is_given_up)
{
	struct device *d = new_device();

	put_root(d, 2, CLOCK - SLOT_S, CLOCK + SLOT_S);
	for (uint64_t v = 40; v <= 60; v++)
		put_root(d, v, CLOCK + SLOT_S * (v - 39), CLOCK + SLOT_S * (v - 38));
	root_of(d)->version = 2;
	put_hint(d, "{\"changed\":[],\"newest\":60,\"version\":1}");
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 2);
	CHECK_EQ(hints, 1);
	CHECK_EQ(d->fetched, 7); /* 2, hint, 60, 59; 2 again, 3, timestamp */
}

static const struct {
	const char *reason;
	uint64_t end_s;
	enum rota_err err;
	enum rota_clause clause;
} ends[] = {
	{ "within the slot", CLOCK, ROTA_OK, ROTA_CLAUSE_NONE },
	{ "an hour after it", CLOCK - HOUR_S, ROTA_OK, ROTA_CLAUSE_NONE },
	{ "later", CLOCK - HOUR_S - 1, ROTA_ERR_EXPIRED, ROTA_CLAUSE_SPEC_4_6 },
};

TEST(a_slot_ends)
{
	for (size_t i = 0; i < ROWS(ends); i++) {
		struct device *d = new_device();

		ROW(ends[i].reason);
		put_root(d, 2, NOW, ends[i].end_s);
		CHECK_WHY(device_refresh(d), ends[i].err, ends[i].clause);
		CHECK_EQ(d->trusted.root.version, 2); /* a later one can follow */
		put_root(d, 3, NOW, 0);
		CHECK_GOOD(device_refresh(d));
	}
	ROW(NULL);
}

/* ---- without a clock ---- */

/* A device without a clock, and root 2 with a slot and another timestamp key. */
static struct device *clockless(bool new_key_signs)
{
	struct device *d = new_device();

	d->clock_s = 0;
	new_timestamp_key(d);
	if (new_key_signs)
		d->m.role[MAKER_TIMESTAMP].signers[0] = KEY_TIMESTAMP2;
	put_root(d, 2, NOW + HOUR_S, NOW + HOUR_S + SLOT_S);
	maker_next(&d->m, NOW + HOUR_S, -1, -1);
	return d;
}

TEST(a_slot_is_shown_by_its_first_timestamp)
{
	struct device *d = clockless(true);
	struct rota_session s;
	struct rota_want w;
	char order[256] = "";

	CHECK_OK(device_begin(d, &s));
	for (w = *rota_session_want(&s); w.kind <= ROTA_WANT_KEEP; w = *rota_session_want(&s)) {
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s%.*s ",
			w.kind == ROTA_WANT_KEEP ? "+" : "", (int)w.role.len,
			(const char *)w.role.p);
		device_step(d, &s, &w);
	}
	CHECK_EQ(w.kind, ROTA_WANT_NOTHING);
	rota_session_drop(&s);
	CHECK(strstr(order, "root timestamp root +root timestamp +timestamp snapshot") != NULL);
	CHECK_EQ(d->trusted.root.version, 2);
	CHECK_EQ(d->trusted.time_floor_s, NOW + HOUR_S);
}

TEST(a_slot_that_no_timestamp_shows_is_not_believed)
{
	struct device *d = clockless(false);

	CHECK_GOOD(device_session(d, "releases", RELEASE)); /* under root 1 */
	CHECK_EQ(d->trusted.root.version, 1);
	CHECK_EQ(d->trusted.time_floor_s, NOW);
	no_timestamp(d);
	CHECK_WHY(device_refresh(d), ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_4_1);
	CHECK_EQ(d->trusted.root.version, 1);
}

/* That root moved the time floor: what expired before its slot began is not taken, though it was issued in the hour
 * before it. */
TEST(the_timestamp_that_shows_a_slot_must_be_good_in_it)
{
	struct device *d = clockless(true);
	struct maker_role *t = &d->m.role[MAKER_TIMESTAMP];

	t->issued_s = NOW + 1;
	t->expires_s = NOW + HOUR_S;
	maker_publish(&d->m);
	CHECK_WHY(device_refresh(d), ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK_EQ(d->trusted.root.version, 2);
	CHECK_EQ(d->trusted.timestamp_version, 0);
}

TEST(a_root_without_a_slot_is_kept_at_once)
{
	struct device *d = new_device();

	d->clock_s = 0;
	put_root(d, 2, NOW + 2 * HOUR_S, 0);
	no_timestamp(d);
	CHECK_EQ(device_refresh(d).err, ROTA_ERR_NOT_FOUND);
	CHECK_EQ(d->trusted.root.version, 2);
	CHECK_EQ(d->trusted.time_floor_s, NOW + 2 * HOUR_S);
	put_root(d, 3, NOW + HOUR_S, 0); /* and a later one may lower the floor */
	no_timestamp(d);
	CHECK_EQ(device_refresh(d).err, ROTA_ERR_NOT_FOUND);
	CHECK_EQ(d->trusted.time_floor_s, NOW + HOUR_S);
}

/* Keys that root 2 took away and 3 gave back have changed between what was kept and what is. */
TEST(a_change_of_online_keys_on_the_way_counts)
{
	struct device *d = new_device();
	struct maker_role *t = &d->m.role[MAKER_TIMESTAMP], *s = &d->m.role[MAKER_SNAPSHOT];

	t->version = s->version = 4000000000;
	maker_publish(&d->m);
	CHECK_GOOD(device_refresh(d));
	d->clock_s = 0;
	t->version = s->version = 2;
	t->keys[0] = KEY_TIMESTAMP2;
	put_root(d, 2, NOW, NOW + SLOT_S);
	t->keys[0] = KEY_TIMESTAMP;
	put_root(d, 3, NOW, NOW + SLOT_S);
	CHECK_GOOD(device_refresh(d));
	CHECK_EQ(d->trusted.root.version, 3);
	CHECK_EQ(d->trusted.timestamp_version, 2);
}

#define FROM (NOW + 10 * HOUR_S)
#define END (FROM + SLOT_S)

static const struct {
	const char *reason;
	int role;
	uint64_t issued_s;
	bool good;
} issues[] = {
	{ "timestamp an hour early", MAKER_TIMESTAMP, FROM - HOUR_S, true },
	{ "timestamp earlier", MAKER_TIMESTAMP, FROM - HOUR_S - 1, false },
	{ "timestamp an hour late", MAKER_TIMESTAMP, END + HOUR_S, true },
	{ "timestamp later", MAKER_TIMESTAMP, END + HOUR_S + 1, false },
	{ "snapshot an hour early", MAKER_SNAPSHOT, FROM - HOUR_S, true },
	{ "snapshot earlier", MAKER_SNAPSHOT, FROM - HOUR_S - 1, false },
	{ "snapshot later", MAKER_SNAPSHOT, END + HOUR_S + 1, false },
};

static void issue(struct maker_role *r, uint64_t then_s)
{
	r->version++;
	r->issued_s = then_s;
	r->expires_s = then_s + DAY_S;
}

TEST(without_a_clock_online_files_are_of_the_slot)
{
	for (size_t i = 0; i < ROWS(issues); i++) {
		struct device *d = new_device();
		struct rota_why why;

		ROW(issues[i].reason);
		d->clock_s = 0;
		put_root(d, 2, FROM, END);
		maker_next(&d->m, FROM, -1, -1);
		CHECK_GOOD(device_refresh(d));
		CHECK_EQ(d->trusted.root.version, 2);
		issue(&d->m.role[MAKER_TIMESTAMP], FROM + 1);
		issue(&d->m.role[MAKER_SNAPSHOT], FROM + 1);
		d->m.role[issues[i].role].issued_s = issues[i].issued_s;
		d->m.role[issues[i].role].expires_s = issues[i].issued_s + DAY_S;
		maker_publish(&d->m);
		why = device_refresh(d);
		CHECK_EQ(why.err, issues[i].good ? ROTA_OK : ROTA_ERR_TIME);
		CHECK(issues[i].good || why.clause == ROTA_CLAUSE_SPEC_4_6);
		CHECK(d->trusted.timestamp_issued_s <= END); /* SPEC 5.2 */
	}
	ROW(NULL);
}

TESTS(T(twelve_hundred_roots_take_one_step), T(a_change_of_root_keys_is_a_step),
	T(a_hint_that_lies_costs_a_few_requests), T(a_hint_that_lied_is_not_asked_again),
	T(a_hint_of_another_form_is_none), T(an_endless_hint_is_cut),
	T(keys_of_a_root_that_did_not_pass_are_forgotten), T(to_the_letter_no_hint_is_asked),
	T(a_root_that_is_not_due_is_as_good_as_not_there),
	T(a_root_behind_one_that_is_not_due_is_reached),
	T(a_skip_to_a_root_that_is_not_due_ends_before_it),
	T(a_skip_to_roots_that_are_not_due_is_given_up), T(a_slot_ends),
	T(a_slot_is_shown_by_its_first_timestamp),
	T(a_slot_that_no_timestamp_shows_is_not_believed),
	T(the_timestamp_that_shows_a_slot_must_be_good_in_it),
	T(a_root_without_a_slot_is_kept_at_once), T(a_change_of_online_keys_on_the_way_counts),
	T(without_a_clock_online_files_are_of_the_slot))
