/* SPDX-License-Identifier: Apache-2.0 */
/* Every combination of phase, outcome and what verifies, against SPEC 10.2 told in another way. */
#include "boot/choice.h"
#include "tests/unit/test.h"

static const uint8_t one[32] = { 1 }, two[32] = { 2 };

/* Slot `confirmed` confirmed; the other one in `phase`. */
static struct rota_bootstate in_phase(uint8_t confirmed, enum rota_trial_phase phase)
{
	struct rota_bootstate s;

	rota_bootstate_init(&s, 0, one);
	s.confirmed = confirmed;
	memcpy(s.digest[0][confirmed], one, 32);
	if (phase == ROTA_TRIAL_NONE)
		return s;
	if (rota_bootstate_ask(&s, 0, two) != ROTA_OK)
		s.confirmed = 99;
	if (phase == ROTA_TRIAL_STARTED && rota_bootstate_start(&s) != ROTA_OK)
		s.confirmed = 99;
	return s;
}

struct row {
	const char *why;
	enum rota_trial_phase phase;
	bool trial, confirmed, other; /* verify */
	enum rota_boot_verdict want;
	bool runs_confirmed;
	enum rota_boot_kind kind;
	bool commit;
	enum rota_trial_phase phase_after;
	int verified; /* how many slots were read */
};

#define RUN ROTA_BOOT_RUN
static const struct row rows[] = {
	{ "the confirmed image", ROTA_TRIAL_NONE, 0, 1, 1, RUN, true, ROTA_BOOT_CONFIRMED, false,
		ROTA_TRIAL_NONE, 1 },
	{ "only the confirmed one is good", ROTA_TRIAL_NONE, 0, 1, 0, RUN, true,
		ROTA_BOOT_CONFIRMED, false, ROTA_TRIAL_NONE, 1 },
	{ "the confirmed one is damaged", ROTA_TRIAL_NONE, 0, 0, 1, RUN, false, ROTA_BOOT_FALLBACK,
		false, ROTA_TRIAL_NONE, 2 },
	{ "both are damaged", ROTA_TRIAL_NONE, 0, 0, 0, ROTA_BOOT_REFUSE, false,
		ROTA_BOOT_CONFIRMED, false, ROTA_TRIAL_NONE, 2 },
	{ "a trial", ROTA_TRIAL_ASKED, 1, 1, 1, RUN, false, ROTA_BOOT_TRIAL, true,
		ROTA_TRIAL_STARTED, 1 },
	{ "a trial, nothing behind it", ROTA_TRIAL_ASKED, 1, 0, 0, RUN, false, ROTA_BOOT_TRIAL,
		true, ROTA_TRIAL_STARTED, 1 },
	{ "the trial is damaged", ROTA_TRIAL_ASKED, 0, 1, 0, RUN, true, ROTA_BOOT_REVERTED, true,
		ROTA_TRIAL_NONE, 2 },
	{ "trial of another digest, confirmed damaged", ROTA_TRIAL_ASKED, 0, 0, 1, RUN, false,
		ROTA_BOOT_FALLBACK, true, ROTA_TRIAL_NONE, 3 },
	{ "asked, and nothing is good", ROTA_TRIAL_ASKED, 0, 0, 0, ROTA_BOOT_REFUSE, false,
		ROTA_BOOT_CONFIRMED, false, ROTA_TRIAL_NONE, 3 },
	{ "the trial was not confirmed", ROTA_TRIAL_STARTED, 1, 1, 1, RUN, true, ROTA_BOOT_REVERTED,
		true, ROTA_TRIAL_NONE, 1 },
	{ "not confirmed, confirmed one damaged", ROTA_TRIAL_STARTED, 1, 0, 1, RUN, false,
		ROTA_BOOT_FALLBACK, true, ROTA_TRIAL_NONE, 2 },
	{ "not confirmed, both damaged", ROTA_TRIAL_STARTED, 0, 0, 0, ROTA_BOOT_REFUSE, false,
		ROTA_BOOT_CONFIRMED, false, ROTA_TRIAL_NONE, 2 },
};

static enum rota_boot_known answer(const struct row *row, const struct rota_boot_facts *facts,
	const enum rota_boot_known *fact)
{
	bool good = fact == &facts->trial   ? row->trial
		: fact == &facts->confirmed ? row->confirmed
					    : row->other;

	return good ? ROTA_BOOT_YES : ROTA_BOOT_NO;
}

/* Ask until there is a verdict; *reads counts. */
static enum rota_boot_verdict run(const struct row *row, const struct rota_bootstate *s,
	struct rota_boot_choice *choice, int *reads)
{
	struct rota_boot_facts facts = { .trial = ROTA_BOOT_UNKNOWN };
	enum rota_boot_verdict verdict;

	*reads = 0;
	while ((verdict = rota_boot_choose(s, &facts, choice)) == ROTA_BOOT_VERIFY && *reads < 9) {
		*choice->fact = answer(row, &facts, choice->fact);
		++*reads;
	}
	return verdict;
}

TEST(every_row_of_the_choice)
{
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i / 2];
		uint8_t confirmed = i % 2;
		struct rota_bootstate s = in_phase(confirmed, row->phase);
		struct rota_boot_choice choice;
		int reads;

		ROW(row->why);
		CHECK_EQ(run(row, &s, &choice, &reads), row->want);
		CHECK_EQ(reads, row->verified);
		if (row->want != RUN)
			continue;
		CHECK_EQ(choice.slot, row->runs_confirmed ? confirmed : 1 - confirmed);
		CHECK_EQ(choice.kind, row->kind);
		CHECK_EQ(choice.commit, row->commit);
		CHECK_EQ(choice.next.phase, row->phase_after);
		CHECK_EQ(choice.next.confirmed, confirmed);
		if (row->kind == ROTA_BOOT_REVERTED)
			CHECK_EQ(choice.next.outcome, ROTA_OUTCOME_REVERTED);
	}
}

TEST(slots_are_asked_for_by_their_digests)
{
	struct rota_bootstate s = in_phase(0, ROTA_TRIAL_ASKED);
	struct rota_boot_facts facts = { .trial = ROTA_BOOT_UNKNOWN };
	struct rota_boot_choice choice;

	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_VERIFY);
	CHECK_EQ(choice.slot, 1);
	CHECK_MEM(choice.digest, two, 32);
	facts.trial = ROTA_BOOT_NO;
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_VERIFY);
	CHECK_EQ(choice.slot, 0);
	CHECK_MEM(choice.digest, one, 32);
	facts.confirmed = ROTA_BOOT_NO;
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_VERIFY);
	CHECK_EQ(choice.slot, 1);
	CHECK(choice.digest == NULL); /* the last resort: any image that may run */
}

TEST(a_reverted_trial_is_told_at_every_boot_until_the_next)
{
	struct rota_bootstate s = in_phase(0, ROTA_TRIAL_STARTED);
	struct rota_boot_facts facts = { .confirmed = ROTA_BOOT_YES };
	struct rota_boot_choice choice;

	rota_bootstate_revert(&s);
	CHECK_EQ(rota_boot_choose(&s, &facts, &choice), ROTA_BOOT_RUN);
	CHECK_EQ(choice.kind, ROTA_BOOT_REVERTED);
	CHECK(!choice.commit);
}

TESTS(T(every_row_of_the_choice), T(slots_are_asked_for_by_their_digests),
	T(a_reverted_trial_is_told_at_every_boot_until_the_next))
