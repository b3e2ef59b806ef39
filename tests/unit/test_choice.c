/* SPDX-License-Identifier: Apache-2.0 */
/* Combinations of phase, outcome and what verifies, against SPEC 10.2 told in another way. */
#include "boot/choice.h"
#include "tests/unit/test.h"

static const uint8_t one[32] = { 1 }, two[32] = { 2 };

/* Of each component place `confirmed` is confirmed, and the other one in `phase`, where it is in `trial`. */
static struct rota_bootstate in_phase(
	uint8_t count, uint8_t confirmed, enum rota_trial_phase phase, uint8_t trial)
{
	struct rota_bootstate s;

	rota_bootstate_init(&s, 0, one);
	for (uint8_t i = 1; i < count; i++) {
		if (rota_bootstate_add(&s, one) != ROTA_OK)
			s.count = 99;
	}
	for (uint8_t i = 0; i < count; i++) {
		if (rota_bootstate_adopt(&s, i, confirmed, one) != ROTA_OK)
			s.count = 99;
	}
	if (rota_bootstate_forget(&s) != ROTA_OK)
		s.count = 99;
	for (uint8_t i = 0; i < count && phase != ROTA_TRIAL_NONE; i++) {
		if ((trial >> i & 1) != 0 && rota_bootstate_ask(&s, i, two) != ROTA_OK)
			s.count = 99;
	}
	if (phase == ROTA_TRIAL_STARTED && rota_bootstate_start(&s) != ROTA_OK)
		s.count = 99;
	return s;
}

/* What is in the places: by place, bit i says that component i's image there is the one that the boot state names,
 * and verifies; `any`, that what is in the other place of a set of one verifies. */
struct flash {
	uint8_t good[2];
	bool any;
};

static enum rota_boot_known answer(const struct flash *flash, const struct rota_boot_facts *facts,
	const struct rota_boot_choice *ask)
{
	bool good = ask->fact == &facts->any ? flash->any
					     : (flash->good[ask->place] >> ask->component & 1) != 0;

	return good ? ROTA_BOOT_YES : ROTA_BOOT_NO;
}

/* Ask until there is a verdict; *reads counts the images that were read. */
static enum rota_boot_verdict run(const struct flash *flash, const struct rota_bootstate *s,
	struct rota_boot_choice *choice, int *reads)
{
	struct rota_boot_facts facts = { .unnoted = false };
	enum rota_boot_verdict verdict;

	*reads = 0;
	while ((verdict = rota_boot_choose(s, &facts, choice)) == ROTA_BOOT_VERIFY && *reads < 40) {
		*choice->fact = answer(flash, &facts, choice);
		++*reads;
	}
	return verdict;
}

/* ---- one component ---- */

struct row {
	const char *why;
	enum rota_trial_phase phase;
	bool other, confirmed,
		any; /* good: the other place as named, the confirmed one; any image there */
	enum rota_boot_verdict want;
	bool runs_confirmed;
	enum rota_boot_kind kind;
	bool unknown, commit;
	enum rota_trial_phase phase_after;
	int verified; /* how many images were read */
};

#define RUN ROTA_BOOT_RUN
#define REFUSE ROTA_BOOT_REFUSE
static const struct row rows[] = {
	{ "the confirmed image", ROTA_TRIAL_NONE, 0, 1, 1, RUN, true, ROTA_BOOT_CONFIRMED, false,
		false, ROTA_TRIAL_NONE, 1 },
	{ "only the confirmed one is good", ROTA_TRIAL_NONE, 0, 1, 0, RUN, true,
		ROTA_BOOT_CONFIRMED, false, false, ROTA_TRIAL_NONE, 1 },
	{ "the confirmed one is damaged, the other not known", ROTA_TRIAL_NONE, 0, 0, 1, RUN, false,
		ROTA_BOOT_FALLBACK, true, false, ROTA_TRIAL_NONE, 2 },
	{ "both are damaged", ROTA_TRIAL_NONE, 0, 0, 0, REFUSE, false, ROTA_BOOT_CONFIRMED, false,
		false, ROTA_TRIAL_NONE, 2 },
	{ "a trial", ROTA_TRIAL_ASKED, 1, 1, 1, RUN, false, ROTA_BOOT_TRIAL, false, true,
		ROTA_TRIAL_STARTED, 1 },
	{ "a trial, nothing behind it", ROTA_TRIAL_ASKED, 1, 0, 1, RUN, false, ROTA_BOOT_TRIAL,
		false, true, ROTA_TRIAL_STARTED, 1 },
	{ "the trial is damaged", ROTA_TRIAL_ASKED, 0, 1, 0, RUN, true, ROTA_BOOT_REVERTED, false,
		true, ROTA_TRIAL_NONE, 2 },
	{ "trial of another digest, confirmed damaged", ROTA_TRIAL_ASKED, 0, 0, 1, RUN, false,
		ROTA_BOOT_FALLBACK, true, true, ROTA_TRIAL_NONE, 3 },
	{ "asked, and nothing is good", ROTA_TRIAL_ASKED, 0, 0, 0, REFUSE, false,
		ROTA_BOOT_CONFIRMED, false, false, ROTA_TRIAL_NONE, 3 },
	{ "the trial was not confirmed", ROTA_TRIAL_STARTED, 1, 1, 1, RUN, true, ROTA_BOOT_REVERTED,
		false, true, ROTA_TRIAL_NONE, 1 },
	{ "not confirmed, confirmed one damaged", ROTA_TRIAL_STARTED, 1, 0, 1, RUN, false,
		ROTA_BOOT_FALLBACK, false, true, ROTA_TRIAL_NONE, 2 },
	{ "not confirmed and another digest, confirmed one damaged", ROTA_TRIAL_STARTED, 0, 0, 1,
		RUN, false, ROTA_BOOT_FALLBACK, true, true, ROTA_TRIAL_NONE, 3 },
	{ "not confirmed, both damaged", ROTA_TRIAL_STARTED, 0, 0, 0, REFUSE, false,
		ROTA_BOOT_CONFIRMED, false, false, ROTA_TRIAL_NONE, 3 },
};

