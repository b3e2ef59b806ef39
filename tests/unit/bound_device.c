/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bound_device.h"
#include "tests/unit/world_parts.h"

#include <string.h>

enum { FACTORY, FACTORY_DATA, UPDATED }; /* images, as world_runs() counts them */

struct bound_parts parts;
struct time_service service;
struct stolen stolen;

/* ---- its boot journal, dice and watch ---- */

static enum rota_err boot_begin(void *ctx, struct rota_bootstate *out)
{
	(void)ctx;
	*out = parts.boot;
	return parts.boot_error;
}

static enum rota_err boot_commit(void *ctx, const struct rota_bootstate *state)
{
	(void)ctx;
	if (parts.boot_fails)
		return ROTA_ERR_IO;
	parts.boot_commits++;
	parts.boot = *state;
	return ROTA_OK;
}

static void boot_end(void *ctx)
{
	(void)ctx;
}

static uint8_t dice;

static enum rota_err fill(void *ctx, struct rota_buf room)
{
	(void)ctx;
	memset(room.p, ++dice, room.len);
	return ROTA_OK;
}

static uint64_t watch_s;

static uint64_t seconds(void *ctx)
{
	(void)ctx;
	return watch_s;
}

static const struct rota_boot_access boot_port = { NULL, boot_begin, boot_commit, boot_end };
const struct rota_random bound_random = { NULL, fill };
static const struct rota_uptime uptime_port = { NULL, seconds };

/* ---- the time service ---- */

enum rota_err tell_time(struct world *w, struct rota_update *u, const uint8_t *nonce)
{
	uint64_t now_s = service.now_s != 0 ? service.now_s : w->clock_s;
	uint8_t asked[ROTA_TIME_NONCE_LEN], room[ROTA_TIME_ANSWER_MAX + 1] = { 0 };
	struct rota_span answer;

	service.nonces[service.count++ % 4] = nonce[0];
	memcpy(asked, nonce, sizeof(asked));
	asked[0] ^= service.other_nonce;
	answer = time_answer(service.key, now_s, w->device.id, asked, ROTA_BUF(room));
	if (service.long_answer)
		answer = ROTA_SPAN(room);
	watch_s += service.takes_s;
	ROTA_TRY(rota_update_feed(u, rota_span_slice(answer, 0, 10)));
	return rota_update_feed(u, rota_span_skip(answer, 10));
}

/* ---- the device ---- */

struct world *bound_device(struct world *w)
{
	world_init(w);
	time_delegate(&w->m, WORLD_NOW);
	maker_publish(&w->m);
	parts = (struct bound_parts){ .boot_error = ROTA_OK };
	rota_sim_supply_init(&parts.supply, 1);
	rota_counter_sim_init(&parts.counters, &parts.supply);
	parts.counter = rota_counter_sim_port(&parts.counters, 1u << ROTA_COUNTER_STATE);
	rota_bootstate_init(&parts.boot, 0, w->image[FACTORY].digest);
	service = (struct time_service){ .key = TIME_KEY };
	w->counter = &parts.counter;
	w->boot = &boot_port;
	w->random = &bound_random;
	w->uptime = &uptime_port;
	w->time = tell_time;
	return w;
}

void next_root(struct world *w, int key)
{
	struct maker_role *r = &w->m.role[MAKER_ROOT];

	r->version++;
	r->keys[0] = key;
	r->signers[0] = KEY_ROOT2;
	r->signers[1] = KEY_ROOT3;
	maker_publish(&w->m);
}

/* ---- the thief ---- */

void read_out(const struct world *w)
{
	stolen.flash = w->flash;
	memcpy(stolen.slots, w->slots, sizeof(stolen.slots));
	stolen.boot = parts.boot;
}

void put_back(struct world *w)
{
	w->flash = stolen.flash;
	memcpy(w->slots, stolen.slots, sizeof(stolen.slots));
	parts.boot = stolen.boot;
	world_boot(w);
}

struct world *restored_device(struct world *w)
{
	(void)bound_device(w);
	if (world_settle(w) != ROTA_UPDATE_IDLE)
		world_broken(w, "not idle");
	read_out(w);
	w->release.version = "2.0.0";
	world_release(w);
	world_policy(w);
	if (world_settle(w) != ROTA_UPDATE_IDLE || !world_runs(w, UPDATED))
		world_broken(w, "not updated");
	put_back(w);
	return w;
}
