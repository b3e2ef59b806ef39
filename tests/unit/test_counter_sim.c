/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated counters: what a cut and a failure leave of a step. */
#include "ports/counter_sim/counter_fuses.h"
#include "ports/counter_sim/counter_sim.h"
#include "tests/unit/test.h"

static struct rota_sim_supply supply;
static struct rota_counter_sim sim;
static struct rota_counter port;

static void start(void)
{
	rota_sim_supply_init(&supply, 1);
	rota_counter_sim_init(&sim, &supply);
	port = rota_counter_sim_port(&sim, 0xF);
}

TEST(each_counter_rises_alone_and_never_falls)
{
	uint32_t v = 9;

	start();
	CHECK_OK(port.advance(port.ctx, ROTA_COUNTER_STATE, 3));
	CHECK_OK(port.advance(port.ctx, ROTA_COUNTER_STATE, 2));
	CHECK_OK(port.read(port.ctx, ROTA_COUNTER_STATE, &v));
	CHECK_EQ(v, 3);
	CHECK_OK(port.read(port.ctx, ROTA_COUNTER_SECURITY, &v));
	CHECK_EQ(v, 0);
	CHECK_EQ(supply.ops, 3);
}

TEST(a_cut_stops_between_steps_and_may_or_may_not_have_taken_its_own)
{
	static const struct {
		const char *what;
		enum rota_sim_fault fault;
		uint32_t least, most;
	} rows[] = {
		{ "before", ROTA_SIM_CUT_BEFORE, 1, 1 },
		{ "weak", ROTA_SIM_CUT_WEAK, 1, 1 },
		{ "torn", ROTA_SIM_CUT_TORN, 1, 2 },
		{ "done", ROTA_SIM_CUT_DONE, 2, 2 },
		{ "unsynced", ROTA_SIM_CUT_UNSYNCED, 2, 2 },
		{ "a failure that is told", ROTA_SIM_FAIL, 1, 2 },
	};
	bool seen[4] = { false };
	uint32_t v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].what);
		for (uint64_t seed = 0; seed < 8; seed++) {
			start();
			rota_sim_supply_plan(&supply, 2, rows[i].fault, seed);
			CHECK_EQ(port.advance(port.ctx, ROTA_COUNTER_EPOCH, 3), ROTA_ERR_IO);
			if (supply.off)
				CHECK_EQ(port.read(port.ctx, ROTA_COUNTER_EPOCH, &v), ROTA_ERR_IO);
			rota_sim_supply_on(&supply);
			CHECK_OK(port.read(port.ctx, ROTA_COUNTER_EPOCH, &v));
			CHECK(v >= rows[i].least && v <= rows[i].most);
			seen[v] = seen[v] || rows[i].fault == ROTA_SIM_CUT_TORN;
			CHECK_OK(port.advance(port.ctx, ROTA_COUNTER_EPOCH, 3));
			CHECK_EQ(sim.value[ROTA_COUNTER_EPOCH], 3);
		}
	}
	CHECK(seen[1] && seen[2]); /* a torn step goes both ways */
}

TEST(a_silent_failure_leaves_the_counter_one_short)
{
	start();
	rota_sim_supply_plan(&supply, 1, ROTA_SIM_SILENT, 1);
	CHECK_OK(port.advance(port.ctx, ROTA_COUNTER_KEYS, 1));
	CHECK_EQ(sim.value[ROTA_COUNTER_KEYS], 0);
}

TEST(a_counter_that_is_gone_or_away_says_which)
{
	uint32_t v;

	start();
	sim.gone = 1u << ROTA_COUNTER_STATE;
	sim.away = 1u << ROTA_COUNTER_EPOCH;
	CHECK_EQ(port.read(port.ctx, ROTA_COUNTER_STATE, &v), ROTA_ERR_CORRUPT);
	CHECK_EQ(port.advance(port.ctx, ROTA_COUNTER_STATE, 1), ROTA_ERR_CORRUPT);
	CHECK_EQ(port.read(port.ctx, ROTA_COUNTER_EPOCH, &v), ROTA_ERR_IO);
	CHECK_EQ(port.advance(port.ctx, ROTA_COUNTER_EPOCH, 1), ROTA_ERR_IO);
	CHECK_OK(port.read(port.ctx, ROTA_COUNTER_KEYS, &v));
}

TEST(a_device_without_counters_has_none)
{
	start();
	port = rota_counter_sim_port(&sim, 1u << ROTA_COUNTER_STATE);
	CHECK(rota_counter_has(&port, ROTA_COUNTER_STATE));
	CHECK(!rota_counter_has(&port, ROTA_COUNTER_SECURITY));
	CHECK(!rota_counter_has(NULL, ROTA_COUNTER_STATE));
}

/* A fuse that was cut off may read as burnt: it is burnt once more, whatever it reads. */
TEST(fuses_that_were_cut_off_are_burnt_whole)
{
	struct rota_sim_fuses fuses;
	uint32_t v = 9;

	for (uint64_t seed = 1; seed <= 32; seed++) {
		rota_sim_supply_init(&supply, seed);
		rota_sim_fuses_init(&fuses, &supply);
		port = rota_counter_fuses_port(&fuses, ROTA_COUNTER_SECURITY);
		CHECK_EQ(port.have, 1u << ROTA_COUNTER_SECURITY);
		rota_sim_supply_plan(&supply, 3, ROTA_SIM_CUT_TORN, seed);
		CHECK_EQ(port.advance(port.ctx, ROTA_COUNTER_SECURITY, 5), ROTA_ERR_IO);
		rota_sim_supply_on(&supply);
		CHECK_OK(port.read(port.ctx, ROTA_COUNTER_SECURITY, &v));
		CHECK(v == 2 || v == 3);
		CHECK_EQ(rota_counter_fuses_firm(&fuses), 2);
		CHECK_OK(port.advance(port.ctx, ROTA_COUNTER_SECURITY, 3));
		CHECK_EQ(rota_counter_fuses_firm(&fuses), 3);
	}
	CHECK_EQ(port.advance(port.ctx, ROTA_COUNTER_SECURITY, ROTA_SIM_FUSES + 1), ROTA_ERR_FULL);
	CHECK_OK(port.advance(port.ctx, ROTA_COUNTER_SECURITY, 1));
	CHECK_EQ(rota_counter_fuses_firm(&fuses), 3);
}

TESTS(T(fuses_that_were_cut_off_are_burnt_whole), T(each_counter_rises_alone_and_never_falls),
	T(a_cut_stops_between_steps_and_may_or_may_not_have_taken_its_own),
	T(a_silent_failure_leaves_the_counter_one_short),
	T(a_counter_that_is_gone_or_away_says_which), T(a_device_without_counters_has_none))
