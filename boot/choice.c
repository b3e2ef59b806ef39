/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/choice.h"

enum need { ANY = 0, YES = ROTA_BOOT_YES, NO = ROTA_BOOT_NO };
enum run { RUN_TRIAL, RUN_CONFIRMED, RUN_OTHER };
enum then { KEEP, START, REVERT };

struct row {
	enum rota_trial_phase phase;
	enum need trial, confirmed, other;
	enum run run;
	enum then then;
};

/* SPEC 10.2. The first row that the facts fulfil; a fact that a row needs and that is not known yet is
 * asked for, so the rows' order is also the order of verifying. */
static const struct row rows[] = {
	/* phase           trial conf. other  run            then   */
	{ ROTA_TRIAL_ASKED, YES, ANY, ANY, RUN_TRIAL, START },
	{ ROTA_TRIAL_ASKED, NO, YES, ANY, RUN_CONFIRMED, REVERT },
	{ ROTA_TRIAL_ASKED, NO, NO, YES, RUN_OTHER, REVERT },
	{ ROTA_TRIAL_STARTED, ANY, YES, ANY, RUN_CONFIRMED, REVERT },
	{ ROTA_TRIAL_STARTED, ANY, NO, YES, RUN_OTHER, REVERT },
	{ ROTA_TRIAL_NONE, ANY, YES, ANY, RUN_CONFIRMED, KEEP },
	{ ROTA_TRIAL_NONE, ANY, NO, YES, RUN_OTHER, KEEP },
};

/* Whether `need` holds; asks for the fact when it is not known. */
static bool holds(enum need need, enum rota_boot_known *fact, struct rota_boot_choice *choice)
{
	if (need == ANY)
		return true;
	if (*fact == ROTA_BOOT_UNKNOWN)
		choice->fact = fact;
	return (int)*fact == (int)need;
}

static bool row_holds(
	const struct row *row, struct rota_boot_facts *facts, struct rota_boot_choice *choice)
{
	return holds(row->trial, &facts->trial, choice) &&
		holds(row->confirmed, &facts->confirmed, choice) &&
		holds(row->other, &facts->other, choice);
}

static void ask(const struct rota_bootstate *state, const struct rota_boot_facts *facts,
	struct rota_boot_choice *choice)
{
	choice->slot = choice->fact == &facts->confirmed ? rota_bootstate_confirmed(state, 0)
							 : rota_bootstate_other(state, 0);
	if (choice->fact != &facts->other)
		choice->digest = state->digest[0][choice->slot];
}

static enum rota_boot_kind kind_of(const struct row *row, const struct rota_bootstate *next)
{
	switch (row->run) {
	case RUN_TRIAL:
		return ROTA_BOOT_TRIAL;
	case RUN_OTHER:
		return ROTA_BOOT_FALLBACK;
	case RUN_CONFIRMED:
		break;
	}
	return next->outcome == ROTA_OUTCOME_REVERTED ? ROTA_BOOT_REVERTED : ROTA_BOOT_CONFIRMED;
}

static enum rota_boot_verdict decide(
	const struct rota_bootstate *state, const struct row *row, struct rota_boot_choice *choice)
{
	struct rota_bootstate next = *state;

	if (row->then == START && rota_bootstate_start(&next) != ROTA_OK)
		return ROTA_BOOT_REFUSE; /* the table starts nothing that was not asked for */
	if (row->then == REVERT)
		rota_bootstate_revert(&next);
	choice->slot = row->run == RUN_CONFIRMED ? rota_bootstate_confirmed(state, 0)
						 : rota_bootstate_other(state, 0);
	choice->kind = kind_of(row, &next);
	choice->commit = row->then != KEEP;
	choice->next = next;
	return ROTA_BOOT_RUN;
}

enum rota_boot_verdict rota_boot_choose(const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice)
{
	/* An order's trial that was not confirmed yet is asked for anew, so many times. */
	uint8_t phase = rota_bootstate_due(state) ? ROTA_TRIAL_ASKED : state->phase;

	*choice = (struct rota_boot_choice){ .slot = ROTA_SLOT_NONE };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].phase != phase)
			continue;
		if (row_holds(&rows[i], facts, choice))
			return decide(state, &rows[i], choice);
		if (choice->fact != NULL) {
			ask(state, facts, choice);
			return ROTA_BOOT_VERIFY;
		}
	}
	return ROTA_BOOT_REFUSE;
}
