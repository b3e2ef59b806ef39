/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a generation may go: case by case, and for a fleet that lives at random, against what its devices know themselves. */
#include "host/registry/needs.h"
#include "tests/unit/fleet_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define STORAGE ROTA_PURPOSE_STORAGE
#define SILENT_MS 100000

static const struct {
	const char *why;
	uint8_t state;
	uint32_t active, proved, held_from, needed_from;
	uint64_t stated_ms;
	uint32_t generation;
	enum rota_need need;
} cases[] = {
	{ "all is well", ROTA_REG_ACTIVE, 5, 5, 3, 4, SILENT_MS, 3, ROTA_NEED_NONE },
	{ "no record is left at all", ROTA_REG_ACTIVE, 5, 5, 3, 0, SILENT_MS, 3, ROTA_NEED_NONE },
	{ "a record needs it", ROTA_REG_ACTIVE, 5, 5, 3, 3, SILENT_MS, 3, ROTA_NEED_RECORDS },
	{ "a record needs an older one", ROTA_REG_ACTIVE, 5, 5, 2, 2, SILENT_MS, 3,
		ROTA_NEED_RECORDS },
	{ "one of its newest two", ROTA_REG_ACTIVE, 5, 5, 3, 0, SILENT_MS, 4, ROTA_NEED_NEWEST },
	{ "its newest", ROTA_REG_ACTIVE, 6, 5, 3, 0, SILENT_MS, 5, ROTA_NEED_NEWEST },
	{ "it still seals with it", ROTA_REG_ACTIVE, 3, 5, 3, 0, SILENT_MS, 3, ROTA_NEED_ACTIVE },
	{ "it was silent", ROTA_REG_ACTIVE, 5, 5, 3, 0, SILENT_MS - 1, 3, ROTA_NEED_SILENT },
	{ "it never said", ROTA_REG_ACTIVE, 0, 5, 0, 0, 0, 3, ROTA_NEED_SILENT },
	{ "it never said, and was not seen either", ROTA_REG_ENROLLED, 0, 5, 0, 0, 0, 3,
		ROTA_NEED_SILENT },
	{ "destroyed, and silent since", ROTA_REG_ACTIVE, 5, 5, 4, 4, 1, 3, ROTA_NEED_NONE },
	{ "it holds nothing", ROTA_REG_ACTIVE, 0, 5, 0, 0, 1, 3, ROTA_NEED_NONE },
	{ "it never proved one", ROTA_REG_ACTIVE, 0, 0, 0, 0, 0, 3, ROTA_NEED_NONE },
	{ "decommissioned", ROTA_REG_DECOMMISSIONED, 3, 3, 3, 3, 0, 3, ROTA_NEED_NONE },
	{ "replaced", ROTA_REG_REPAIRED, 3, 3, 3, 3, 0, 3, ROTA_NEED_NONE },
	{ "another's", ROTA_REG_TRANSFERRED, 3, 3, 3, 3, 0, 3, ROTA_NEED_NONE },
	{ "the highest number there is", ROTA_REG_ACTIVE, UINT32_MAX, UINT32_MAX, 1, 0, SILENT_MS,
		UINT32_MAX - 1, ROTA_NEED_NEWEST },
};

TEST(needs_of_one_device)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rota_reg_line line = { .state = cases[i].state, .known = true };

		ROW(cases[i].why);
		line.holding.stated_ms = cases[i].stated_ms;
		line.holding.held.active = cases[i].active;
		line.holding.held.proved = cases[i].proved;
		line.holding.held.held_from = cases[i].held_from;
		line.holding.held.needed_from = cases[i].needed_from;
		CHECK_EQ(rota_need_of(&line, cases[i].generation, SILENT_MS), cases[i].need);
	}
}

/* ---- a fleet at random ---- */

#define DEVICES 40
#define GENERATIONS 12 /* at most */

/* What the device itself knows, and a copy of it as it was when it last said so. */
struct mind {
	bool held[GENERATIONS + 1], needed[GENERATIONS + 1], proved[GENERATIONS + 1];
	uint32_t active;
};

static struct life {
	struct mind now, told;
	uint64_t told_ms;
	uint32_t agreed, said;
	bool gone;
} lives[DEVICES];

static uint32_t chance(uint32_t below)
{
	static uint64_t state = 88172645463325252u; /* xorshift: the same at each run */

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % below;
}

