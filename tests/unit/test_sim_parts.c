/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on a simulated supply beside chips: fuses and key slots; and its watch. */
#include "ports/flash_sim/flash_sim.h"
#include "ports/flash_sim/fuses.h"
#include "ports/flash_sim/keys.h"
#include "tests/unit/test.h"

#define DRAWS 40

static struct rota_sim_supply supply;

static void cut(enum rota_sim_fault fault, uint64_t seed)
{
	rota_sim_supply_plan(&supply, 1, fault, seed);
}

/* ---- fuses ---- */

/* How often of DRAWS reads fuse 9 reads burnt; -1 an error. */
static int burnt_reads(const struct rota_sim_fuses *f)
{
	int burnt = 0;

	for (int i = 0; i < DRAWS; i++) {
		bool yes;

		if (rota_sim_fuses_read(f, 9, &yes) != ROTA_OK)
			return -1;
		burnt += yes;
	}
	return burnt;
}

static int burnt_after(struct rota_sim_fuses *f, enum rota_sim_fault fault)
{
	rota_sim_supply_init(&supply, 5);
	rota_sim_fuses_init(f, &supply);
	cut(fault, 5);
	if ((rota_sim_fuses_burn(f, 9) == ROTA_OK) != !supply.off)
		return -1;
	rota_sim_supply_on(&supply);
	return burnt_reads(f);
}

TEST(a_torn_fuse_reads_either_way_until_burnt_again)
{
	struct rota_sim_fuses f;
	int torn;
	bool yes;

	CHECK_EQ(burnt_after(&f, ROTA_SIM_NONE), DRAWS);
	CHECK_OK(rota_sim_fuses_burn(&f, 9));
	CHECK_EQ(burnt_reads(&f), DRAWS);
	CHECK_OK(rota_sim_fuses_read(&f, 8, &yes));
	CHECK(!yes);
	CHECK_EQ(burnt_after(&f, ROTA_SIM_CUT_BEFORE), 0);
	CHECK_EQ(burnt_after(&f, ROTA_SIM_CUT_WEAK), 0);
	CHECK_EQ(burnt_after(&f, ROTA_SIM_SILENT), 0);
	CHECK_EQ(burnt_after(&f, ROTA_SIM_CUT_DONE), DRAWS);
	torn = burnt_after(&f, ROTA_SIM_CUT_TORN);
	CHECK(torn > 0 && torn < DRAWS);
	CHECK_OK(rota_sim_fuses_burn(&f, 9));
	CHECK_EQ(burnt_reads(&f), DRAWS);
	CHECK_EQ(rota_sim_fuses_burn(&f, ROTA_SIM_FUSES), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_sim_fuses_read(&f, ROTA_SIM_FUSES, &yes), ROTA_ERR_ARGUMENT);
}

/* ---- key slots ---- */

static const uint8_t secret[ROTA_SIM_KEY_LEN] = { 7, 7, 7 };
static uint8_t got[ROTA_SIM_KEY_LEN];

TEST(a_key_is_written_once_locked_and_destroyed)
{
	struct rota_sim_keys k;

	rota_sim_supply_init(&supply, 1);
	rota_sim_keys_init(&k, &supply);
	CHECK_EQ(rota_sim_keys_read(&k, 1, got), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_sim_keys_lock(&k, 1), ROTA_ERR_STATE);
	CHECK_EQ(rota_sim_keys_destroy(&k, 1), ROTA_ERR_STATE);
	CHECK_OK(rota_sim_keys_write(&k, 1, secret));
	CHECK_OK(rota_sim_keys_read(&k, 1, got));
	CHECK_MEM(got, secret, sizeof(secret));
	CHECK_EQ(rota_sim_keys_write(&k, 1, secret), ROTA_ERR_STATE);
	CHECK_OK(rota_sim_keys_lock(&k, 1));
	CHECK_OK(rota_sim_keys_lock(&k, 1));
	CHECK_EQ(rota_sim_keys_read(&k, 1, got), ROTA_ERR_DENIED);
	CHECK_MEM(k.slot[1].bytes, secret, sizeof(secret));
	CHECK_OK(rota_sim_keys_destroy(&k, 1));
	CHECK_EQ(rota_sim_keys_read(&k, 1, got), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_sim_keys_write(&k, 1, secret), ROTA_ERR_STATE);
	CHECK_EQ(rota_sim_keys_lock(&k, 1), ROTA_ERR_STATE);
	CHECK(memcmp(k.slot[1].bytes, secret, sizeof(secret)) != 0);
	CHECK_EQ(supply.ops, 4);
	CHECK_EQ(rota_sim_keys_read(&k, ROTA_SIM_KEYS, got), ROTA_ERR_ARGUMENT);
}

