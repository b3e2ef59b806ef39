/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's whole life (filled, wrapped around, rewritten under new keys, emptied and filled again), with the power cut at
 * every program unit and every sub-step of every erase, each in five ways; and with operations that fail aloud or silently. After
 * power-up each record reads as the last call that returned left it, or as the one under way asked; what was removed does not
 * come back; and it goes on from there.
 *
 * A case begins at the call that it cuts, from an image of the chip and a copy of the scene. */
#include "tests/unit/test.h"
#include "tests/unit/vault_scene.h"

#define CALLS 84
#define DRAWS 2 /* of what an unsynced cut loses */
#define PAIRS 400 /* double cuts drawn on each board */
#define PAIR_REACH 300 /* operations after the first power-up in which the second cut falls */

static struct rota_flash_sim_image before[CALLS];
static struct vault_scene found[CALLS];

/* What call `n` is about: an id whose version changes, or VAULT_IDS. */
static uint32_t subject(int n)
{
	return n % 4 == 3 ? VAULT_IDS : (uint32_t)(n * 5) % 11;
}

/* Call `n` of the life. */
static enum rota_err call(int n)
{
	uint32_t left;

	if (n == 20 || n == 44)
		scene.active++;
	if (n % 4 == 3)
		return rota_vault_step(&scene.v, n % 8 == 3 ? 300 : 10000, &left);
	if (n % 7 == 5 && scene.version[subject(n)] != 0)
		return vault_remove(subject(n));
	return vault_put(subject(n));
}

static void forget(void)
{
	for (int n = 0; n < CALLS; n++)
		rota_flash_sim_image_free(&before[n]);
	rota_flash_sim_free(&sim);
}

static enum rota_err live(const struct vault_board *b)
{
	forget();
	ROTA_TRY(vault_born(b));
	ROTA_TRY(vault_open());
	for (int n = 0; n < CALLS; n++) {
		vault_rest();
		found[n] = scene;
		ROTA_TRY(rota_flash_sim_save(&sim, &before[n]));
		ROTA_TRY(call(n));
	}
	vault_stop();
	return ROTA_OK;
}

/* Begin call `n` with `fault` planned at operation `at`; what it returned. */
static enum rota_err strike(int n, uint64_t at, enum rota_sim_fault fault, uint64_t seed)
{
	rota_flash_sim_restore(&sim, &before[n]);
	scene = found[n];
	sim.broken = 0;
	rota_sim_supply_plan(&supply, at, fault, seed);
	return call(n);
}

/* As after a power-up, twice: what counts must not depend on when one looks. `n` was under way. */
static bool reopened(int n)
{
	uint32_t id = subject(n);
	uint32_t asked = scene.last > found[n].last ? scene.last : 0; /* else it removes */

	if (vault_open() != ROTA_OK || !vault_holds(id, asked))
		return false;
	vault_stop();
	return vault_open() == ROTA_OK && vault_holds(VAULT_IDS, 0) && scene.v.lost == 0;
}

/* Go on until all sectors were used again; false: not all went well. */
static bool goes_on(void)
{
	for (uint32_t i = 0; i < 22; i++) {
		if (vault_put((i * 3) % 11) != ROTA_OK)
			return false;
	}
	if (vault_rewrite(1000) != ROTA_OK || rota_vault_needs(&scene.v) != scene.active)
		return false;
	vault_stop();
	return vault_open() == ROTA_OK && vault_holds(VAULT_IDS, 0) && sim.broken == 0;
}

static bool survives_cut(int n, uint64_t at, enum rota_sim_fault fault, uint64_t seed)
{
	bool well;

	if (strike(n, at, fault, seed) == ROTA_OK && !rota_sim_supply_met(&supply))
		return false;
	vault_stop();
	rota_sim_supply_on(&supply);
	well = reopened(n) && goes_on();
	vault_stop();
	return well;
}

static void say(const struct vault_board *b, int n)
{
	static char row[160];
	char plan[60];

	rota_sim_supply_tell(&supply, ROTA_BUF(plan));
	(void)snprintf(row, sizeof(row), "%s, call %d, %s", b->name, n, plan);
	ROW(row);
}

static uint64_t length_of(int n)
{
	uint64_t ops = 0;

	if (strike(n, 0, ROTA_SIM_NONE, 1) == ROTA_OK)
		ops = supply.ops;
	vault_stop();
	return ops;
}

static uint32_t usable(const struct vault_board *b)
{
	return b->sectors - b->worn;
}

