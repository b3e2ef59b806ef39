/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/watchdog.h"
#include "rota/base/mem.h"

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

static uint32_t slice_s(const struct rota_rom_watchdog *rom)
{
	uint32_t slice = rom->period_s / ROTA_WATCHDOG_SLICES;

	return slice > ROTA_WATCHDOG_SLICE_MIN_S ? slice : ROTA_WATCHDOG_SLICE_MIN_S;
}

static bool fits(enum need need, bool value)
{
	return need == ANY || (need == YES) == value;
}

static enum then judge(const struct rota_bootstate *state, enum rota_watchdog_event event)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].event == event && rows[i].phase == state->watchdog.phase &&
			fits(rows[i].left, state->watchdog.left_s > 0) &&
			fits(rows[i].asked, state->phase == ROTA_TRIAL_ASKED))
			return rows[i].then;
	}
	return RESET;
}

/* Buy the next slice. */
static void spend(const struct rota_rom_watchdog *rom, struct rota_watchdog *dog,
	struct rota_watchdog_turn *out)
{
	uint32_t slice = slice_s(rom);

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
		out->run_s = slice_s(rom);
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

void rota_watchdog_init(const struct rota_rom_watchdog *rom, struct rota_bootstate *state)
{
	state->watchdog.left_s = rom->period_s;
}

struct rota_time_keys rota_watchdog_keys(const struct rota_bootstate *state)
{
	static const uint8_t none[ROTA_SHA256_LEN];
	struct rota_time_keys keys = { 0 };

	for (uint8_t i = 0; i < ROTA_TIME_KEYS_MAX; i++) {
		if (memcmp(state->watchdog.keys[i], none, sizeof(none)) == 0)
			continue;
		memcpy(keys.sha256[keys.count++], state->watchdog.keys[i], ROTA_SHA256_LEN);
	}
	return keys;
}

bool rota_watchdog_refreshed(const struct rota_rom_watchdog *rom, const struct rota_time_keys *keys,
	struct rota_bootstate *state)
{
	struct rota_watchdog *dog = &state->watchdog, next = *dog;

	if (rom->period_s == 0)
		return false;
	memset(next.keys, 0, sizeof(next.keys));
	for (uint8_t i = 0; i < keys->count && i < ROTA_TIME_KEYS_MAX; i++)
		memcpy(next.keys[i], keys->sha256[i], ROTA_SHA256_LEN);
	next.left_s = rom->period_s;
	if (memcmp(next.keys, dog->keys, sizeof(next.keys)) == 0 && dog->left_s <= rom->period_s &&
		rom->period_s - dog->left_s < slice_s(rom) && dog->left_s > 0)
		return false;
	*dog = next;
	return true;
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