static uint32_t least(const bool *of)
{
	for (uint32_t g = 1; g <= GENERATIONS; g++)
		if (of[g])
			return g;
	return 0;
}

static uint32_t most(const bool *of)
{
	for (uint32_t g = GENERATIONS; g > 0; g--)
		if (of[g])
			return g;
	return 0;
}

static bool prove(unsigned device, struct life *l)
{
	uint32_t g = most(l->now.proved) + 1 + chance(2);

	if (g > GENERATIONS)
		return true;
	l->now.proved[g] = l->now.held[g] = true;
	return fleet_prove(device, ++l->agreed, STORAGE, g) == ROTA_FLEET_TAKEN;
}

static bool say(unsigned device, struct life *l)
{
	const struct mind *m = &l->now;
	struct rota_holding said = { .purpose = STORAGE,
		.active = m->active,
		.proved = most(m->proved),
		.held_from = least(m->held),
		.needed_from = least(m->needed) };

	l->told = l->now;
	l->told_ms = fleet_clock_ms;
	l->said += 1 + chance(3);
	return fleet_state(device, l->said, said) == ROTA_FLEET_TAKEN;
}

/* One step of one device's life; false: the registry did not take what it said. */
static bool step(unsigned device, struct life *l)
{
	struct mind *m = &l->now;
	uint32_t old = least(m->held);

	switch (chance(8)) {
	case 0:
	case 1:
		return prove(device, l);
	case 2: /* switch */
		m->active = most(m->proved);
		m->needed[m->active] = m->active != 0;
		return true;
	case 3: /* the oldest records are written anew */
		m->needed[least(m->needed)] = false;
		return true;
	case 4: /* destroy */
		if (old && old != m->active && !m->needed[old] && old + 2 <= most(m->proved))
			m->held[old] = false;
		return true;
	case 5:
		l->gone = chance(40) == 0;
		return !l->gone ||
			fleet_kind(device, ROTA_STATEMENT_GONE, ++l->said) == ROTA_FLEET_TAKEN;
	default:
		return say(device, l);
	}
}

/* As a person would judge it who has the device's own words before him. */
static bool model_needs(const struct life *l, uint32_t upto, uint64_t silent_ms)
{
	bool might_hold = false;

	if (l->gone || most(l->now.proved) == 0)
		return false;
	for (uint32_t g = 1; g <= upto; g++)
		might_hold = might_hold || (l->told_ms ? l->told.held[g] : true);
	for (uint32_t g = 1; g <= upto && l->told_ms && least(l->told.held) == 0; g++)
		might_hold = might_hold || l->now.proved[g]; /* all that it has came since */
	if (!might_hold)
		return false;
	if (l->told_ms < silent_ms || l->told_ms == 0)
		return true;
	for (uint32_t g = 1; g <= upto; g++)
		if (l->told.needed[g])
			return true;
	return l->told.active <= upto || most(l->now.proved) < upto + 2;
}

struct listed {
	char id[2][ROTA_DB_ID_LEN];
	size_t count;
};

static void list(void *to, const struct rota_reg_line *line, enum rota_need need)
{
	struct listed *l = to;

	(void)need;
	if (l->count < 2)
		memcpy(l->id[l->count], line->id, ROTA_DB_ID_LEN);
	l->count++;
}

/* Of all generations: as many as the model has, and the first two of them by name. */
static bool agrees(uint64_t silent_ms)
{
	for (uint32_t g = 1; g <= GENERATIONS; g++) {
		struct listed listed = { .count = 0 };
		struct rota_needs n = { .purpose = STORAGE,
			.generation = g,
			.silent_ms = silent_ms,
			.take = list,
			.to = &listed,
			.most = 2 };
		unsigned want = 0, living = 0;

		if (rota_needs(&fleet_reg, &n, &fleet_why) != ROTA_OK)
			return false;
		for (unsigned i = 0; i < DEVICES; i++) {
			bool needs = model_needs(&lives[i], g, silent_ms);

			living += !lives[i].gone;
			if (needs && want < 2 && strcmp(listed.id[want], fleet_id(i)) != 0)
				return false;
			want += needs;
		}
		if (n.count != want || n.asked != living || listed.count != (want < 2 ? want : 2))
			return printf("generation %u: %u of %u, not %u\n", g, (unsigned)n.count,
				       (unsigned)n.asked, want) < 0;
	}
	return true;
}