/* Every cut of one call; false with the row set at the first that is not survived. */
static bool cut_call(const struct vault_board *b, int n, int *cuts)
{
	uint64_t ops = length_of(n);

	for (uint64_t at = 1; at <= ops; at++) {
		for (int f = ROTA_SIM_CUT_BEFORE; f <= ROTA_SIM_CUT_UNSYNCED; f++) {
			uint64_t draws = f == ROTA_SIM_CUT_UNSYNCED ? DRAWS : 1;

			for (uint64_t d = 0; d < draws; d++) {
				++*cuts;
				if (survives_cut(n, at, (enum rota_sim_fault)f, at * DRAWS + d))
					continue;
				say(b, n);
				return false;
			}
		}
	}
	return true;
}

TEST(every_cut_leaves_the_old_record_or_the_new_one)
{
	vault_branches = true;
	for (int b = 0; b < VAULT_BOARDS; b++) {
		int cuts = 0;

		ROW(vault_boards[b].name);
		CHECK_OK(live(&vault_boards[b]));
		/* Else it was no whole life. */
		CHECK(scene.v.sequence >= 2 * usable(&vault_boards[b]));
		for (int n = 0; n < CALLS; n++)
			CHECK(cut_call(&vault_boards[b], n, &cuts));
		printf("%s: %d cuts, 0 failed\n", vault_boards[b].name, cuts);
	}
	forget();
}

/* A second cut in what follows the first, at an open or in a put. */
static bool survives_two(
	int n, uint64_t at, enum rota_sim_fault fault, uint64_t second, enum rota_sim_fault again)
{
	uint32_t id = 0;
	enum rota_err err = ROTA_OK;
	bool well;

	(void)!strike(n, at, fault, at);
	vault_stop();
	rota_sim_supply_on(&supply);
	if (!reopened(n))
		return false;
	rota_sim_supply_plan(&supply, second, again, second);
	for (uint32_t i = 0; i < 22 && err == ROTA_OK; i++) {
		id = (i * 3) % 11;
		err = vault_put(id);
	}
	vault_stop();
	rota_sim_supply_on(&supply);
	rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, 1); /* it may not have been met */
	well = vault_open() == ROTA_OK && vault_holds(id, scene.last) && goes_on();
	vault_stop();
	return well;
}

TEST(a_second_cut_is_no_worse)
{
	struct rota_sim_supply chance;

	rota_sim_supply_init(&chance, 1);
	vault_branches = true;
	for (int b = 0; b < VAULT_BOARDS; b++) {
		ROW(vault_boards[b].name);
		CHECK_OK(live(&vault_boards[b]));
		for (int i = 0; i < PAIRS; i++) {
			int n = (int)(rota_sim_supply_random(&chance) % CALLS);
			uint64_t ops = length_of(n), at, second;
			int f = (int)(rota_sim_supply_random(&chance) % 5),
			    g = (int)(rota_sim_supply_random(&chance) % 5);

			if (ops == 0)
				continue;
			at = 1 + rota_sim_supply_random(&chance) % ops;
			second = 1 + rota_sim_supply_random(&chance) % PAIR_REACH;
			if (survives_two(n, at, (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + f),
				    second, (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + g)))
				continue;
			say(&vault_boards[b], n);
			CHECK(false);
		}
	}
	forget();
}

/* The power stays. What returned ROTA_OK is there; else as after a cut. */
static bool survives_failure(int n, uint64_t at, enum rota_sim_fault fault)
{
	enum rota_err err = strike(n, at, fault, at);
	bool well = err != ROTA_OK || vault_holds(VAULT_IDS, 0);

	vault_stop();
	well = well && reopened(n) && goes_on();
	vault_stop();
	return well;
}

TEST(an_operation_that_fails_costs_no_record)
{
	vault_branches = true;
	for (int b = 0; b < VAULT_BOARDS; b++) {
		ROW(vault_boards[b].name);
		CHECK_OK(live(&vault_boards[b]));
		for (int n = 0; n < CALLS; n++) {
			uint64_t ops = length_of(n);

			for (uint64_t at = 1; at <= ops; at++) {
				if (survives_failure(n, at, ROTA_SIM_FAIL) &&
					survives_failure(n, at, ROTA_SIM_SILENT))
					continue;
				say(&vault_boards[b], n);
				CHECK(false);
			}
		}
	}
	forget();
}

TESTS(T(every_cut_leaves_the_old_record_or_the_new_one), T(a_second_cut_is_no_worse),
	T(an_operation_that_fails_costs_no_record))
