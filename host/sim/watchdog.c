/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog of a simulated device (SPEC 10.8): its turns at a boot and in the middle of a run, and its tickets. */
#include "host/sim/parts.h"
#include "rota/store/watchdog.h"

static void begin_turn(struct sim_device *d)
{
	d->turn_until_s = d->clock_s + d->turn.run_s;
}

void sim_turn(struct sim_device *d, struct rota_bootstate *state)
{
	struct rota_bootstate before = *state;

	rota_watchdog_next(&d->fleet->rom->watchdog, ROTA_WATCHDOG_BOOT, state, &d->turn);
	if (d->turn.commit && rota_bootstate_commit(&d->boot, state) != ROTA_OK) {
		*state = before;
		d->turn = (struct rota_watchdog_turn){ .act = ROTA_WATCHDOG_RUN_APPLICATION };
	}
	begin_turn(d);
}

static enum rota_err turn_over(struct sim_device *d)
{
	struct rota_bootstate state;

	ROTA_TRY(rota_journal_open(&d->boot, &d->place[SIM_BOOT].port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(rota_bootstate_load(&d->boot, &state));
	rota_watchdog_next(&d->fleet->rom->watchdog, ROTA_WATCHDOG_OVER, &state, &d->turn);
	return d->turn.commit ? rota_bootstate_commit(&d->boot, &state) : ROTA_OK;
}

void sim_over(struct sim_device *d)
{
	enum rota_err err = turn_over(d);

	if (err == ROTA_OK && d->turn.act == ROTA_WATCHDOG_RESET)
		sim_power(d);
	else
		begin_turn(d); /* a commit that fails stops nothing */
}

bool sim_alone_ends(struct sim_device *d)
{
	if (d->turn.act != ROTA_WATCHDOG_RUN_UPDATER || d->supply.off)
		return false;
	d->clock_s = d->turn_until_s;
	return true;
}

static enum rota_err take(struct sim_device *d, struct rota_span bytes)
{
	struct rota_bootstate state;
	struct rota_ticket ticket;

	ROTA_TRY(rota_ticket_decode(bytes, &ticket));
	ROTA_TRY(rota_journal_open(&d->boot, &d->place[SIM_BOOT].port, ROTA_JOURNAL_BOOT));
	ROTA_TRY(rota_bootstate_load(&d->boot, &state));
	ROTA_TRY(rota_watchdog_ticket(d->fleet->rom, d->fleet->crypto, &ticket, &state));
	return rota_bootstate_commit(&d->boot, &state);
}

void sim_ticket(struct sim_device *d)
{
	const struct sim_world *world = d->world;
	uint8_t room[ROTA_TICKET_MAX];
	struct rota_span bytes;

	if (world->ticket == NULL ||
		world->ticket(world->ctx, d, ROTA_BUF(room), &bytes) != ROTA_OK)
		return;
	d->ticket = take(d, bytes);
}