static void check_row(const struct row *row, uint8_t confirmed)
{
	struct rota_bootstate s = in_phase(1, confirmed, row->phase, 1);
	struct flash flash = { .any = row->any };
	struct rota_boot_choice choice;
	int reads;

	ROW(row->why);
	flash.good[confirmed] = row->confirmed;
	flash.good[confirmed ^ 1] = row->other;
	CHECK_EQ(run(&flash, &s, &choice, &reads), row->want);
	CHECK_EQ(reads, row->verified);
	if (row->want != RUN)
		return;
	CHECK_EQ(choice.places, row->runs_confirmed ? confirmed : confirmed ^ 1);
	CHECK_EQ(choice.trial, row->kind == ROTA_BOOT_TRIAL);
	CHECK_EQ(choice.kind, row->kind);
	CHECK_EQ(choice.unknown, row->unknown);
	CHECK_EQ(choice.commit, row->commit);
	CHECK_EQ(choice.next.phase, row->phase_after);
	CHECK_EQ(choice.next.confirmed, confirmed);
	if (row->kind == ROTA_BOOT_REVERTED)
		CHECK_EQ(choice.next.outcome, ROTA_OUTCOME_REVERTED);
}

TEST(every_row_of_the_choice)
{
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i / 2], i % 2);
	ROW(NULL);
}

/* ---- a set of three ---- */

struct set_row {
	const char *why;
	enum rota_trial_phase phase;
	uint8_t trial; /* components on trial */
	uint8_t good[2]; /* by place, components that are good there: confirmed is place 0 */
	enum rota_boot_verdict want;
	uint8_t places;
	enum rota_boot_kind kind;
	int verified;
};

static const struct set_row set_rows[] = {
	{ "the confirmed set", ROTA_TRIAL_NONE, 0, { 7, 0 }, RUN, 0, ROTA_BOOT_CONFIRMED, 3 },
	{ "one member is damaged, and no other set is known", ROTA_TRIAL_NONE, 0, { 5, 7 }, REFUSE,
		0, ROTA_BOOT_CONFIRMED, 2 },
	{ "a trial of all", ROTA_TRIAL_ASKED, 7, { 7, 7 }, RUN, 7, ROTA_BOOT_TRIAL, 3 },
	{ "a trial of two: the third is where it was", ROTA_TRIAL_ASKED, 3, { 7, 3 }, RUN, 3,
		ROTA_BOOT_TRIAL, 3 },
	{ "one on trial is wrong: all revert", ROTA_TRIAL_ASKED, 7, { 7, 3 }, RUN, 0,
		ROTA_BOOT_REVERTED, 6 },
	{ "the one that is not on trial is damaged", ROTA_TRIAL_ASKED, 3, { 3, 3 }, REFUSE, 0,
		ROTA_BOOT_CONFIRMED, 3 },
	{ "one on trial and another confirmed one are wrong: no mixture", ROTA_TRIAL_ASKED, 7,
		{ 6, 3 }, REFUSE, 0, ROTA_BOOT_CONFIRMED, 4 },
	{ "the trial was not confirmed", ROTA_TRIAL_STARTED, 7, { 7, 7 }, RUN, 0,
		ROTA_BOOT_REVERTED, 3 },
	{ "not confirmed, and the confirmed set is damaged", ROTA_TRIAL_STARTED, 7, { 6, 7 }, RUN,
		7, ROTA_BOOT_FALLBACK, 4 },
	{ "not confirmed, and both sets are damaged", ROTA_TRIAL_STARTED, 7, { 6, 5 }, REFUSE, 0,
		ROTA_BOOT_CONFIRMED, 3 },
};

