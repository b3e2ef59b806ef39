/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/bootstate.h"
#include "rota/port/slots.h"
#include "tests/unit/flash_mem.h"
#include "tests/unit/test.h"

static const uint8_t one[32] = { 1 }, two[32] = { 2 };

static struct rota_bootstate factory(void)
{
	struct rota_bootstate s;

	rota_bootstate_init(&s, 7, one);
	return s;
}

static const uint8_t three[32] = { 3 }, four[32] = { 4 }, none[32];

/* A set of two, both in place 0. */
static struct rota_bootstate pair(void)
{
	struct rota_bootstate s = factory();

	if (rota_bootstate_add(&s, two) != ROTA_OK)
		s.count = 99;
	return s;
}

TEST(a_trial_that_is_confirmed_becomes_the_one_that_runs)
{
	struct rota_bootstate s = factory();

	CHECK_OK(rota_bootstate_ask(&s, 0, two));
	CHECK_OK(rota_bootstate_forget(&s)); /* it never ran: no outcome */
	CHECK_EQ(s.phase, ROTA_TRIAL_NONE);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_NONE);
	CHECK_MEM(s.digest[0][1], none, 32);
	CHECK_OK(rota_bootstate_ask(&s, 0, two));
	CHECK_EQ(s.trial, 1);
	CHECK_EQ(rota_bootstate_confirm(&s), ROTA_ERR_STATE); /* it never ran */
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_EQ(rota_bootstate_ask(&s, 0, two), ROTA_ERR_BUSY);
	CHECK_EQ(rota_bootstate_forget(&s), ROTA_ERR_BUSY);
	CHECK_EQ(rota_bootstate_start(&s), ROTA_ERR_STATE);
	CHECK_OK(rota_bootstate_confirm(&s));
	CHECK_EQ(s.confirmed, 1);
	CHECK_MEM(s.digest[0][1], two, 32);
	CHECK_MEM(s.digest[0][0], one, 32); /* the other set: the one before */
	CHECK_EQ(rota_bootstate_others(&s), 1);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_CONFIRMED);
	CHECK_EQ(s.counter, 7); /* SPEC 10.3 */
	CHECK_EQ(rota_bootstate_confirm(&s), ROTA_ERR_STATE);
}

TEST(a_trial_that_is_not_confirmed_changes_nothing)
{
	struct rota_bootstate s = factory();

	rota_bootstate_revert(&s);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_NONE);
	CHECK_OK(rota_bootstate_ask(&s, 0, two));
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_EQ(rota_bootstate_adopt(&s, 0, 1, two), ROTA_ERR_STATE);
	rota_bootstate_revert(&s);
	CHECK_EQ(s.confirmed, 0);
	CHECK_EQ(s.trial, 0);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_REVERTED);
	CHECK_MEM(s.digest[0][0], one, 32);
	CHECK_MEM(s.digest[0][1], two, 32); /* kept: says what failed */
	CHECK_OK(rota_bootstate_adopt(&s, 0, 1, three));
	CHECK_EQ(s.confirmed, 1);
	CHECK_MEM(s.digest[0][1], three, 32);
	CHECK_EQ(rota_bootstate_adopt(&s, 0, 2, two), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_bootstate_adopt(&s, 1, 0, two), ROTA_ERR_ARGUMENT);
}

