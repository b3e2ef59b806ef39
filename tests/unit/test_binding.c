/* SPDX-License-Identifier: Apache-2.0 */
/* The binding's table: SPEC 9.6, one row here for each of its cells, and what stands beside it. */
#include "rota/store/binding.h"
#include "tests/unit/test.h"

#define C 7u /* the counter */

static struct rota_binding_facts at(uint32_t device, uint32_t boot)
{
	return (struct rota_binding_facts){
		.counts = true,
		.counter = C,
		.device = device,
		.has_boot = true,
		.boot = boot,
	};
}

TEST(journals_and_counter_agree_or_one_is_told_to_be_old)
{
	static const struct {
		const char *what;
		int device, boot; /* less the counter */
		enum rota_binding verdict;
	} rows[] = {
		{ "both as the counter", 0, 0, ROTA_BINDING_CURRENT },
		{ "device first, then cut", 1, 0, ROTA_BINDING_CUT },
		{ "boot first, then cut", 0, 1, ROTA_BINDING_CUT },
		{ "both, then cut before the counter", 1, 1, ROTA_BINDING_CUT },
		{ "both older", -1, -1, ROTA_BINDING_RESTORED },
		{ "device older", -1, 0, ROTA_BINDING_RESTORED },
		{ "boot older", 0, -1, ROTA_BINDING_RESTORED },
		{ "device much older", -5, 0, ROTA_BINDING_RESTORED },
		{ "device older, boot in a rise", -1, 1, ROTA_BINDING_RESTORED },
		{ "boot older, device in a rise", 1, -1, ROTA_BINDING_RESTORED },
		{ "device far above", 2, 0, ROTA_BINDING_FOREIGN },
		{ "boot far above", 0, 2, ROTA_BINDING_FOREIGN },
		{ "both far above", 9, 9, ROTA_BINDING_FOREIGN },
		{ "device far above, boot in a rise", 2, 1, ROTA_BINDING_FOREIGN },
		{ "boot far above, device in a rise", 1, 2, ROTA_BINDING_FOREIGN },
		{ "device older, boot far above", -1, 2, ROTA_BINDING_FOREIGN },
		{ "boot older, device far above", 2, -1, ROTA_BINDING_FOREIGN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_binding_facts f =
			at(C + (uint32_t)rows[i].device, C + (uint32_t)rows[i].boot);

		ROW(rows[i].what);
		CHECK_EQ(rota_binding_judge(&f), rows[i].verdict);
	}
}

TEST(a_lost_journal_is_an_old_one)
{
	struct rota_binding_facts f = at(0, C);

	ROW("device");
	f.device_lost = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.boot = C - 1;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.boot = C + 1;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.boot = C + 2;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_FOREIGN);
	ROW("both");
	f.boot_lost = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	ROW("boot");
	for (uint32_t d = C - 1; d <= C + 1; d++) {
		f = at(d, 0);
		f.boot_lost = true;
		CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	}
	f = at(C + 2, 0);
	f.boot_lost = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_FOREIGN);
}

/* The key journal counts as the boot journal does: the worst of the three decides. */
TEST(a_key_journal_is_one_more_that_can_be_old)
{
	static const struct {
		const char *what;
		int device, boot, keys; /* less the counter */
		enum rota_binding verdict;
	} rows[] = {
		{ "all as the counter", 0, 0, 0, ROTA_BINDING_CURRENT },
		{ "a rise with keys, cut before them", 1, 0, 0, ROTA_BINDING_CUT },
		{ "a rise with keys, cut after them", 1, 0, 1, ROTA_BINDING_CUT },
		{ "all, then cut before the counter", 1, 1, 1, ROTA_BINDING_CUT },
		{ "keys alone", 0, 0, 1, ROTA_BINDING_CUT },
		{ "keys older", 0, 0, -1, ROTA_BINDING_RESTORED },
		{ "keys older, the others in a rise", 1, 1, -1, ROTA_BINDING_RESTORED },
		{ "boot older, keys in a rise", 0, -1, 1, ROTA_BINDING_RESTORED },
		{ "keys far above", 0, 0, 2, ROTA_BINDING_FOREIGN },
		{ "keys far above, device older", -1, 0, 2, ROTA_BINDING_FOREIGN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_binding_facts f =
			at(C + (uint32_t)rows[i].device, C + (uint32_t)rows[i].boot);

		f.has_keys = true;
		f.keys = C + (uint32_t)rows[i].keys;
		ROW(rows[i].what);
		CHECK_EQ(rota_binding_judge(&f), rows[i].verdict);
	}
}

/* Blank, while the root of trust has what it named. */
TEST(a_key_journal_that_was_erased_is_an_old_one)
{
	struct rota_binding_facts f = at(C, C);

	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_CURRENT);
	f.keys_lost = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f = at(0, 0);
	f.counter = 0;
	f.keys_lost = true; /* the first keys of a device were cut off */
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_CURRENT);
}

