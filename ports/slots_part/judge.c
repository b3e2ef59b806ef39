/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_part/judge.h"

uint8_t rota_place_bits(uint8_t count, uint8_t place)
{
	return place == 0 ? 0 : (uint8_t)((1u << count) - 1);
}

struct rota_selection rota_boot_selection(const struct rota_bootstate *state)
{
	static const uint8_t trial[] = {
		[ROTA_TRIAL_NONE] = ROTA_SELECTED_NONE,
		[ROTA_TRIAL_ASKED] = ROTA_SELECTED_ASKED,
		[ROTA_TRIAL_STARTED] = ROTA_SELECTED_STARTED,
	};

	return (struct rota_selection){ state->confirmed & 1, trial[state->phase] };
}

/* What the selector says of the place on trial. */
enum said {
	SAID_WAITING, /* not started yet, or not asked for, as after a cut before it was told */
	SAID_STARTED,
	SAID_NOTHING, /* it is damaged: the loader went by itself */
	SAID_COUNT
};

enum runs { RUNS_CONFIRMED, RUNS_OTHER, RUNS_COUNT };

enum act {
	LEAVE,
	START, /* the trial runs */
	END, /* the trial was started, and not confirmed */
	UNDO, /* a confirmation that never reached the selector: as not confirmed */
};

struct verdict {
	uint8_t act; /* enum act */
	uint8_t kind; /* enum rota_boot_kind */
};

static const struct verdict table[3][RUNS_COUNT][SAID_COUNT] = {
	[ROTA_TRIAL_NONE] = {
		[RUNS_CONFIRMED] = {
			[SAID_WAITING] = { LEAVE, ROTA_BOOT_CONFIRMED },
			[SAID_STARTED] = { LEAVE, ROTA_BOOT_CONFIRMED },
			[SAID_NOTHING] = { LEAVE, ROTA_BOOT_CONFIRMED },
		},
		[RUNS_OTHER] = {
			[SAID_WAITING] = { LEAVE, ROTA_BOOT_FALLBACK },
			[SAID_STARTED] = { UNDO, ROTA_BOOT_REVERTED },
			[SAID_NOTHING] = { LEAVE, ROTA_BOOT_FALLBACK },
		},
	},
	[ROTA_TRIAL_ASKED] = {
		[RUNS_CONFIRMED] = {
			[SAID_WAITING] = { LEAVE, ROTA_BOOT_CONFIRMED },
			[SAID_STARTED] = { END, ROTA_BOOT_REVERTED },
			[SAID_NOTHING] = { END, ROTA_BOOT_REVERTED },
		},
		[RUNS_OTHER] = {
			[SAID_WAITING] = { START, ROTA_BOOT_TRIAL },
			[SAID_STARTED] = { START, ROTA_BOOT_TRIAL },
			[SAID_NOTHING] = { START, ROTA_BOOT_TRIAL },
		},
	},
	[ROTA_TRIAL_STARTED] = {
		[RUNS_CONFIRMED] = {
			[SAID_WAITING] = { END, ROTA_BOOT_REVERTED },
			[SAID_STARTED] = { END, ROTA_BOOT_REVERTED },
			[SAID_NOTHING] = { END, ROTA_BOOT_REVERTED },
		},
		[RUNS_OTHER] = {
			[SAID_WAITING] = { LEAVE, ROTA_BOOT_TRIAL },
			[SAID_STARTED] = { LEAVE, ROTA_BOOT_TRIAL },
			[SAID_NOTHING] = { LEAVE, ROTA_BOOT_TRIAL },
		},
	},
};

/* With no trial under way, STARTED is what a confirmation leaves that the selector never heard of: the trial that
 * it speaks of is the confirmed place, and what runs is what was confirmed before. */
static enum said said(const struct rota_bootstate *state, const struct rota_boot_facts *facts)
{
	bool cut = state->outcome == ROTA_OUTCOME_CONFIRMED &&
		facts->selected.confirmed == facts->running;
	bool ours = state->phase != ROTA_TRIAL_NONE &&
		facts->selected.confirmed == (state->confirmed & 1);

	if (!facts->readable)
		return SAID_NOTHING;
	return facts->selected.trial == ROTA_SELECTED_STARTED && (cut || ours) ? SAID_STARTED
									       : SAID_WAITING;
}

static void undo(struct rota_bootstate *state, uint8_t running)
{
	state->confirmed = rota_place_bits(state->count, running);
	state->outcome = ROTA_OUTCOME_REVERTED;
}

enum rota_boot_kind rota_boot_judge(
	struct rota_bootstate *state, const struct rota_boot_facts *facts)
{
	enum runs runs = facts->running == (state->confirmed & 1) ? RUNS_CONFIRMED : RUNS_OTHER;
	const struct verdict *v = &table[state->phase][runs][said(state, facts)];

	/* Until the reset that follows, the confirmed place is what the next boot needs. */
	if (state->phase == ROTA_TRIAL_NONE && runs == RUNS_OTHER && facts->given_up)
		return ROTA_BOOT_TRIAL;
	if (v->act == START)
		state->phase = ROTA_TRIAL_STARTED;
	if (v->act == END)
		rota_bootstate_revert(state);
	if (v->act == UNDO)
		undo(state, facts->running);
	if (v->kind == ROTA_BOOT_CONFIRMED && state->phase == ROTA_TRIAL_NONE &&
		state->outcome == ROTA_OUTCOME_REVERTED)
		return ROTA_BOOT_REVERTED; /* by an earlier call of this boot */
	return (enum rota_boot_kind)v->kind;
}