TEST(a_set_runs_as_a_whole_or_not_at_all)
{
	for (size_t i = 0; i < sizeof(set_rows) / sizeof(set_rows[0]); i++) {
		const struct set_row *row = &set_rows[i];
		struct rota_bootstate s = in_phase(3, 0, row->phase, row->trial);
		const struct flash flash = { { row->good[0], row->good[1] }, true };
		struct rota_boot_choice choice;
		int reads;

		ROW(row->why);
		CHECK_EQ(run(&flash, &s, &choice, &reads), row->want);
		CHECK_EQ(reads, row->verified);
		if (row->want != RUN)
			continue;
		CHECK_EQ(choice.places, row->places);
		CHECK_EQ(choice.kind, row->kind);
		CHECK_EQ(choice.trial, row->kind == ROTA_BOOT_TRIAL ? row->trial : 0);
		CHECK(!choice.unknown);
	}
	ROW(NULL);
}

/* All that can be good or not in a set of two, in all phases: what runs was asked for and found good, and is one of
 * the sets that the boot state knows. */
TEST(nothing_else_ever_runs)
{
	for (unsigned n = 0; n < 3 * 3 * 16; n++) {
		enum rota_trial_phase phase = (enum rota_trial_phase)(n / 16 % 3);
		uint8_t trial = (uint8_t)(1 + n / 48);
		struct rota_bootstate s = in_phase(2, n & 1, phase, trial);
		const struct flash flash = { { n & 3, n >> 2 & 3 }, true };
		struct rota_boot_choice choice;
		int reads;

		if (run(&flash, &s, &choice, &reads) != RUN)
			continue;
		for (uint8_t i = 0; i < 2; i++)
			CHECK((flash.good[choice.places >> i & 1] >> i & 1) != 0);
		CHECK(choice.places == s.confirmed ||
			choice.places == (s.confirmed ^ rota_bootstate_others(&s)));
	}
}

TEST(the_set_before_is_the_fallback)
{
	struct rota_bootstate s = in_phase(2, 0, ROTA_TRIAL_STARTED, 2);
	struct flash flash = { { 3, 1 }, true }; /* the new image of component 1 is damaged */
	struct rota_boot_choice choice;
	int reads;

	CHECK_EQ(rota_bootstate_confirm(&s), ROTA_OK);
	CHECK_EQ(run(&flash, &s, &choice, &reads), RUN);
	CHECK_EQ(choice.places, 0); /* component 0 is in both sets */
	CHECK_EQ(choice.kind, ROTA_BOOT_FALLBACK);
	CHECK(!choice.unknown);
	CHECK_EQ(reads, 3); /* what was found good is not read again */
}

/* ---- how it is asked ---- */

TEST(images_are_asked_for_by_their_digests)
{
	struct rota_bootstate s = in_phase(1, 0, ROTA_TRIAL_ASKED, 1);
	struct rota_boot_facts facts = { .unnoted = false };
	struct rota_boot_choice choice;

	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_VERIFY);
	CHECK_EQ(choice.place, 1);
	CHECK_MEM(choice.digest, two, 32);
	*choice.fact = ROTA_BOOT_NO;
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_VERIFY);
	CHECK_EQ(choice.place, 0);
	CHECK_MEM(choice.digest, one, 32);
	*choice.fact = ROTA_BOOT_NO;
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_VERIFY);
	CHECK_EQ(choice.place, 1);
	CHECK(choice.digest == NULL); /* the last resort: any image that may run */
}

TEST(a_trial_that_leaves_no_trace_does_not_run)
{
	struct rota_bootstate s = in_phase(1, 0, ROTA_TRIAL_ASKED, 1);
	struct rota_boot_facts facts = { .image = { { ROTA_BOOT_YES, ROTA_BOOT_YES } } };
	struct rota_boot_choice choice;

	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), RUN);
	CHECK_EQ(choice.kind, ROTA_BOOT_TRIAL);
	facts.unnoted = true; /* the commit failed */
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), RUN);
	CHECK_EQ(choice.kind, ROTA_BOOT_REVERTED);
	CHECK_EQ(choice.places, 0);
}

TEST(a_reverted_trial_is_told_at_every_boot_until_the_next)
{
	struct rota_bootstate s = in_phase(1, 0, ROTA_TRIAL_STARTED, 1);
	struct rota_boot_facts facts = { .image = { { ROTA_BOOT_YES, ROTA_BOOT_UNKNOWN } } };
	struct rota_boot_choice choice;

	rota_bootstate_revert(&s);
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_RUN);
	CHECK_EQ(choice.kind, ROTA_BOOT_REVERTED);
	CHECK(!choice.commit);
}

TESTS(T(every_row_of_the_choice), T(a_set_runs_as_a_whole_or_not_at_all), T(nothing_else_ever_runs),
	T(the_set_before_is_the_fallback), T(images_are_asked_for_by_their_digests),
	T(a_trial_that_leaves_no_trace_does_not_run),
	T(a_reverted_trial_is_told_at_every_boot_until_the_next))
