/* SPDX-License-Identifier: Apache-2.0 */
/* An update with the power gone at every durable operation: each program unit and erase of the journal's flash,
 * in each way that one can tear, and each change of a slot, done or not. After each cut the device boots and
 * goes on from what is stored, and must come to the same end as without the cut; the world holds every image
 * that is started to what was released (world.h). */
#include "rota/codec/version.h"
#include "tests/unit/test.h"
#include "tests/unit/world.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

enum { FACTORY, FACTORY_DATA, FIRST };

static struct world world,
	start; /* the same world before: it points into itself, so it goes back in place */

struct scenario {
	const char *name;
	bool crashes;
	bool two;
	bool ill; /* never well */
	bool resumes;
	uint64_t break_at; /* the network breaks off too */
	bool installs;
};

static const struct scenario scenarios[] = {
	{ .name = "one component", .installs = true },
	{ .name = "one component, resumed", .resumes = true, .break_at = 1500, .installs = true },
	{ .name = "two components", .two = true, .installs = true },
	{ .name = "an image that crashes", .crashes = true },
	{ .name = "two components, one crashes", .crashes = true, .two = true },
	{ .name = "an image that is not well", .ill = true },
	{ .name = "two components that are not well", .ill = true, .two = true },
};

static void prepare(const struct scenario *s)
{
	struct world *w = &start;

	world_init(&world);
	w = &world;
	w->slots_count = s->two ? 2 : 1;
	w->slots[1].blind = s->two;
	w->release.version = "2.0.0";
	w->release.two = s->two;
	w->release.crashes = s->crashes;
	w->health = s->ill ? ROTA_ERR_TIMEOUT : ROTA_OK;
	w->resume_every = s->resumes ? 512 : 0;
	w->break_at = s->break_at;
	w->policy.retry_max = 1; /* a cut may cost a try, never the release */
	world_release(w);
	world_policy(w);
	start = world;
}

/* Cycles until there is nothing to do; true when it came to that before the power went. */
static bool run(struct world *w)
{
	for (int i = 0; i < 40; i++) {
		enum rota_update_want_kind end = world_cycle(w);

		if (w->flash.off)
			return false;
		if (end == ROTA_UPDATE_REBOOT)
			world_boot(w);
		else if (end == ROTA_UPDATE_IDLE)
			return true;
		else if (w->outcome.why.err != ROTA_ERR_NET)
			return false; /* only the network may stop it */
	}
	return false;
}

static bool right(struct world *w, const struct scenario *s)
{
	const struct world_slots *data = &w->slots[1];
	bool data_new = memcmp(data->bytes[data->confirmed], "data of 2.0.0", 13) == 0;

	return w->broken == NULL && world_runs(w, s->installs ? FIRST : FACTORY) &&
		data_new == (s->installs && s->two) &&
		w->state.pending.phase == ROTA_INSTALL_NONE && w->slots[0].trial == WORLD_NONE &&
		data->trial == WORLD_NONE;
}

/* Cut as the world says, then go on. */
static bool survives(const struct scenario *s)
{
	struct world *w = &world;

	if (!run(w) && w->flash.off) {
		world_boot(w);
		if (!run(w))
			return false;
	}
	return right(w, s);
}

static void say(const struct scenario *s, const char *kind, unsigned n, unsigned how)
{
	printf("\tscenario \"%s\", %s %u, kind %u: %s, stopped by %u %u, phase %u\n", s->name, kind,
		n, how, world.broken != NULL ? world.broken : "not the same end",
		(unsigned)world.outcome.why.err, (unsigned)world.outcome.why.clause,
		world.state.pending.phase);
}

TEST(every_scenario_ends_well_without_a_cut)
{
	for (size_t i = 0; i < ROWS(scenarios); i++) {
		ROW(scenarios[i].name);
		prepare(&scenarios[i]);
		CHECK(survives(&scenarios[i]));
	}
	ROW(NULL);
}

TEST(a_cut_at_any_change_of_a_slot_is_survived)
{
	unsigned cuts = 0;

	for (size_t i = 0; i < ROWS(scenarios); i++) {
		unsigned all;

		ROW(scenarios[i].name);
		prepare(&scenarios[i]);
		CHECK(survives(&scenarios[i]));
		all = world.slot_ops;
		for (unsigned n = 1; n <= all; n++) {
			for (unsigned done = 0; done < 2; done++) {
				world = start;
				world.cut_at = n;
				world.cut_done = done != 0;
				if (!survives(&scenarios[i]))
					say(&scenarios[i], "slot operation", n, done);
				CHECK(right(&world, &scenarios[i]));
				cuts++;
			}
		}
	}
	ROW(NULL);
	CHECK(cuts > 100);
}

TEST(a_cut_at_any_unit_of_the_journal_is_survived)
{
	unsigned cuts = 0;

	for (size_t i = 0; i < ROWS(scenarios); i++) {
		unsigned all;

		ROW(scenarios[i].name);
		prepare(&scenarios[i]);
		flash_mem_cut_at(&world.flash, 0, FLASH_TEAR_DONE, 1);
		CHECK(survives(&scenarios[i]));
		all = world.flash.ops;
		for (unsigned n = 1; n <= all; n += i == 0 ? 1 : 3) {
			unsigned tear =
				n % FLASH_TEAR_COUNT; /* each in its turn: all would be slow */

			world = start;
			flash_mem_cut_at(&world.flash, n, (enum flash_tear)tear, n);
			if (!survives(&scenarios[i]))
				say(&scenarios[i], "flash operation", n, tear);
			CHECK(right(&world, &scenarios[i]));
			cuts++;
		}
	}
	ROW(NULL);
	CHECK(cuts > 400);
}

TESTS(T(every_scenario_ends_well_without_a_cut), T(a_cut_at_any_change_of_a_slot_is_survived),
	T(a_cut_at_any_unit_of_the_journal_is_survived))
