/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/choice.h"

/* Sets that may run. ANY is a set of one with whatever image verifies: of several components unknown images never
 * run, since they could be a mixture. */
enum set { TRIAL, CONFIRMED, OTHER, ANY };
#define SETS 4

enum need { EITHER = 0, YES = ROTA_BOOT_YES, NO = ROTA_BOOT_NO };
enum then { KEEP, START, REVERT };

struct row {
	enum rota_trial_phase phase;
	enum need need[SETS]; /* by set: whether it is good */
	enum set run;
	enum then then;
};

/* SPEC 10.2. The first row that the facts fulfil; a fact that a row needs and that is not known yet is
 * asked for, so the rows' order is also the order of verifying. */
static const struct row rows[] = {
	/* phase              trial   confirmed other   any    run        then   */
	{ ROTA_TRIAL_ASKED, { YES, EITHER, EITHER, EITHER }, TRIAL, START },
	{ ROTA_TRIAL_ASKED, { NO, YES, EITHER, EITHER }, CONFIRMED, REVERT },
	{ ROTA_TRIAL_ASKED, { NO, NO, EITHER, YES }, ANY, REVERT },
	{ ROTA_TRIAL_STARTED, { EITHER, YES, EITHER, EITHER }, CONFIRMED, REVERT },
	{ ROTA_TRIAL_STARTED, { EITHER, NO, YES, EITHER }, OTHER, REVERT },
	{ ROTA_TRIAL_STARTED, { EITHER, NO, NO, YES }, ANY, REVERT },
	{ ROTA_TRIAL_NONE, { EITHER, YES, EITHER, EITHER }, CONFIRMED, KEEP },
	{ ROTA_TRIAL_NONE, { EITHER, NO, YES, EITHER }, OTHER, KEEP },
	{ ROTA_TRIAL_NONE, { EITHER, NO, NO, YES }, ANY, KEEP },
};

/* ---- the sets ---- */

static uint8_t places_of(const struct rota_bootstate *state, enum set set)
{
	switch (set) {
	case TRIAL:
		return state->confirmed ^ state->trial;
	case OTHER:
		return state->confirmed ^ rota_bootstate_others(state);
	case ANY:
		return state->confirmed ^ 1;
	case CONFIRMED:
		break;
	}
	return state->confirmed;
}

/* Whether there is such a set at all. */
static bool exists(
	const struct rota_bootstate *state, const struct rota_boot_facts *facts, enum set set)
{
	switch (set) {
	case TRIAL:
		return !facts->unnoted;
	case OTHER:
		return rota_bootstate_others(state) != 0;
	case ANY:
		return state->count == 1;
	case CONFIRMED:
		break;
	}
	return true;
}

/* The next image of a set that is bad, or not known: to be asked for. */
static enum rota_boot_known look(const struct rota_bootstate *state, struct rota_boot_facts *facts,
	uint8_t places, struct rota_boot_choice *choice)
{
	enum rota_boot_known known = ROTA_BOOT_YES;

	for (uint8_t i = state->count; i-- > 0;) {
		uint8_t place = places >> i & 1;
		enum rota_boot_known *fact = &facts->image[i][place];

		if (*fact == ROTA_BOOT_NO)
			return ROTA_BOOT_NO;
		if (*fact == ROTA_BOOT_YES)
			continue;
		known = ROTA_BOOT_UNKNOWN;
		choice->component = i;
		choice->place = place;
		choice->digest = state->digest[i][place];
		choice->fact = fact;
	}
	return known;
}

static enum rota_boot_known look_any(const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice)
{
	choice->component = 0;
	choice->place = rota_bootstate_other(state, 0);
	choice->digest = NULL;
	choice->fact = &facts->any;
	return facts->any;
}

/* ---- the table ---- */

/* Whether `set` is as the row needs it; where that is not known, *ask. */
static bool holds(const struct row *row, enum set set, const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice, bool *ask)
{
	enum rota_boot_known known = ROTA_BOOT_NO;

	if (row->need[set] == EITHER)
		return true;
	if (exists(state, facts, set))
		known = set == ANY ? look_any(state, facts, choice)
				   : look(state, facts, places_of(state, set), choice);
	*ask = known == ROTA_BOOT_UNKNOWN;
	return (int)known == (int)row->need[set];
}

static bool row_holds(const struct row *row, const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice, bool *ask)
{
	for (int set = TRIAL; set <= ANY; set++) {
		if (!holds(row, (enum set)set, state, facts, choice, ask))
			return false;
	}
	return true;
}

static enum rota_boot_kind kind_of(enum set run, const struct rota_bootstate *next)
{
	if (run == TRIAL)
		return ROTA_BOOT_TRIAL;
	if (run != CONFIRMED)
		return ROTA_BOOT_FALLBACK;
	return next->outcome == ROTA_OUTCOME_REVERTED ? ROTA_BOOT_REVERTED : ROTA_BOOT_CONFIRMED;
}

static enum rota_boot_verdict decide(
	const struct rota_bootstate *state, const struct row *row, struct rota_boot_choice *choice)
{
	*choice = (struct rota_boot_choice){ .places = places_of(state, row->run) };
	choice->next = *state;
	if (row->then == START && rota_bootstate_start(&choice->next) != ROTA_OK)
		return ROTA_BOOT_REFUSE; /* the table starts nothing that was not asked for */
	if (row->then == REVERT)
		rota_bootstate_revert(&choice->next);
	choice->trial = row->run == TRIAL ? state->trial : 0;
	choice->kind = kind_of(row->run, &choice->next);
	choice->unknown = row->run == ANY;
	choice->commit = row->then != KEEP;
	return ROTA_BOOT_RUN;
}

enum rota_boot_verdict rota_boot_choose(const struct rota_bootstate *state,
	struct rota_boot_facts *facts, struct rota_boot_choice *choice)
{
	/* An order's trial that was not confirmed yet is asked for anew, so many times. */
	uint8_t phase = rota_bootstate_due(state) ? ROTA_TRIAL_ASKED : state->phase;
	bool ask = false;

	*choice = (struct rota_boot_choice){ .fact = NULL };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].phase != phase)
			continue;
		if (row_holds(&rows[i], state, facts, choice, &ask))
			return decide(state, &rows[i], choice);
		if (ask)
			return ROTA_BOOT_VERIFY;
	}
	return ROTA_BOOT_REFUSE;
}