TEST(a_device_from_the_factory_has_lost_nothing)
{
	struct rota_binding_facts f = { .counts = true, .device_lost = true, .has_boot = true };

	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_CURRENT);
	f.boot = 1; /* a rise had begun, with a device journal that is gone */
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.boot = 0;
	f.boot_lost = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.boot_lost = false;
	f.has_keys = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_CURRENT);
	f.keys = 1;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
}

TEST(a_device_without_a_boot_journal_goes_by_its_own)
{
	static const enum rota_binding want[] = { ROTA_BINDING_RESTORED, ROTA_BINDING_CURRENT,
		ROTA_BINDING_CUT, ROTA_BINDING_FOREIGN };

	for (uint32_t i = 0; i < 4; i++) {
		struct rota_binding_facts f = at(C - 1 + i, 0);

		f.has_boot = false;
		CHECK_EQ(rota_binding_judge(&f), want[i]);
	}
}

TEST(a_counter_that_is_gone_is_a_restored_device_and_one_that_is_away_is_for_later)
{
	struct rota_binding_facts f = at(C, C);

	f.read = ROTA_ERR_CORRUPT;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.read = ROTA_ERR_IO;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_UNREADABLE);
	f.read = ROTA_ERR_DENIED;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_UNREADABLE);
}

TEST(a_device_without_a_counter_believes_its_journals)
{
	struct rota_binding_facts f = at(0, 3);

	f.counts = false;
	f.read = ROTA_ERR_IO;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_CURRENT);
	f.stranger = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.stranger = false;
	f.ahead = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
}

TEST(what_was_marked_stays_so_until_the_mark_is_taken_away)
{
	struct rota_binding_facts f = at(C, C);

	f.marked = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.device = C + 1;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
	f.device = C + 2;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_FOREIGN);
	f = at(C, C);
	f.stranger = true;
	CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
}

/* Every cut of a rise, in each order of the two journals; and each state of it put back once the counter rose. */
TEST(no_state_of_a_rise_is_current_after_it)
{
	static const int orders[2][3][2] = { { { 0, 0 }, { 1, 0 }, { 1, 1 } },
		{ { 0, 0 }, { 0, 1 }, { 1, 1 } } };

	for (int order = 0; order < 2; order++) {
		for (int step = 0; step < 3; step++) {
			const int *s = orders[order][step];
			struct rota_binding_facts f = at(C + (uint32_t)s[0], C + (uint32_t)s[1]);
			enum rota_binding whole = s[0] == 1 && s[1] == 1 ? ROTA_BINDING_CURRENT
									 : ROTA_BINDING_RESTORED;

			CHECK(!rota_binding_restored(rota_binding_judge(&f)));
			f.counter = C + 1;
			CHECK_EQ(rota_binding_judge(&f), whole);
			f.counter = C + 2;
			CHECK_EQ(rota_binding_judge(&f), ROTA_BINDING_RESTORED);
		}
	}
}

TEST(each_verdict_has_a_name)
{
	CHECK(strcmp(rota_binding_name(ROTA_BINDING_CURRENT), "current") == 0);
	CHECK(strcmp(rota_binding_name(ROTA_BINDING_UNREADABLE), "unreadable") == 0);
}

TESTS(T(journals_and_counter_agree_or_one_is_told_to_be_old), T(a_lost_journal_is_an_old_one),
	T(a_key_journal_is_one_more_that_can_be_old),
	T(a_key_journal_that_was_erased_is_an_old_one),
	T(a_device_from_the_factory_has_lost_nothing),
	T(a_device_without_a_boot_journal_goes_by_its_own),
	T(a_counter_that_is_gone_is_a_restored_device_and_one_that_is_away_is_for_later),
	T(a_device_without_a_counter_believes_its_journals),
	T(what_was_marked_stays_so_until_the_mark_is_taken_away),
	T(no_state_of_a_rise_is_current_after_it), T(each_verdict_has_a_name))
