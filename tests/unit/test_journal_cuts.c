/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's whole life (first commit, appends, a turn into each sector), with the power cut at every program
 * unit and every sub-step of every erase, each in five ways; and with operations that fail aloud or silently.
 * After power-up the payload is that of the last commit that returned or of the one under way, each time it is
 * read, and further commits go through until all sectors were used again.
 *
 * A case begins at the commit that it cuts, from an image of the chip and a copy of the journal's struct. */
#include "tests/unit/journal_life.h"
#include "tests/unit/test.h"

#define DRAWS 4 /* of what an unsynced cut loses */
#define PAIRS 6000 /* double cuts drawn on each board */
#define PAIR_SEED 1
#define PAIR_REACH 200 /* operations after the first power-up in which the second cut falls */

/* The commit `n` or the one before is current, and more go through. */
static bool recovers(struct rota_journal *j, int now, int n)
{
	return (now == n - 1 || now == n) && goes_on(j, now);
}

/* Begin commit `n` with `fault` planned at operation `at`; what it returned. */
static enum rota_err strike(
	struct rota_journal *j, int n, uint64_t at, enum rota_sim_fault fault, uint64_t seed)
{
	rota_flash_sim_restore(&sim, &before[n]);
	*j = found[n];
	sim.broken = 0;
	rota_sim_supply_plan(&supply, at, fault, seed);
	return commit(j, n);
}

static bool survives_cut(int n, uint64_t at, enum rota_sim_fault fault, uint64_t seed)
{
	struct rota_journal j;

	if (strike(&j, n, at, fault, seed) == ROTA_OK)
		return !rota_sim_supply_met(&supply);
	rota_sim_supply_on(&supply);
	return recovers(&j, reopened(&j), n) && sim.broken == 0;
}

/* A second cut in what follows the first; the commit then under way is now + 1 .. now + AFTER. */
static bool survives_two(
	int n, uint64_t at, enum rota_sim_fault fault, uint64_t second, enum rota_sim_fault again)
{
	struct rota_journal j;
	int now, done;

	if (strike(&j, n, at, fault, at) == ROTA_OK)
		return !rota_sim_supply_met(&supply);
	rota_sim_supply_on(&supply);
	now = reopened(&j);
	if (now != n - 1 && now != n)
		return false;
	rota_sim_supply_plan(&supply, second, again, second);
	done = go_on(&j, now + 1, now + AFTER);
	if (!rota_sim_supply_met(&supply))
		return done == now + AFTER;
	rota_sim_supply_on(&supply);
	return recovers(&j, reopened(&j), done + 1) && sim.broken == 0;
}

/* The power stays: where there is another sector to go to, the commit is made in spite of it. What returned
 * ROTA_OK is current; else the same struct or a new one goes on. */
static bool survives_failure(const struct board *b, int n, uint64_t at, enum rota_sim_fault fault)
{
	struct rota_journal j, again;
	bool ok = strike(&j, n, at, fault, at) == ROTA_OK;
	int now = reopened(&again);

	if ((!ok && usable(b) > 2) || sim.broken != 0)
		return false;
	if ((ok && now != n) || (now != n && now != n - 1))
		return false;
	return recovers(&j, current(&j), n);
}

/* How many operations commit `n` takes when nothing goes wrong. */
static uint64_t length_of(int n)
{
	struct rota_journal j;

	if (strike(&j, n, 0, ROTA_SIM_NONE, 1) != ROTA_OK)
		return 0;
	return supply.ops;
}

static void say(char room[static 120], const struct board *b, int n)
{
	char plan[60];

	rota_sim_supply_tell(&supply, ROTA_BUF(plan));
	(void)snprintf(room, 120, "%s, commit %d, %s", b->name, n, plan);
	ROW(room);
}

/* Every cut of one commit; false with the row set at the first that is not survived. */
static bool cut_commit(const struct board *b, int n, int *cuts)
{
	static char row[120];
	uint64_t ops = length_of(n);

	for (uint64_t at = 1; at <= ops; at++) {
		for (int f = ROTA_SIM_CUT_BEFORE; f <= ROTA_SIM_CUT_UNSYNCED; f++) {
			uint64_t draws = f == ROTA_SIM_CUT_UNSYNCED ? DRAWS : 1;

			for (uint64_t d = 0; d < draws; d++) {
				uint64_t seed = at * DRAWS + d;

				++*cuts;
				if (survives_cut(n, at, (enum rota_sim_fault)f, seed))
					continue;
				say(row, b, n);
				return false;
			}
		}
	}
	return ops > 0;
}

TEST(every_cut_leaves_the_old_payload_or_the_new_one)
{
	for (int b = 0; b < BOARDS; b++) {
		int cuts = 0;

		ROW(boards[b].name);
		CHECK_OK(live(&boards[b]));
		CHECK(rota_flash_sim_wear(&sim) >= 2); /* else it was no whole life */
		for (int n = 1; n <= COMMITS; n++)
			CHECK(cut_commit(&boards[b], n, &cuts));
		printf("%s: %d cuts, 0 failed\n", boards[b].name, cuts);
		forget();
	}
}

/* One pair of cuts drawn from `dice`; false with the row set when it is not survived. */
static bool cut_pair(const struct board *b, struct rota_sim_supply *dice, int *cuts)
{
	static char row[120];
	int n = 1 + (int)(rota_sim_supply_random(dice) % COMMITS);
	uint64_t at = 1 + rota_sim_supply_random(dice) % length_of(n);
	uint64_t second = 1 + rota_sim_supply_random(dice) % PAIR_REACH;
	int f = (int)(rota_sim_supply_random(dice) % 5),
	    g = (int)(rota_sim_supply_random(dice) % 5);

	if (!survives_two(n, at, (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + f), second,
		    (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + g))) {
		say(row, b, n);
		return false;
	}
	*cuts += rota_sim_supply_met(&supply);
	return true;
}

TEST(a_second_cut_is_no_worse)
{
	struct rota_sim_supply dice;

	rota_sim_supply_init(&dice, PAIR_SEED);
	for (int b = 0; b < BOARDS; b++) {
		int cuts = 0;

		ROW(boards[b].name);
		CHECK_OK(live(&boards[b]));
		for (int i = 0; i < PAIRS; i++)
			CHECK(cut_pair(&boards[b], &dice, &cuts));
		printf("%s: %d double cuts, seed %d, 0 failed\n", boards[b].name, cuts, PAIR_SEED);
		forget();
	}
}

/* Every failure of one commit, aloud and silent; false with the row set. */
static bool fail_commit(const struct board *b, int n)
{
	static char row[120];
	uint64_t ops = length_of(n);

	for (uint64_t at = 1; at <= ops; at++) {
		if (survives_failure(b, n, at, ROTA_SIM_FAIL) &&
			survives_failure(b, n, at, ROTA_SIM_SILENT))
			continue;
		say(row, b, n);
		return false;
	}
	return ops > 0;
}

TEST(an_operation_that_fails_costs_no_payload)
{
	for (int b = 0; b < BOARDS; b++) {
		ROW(boards[b].name);
		CHECK_OK(live(&boards[b]));
		for (int n = 1; n <= COMMITS; n++)
			CHECK(fail_commit(&boards[b], n));
		forget();
	}
}

TESTS(T(every_cut_leaves_the_old_payload_or_the_new_one), T(a_second_cut_is_no_worse),
	T(an_operation_that_fails_costs_no_payload))