TEST(a_set_switches_together)
{
	struct rota_bootstate s = pair();

	CHECK_OK(rota_bootstate_ask(&s, 0, three));
	CHECK_OK(rota_bootstate_ask(&s, 1, four));
	CHECK_EQ(s.trial, 3);
	CHECK_EQ(rota_bootstate_ask(&s, 2, four), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_OK(rota_bootstate_confirm(&s));
	CHECK_EQ(s.confirmed, 3);
	CHECK_EQ(rota_bootstate_others(&s), 3);
}

/* What the other set is made of was confirmed or asked for as one; else it is not known at all. */
TEST(the_other_set_is_never_a_mixture)
{
	struct rota_bootstate s = pair();

	CHECK_OK(rota_bootstate_ask(&s, 0, three));
	CHECK_OK(rota_bootstate_ask(&s, 1, four));
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_OK(rota_bootstate_confirm(&s));
	CHECK_OK(rota_bootstate_ask(&s, 1, two)); /* beside three, not beside one */
	CHECK_EQ(rota_bootstate_others(&s), 2);
	CHECK_MEM(s.digest[0][0], none, 32);
	CHECK_MEM(s.digest[0][1], three, 32);
	CHECK_OK(rota_bootstate_forget(&s)); /* one place is written: no set is behind any */
	CHECK_EQ(rota_bootstate_others(&s), 0);
	CHECK_EQ(s.confirmed, 3);
	CHECK_MEM(s.digest[1][1], four, 32);
}

TEST(a_set_has_eight_components_at_most)
{
	struct rota_bootstate s = factory(), back;
	uint8_t bytes[ROTA_BOOTSTATE_LEN_MAX];

	for (uint8_t i = 1; i < ROTA_SET_MAX; i++)
		CHECK_OK(rota_bootstate_add(&s, two));
	CHECK_EQ(rota_bootstate_add(&s, two), ROTA_ERR_LIMIT);
	CHECK_OK(rota_bootstate_ask(&s, 7, four));
	CHECK_EQ(s.trial, 0x80);
	CHECK_EQ(rota_bootstate_encode(&s, bytes), 656);
	CHECK_OK(rota_bootstate_decode(ROTA_SPAN(bytes), &back));
	CHECK_EQ(back.count, 8);
	CHECK_MEM(back.digest[7][1], four, 32);
}

/* A state with something in each field, in a set of one whose trial is asked for. */
static struct rota_bootstate full(void)
{
	struct rota_bootstate s = factory();

	if (rota_bootstate_ask(&s, 0, two) != ROTA_OK)
		s.count = 99;
	s.kind = ROTA_TRIAL_ORDER;
	s.tries = 2;
	s.binding = 0x0a;
	s.burn_to = 0x0b;
	s.floor_wanted = 0x0c;
	s.key_floor_to = 1;
	s.order_place = 1;
	s.order_phase = ROTA_ORDER_TRIAL;
	s.epoch = 5;
	s.epoch_to = 6;
	memset(s.order, 0x77, 32);
	s.watchdog.left_s = 0x0d;
	s.watchdog.ticket = 0x0e;
	s.watchdog.phase = ROTA_WATCHDOG_UPDATER;
	memset(s.watchdog.keys[0], 0x88, 32);
	memset(s.watchdog.keys[1], 0x99, 32);
	return s;
}

static bool all(const uint8_t *bytes, uint8_t value)
{
	for (int i = 0; i < 32; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

/* The layout of SPEC 10.1, byte by byte: a later release must still read it. */
TEST(the_payload_is_as_specified)
{
	static const uint8_t head[36] = { 2, 1, 0, 1, 1, 0, 1, 2, 10, 0, 0, 0, 7, 0, 0, 0, 11, 0, 0,
		0, 12, 0, 0, 0, 0, 1, 1, 2, 5, 0, 0, 0, 6, 0, 0, 0 };
	static const uint8_t dog[12] = { 13, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0 };
	struct rota_bootstate s = full(), back;
	uint8_t bytes[ROTA_BOOTSTATE_LEN_MAX], again[ROTA_BOOTSTATE_LEN_MAX];

	CHECK_EQ(rota_bootstate_encode(&s, bytes), 208);
	CHECK_MEM(bytes, head, 36);
	CHECK(all(&bytes[36], 0x77));
	CHECK_MEM(&bytes[68], dog, 12);
	CHECK(all(&bytes[80], 0x88));
	CHECK(all(&bytes[112], 0x99));
	CHECK_MEM(&bytes[144], one, 32);
	CHECK_MEM(&bytes[176], two, 32);
	CHECK_OK(rota_bootstate_decode(rota_span(bytes, 208), &back));
	CHECK_EQ(rota_bootstate_encode(&back, again), 208);
	CHECK_MEM(again, bytes, 208);
}

/* What releases before sets wrote. */
TEST(format_1_is_still_read)
{
	uint8_t bytes[76] = { 1, 1, 0xFF, 0, 2, 0, 0, 0, 7, 0, 0, 0 };
	struct rota_bootstate s;

	memcpy(&bytes[12], two, 32);
	memcpy(&bytes[44], one, 32);
	CHECK_OK(rota_bootstate_decode(ROTA_SPAN(bytes), &s));
	CHECK_EQ(s.count, 1);
	CHECK_EQ(s.confirmed, 1);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_REVERTED);
	CHECK_EQ(s.counter, 7);
	CHECK_EQ(s.burn_to, 7);
	CHECK_EQ(s.order_place, ROTA_ORDER_NONE);
	CHECK_MEM(s.digest[0][1], one, 32);
	CHECK_MEM(s.digest[0][0], none, 32); /* it may have been written to since */
	ROW("a trial that runs");
	bytes[2] = 0;
	bytes[3] = ROTA_TRIAL_STARTED;
	bytes[4] = 0;
	CHECK_OK(rota_bootstate_decode(ROTA_SPAN(bytes), &s));
	CHECK_EQ(s.trial, 1);
	CHECK_EQ(s.phase, ROTA_TRIAL_STARTED);
	CHECK_MEM(s.digest[0][0], two, 32);
	ROW(NULL);
}

struct bad {
	const char *why;
	uint8_t at, value;
	enum rota_err want;
};

static void check_bad(const struct bad *row, const uint8_t *good, size_t len)
{
	uint8_t bytes[ROTA_BOOTSTATE_LEN_MAX];
	struct rota_bootstate s;

	ROW(row->why);
	memcpy(bytes, good, len);
	bytes[row->at] = row->value;
	CHECK_EQ(rota_bootstate_decode(rota_span(bytes, len), &s), row->want);
}

static void check_lengths(const uint8_t *good, size_t len)
{
	struct rota_bootstate s;

	ROW("length");
	for (size_t n = 0; n < len; n++)
		CHECK_EQ(rota_bootstate_decode(rota_span(good, n), &s), ROTA_ERR_FORMAT);
	CHECK_OK(rota_bootstate_decode(rota_span(good, len), &s));
	CHECK_EQ(rota_bootstate_decode(rota_span(good, len + 1), &s), ROTA_ERR_FORMAT);
	ROW(NULL);
}

TEST(bad_payloads_are_refused)
{
	static const struct bad rows[] = {
		{ "a later format", 0, 3, ROTA_ERR_UNSUPPORTED },
		{ "no component", 1, 0, ROTA_ERR_FORMAT },
		{ "nine components", 1, 9, ROTA_ERR_FORMAT },
		{ "a place of a component that is none", 2, 2, ROTA_ERR_FORMAT },
		{ "no trial in phase asked", 3, 0, ROTA_ERR_FORMAT },
		{ "a trial of a component that is none", 3, 3, ROTA_ERR_FORMAT },
		{ "a trial in phase none", 4, 0, ROTA_ERR_FORMAT },
		{ "phase 3", 4, 3, ROTA_ERR_FORMAT },
		{ "outcome 3", 5, 3, ROTA_ERR_FORMAT },
		{ "kind 2", 6, 2, ROTA_ERR_FORMAT },
		{ "burnt to less than the counter", 16, 6, ROTA_ERR_FORMAT },
		{ "key floor above the one wanted", 24, 2, ROTA_ERR_FORMAT },
		{ "key floor 2", 25, 2, ROTA_ERR_FORMAT },
		{ "an order in place 2", 26, 2, ROTA_ERR_FORMAT },
		{ "an order in no place", 26, 0xFF, ROTA_ERR_FORMAT },
		{ "a place without an order", 27, 0, ROTA_ERR_FORMAT },
		{ "order phase 6", 27, 6, ROTA_ERR_FORMAT },
		{ "epoch above the one wanted", 28, 7, ROTA_ERR_FORMAT },
		{ "watchdog phase 2", 76, 2, ROTA_ERR_FORMAT },
		{ "reserved byte", 77, 1, ROTA_ERR_FORMAT },
		{ "reserved word", 79, 1, ROTA_ERR_FORMAT },
	};
	struct rota_bootstate s = full();
	uint8_t bytes[ROTA_BOOTSTATE_LEN_MAX + 1] = { 0 };
	size_t len = rota_bootstate_encode(&s, bytes);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_bad(&rows[i], bytes, len);
	check_lengths(bytes, len);
}

TEST(bad_payloads_of_format_1_are_refused)
{
	static const struct bad rows[] = {
		{ "confirmed slot 2", 1, 2, ROTA_ERR_FORMAT },
		{ "trial slot is the confirmed one", 2, 0, ROTA_ERR_FORMAT },
		{ "no trial slot in phase asked", 2, 0xFF, ROTA_ERR_FORMAT },
		{ "a trial slot in phase none", 3, 0, ROTA_ERR_FORMAT },
		{ "phase 3", 3, 3, ROTA_ERR_FORMAT },
		{ "outcome 3", 4, 3, ROTA_ERR_FORMAT },
		{ "reserved byte", 5, 1, ROTA_ERR_FORMAT },
		{ "reserved word", 7, 1, ROTA_ERR_FORMAT },
	};
	static const uint8_t good[77] = { 1, 0, 1, 1, 0, 0, 0, 0, 7, 0, 0, 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_bad(&rows[i], good, 76);
	check_lengths(good, 76);
}

static struct flash_mem mem;

/* One update as its commits: asked, started, confirmed or reverted. */
static enum rota_err step(struct rota_journal *j, int n)
{
	struct rota_bootstate s;

	ROTA_TRY(rota_bootstate_load(j, &s));
	switch (n % 3) {
	case 0:
		ROTA_TRY(rota_bootstate_ask(&s, 0, two));
		break;
	case 1:
		ROTA_TRY(rota_bootstate_start(&s));
		break;
	default:
		if (n % 2 == 0)
			ROTA_TRY(rota_bootstate_confirm(&s));
		else
			rota_bootstate_revert(&s);
	}
	return rota_bootstate_commit(j, &s);
}

static bool same(const struct rota_bootstate *a, const struct rota_bootstate *b)
{
	uint8_t x[ROTA_BOOTSTATE_LEN_MAX], y[ROTA_BOOTSTATE_LEN_MAX];
	size_t len = rota_bootstate_encode(a, x);

	return len == rota_bootstate_encode(b, y) && memcmp(x, y, len) == 0;
}

/* states[n]: what stands after n steps, from a run without cuts. */
#define STEPS 12
static struct rota_bootstate states[STEPS + 1];

static enum rota_err begin(struct rota_journal *j, uint32_t unit, uint8_t erased)
{
	struct rota_bootstate s = factory();

	flash_mem_init(&mem, 512, 2, unit, erased);
	ROTA_TRY(rota_journal_open(j, &mem.port, ROTA_JOURNAL_BOOT));
	return rota_bootstate_commit(j, &s);
}

static int cut_once(uint32_t unit, uint8_t erased, uint32_t at, enum flash_tear tear)
{
	struct rota_journal j;
	struct rota_bootstate s;
	int n = 0;

	if (begin(&j, unit, erased) != ROTA_OK)
		return -1;
	flash_mem_cut_at(&mem, at, tear, at);
	while (n < STEPS && step(&j, n) == ROTA_OK)
		n++;
	if (n == STEPS)
		return 1;
	flash_mem_power(&mem);
	if (rota_journal_open(&j, &mem.port, ROTA_JOURNAL_BOOT) != ROTA_OK ||
		rota_bootstate_load(&j, &s) != ROTA_OK)
		return -1;
	return same(&s, &states[n]) || same(&s, &states[n + 1]) ? 0 : -1;
}

/* A mistake of the caller's must not end up where nobody can read it any more. */
TEST(a_state_that_cannot_be_is_not_committed)
{
	struct rota_journal j;
	struct rota_bootstate s = factory();

	CHECK_OK(begin(&j, 8, 0xFF));
	s.counter = 8; /* above what is being burnt */
	CHECK_EQ(rota_bootstate_commit(&j, &s), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_bootstate_load(&j, &s));
	CHECK_EQ(s.counter, 7);
}

TEST(every_cut_of_an_update_leaves_the_state_before_or_after_the_step)
{
	static const uint32_t units[] = { 1, 8, 32 };
	struct rota_journal j;

	CHECK_OK(begin(&j, 8, 0xFF));
	states[0] = factory();
	for (int n = 0; n < STEPS; n++) {
		CHECK_OK(step(&j, n));
		CHECK_OK(rota_bootstate_load(&j, &states[n + 1]));
	}
	for (int i = 0; i < 3 * 2 * FLASH_TEAR_COUNT; i++) {
		uint8_t erased = i % 2 == 0 ? 0xFF : 0x00;
		enum flash_tear tear = (enum flash_tear)(i / 2 % FLASH_TEAR_COUNT);
		uint32_t unit = units[i / 2 / FLASH_TEAR_COUNT];
		int result = 0;

		for (uint32_t at = 1; result == 0; at++) {
			result = cut_once(unit, erased, at, tear);
			CHECK(result >= 0);
		}
	}
}

TESTS(T(a_trial_that_is_confirmed_becomes_the_one_that_runs),
	T(a_trial_that_is_not_confirmed_changes_nothing), T(a_set_switches_together),
	T(the_other_set_is_never_a_mixture), T(a_set_has_eight_components_at_most),
	T(the_payload_is_as_specified), T(format_1_is_still_read), T(bad_payloads_are_refused),
	T(bad_payloads_of_format_1_are_refused), T(a_state_that_cannot_be_is_not_committed),
	T(every_cut_of_an_update_leaves_the_state_before_or_after_the_step))