static void enrol_all(void)
{
	memset(lives, 0, sizeof(lives));
	fleet_in_batch = true;
	fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
	for (unsigned i = 0; i < DEVICES; i++) {
		fleet_enrol(i);
		lives[i].agreed = 1;
	}
	fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
}

TEST(needs_of_a_fleet)
{
	tempdir_fresh();
	fleet_open("db");
	enrol_all();
	for (int round = 0; round < 60; round++) {
		fleet_must(fleet_db.begin(fleet_db.ctx, &fleet_why));
		for (int i = 0; i < 30; i++) {
			unsigned device = chance(DEVICES);

			if (!lives[device].gone)
				CHECK(step(device, &lives[device]));
		}
		fleet_must(fleet_db.commit(fleet_db.ctx, &fleet_why));
		CHECK(agrees(0));
		CHECK(agrees(fleet_clock_ms - 300000));
	}
	fleet_in_batch = false;
	fleet_close();
	tempdir_remove();
}

/* ---- counts ---- */

static enum rota_fleet_result tell(
	unsigned device, uint32_t active, uint32_t staged, uint32_t from, uint32_t records)
{
	return fleet_state(device, 1,
		(struct rota_holding){ .purpose = STORAGE,
			.active = active,
			.staged = staged,
			.held_from = from,
			.records = records });
}

TEST(each_device_counts_in_one)
{
	struct rota_key_counts all[ROTA_PURPOSES_MAX], *c = &all[STORAGE - 1];
	uint32_t generation[ROTA_PURPOSES_MAX] = { [STORAGE - 1] = 3 };

	tempdir_fresh();
	fleet_open("db");
	for (unsigned i = 1; i <= 7; i++)
		fleet_enrol(i);
	CHECK_EQ(tell(1, 2, 0, 1, 0), ROTA_FLEET_TAKEN); /* waits, as do 6 and 7 */
	CHECK_EQ(tell(2, 2, 3, 2, ROTA_HOLDING_RENEW | 5), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_prove(3, 2, STORAGE, 3), ROTA_FLEET_TAKEN);
	CHECK_EQ(tell(4, 3, 0, 2, 0), ROTA_FLEET_TAKEN);
	CHECK_EQ(tell(5, 3, 0, 3, 0), ROTA_FLEET_TAKEN);
	CHECK_EQ(fleet_prove(7, 2, ROTA_PURPOSE_LINK, 9), ROTA_FLEET_TAKEN);
	CHECK_OK(rota_key_counts(&fleet_reg, generation, all, &fleet_why));
	CHECK_EQ(c->devices[ROTA_REACH_WAITING], 3);
	CHECK_EQ(c->devices[ROTA_REACH_STAGED], 1);
	CHECK_EQ(c->devices[ROTA_REACH_PROVED], 1);
	CHECK_EQ(c->devices[ROTA_REACH_ACTIVE], 1);
	CHECK_EQ(c->devices[ROTA_REACH_ALONE], 1);
	CHECK_EQ(c->wanting, 1);
	CHECK_EQ(c->newest, 3);
	CHECK_EQ(c->oldest, 1);
	CHECK_EQ(all[ROTA_PURPOSE_LINK - 1].newest, 9);
	CHECK_EQ(all[ROTA_PURPOSE_LINK - 1].devices[ROTA_REACH_PROVED], 1);
	CHECK_EQ(all[ROTA_PURPOSE_LINK - 1].devices[ROTA_REACH_WAITING], 6);
	CHECK_EQ(all[ROTA_PURPOSE_AUTH - 1].devices[ROTA_REACH_WAITING], 7);
	CHECK_EQ(fleet_kind(5, ROTA_STATEMENT_GONE, 2), ROTA_FLEET_TAKEN); /* counts in none */
	generation[STORAGE - 1] = 0;
	CHECK_OK(rota_key_counts(&fleet_reg, generation, all, &fleet_why));
	CHECK_EQ(c->devices[ROTA_REACH_ALONE], 0);
	CHECK_EQ(c->devices[ROTA_REACH_WAITING], 3);
	fleet_close();
	tempdir_remove();
}

TESTS(T(needs_of_one_device), T(needs_of_a_fleet), T(each_device_counts_in_one))
