/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/cut.h"
#include "tests/powercut/chance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHOUT_MEMORY 64 /* one cut in so many verifies each signature anew */
#define SECOND_WITHIN 400 /* a second cut comes within so many operations, or not at all */
#define FAILURES_TOLD 20

static const char *const tears[] = {
	[ROTA_SIM_CUT_BEFORE] = "before",
	[ROTA_SIM_CUT_WEAK] = "weak",
	[ROTA_SIM_CUT_TORN] = "torn",
	[ROTA_SIM_CUT_DONE] = "done",
	[ROTA_SIM_CUT_UNSYNCED] = "unsynced",
};
#define TEARS 5
#define FIRST_TEAR ROTA_SIM_CUT_BEFORE

struct cutting {
	struct stand stand;
	const struct cut_plan *plan;
	struct cut_counts *counts;
	struct sim_device *clean, *cut;
	struct sim_image before; /* the call */
	struct keylife_row row; /* what the server of keys knew then */
	uint32_t held
		[2]; /* place in the history of what each journal held when all was synced last: a record may
			read as valid before its last unit was written, if that has only bytes that read erased */
	bool synced; /* since the last call */
};

/* ---- names ---- */

static void name_of(const struct cutting *c, const struct cut *cut, char out[static CUT_NAME_MAX])
{
	int len = snprintf(out, CUT_NAME_MAX, "%s/%s/%" PRIu64 "/%s/%" PRIu64,
		c->stand.scenario->name, c->stand.board->name, cut->at, tears[cut->tear],
		c->plan->seed);

	if (cut->second > 0)
		(void)snprintf(out + len, CUT_NAME_MAX - (size_t)len, "+%" PRIu64 "/%s",
			cut->second, tears[cut->second_tear]);
}

static bool tear_parse(const char *name, enum rota_sim_fault *tear)
{
	for (int i = FIRST_TEAR; i < FIRST_TEAR + TEARS; i++) {
		if (strcmp(tears[i], name) == 0) {
			*tear = (enum rota_sim_fault)i;
			return true;
		}
	}
	return false;
}

bool cut_parse(const char *name, struct cut_plan *plan, const struct scenario **scenario,
	const struct sim_board **board)
{
	char scenario_name[32], board_name[32], tear[16], second_tear[16];
	int fields = sscanf(name,
		"%31[a-z]/%31[a-z0-9]/%" SCNu64 "/%15[a-z]/%" SCNu64 "+%" SCNu64 "/%15[a-z]",
		scenario_name, board_name, &plan->only.at, tear, &plan->seed, &plan->only.second,
		second_tear);

	if (fields != 5 && fields != 7)
		return false;
	*scenario = scenario_find(scenario_name);
	*board = sim_board_find(board_name);
	return *scenario != NULL && *board != NULL && plan->only.at > 0 &&
		tear_parse(tear, &plan->only.tear) &&
		(fields == 5 || tear_parse(second_tear, &plan->only.second_tear));
}

/* ---- one cut ---- */

static void fail(struct cutting *c, const struct cut *cut, const char *why)
{
	char name[CUT_NAME_MAX];

	if (c->counts->failed++ >= FAILURES_TOLD)
		return;
	name_of(c, cut, name);
	printf("FAIL %s: %s\n", name, why);
}

/* Each journal holds what it held before the call, or what the clean device commits with it. */
static const char *judge_journals(struct cutting *c)
{
	static const char *const what[2] = { "the boot journal holds neither the old nor the new",
		"the device journal holds neither the old nor the new" };

	for (int i = 0; i < 2; i++) {
		enum sim_place_name place = (enum sim_place_name)i;

		if (!stand_holds(&c->stand, c->cut, place, c->held[i]) &&
			!stand_holds(&c->stand, c->cut, place, c->held[i] + 1))
			return what[i];
	}
	return NULL;
}

static uint64_t seed_of(const struct cutting *c, const struct cut *cut)
{
	uint64_t stream = c->plan->seed ^ cut->at * 8 ^ (uint64_t)cut->tear;

	return chance_next(&stream);
}

static void live_on(struct cutting *c, const struct cut *cut)
{
	struct sim_device *d = c->cut;

	c->stand.memo.off = c->counts->cuts % WITHOUT_MEMORY == 0;
	rota_sim_supply_plan(&d->supply, cut->second, cut->second_tear, d->supply.random);
	if (!stand_live(&c->stand, d) && d->supply.off) {
		c->counts->doubles++;
		sim_power(d);
		keylife_power(&c->stand.server.keys);
		(void)stand_live(&c->stand, d);
	}
	c->stand.memo.off = false;
}

/* The in_call-th operation of the call, from 1. */
static void cut_once(
	struct cutting *c, const struct sim_call *call, uint64_t in_call, const struct cut *cut)
{
	struct sim_device *d = c->cut;
	const char *why;

	sim_restore(d, &c->before);
	rota_sim_supply_plan(&d->supply, in_call, cut->tear, seed_of(c, cut));
	if (sim_call(d, call) == ROTA_OK || !d->supply.off)
		abort(); /* the operation was counted, and is not there */
	c->counts->cuts++;
	sim_power(d);
	stand_judge(&c->stand);
	keylife_restore(&c->stand.server.keys, &c->row);
	keylife_power(&c->stand.server.keys);
	c->stand.alone = c->clean->runs && c->clean->turn.act == ROTA_WATCHDOG_RUN_UPDATER;
	why = judge_journals(c);
	if (why == NULL) {
		live_on(c, cut);
		why = c->stand.wrong;
	}
	if (why != NULL)
		fail(c, cut, why);
}

