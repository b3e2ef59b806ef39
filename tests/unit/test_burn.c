/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of SPEC 10.5; then whole boots over a simulated journal and simulated counters, with the power cut at
 * every operation in every way, and once more during what follows. */
#include "boot/burn.h"
#include "rota/store/burnt.h"
#include "boot/keys.h"
#include "ports/counter_sim/counter_sim.h"
#include "ports/flash_sim/flash_sim.h"
#include "rota/store/journal.h"
#include "tests/unit/test.h"

static const uint8_t digest[32] = { 1 }, raw[65] = { 4 };

static struct rota_rom rom(void)
{
	struct rota_rom_key key = { ROTA_ALG_ECDSA_P256, ROTA_SPAN(digest), ROTA_SPAN(raw) };

	return (struct rota_rom){ .key_count = 2, .key = { key, key } };
}

/* ---- rows ---- */

enum { JOURNAL = ROTA_BURN_JOURNAL, HARD = ROTA_BURN_HARDWARE, GONE = ROTA_BURN_UNREADABLE };
enum { DONE = ROTA_BURN_DONE, COMMIT = ROTA_BURN_COMMIT, ADVANCE = ROTA_BURN_ADVANCE };
#define MOST UINT32_MAX

struct row {
	const char *why;
	uint32_t source, now, last; /* of the security counter */
	uint32_t copy, to, wanted; /* in the boot state */
	bool confirmed, order;
	uint32_t image; /* least counter of the set */
	uint32_t act, copy_after, to_after; /* of a commit; to_after of an advance too */
	bool restored;
};

static const struct row rows[] = {
	/* nothing to do */
	{ "nothing wanted", HARD, 3, MOST, 3, 3, 0, 1, 0, 9, DONE, 0, 0, 0 },
	{ "the floor is reached", HARD, 3, MOST, 3, 3, 3, 1, 0, 9, DONE, 0, 0, 0 },
	{ "without hardware", JOURNAL, 0, MOST, 3, 3, 3, 1, 0, 9, DONE, 0, 0, 0 },

	/* T is the least of four */
	{ "to the floor wanted", HARD, 3, MOST, 3, 3, 5, 1, 0, 9, COMMIT, 3, 5, 0 },
	{ "to the image", HARD, 3, MOST, 3, 3, 9, 1, 0, 6, COMMIT, 3, 6, 0 },
	{ "four steps at once", HARD, 3, MOST, 3, 3, 90, 1, 0, 90, COMMIT, 3, 7, 0 },
	{ "the last four are kept", HARD, 3, 9, 3, 3, 90, 1, 0, 90, COMMIT, 3, 5, 0 },
	{ "nothing but those is left", HARD, 5, 9, 5, 5, 90, 1, 0, 90, DONE, 0, 0, 0 },
	{ "fewer than four in all", HARD, 0, 2, 0, 0, 90, 1, 0, 90, DONE, 0, 0, 0 },
	{ "without hardware", JOURNAL, 0, MOST, 3, 3, 5, 1, 0, 9, COMMIT, 3, 5, 0 },
	{ "at the end of numbers", JOURNAL, 0, MOST, MOST - 2, MOST - 2, MOST, 1, 1, MOST, COMMIT,
		MOST - 2, MOST, 0 },

	/* an order's image burns what it is, the last four too */
	{ "an order needs no floor", HARD, 3, MOST, 3, 3, 0, 1, 1, 6, COMMIT, 3, 6, 0 },
	{ "nor keeps the last four", HARD, 5, 9, 5, 5, 0, 1, 1, 90, COMMIT, 5, 9, 0 },
	{ "and takes four steps at once", HARD, 3, MOST, 3, 3, 0, 1, 1, 90, COMMIT, 3, 7, 0 },

	/* not what every boot runs */
	{ "a trial burns nothing", HARD, 3, MOST, 3, 3, 5, 0, 0, 9, DONE, 0, 0, 0 },
	{ "a trial finishes nothing", HARD, 3, MOST, 3, 5, 5, 0, 0, 9, DONE, 0, 0, 0 },
	{ "an order's trial neither", HARD, 3, MOST, 3, 3, 5, 0, 1, 9, DONE, 0, 0, 0 },

	/* cut off */
	{ "before the rise", HARD, 3, MOST, 3, 5, 5, 1, 0, 9, ADVANCE, 0, 5, 0 },
	{ "in the middle of it", HARD, 4, MOST, 3, 5, 5, 1, 0, 9, ADVANCE, 0, 5, 0 },
	{ "after it: it may not stay", HARD, 5, MOST, 3, 5, 5, 1, 0, 9, ADVANCE, 0, 5, 0 },
	{ "after it, in a trial", HARD, 5, MOST, 3, 5, 5, 0, 0, 9, ADVANCE, 0, 5, 0 },
	{ "without hardware", JOURNAL, 0, MOST, 3, 5, 5, 1, 0, 9, COMMIT, 5, 5, 0 },
	{ "the image is what is burnt to", HARD, 3, MOST, 3, 5, 5, 1, 0, 5, ADVANCE, 0, 5, 0 },
	{ "the image is below: do not burn", HARD, 3, MOST, 3, 5, 5, 1, 0, 4, DONE, 0, 0, 0 },
	{ "hardware behind the copy", HARD, 1, MOST, 3, 3, 3, 1, 0, 9, ADVANCE, 0, 3, 0 },

	/* old flash, or a counter that was raised by others */
	{ "hardware ahead", HARD, 5, MOST, 3, 3, 3, 1, 0, 9, DONE, 0, 0, 1 },
	{ "ahead of a burn", HARD, 6, MOST, 3, 5, 5, 1, 0, 9, DONE, 0, 0, 1 },
	{ "ahead, and more is wanted", HARD, 5, MOST, 3, 3, 9, 1, 0, 9, DONE, 0, 0, 1 },
	{ "ahead, in a trial", HARD, 5, MOST, 3, 3, 3, 0, 0, 9, DONE, 0, 0, 1 },

	{ "not to be read: nothing is burnt", GONE, 0, MOST, 3, 3, 5, 1, 0, 9, DONE, 0, 0, 0 },
	{ "not to be read: nothing is finished", GONE, 0, MOST, 3, 5, 5, 1, 0, 9, DONE, 0, 0, 0 },
};

