/* SPDX-License-Identifier: Apache-2.0 */
/* What ends the restored mode of a device whose flash was put back: a refresh at signed time, and nothing else
 * (SPEC 5.5, 9.6). */
#include "tests/unit/bound_device.h"
#include "tests/unit/update_cycles.h"

TEST(without_signed_time_a_restored_device_installs_nothing)
{
	struct world *w = restored_device(&world);

	w->time = NULL;
	for (int i = 0; i < 3; i++) {
		CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
		CHECK(world_runs(w, FACTORY));
		CHECK(w->state.bound.restored);
		CHECK_EQ(parts.boot.binding, 0);
		CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 1);
	}
	CHECK_EQ(w->commits, 0);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1);
	CHECK_EQ(w->slots[0].trials, 0);
	ROW("nor does a device that cannot draw a nonce");
	w->time = tell_time;
	w->random = NULL;
	CHECK_STOPPED(w, ROTA_ERR_UNSUPPORTED, ROTA_CLAUSE_SPEC_5_5);
	w->random = &bound_random;
	ROW("it refreshes none the less");
	next_root(w, KEY_ROOT4);
	w->time = NULL;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
	CHECK_EQ(w->state.trusted.root.version, 2);
	CHECK(w->state.bound.restored);
	CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 1);
}

TEST(an_answer_that_is_not_the_time_leaves_it_restored)
{
	static const struct {
		const char *what;
		int key;
		int64_t ahead_s;
		uint64_t takes_s;
		bool other_nonce, long_answer;
		enum rota_err err;
		enum rota_clause clause;
	} rows[] = {
		{ "by a key of nobody", KEY_ROGUE1, 0, 0, false, false, ROTA_ERR_ROLE,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "by the key of timestamp", KEY_TIMESTAMP, 0, 0, false, false, ROTA_ERR_ROLE,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "to another nonce", TIME_KEY, 0, 0, true, false, ROTA_ERR_SIGNATURE,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "after a minute", TIME_KEY, 0, 61, false, false, ROTA_ERR_TIMEOUT,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "of too many bytes", TIME_KEY, 0, 0, false, true, ROTA_ERR_LENGTH,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "before the time floor", TIME_KEY, -7200, 0, false, false, ROTA_ERR_TIME,
			ROTA_CLAUSE_SPEC_5_5 },
		{ "a time at which the timestamp has expired", TIME_KEY, 2 * DAY_S, 0, false, false,
			ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world *w = restored_device(&world);

		ROW(rows[i].what);
		service.key = rows[i].key;
		service.now_s = w->clock_s + (uint64_t)rows[i].ahead_s;
		service.takes_s = rows[i].takes_s;
		service.other_nonce = rows[i].other_nonce;
		service.long_answer = rows[i].long_answer;
		CHECK_STOPPED(w, rows[i].err, rows[i].clause);
		CHECK(w->state.bound.restored);
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 1);
	}
}

/* The device's own clock was set to a day when the old metadata was good, and the network shows no other. */
TEST(an_old_clock_and_an_old_mirror_do_not_end_it)
{
	struct world *w = restored_device(&world);

	service.now_s = w->clock_s + 30 * DAY_S; /* the truth */
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK(w->state.bound.restored);
	CHECK(world_runs(w, FACTORY));
}

TEST(the_clock_of_a_restored_device_does_not_keep_it_so)
{
	struct world *w = restored_device(&world);

	service.now_s = w->clock_s; /* the truth */
	w->clock_s += 30 * DAY_S;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT); /* 2.0.0 is installed */
	CHECK_EQ(world_events(w, ROTA_EVENT_BOUND), 1);
}

/* At a change of keys there are two; a third one is not looked at. */
TEST(the_first_two_keys_of_time_count)
{
	static const int all[] = { KEY_CI, TIME_KEY, KEY_DEVICE };
	int accepted = 0;

	for (size_t i = 0; i < ROWS(all); i++) {
		struct world *w = restored_device(&world);
		struct maker_role *r = &w->m.role[w->m.role_count - 1];

		memcpy(r->keys, all, sizeof(all));
		r->key_count = ROWS(all);
		r->signers[0] = all[0];
		maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
		service.key = all[i];
		(void)world_settle(w);
		accepted += world_events(w, ROTA_EVENT_BOUND);
	}
	CHECK_EQ(accepted, 2);
}

TEST(each_question_has_a_nonce_of_its_own)
{
	struct world *w = restored_device(&world);

	service.key = KEY_ROGUE1;
	CHECK_STOPPED(w, ROTA_ERR_ROLE, ROTA_CLAUSE_SPEC_5_5);
	CHECK_STOPPED(w, ROTA_ERR_ROLE, ROTA_CLAUSE_SPEC_5_5);
	CHECK_EQ(service.count, 2);
	CHECK(service.nonces[0] != service.nonces[1]);
}

TEST(a_repository_without_the_role_time_leaves_it_restored)
{
	struct world *w = restored_device(&world);

	w->m.role_count--;
	maker_next(&w->m, w->clock_s, MAKER_TARGETS, -1);
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
	CHECK(w->state.bound.restored);
	CHECK_EQ(w->time_asked, 0);
}

TESTS(T(without_signed_time_a_restored_device_installs_nothing),
	T(an_answer_that_is_not_the_time_leaves_it_restored),
	T(an_old_clock_and_an_old_mirror_do_not_end_it),
	T(the_clock_of_a_restored_device_does_not_keep_it_so), T(the_first_two_keys_of_time_count),
	T(each_question_has_a_nonce_of_its_own),
	T(a_repository_without_the_role_time_leaves_it_restored))
