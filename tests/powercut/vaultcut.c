/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/vaultcut.h"

#include <inttypes.h>
#include <stdio.h>

#define CALLS 84
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

static uint64_t length_of(int n)
{
	uint64_t ops = 0;

	if (strike(n, 0, ROTA_SIM_NONE, 1) == ROTA_OK)
		ops = supply.ops;
	vault_stop();
	return ops;
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

/* Whether this process does the next cut, which is one of an operation at `at`. */
static bool is_mine(const struct vaultcut_plan *p, struct vaultcut_counts *n, uint64_t at)
{
	return at % p->stride == 0 && n->seen++ % p->shares == p->share;
}

static void tell(const struct vault_board *b, int call_number, uint64_t at, int tear, bool twice)
{
	printf("FAIL vault/%s: call %d, operation %" PRIu64 ", tear %d%s\n", b->name, call_number,
		at, tear, twice ? ", and a second cut" : "");
}

/* One cut, and perhaps another one with a second cut behind it. */
static void cut_once(const struct vaultcut_plan *p, const struct vault_board *b, int n, uint64_t at,
	int tear, struct vaultcut_counts *counts)
{
	enum rota_sim_fault fault = (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + tear);
	uint64_t seed = p->seed * 1000003 + at;

	counts->cuts++;
	if (!survives_cut(n, at, fault, seed)) {
		counts->failed++;
		tell(b, n, at, tear, false);
	}
	if (p->doubles == 0 || counts->cuts % p->doubles != 0)
		return;
	counts->twice++;
	if (!survives_two(n, at, fault, 1 + seed % PAIR_REACH,
		    (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + (int)(seed % VAULTCUT_TEARS)))) {
		counts->failed++;
		tell(b, n, at, tear, true);
	}
}

static bool lives(const struct vault_board *b)
{
	vault_branches = true;
	if (live(b) == ROTA_OK && scene.v.sequence >= 2 * (b->sectors - b->worn))
		return true;
	printf("FAIL vault/%s: it does not come to the end of a whole life\n", b->name);
	return false;
}

bool vaultcut_board(
	const struct vaultcut_plan *p, const struct vault_board *b, struct vaultcut_counts *counts)
{
	*counts = (struct vaultcut_counts){ 0 };
	if (!lives(b))
		return false;
	for (int n = 0; n < CALLS; n++) {
		uint64_t ops = length_of(n);

		for (uint64_t at = 1; at <= ops; at++) {
			for (int tear = 0; tear < VAULTCUT_TEARS; tear++) {
				if (is_mine(p, counts, counts->ops + at))
					cut_once(p, b, n, at, tear, counts);
			}
		}
		counts->ops += ops;
	}
	forget();
	return counts->failed == 0;
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

bool vaultcut_failures(const struct vault_board *b)
{
	bool well = lives(b);

	for (int n = 0; n < CALLS && well; n++) {
		uint64_t ops = length_of(n);

		for (uint64_t at = 1; at <= ops && well; at++) {
			well = survives_failure(n, at, ROTA_SIM_FAIL) &&
				survives_failure(n, at, ROTA_SIM_SILENT);
			if (!well)
				printf("FAIL vault/%s: call %d, operation %" PRIu64 " fails\n",
					b->name, n, at);
		}
	}
	forget();
	return well;
}