TEST(every_row_of_the_security_counter)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct rota_rom factory = rom();
		struct rota_bootstate state;
		struct rota_burn_facts facts;
		struct rota_burn_step step;

		ROW(r->why);
		rota_bootstate_init(&state, r->copy, digest);
		state.burn_to = r->to;
		state.floor_wanted = r->wanted;
		rota_burn_begin(&facts, NULL, &factory);
		facts.number[ROTA_COUNTER_SECURITY] =
			(struct rota_burn_number){ (enum rota_burn_source)r->source, r->now,
				r->last, false };
		rota_burn_member(&facts, r->image, r->order ? 1u << ROTA_BOOT_KEY_ORDER : 1);
		facts.confirmed = r->confirmed;
		CHECK_EQ(rota_burn_restored(&state, &facts), r->restored);
		rota_burn_next(&state, &facts, &step);
		CHECK_EQ(step.act, r->act);
		if (r->act == DONE)
			continue;
		CHECK_EQ(step.id, ROTA_COUNTER_SECURITY);
		CHECK_EQ(r->act == ADVANCE ? step.to : step.next.burn_to, r->to_after);
		if (r->act == COMMIT)
			CHECK_EQ(step.next.counter, r->copy_after);
	}
}

#define KEY(n) (1u << (n))

