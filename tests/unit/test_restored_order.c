/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery orders where nothing else is installed: on a device whose flash was put back, and on one whose state counter
 * cannot be read or is gone (SPEC 9.6). A whole simulated device; its repository has no role
 * that tells the time. */
#include "tests/powercut/stand.h"
#include "tests/unit/test.h"

static struct stand stand;

/* What a device comes to whose state counter is `as` it is here, while the server has an order for it. */
static enum sim_end live(struct sim_device *d, void (*as)(struct rota_counter_sim *counters))
{
	struct sim_world world = stand.world;

	world.time = NULL;
	sim_restore(d, &stand.start);
	as(&d->counters);
	stand_judge(&stand);
	return sim_run(d, &world, stand.until_s);
}

static void put_back(struct rota_counter_sim *counters)
{
	counters->value[ROTA_COUNTER_STATE] = 3;
}

static void gone(struct rota_counter_sim *counters)
{
	counters->gone = 1u << ROTA_COUNTER_STATE;
}

static void away(struct rota_counter_sim *counters)
{
	counters->away = 1u << ROTA_COUNTER_STATE;
}

TEST(an_order_is_followed_where_no_release_is)
{
	static const struct {
		const char *what;
		void (*as)(struct rota_counter_sim *counters);
		bool restored;
		enum rota_err err;
		enum rota_clause clause;
	} rows[] = {
		{ "flash put back", put_back, true, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4 },
		{ "the counter is gone", gone, true, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6 },
		{ "it cannot be read now", away, false, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6 },
	};
	struct sim_device *d;

	CHECK(stand_open(&stand, scenario_find("recovery"), sim_board_find("n"), 1));
	d = stand_device(&stand);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].what);
		d->counters.gone = d->counters.away = 0;
		CHECK_EQ(live(d, rows[i].as), SIM_STOPPED);
		CHECK_EQ(d->outcome.why.err, rows[i].err);
		CHECK_EQ(d->outcome.why.clause, rows[i].clause);
		CHECK(stand.wrong == NULL);
		CHECK_EQ(d->version, stand.scenario->version); /* the order's image runs */
		CHECK_EQ(d->booted.kind, ROTA_BOOT_TRIAL);
		CHECK_EQ(d->state.pending.phase, ROTA_INSTALL_NONE); /* and is confirmed */
		CHECK_EQ(d->state.bound.restored, rows[i].restored);
	}
	stand_device_end(d);
	stand_close(&stand);
}

TESTS(T(an_order_is_followed_where_no_release_is))
