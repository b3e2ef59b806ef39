/* SPDX-License-Identifier: Apache-2.0 */
/* One update cycle of a simulated device: what the core wants is asked of the world. */
#include "host/sim/parts.h"

#include <string.h>

#define PIECE 512 /* bytes fed at once */
#define WANTS_MAX 1000 /* in one cycle: more than any takes */

static void feed(struct sim_device *d, enum rota_err err, struct rota_span bytes)
{
	while (err == ROTA_OK && bytes.len > 0) {
		err = rota_update_feed(&d->update, rota_span_slice(bytes, 0, PIECE));
		bytes = rota_span_skip(bytes, PIECE);
	}
	rota_update_done(&d->update, err);
}

static void fetch(struct sim_device *d, const struct rota_update_want *want)
{
	const struct sim_world *world = d->world;
	struct rota_span bytes = { NULL, 0 };
	enum rota_err err;

	if (want->kind == ROTA_UPDATE_FETCH_META) {
		err = world->meta(world->ctx, d, &want->meta, &bytes);
	} else {
		err = world->target(world->ctx, d, want, &bytes);
		bytes = rota_span_skip(bytes, (size_t)want->offset);
	}
	feed(d, err, bytes);
}

static void fetch_recovery(struct sim_device *d, const struct rota_update_want *want)
{
	const struct sim_world *world = d->world;
	struct rota_span bytes = { NULL, 0 };
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	if (world->recovery != NULL)
		err = world->recovery(world->ctx, d, want, &bytes);
	feed(d, err, rota_span_skip(bytes, (size_t)want->offset));
}

static void fetch_time(struct sim_device *d, const uint8_t *nonce)
{
	const struct sim_world *world = d->world;
	uint8_t answer[SIM_TIME_ANSWER_MAX];
	struct rota_span bytes = { NULL, 0 };
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	if (world->time != NULL)
		err = world->time(world->ctx, d, nonce, ROTA_BUF(answer), &bytes);
	feed(d, err, bytes);
}

static void fetch_keys(struct sim_device *d, const struct rota_update_want *want)
{
	const struct sim_world *world = d->world;
	uint8_t answer[ROTA_KEYANSWER_MAX];
	struct rota_span bytes = { NULL, 0 };
	enum rota_err err = ROTA_ERR_NOT_FOUND;

	if (world->keys != NULL)
		err = world->keys(world->ctx, d, want->sha256, ROTA_BUF(answer), &bytes);
	feed(d, err, bytes);
}

static void send_statement(struct sim_device *d, struct rota_span statement)
{
	const struct sim_world *world = d->world;
	uint32_t counter = 0;
	enum rota_err err = ROTA_ERR_NET;

	if (world->statement != NULL)
		err = world->statement(world->ctx, d, statement, &counter);
	if (err == ROTA_ERR_VERSION)
		rota_update_out_of_turn(&d->update, counter);
	else
		rota_update_done(&d->update, err);
}

static enum rota_update_want_kind drive(struct sim_device *d)
{
	const struct sim_world *world = d->world;
	struct rota_update_want want;

	for (int i = 0; i < WANTS_MAX && !d->supply.off; i++) {
		rota_update_want(&d->update, &want);
		switch (want.kind) {
		case ROTA_UPDATE_FETCH_META:
		case ROTA_UPDATE_FETCH_TARGET:
			fetch(d, &want);
			break;
		case ROTA_UPDATE_FETCH_RECOVERY:
			fetch_recovery(d, &want);
			break;
		case ROTA_UPDATE_KEEP_META:
			if (world->keep != NULL)
				world->keep(world->ctx, d, &want.meta);
			rota_update_done(&d->update, ROTA_OK);
			break;
		case ROTA_UPDATE_FETCH_TIME:
			fetch_time(d, want.nonce);
			break;
		case ROTA_UPDATE_FETCH_KEYS:
			fetch_keys(d, &want);
			break;
		case ROTA_UPDATE_SEND_STATEMENT:
			send_statement(d, want.statement);
			break;
		case ROTA_UPDATE_FETCH_PROOF: /* devices of this world demand none */
			rota_update_done(&d->update, ROTA_ERR_NOT_FOUND);
			break;
		case ROTA_UPDATE_HEALTH:
			rota_update_done(&d->update,
				world->health != NULL ? world->health(world->ctx, d) : ROTA_OK);
			break;
		case ROTA_UPDATE_REBOOT:
		case ROTA_UPDATE_IDLE:
		case ROTA_UPDATE_STOPPED:
			return want.kind;
		}
	}
	return ROTA_UPDATE_STOPPED;
}

static void on_event(void *ctx, const struct rota_event *e)
{
	struct sim_device *d = ctx;

	if (d->world->event != NULL)
		d->world->event(d->world->ctx, d, e);
}

static uint64_t uptime_s(void *ctx)
{
	const struct sim_device *d = ctx;

	return d->clock_s;
}

enum rota_update_want_kind sim_cycle(struct sim_device *d)
{
	const struct rota_random random = { d, sim_random };
	const struct rota_uptime uptime = { d, uptime_s };
	const struct rota_order_config order = { .places = &d->place[SIM_ORDERS].port,
		.rom = d->fleet->rom,
		.desk = &d->desk,
		.record = ROTA_BUF(d->record),
		.order = ROTA_BUF(d->order) };
	struct rota_update_keys keys;
	struct rota_update_config config = {
		.session = { .crypto = d->fleet->crypto,
			.limits = &rota_limits_m3,
			.start = { rota_num_nearest(d->clock_s), d->clock_s != 0 },
			.profile = &rota_session_device },
		.device = &d->what,
		.slots = d->named,
		.slots_count = d->fleet->components,
		.journal = &d->journal,
		.log = &d->place[SIM_LOG].port,
		.boot = &d->access,
		.counter = &d->counter,
		.watchdog = &d->fleet->rom->watchdog,
		.random = &random,
		.uptime = &uptime,
		.order = &order,
		.event_ctx = d,
		.event = on_event,
	};
	enum rota_update_want_kind end = ROTA_UPDATE_STOPPED;
	enum rota_err err;

	d->cycles++;
	if (d->fleet->keys != NULL) {
		sim_keys_config(d, &keys);
		config.keys = &keys;
	}
	err = rota_journal_open(&d->journal, &d->place[SIM_DEVICE].port, ROTA_JOURNAL_DEVICE);
	if (err == ROTA_OK)
		err = rota_update_init(
			&d->update, &config, rota_buf((uint8_t *)d->room, sizeof(d->room)));
	if (err != ROTA_OK) {
		d->outcome = (struct rota_outcome){ .why = { err, ROTA_CLAUSE_NONE } };
		return end;
	}
	end = drive(d);
	rota_update_outcome(&d->update, &d->outcome);
	d->state = *rota_update_state(&d->update);
	if (d->fleet->keys != NULL)
		d->keys_why = *rota_update_keys_why(&d->update);
	rota_update_drop(&d->update);
	return end;
}