/* ---- all of them ---- */

static bool wanted(const struct cutting *c, const struct sim_call *call, const struct cut *cut)
{
	const struct cut_plan *plan = c->plan;
	uint64_t number = cut->at * TEARS + (uint64_t)cut->tear;

	if (plan->only.at > 0)
		return cut->at == plan->only.at && cut->tear == plan->only.tear;
	if (call->kind == SIM_WRITE && call->place >= SIM_SLOTS && call->place < SIM_PLACES &&
		cut->at % plan->stride != 0)
		return false;
	if (plan->kinds != 0 && (plan->kinds >> call->kind & 1) == 0)
		return false;
	return number % plan->shares == plan->share &&
		(!c->stand.scenario->thinned || plan->thin == 0 ||
			number / plan->shares % plan->thin == 0);
}

/* One cut in so many has a second one behind it. */
static void draw_second(const struct cutting *c, struct cut *cut)
{
	uint64_t stream = seed_of(c, cut);

	if (c->plan->only.at > 0) {
		*cut = c->plan->only;
		return;
	}
	if (c->plan->doubles == 0 || chance_next(&stream) % c->plan->doubles != 0)
		return;
	cut->second = 1 + chance_next(&stream) % SECOND_WITHIN;
	cut->second_tear = (enum rota_sim_fault)(FIRST_TEAR + chance_next(&stream) % TEARS);
}

static void trace(const struct cutting *c, const struct sim_call *call)
{
	static const char *const kinds[] = { "write", "erase", "sync", "advance" };
	static const char *const places[] = { "boot journal", "device journal", "orders", "log",
		"chunk map 0", "chunk map 1", "slot 0", "slot 1", "slot 0 of component 1",
		"slot 1 of component 1", "key journal", "key archive", "root of trust", "vault" };

	if (c->plan->only.at > 0)
		printf("%8" PRIu64 "  %s of %s at %u, %zu bytes\n", c->clean->supply.ops + 1,
			kinds[call->kind], places[call->place], call->off, call->bytes.len);
}

/* Operations that a call takes. */
static uint64_t ops_of(struct cutting *c, const struct sim_call *call)
{
	struct sim_device *d = c->cut;

	sim_restore(d, &c->before);
	rota_sim_supply_plan(&d->supply, 0, ROTA_SIM_NONE, c->plan->seed);
	if (sim_call(d, call) != ROTA_OK)
		abort(); /* the clean device's own flash fails */
	return d->supply.ops;
}

static uint64_t calm_until(const struct cutting *c)
{
	const struct scenario *scenario = c->stand.scenario;

	return SCENARIO_START + scenario->asleep_s +
		(uint64_t)scenario->calm * scenario_poll_s(scenario);
}

/* `before`: operations of the clean device so far. */
static void cut_ops(struct cutting *c, const struct sim_call *call, uint64_t before)
{
	uint64_t ops;

	trace(c, call);
	ops = ops_of(c, call);
	for (uint64_t n = 1; n <= ops; n++) {
		for (int tear = FIRST_TEAR; tear < FIRST_TEAR + TEARS; tear++) {
			struct cut cut = { .at = before + n, .tear = (enum rota_sim_fault)tear };

			if (!wanted(c, call, &cut))
				continue;
			draw_second(c, &cut);
			cut_once(c, call, n, &cut);
		}
	}
}

static void cut_call(void *ctx, struct sim_device *d, const struct sim_call *call)
{
	struct cutting *c = ctx;
	uint64_t before = d->supply.ops;

	if (call->kind == SIM_SYNC) {
		c->synced = true;
		return; /* a cut before it, and nothing done, is the cut after the last operation */
	}
	if (sim_save(d, &c->before) != ROTA_OK)
		abort();
	sim_restore(c->cut, &c->before);
	for (int i = 0; i < 2 && c->synced; i++)
		c->held[i] = stand_place(&c->stand, c->cut, (enum sim_place_name)i, c->held[i]);
	c->synced = false;
	keylife_save(&c->stand.server.keys, &c->row);
	if (d->clock_s >= calm_until(c))
		cut_ops(c, call, before);
	keylife_restore(&c->stand.server.keys, &c->row);
	sim_image_free(&c->before);
}

static void live(struct cutting *c)
{
	struct sim_world world = c->stand.world;

	world.call_ctx = c;
	world.call = cut_call;
	c->synced = true;
	c->clean = stand_device(&c->stand);
	c->cut = stand_device(&c->stand);
	sim_restore(c->clean, &c->stand.start);
	keylife_restore(&c->stand.server.keys, &c->stand.row);
	rota_sim_supply_plan(&c->clean->supply, 0, ROTA_SIM_NONE, c->plan->seed);
	(void)sim_run(c->clean, &world, c->stand.until_s);
	c->counts->ops = c->clean->supply.ops;
	stand_device_end(c->clean);
	stand_device_end(c->cut);
}

bool cut_all(const struct scenario *scenario, const struct sim_board *board,
	const struct cut_plan *plan, struct cut_counts *counts)
{
	struct cutting *c = calloc(1, sizeof(*c));
	bool good;

	if (c == NULL)
		abort();
	c->plan = plan;
	c->counts = counts;
	*counts = (struct cut_counts){ 0 };
	good = stand_open(&c->stand, scenario, board, plan->seed);
	if (good)
		live(c);
	else
		printf("FAIL %s/%s: %s\n", scenario->name, board->name, c->stand.wrong);
	stand_close(&c->stand);
	free(c);
	return good;
}