TEST(every_row_of_the_key_floor)
{
	static const struct {
		const char *why;
		uint32_t source, now;
		uint8_t copy, to;
		bool confirmed;
		uint8_t keys[2]; /* of the two members */
		uint8_t rom_keys;
		uint32_t act, copy_after, to_after;
		bool restored;
	} keyed[] = {
		{ "nothing wanted", HARD, 0, 0, 0, 1, { 3, 3 }, 2, DONE, 0, 0, 0 },
		{ "all under the newer key", HARD, 0, 0, 1, 1, { 2, 2 }, 2, ADVANCE, 0, 1, 0 },
		{ "two signatures", HARD, 0, 0, 1, 1, { 3, 2 }, 2, ADVANCE, 0, 1, 0 },
		{ "one under the older key", HARD, 0, 0, 1, 1, { 2, 1 }, 2, DONE, 0, 0, 0 },
		{ "the other one", HARD, 0, 0, 1, 1, { 1, 3 }, 2, DONE, 0, 0, 0 },
		{ "an order vouches", HARD, 0, 0, 1, 1, { 1 | 1u << ROTA_BOOT_KEY_ORDER, 2 }, 2,
			ADVANCE, 0, 1, 0 },
		{ "an added key", HARD, 0, 0, 1, 1, { 1u << ROTA_BOOT_KEY_ADDED, 3 }, 2, ADVANCE, 0,
			1, 0 },
		{ "a trial", HARD, 0, 0, 1, 0, { 2, 2 }, 2, DONE, 0, 0, 0 },
		{ "no key would be left", HARD, 0, 0, 1, 1, { 1u << ROTA_BOOT_KEY_ORDER, 4 }, 1,
			DONE, 0, 0, 0 },
		{ "cut off after the rise", HARD, 1, 0, 1, 1, { 2, 2 }, 2, ADVANCE, 0, 1, 0 },
		{ "without hardware", JOURNAL, 0, 0, 1, 1, { 2, 2 }, 2, COMMIT, 1, 1, 0 },
		{ "hardware ahead", HARD, 1, 0, 0, 1, { 2, 2 }, 2, DONE, 0, 0, 1 },
		{ "hardware beyond the keys", HARD, 7, 0, 0, 1, { 2, 2 }, 2, DONE, 0, 0, 1 },
		{ "hardware beyond the keys, known", HARD, 7, 1, 1, 1, { 2, 2 }, 2, DONE, 0, 0, 0 },
		{ "not to be read", GONE, 0, 0, 1, 1, { 2, 2 }, 2, DONE, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(keyed) / sizeof(keyed[0]); i++) {
		struct rota_rom factory = rom();
		struct rota_bootstate state;
		struct rota_burn_facts facts;
		struct rota_burn_step step;

		ROW(keyed[i].why);
		factory.key_count = keyed[i].rom_keys;
		rota_bootstate_init(&state, 0, digest);
		state.key_floor = keyed[i].copy;
		state.key_floor_to = keyed[i].to;
		rota_burn_begin(&facts, NULL, &factory);
		facts.number[ROTA_COUNTER_KEYS] =
			(struct rota_burn_number){ (enum rota_burn_source)keyed[i].source,
				rota_burnt_number(ROTA_COUNTER_KEYS, keyed[i].now), MOST, false };
		for (int m = 0; m < 2; m++)
			rota_burn_member(&facts, 0, keyed[i].keys[m]);
		facts.confirmed = keyed[i].confirmed;
		CHECK_EQ(rota_burn_restored(&state, &facts), keyed[i].restored);
		rota_burn_next(&state, &facts, &step);
		CHECK_EQ(step.act, keyed[i].act);
		if (keyed[i].act == DONE)
			continue;
		CHECK_EQ(step.id, ROTA_COUNTER_KEYS);
		CHECK_EQ(keyed[i].act == ADVANCE ? step.to : step.next.key_floor_to,
			keyed[i].to_after);
		if (keyed[i].act == COMMIT)
			CHECK_EQ(step.next.key_floor, keyed[i].copy_after);
	}
}

TEST(what_this_boot_raised_is_copied)
{
	struct rota_rom factory = rom();
	struct rota_bootstate state;
	struct rota_burn_facts facts;
	struct rota_burn_step step;

	rota_bootstate_init(&state, 3, digest);
	state.burn_to = 5;
	rota_burn_begin(&facts, NULL, &factory);
	facts.number[ROTA_COUNTER_SECURITY] =
		(struct rota_burn_number){ ROTA_BURN_HARDWARE, 5, MOST, true };
	rota_burn_next(&state, &facts, &step);
	CHECK_EQ(step.act, COMMIT);
	CHECK_EQ(step.next.counter, 5);
	CHECK_EQ(step.next.burn_to, 5);
}

TEST(the_number_in_force_is_the_greater_one)
{
	struct rota_rom factory = rom();
	struct rota_bootstate state;
	struct rota_burn_facts facts;

	rota_bootstate_init(&state, 5, digest);
	rota_burn_begin(&facts, NULL, &factory);
	CHECK_EQ(rota_burn_floor(&state, &facts, ROTA_COUNTER_SECURITY), 5);
	facts.number[ROTA_COUNTER_SECURITY].source = ROTA_BURN_HARDWARE;
	facts.number[ROTA_COUNTER_SECURITY].now = 7;
	CHECK_EQ(rota_burn_floor(&state, &facts, ROTA_COUNTER_SECURITY), 7);
	facts.number[ROTA_COUNTER_SECURITY].now = 3;
	CHECK_EQ(rota_burn_floor(&state, &facts, ROTA_COUNTER_SECURITY), 5);
	facts.number[ROTA_COUNTER_SECURITY].source = ROTA_BURN_UNREADABLE;
	facts.number[ROTA_COUNTER_SECURITY].now = 9;
	CHECK_EQ(rota_burn_floor(&state, &facts, ROTA_COUNTER_SECURITY), 5);
}

/* ---- cuts ---- */

#define ALL (1u << ROTA_COUNTER_SECURITY | 1u << ROTA_COUNTER_KEYS | 1u << ROTA_COUNTER_EPOCH)
#define IMAGE 6 /* counter of what runs; wanted is more */
#define BOOTS 4 /* more than any of the cases needs */

static const struct rota_flash_sim_chip chip = {
	.runs = { { 1024, 3 } },
	.write_len = 8,
	.erased = 0xFF,
	.once = true,
	.ecc = true,
	.erase_steps = 3,
};

static struct rota_sim_supply supply;
static struct rota_flash_sim sim;
static struct rota_flash_sim_region region;
static struct rota_flash_sim_image at_start;
static struct rota_counter_sim counters, counters_at_start;
static struct rota_journal journal;

static enum rota_err commit(void *ctx, const struct rota_bootstate *next)
{
	return rota_bootstate_commit(ctx, next);
}

/* A device that has been asked to retire key 0, to burn to 90 and to take an order's epoch. */
static bool begin(void)
{
	struct rota_bootstate state;

	rota_sim_supply_init(&supply, 1);
	rota_counter_sim_init(&counters, &supply);
	if (rota_flash_sim_init(&sim, &chip, &supply) != ROTA_OK ||
		rota_flash_sim_region(&region, &sim, 0, 1024, 3) != ROTA_OK ||
		rota_journal_open(&journal, &region.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return false;
	rota_bootstate_init(&state, 0, digest);
	state.floor_wanted = 90;
	state.key_floor_to = 1;
	state.epoch_to = 2;
	counters_at_start = counters;
	return rota_bootstate_commit(&journal, &state) == ROTA_OK &&
		rota_flash_sim_save(&sim, &at_start) == ROTA_OK;
}

/* One boot of the confirmed set. Never beyond the image, never back. */
static const char *boot(uint8_t have, struct rota_bootstate *state)
{
	struct rota_counter port = rota_counter_sim_port(&counters, have);
	struct rota_burn_io io = { &port, &journal, commit };
	struct rota_rom factory = rom();
	struct rota_burn_facts facts;
	uint32_t floor;

	if (rota_journal_open(&journal, &region.port, ROTA_JOURNAL_BOOT) != ROTA_OK ||
		rota_bootstate_load(&journal, state) != ROTA_OK)
		return "no boot state";
	rota_burn_begin(&facts, &port, &factory);
	floor = rota_burn_floor(state, &facts, ROTA_COUNTER_SECURITY);
	if (floor > IMAGE || rota_burn_floor(state, &facts, ROTA_COUNTER_KEYS) > 1)
		return "the image does not boot";
	rota_burn_member(&facts, IMAGE, 1u << 1);
	facts.confirmed = true;
	if (rota_burn_run(state, &facts, &io) != ROTA_OK && !supply.off)
		return "not burnt, with power";
	if (rota_burn_restored(state, &facts))
		return "taken for old flash";
	return NULL;
}

static const char *judge_end(uint8_t have, const struct rota_bootstate *state)
{
	if (state->counter != IMAGE || state->burn_to != IMAGE || state->key_floor != 1 ||
		state->epoch != 2)
		return "the boot state is not at its end";
	if ((have & 1u << ROTA_COUNTER_SECURITY) && counters.value[ROTA_COUNTER_SECURITY] != IMAGE)
		return "the hardware's counter";
	if ((have & 1u << ROTA_COUNTER_KEYS) && counters.value[ROTA_COUNTER_KEYS] != 1)
		return "the hardware's key floor";
	if ((have & 1u << ROTA_COUNTER_EPOCH) && counters.value[ROTA_COUNTER_EPOCH] != 2)
		return "the hardware's epoch";
	return NULL;
}

/* From the start, with a fault at operation `at` and one at `again` after the first power-up. *met: the first
 * one came; *met_again: both. */
static const char *live(uint8_t have, uint64_t at, uint64_t again, enum rota_sim_fault fault,
	bool *met, bool *met_again)
{
	struct rota_bootstate state;
	const char *why;

	rota_flash_sim_restore(&sim, &at_start);
	counters = counters_at_start;
	*met = *met_again = false;
	rota_sim_supply_plan(&supply, at, fault, at);
	for (int i = 0; i < BOOTS + (again != 0); i++) {
		why = boot(have, &state);
		if (why != NULL && !supply.off)
			return why;
		if (!supply.off)
			continue;
		rota_sim_supply_on(&supply);
		*met_again = *met;
		*met = true;
		rota_sim_supply_plan(&supply, *met_again ? 0 : again, fault, again + at);
	}
	return judge_end(have, &state);
}

static const enum rota_sim_fault cuts[] = { ROTA_SIM_CUT_BEFORE, ROTA_SIM_CUT_WEAK,
	ROTA_SIM_CUT_TORN, ROTA_SIM_CUT_DONE, ROTA_SIM_CUT_UNSYNCED };

TEST(a_burn_cut_anywhere_is_finished)
{
	static const uint8_t haves[] = { 0, 1u << ROTA_COUNTER_SECURITY, ALL };
	int singles = 0, doubles = 0;

	for (size_t h = 0; h < sizeof(haves); h++) {
		CHECK(begin());
		for (size_t c = 0; c < sizeof(cuts) / sizeof(cuts[0]); c++) {
			bool met = true, again = true;

			for (uint64_t at = 1; met; at++) {
				ROW(live(haves[h], at, 0, cuts[c], &met, &again));
				CHECK(test_row == NULL);
				singles += met;
				again = at % 7 == 0; /* a sample: the second cut anywhere after */
				for (uint64_t next = 1; met && again; next++) {
					ROW(live(haves[h], at, next, cuts[c], &met, &again));
					CHECK(test_row == NULL);
					doubles += again;
				}
			}
		}
		rota_flash_sim_image_free(&at_start);
		rota_flash_sim_free(&sim);
	}
	CHECK(singles > 500 && doubles > 5000);
}

TEST(a_boot_burns_four_steps_and_the_next_one_goes_on)
{
	struct rota_bootstate state;

	CHECK(begin());
	ROW(boot(ALL, &state));
	CHECK(test_row == NULL);
	CHECK_EQ(state.counter, ROTA_BURN_STEPS);
	ROW(boot(ALL, &state));
	CHECK(test_row == NULL);
	CHECK_EQ(state.counter, IMAGE);
	rota_flash_sim_image_free(&at_start);
	rota_flash_sim_free(&sim);
}

TEST(a_counter_that_fails_burns_nothing_and_stops_no_boot)
{
	struct rota_counter port;
	struct rota_burn_io io = { &port, &journal, commit };
	struct rota_rom factory = rom();
	struct rota_bootstate state;
	struct rota_burn_facts facts;

	CHECK(begin());
	port = rota_counter_sim_port(&counters, ALL);
	CHECK_OK(rota_bootstate_load(&journal, &state));
	counters.gone = ALL;
	rota_burn_begin(&facts, &port, &factory);
	rota_burn_member(&facts, IMAGE, 1u << 1);
	facts.confirmed = true;
	CHECK_OK(rota_burn_run(&state, &facts, &io));
	CHECK_EQ(state.burn_to, 0);
	CHECK_EQ(state.epoch, 0);

	counters.gone = 0;
	rota_burn_begin(&facts, &port, &factory);
	rota_burn_member(&facts, IMAGE, 1u << 1);
	facts.confirmed = true;
	counters.away = 1u << ROTA_COUNTER_SECURITY; /* it goes between reading and rising */
	CHECK_EQ(rota_burn_run(&state, &facts, &io), ROTA_ERR_IO);
	CHECK_EQ(state.burn_to, 4);
	CHECK_EQ(state.counter, 0);
	CHECK_EQ(state.key_floor, 1); /* the others were burnt */
	rota_flash_sim_image_free(&at_start);
	rota_flash_sim_free(&sim);
}

static enum rota_err says_done(void *ctx, enum rota_counter_id id, uint32_t to)
{
	(void)ctx, (void)id, (void)to;
	return ROTA_OK;
}

TEST(a_counter_that_only_says_it_rose_is_not_believed)
{
	struct rota_counter port;
	struct rota_burn_io io = { &port, &journal, commit };
	struct rota_rom factory = rom();
	struct rota_bootstate state;
	struct rota_burn_facts facts;

	CHECK(begin());
	port = rota_counter_sim_port(&counters, ALL);
	port.advance = says_done;
	CHECK_OK(rota_bootstate_load(&journal, &state));
	rota_burn_begin(&facts, &port, &factory);
	CHECK_EQ(rota_burn_run(&state, &facts, &io), ROTA_ERR_IO);
	CHECK_EQ(state.epoch, 0);
	CHECK_EQ(state.epoch_to, 2);
	rota_flash_sim_image_free(&at_start);
	rota_flash_sim_free(&sim);
}

TESTS(T(every_row_of_the_security_counter), T(every_row_of_the_key_floor),
	T(what_this_boot_raised_is_copied), T(the_number_in_force_is_the_greater_one),
	T(a_burn_cut_anywhere_is_finished), T(a_boot_burns_four_steps_and_the_next_one_goes_on),
	T(a_counter_that_fails_burns_nothing_and_stops_no_boot),
	T(a_counter_that_only_says_it_rose_is_not_believed))
