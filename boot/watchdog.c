/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/watchdog.h"

enum need { NO, YES, ANY };
enum then { SPEND, LEND, BEGIN_UPDATER, END_UPDATER, RESET };

struct row {
	enum rota_watchdog_event event;
	enum rota_watchdog_phase phase;
	enum need left, asked; /* time is left; a trial was asked for */
	enum then then;
};

/* SPEC 10.8. The first row that holds; together they cover everything. */
static const struct row rows[] = {
	{ ROTA_WATCHDOG_BOOT, ROTA_WATCHDOG_UPDATER, ANY, ANY,
		END_UPDATER }, /* whatever came of it */
	{ ROTA_WATCHDOG_BOOT, ROTA_WATCHDOG_RUN, YES, ANY, SPEND },
	{ ROTA_WATCHDOG_BOOT, ROTA_WATCHDOG_RUN, NO, YES, LEND },
	{ ROTA_WATCHDOG_BOOT, ROTA_WATCHDOG_RUN, NO, NO, BEGIN_UPDATER },
	{ ROTA_WATCHDOG_OVER, ROTA_WATCHDOG_UPDATER, ANY, ANY, RESET },
	{ ROTA_WATCHDOG_OVER, ROTA_WATCHDOG_RUN, YES, ANY, SPEND },
	{ ROTA_WATCHDOG_OVER, ROTA_WATCHDOG_RUN, NO, ANY, RESET },
};

static bool fits(enum need need, bool value)
{
	return need == ANY || (need == YES) == value;
}

static enum then judge(const struct rota_bootstate *state, enum rota_watchdog_event event)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].event == event && rows[i].phase == state->watchdog.phase &&
			fits(rows[i].left, state->watchdog.left_s > 0) &&
			fits(rows[i].asked, rota_bootstate_due(state)))
			return rows[i].then;
	}
	return RESET;
}

/* Buy the next slice. */
static void spend(const struct rota_rom_watchdog *rom, struct rota_watchdog *dog,
	struct rota_watchdog_turn *out)
{
	uint32_t slice = rota_watchdog_slice_s(rom);

	out->act = ROTA_WATCHDOG_RUN_APPLICATION;
	out->run_s = dog->left_s < slice ? dog->left_s : slice;
	out->commit = true;
	dog->left_s -= out->run_s;
}

void rota_watchdog_next(const struct rota_rom_watchdog *rom, enum rota_watchdog_event event,
	struct rota_bootstate *state, struct rota_watchdog_turn *out)
{
	struct rota_watchdog *dog = &state->watchdog;

	*out = (struct rota_watchdog_turn){ .act = ROTA_WATCHDOG_RUN_APPLICATION };
	if (rom->period_s == 0)
		return;
	if (dog->left_s > rom->period_s) /* whatever the flash says, it is never more */
		dog->left_s = rom->period_s;
	switch (judge(state, event)) {
	case SPEND:
		spend(rom, dog, out);
		break;
	case LEND:
		out->run_s = rota_watchdog_slice_s(rom);
		break;
	case BEGIN_UPDATER:
		dog->phase = ROTA_WATCHDOG_UPDATER;
		*out = (struct rota_watchdog_turn){ ROTA_WATCHDOG_RUN_UPDATER, rom->bound_s, true };
		break;
	case END_UPDATER:
		dog->phase = ROTA_WATCHDOG_RUN;
		dog->left_s = rom->period_s;
		spend(rom, dog, out);
		break;
	case RESET:
		out->act = ROTA_WATCHDOG_RESET;
		break;
	}
}

enum rota_err rota_watchdog_ticket(const struct rota_rom *rom, const struct rota_crypto *crypto,
	const struct rota_ticket *ticket, struct rota_bootstate *state)
{
	struct rota_time_keys keys = rota_watchdog_keys(state);

	if (rom->watchdog.period_s == 0)
		return ROTA_ERR_UNSUPPORTED;
	if (ticket->number == 0 || ticket->number - 1 != state->watchdog.ticket)
		return ROTA_ERR_VERSION;
	if (ticket->seconds > rom->watchdog.period_s)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_ticket_verify(crypto, &keys, rom->device_id, ticket));
	state->watchdog.ticket = ticket->number;
	if (ticket->seconds > state->watchdog.left_s)
		state->watchdog.left_s = ticket->seconds;
	return ROTA_OK;
}