TEST(a_torn_key_slot_is_between_two_states)
{
	struct rota_sim_keys k;
	int denied = 0;

	rota_sim_supply_init(&supply, 1);
	rota_sim_keys_init(&k, &supply);
	cut(ROTA_SIM_CUT_TORN, 1);
	CHECK_EQ(rota_sim_keys_write(&k, 0, secret), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK_EQ(rota_sim_keys_read(&k, 0, got), ROTA_ERR_CORRUPT);
	CHECK_EQ(rota_sim_keys_write(&k, 0, secret), ROTA_ERR_STATE);
	CHECK_EQ(rota_sim_keys_lock(&k, 0), ROTA_ERR_STATE);
	CHECK_OK(rota_sim_keys_destroy(&k, 0));
	CHECK_EQ(rota_sim_keys_read(&k, 0, got), ROTA_ERR_NOT_FOUND);

	CHECK_OK(rota_sim_keys_write(&k, 1, secret));
	cut(ROTA_SIM_CUT_TORN, 1);
	CHECK_EQ(rota_sim_keys_lock(&k, 1), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	for (int i = 0; i < DRAWS; i++)
		denied += rota_sim_keys_read(&k, 1, got) == ROTA_ERR_DENIED;
	CHECK(denied > 0 && denied < DRAWS);
	CHECK_OK(rota_sim_keys_lock(&k, 1));
	cut(ROTA_SIM_CUT_TORN, 1);
	CHECK_EQ(rota_sim_keys_destroy(&k, 1), ROTA_ERR_IO);
	rota_sim_supply_on(&supply);
	CHECK_EQ(rota_sim_keys_read(&k, 1, got), ROTA_ERR_CORRUPT);
	CHECK_EQ(rota_sim_keys_lock(&k, 1), ROTA_ERR_STATE);
	CHECK_OK(rota_sim_keys_destroy(&k, 1));
	CHECK_EQ(rota_sim_keys_read(&k, 1, got), ROTA_ERR_NOT_FOUND);
}

/* ---- the watch ---- */

static const struct rota_flash_sim_chip chip = {
	.runs = { { 256, 2 }, { 512, 1 } }, .write_len = 8, .erased = 0xFF, .erase_steps = 4
};
#define SIZE 1024

/* A clean run is watched; at each operation the same cut is made on a second device and, by a run from the
 * start, on a third. Both must hold the same. */
struct pair {
	struct rota_flash_sim clean, forked, again;
	struct rota_sim_supply forked_supply, again_supply;
	struct rota_flash_sim_image image;
	enum rota_sim_fault fault;
	uint64_t told, same;
};

static enum rota_err script(struct rota_flash_sim *sim)
{
	static const uint8_t bytes[48] = { 1, 2, 3 };

	ROTA_TRY(rota_flash_sim_write(sim, 256, ROTA_SPAN(bytes)));
	ROTA_TRY(rota_flash_sim_sync(sim));
	ROTA_TRY(rota_flash_sim_write(sim, 512, ROTA_SPAN(bytes)));
	ROTA_TRY(rota_flash_sim_erase(sim, 256, 768));
	return rota_flash_sim_write(sim, 256, ROTA_SPAN(bytes));
}

static bool equal(struct rota_flash_sim *a, struct rota_flash_sim *b)
{
	static uint8_t x[SIZE], y[SIZE];

	a->supply->random = b->supply->random = 9; /* half erases are drawn while reading */
	return rota_flash_sim_read(a, 0, ROTA_BUF(x)) == ROTA_OK &&
		rota_flash_sim_read(b, 0, ROTA_BUF(y)) == ROTA_OK && memcmp(x, y, SIZE) == 0 &&
		rota_flash_sim_wear(a) == rota_flash_sim_wear(b);
}

static void fork_here(void *ctx, uint64_t number, const struct rota_sim_op *op)
{
	struct pair *p = ctx;

	p->told++;
	if (op->part != &p->clean || number != p->told ||
		rota_flash_sim_save(&p->clean, &p->image) != ROTA_OK)
		return;
	rota_flash_sim_restore(&p->forked, &p->image);
	rota_sim_supply_plan(&p->forked_supply, 1, p->fault, number);
	if (rota_flash_sim_redo(&p->forked, op) != ROTA_ERR_IO)
		return;
	rota_sim_supply_on(&p->forked_supply);

	rota_flash_sim_free(&p->again);
	rota_sim_supply_init(&p->again_supply, 1);
	if (rota_flash_sim_init(&p->again, &chip, &p->again_supply) != ROTA_OK)
		return;
	rota_sim_supply_plan(&p->again_supply, number, p->fault, number);
	if (script(&p->again) != ROTA_ERR_IO)
		return;
	rota_sim_supply_on(&p->again_supply);
	p->same += equal(&p->forked, &p->again);
}

TEST(a_device_forked_in_the_watch_is_as_one_cut_there)
{
	static struct pair p;

	for (int fault = ROTA_SIM_CUT_BEFORE; fault <= ROTA_SIM_CUT_UNSYNCED; fault++) {
		p.fault = (enum rota_sim_fault)fault;
		p.told = p.same = 0;
		rota_sim_supply_init(&supply, 1);
		rota_sim_supply_init(&p.forked_supply, 1);
		CHECK_OK(rota_flash_sim_init(&p.clean, &chip, &supply));
		CHECK_OK(rota_flash_sim_init(&p.forked, &chip, &p.forked_supply));
		supply.watch = fork_here;
		supply.watch_ctx = &p;
		CHECK_OK(script(&p.clean));
		CHECK_EQ(p.told, 3 * 6 + 2 * 4);
		CHECK_EQ(p.same, p.told);
		rota_flash_sim_free(&p.clean);
		rota_flash_sim_free(&p.forked);
		rota_flash_sim_free(&p.again);
	}
	rota_flash_sim_image_free(&p.image);
}

TESTS(T(a_torn_fuse_reads_either_way_until_burnt_again),
	T(a_key_is_written_once_locked_and_destroyed), T(a_torn_key_slot_is_between_two_states),
	T(a_device_forked_in_the_watch_is_as_one_cut_there))
