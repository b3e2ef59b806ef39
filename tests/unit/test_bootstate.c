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

TEST(a_trial_that_is_confirmed_becomes_the_one_that_runs)
{
	struct rota_bootstate s = factory();

	CHECK_OK(rota_bootstate_ask(&s, two));
	CHECK_OK(rota_bootstate_drop(&s)); /* it never ran: no outcome */
	CHECK_EQ(s.phase, ROTA_TRIAL_NONE);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_NONE);
	CHECK_OK(rota_bootstate_ask(&s, two));
	CHECK_EQ(s.trial, 1);
	CHECK_EQ(rota_bootstate_confirm(&s), ROTA_ERR_STATE); /* it never ran */
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_EQ(rota_bootstate_ask(&s, two), ROTA_ERR_BUSY);
	CHECK_EQ(rota_bootstate_drop(&s), ROTA_ERR_BUSY);
	CHECK_EQ(rota_bootstate_start(&s), ROTA_ERR_STATE);
	CHECK_OK(rota_bootstate_confirm(&s));
	CHECK_EQ(s.confirmed, 1);
	CHECK_MEM(s.confirmed_digest, two, 32);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_CONFIRMED);
	CHECK_EQ(s.counter, 7); /* SPEC 10.3 */
	CHECK_EQ(rota_bootstate_confirm(&s), ROTA_ERR_STATE);
}

TEST(a_trial_that_is_not_confirmed_changes_nothing)
{
	struct rota_bootstate s = factory();

	rota_bootstate_revert(&s);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_NONE);
	CHECK_OK(rota_bootstate_ask(&s, two));
	CHECK_OK(rota_bootstate_start(&s));
	CHECK_EQ(rota_bootstate_adopt(&s, 1, two), ROTA_ERR_STATE);
	rota_bootstate_revert(&s);
	CHECK_EQ(s.confirmed, 0);
	CHECK_EQ(s.trial, ROTA_SLOT_NONE);
	CHECK_EQ(s.outcome, ROTA_OUTCOME_REVERTED);
	CHECK_MEM(s.confirmed_digest, one, 32);
	CHECK_MEM(s.trial_digest, two, 32); /* kept: says what failed */
	CHECK_OK(rota_bootstate_adopt(&s, 1, two));
	CHECK_EQ(s.confirmed, 1);
}

/* The layout of SPEC 10.1, byte by byte: a later release must still read it. */
TEST(the_payload_is_as_specified)
{
	static const uint8_t head[12] = { 1, 0, 1, 1, 0, 0, 0, 0, 7, 0, 0, 0 };
	struct rota_bootstate s = factory(), back;
	uint8_t bytes[ROTA_BOOTSTATE_LEN];

	CHECK_OK(rota_bootstate_ask(&s, two));
	rota_bootstate_encode(&s, bytes);
	CHECK_MEM(bytes, head, 12);
	CHECK_MEM(&bytes[12], two, 32);
	CHECK_MEM(&bytes[44], one, 32);
	CHECK_OK(rota_bootstate_decode(ROTA_SPAN(bytes), &back));
	CHECK_EQ(back.phase, ROTA_TRIAL_ASKED);
	CHECK_EQ(back.counter, 7);
}

TEST(bad_payloads_are_refused)
{
	static const struct {
		const char *why;
		uint8_t at, value;
		enum rota_err want;
	} rows[] = {
		{ "a later format", 0, 2, ROTA_ERR_UNSUPPORTED },
		{ "confirmed slot 2", 1, 2, ROTA_ERR_FORMAT },
		{ "trial slot is the confirmed one", 2, 0, ROTA_ERR_FORMAT },
		{ "no trial slot in phase asked", 2, 0xFF, ROTA_ERR_FORMAT },
		{ "a trial slot in phase none", 3, 0, ROTA_ERR_FORMAT },
		{ "phase 3", 3, 3, ROTA_ERR_FORMAT },
		{ "outcome 3", 4, 3, ROTA_ERR_FORMAT },
		{ "reserved byte", 5, 1, ROTA_ERR_FORMAT },
		{ "reserved word", 7, 1, ROTA_ERR_FORMAT },
	};
	struct rota_bootstate s = factory();
	uint8_t bytes[ROTA_BOOTSTATE_LEN + 1] = { 0 };

	CHECK_OK(rota_bootstate_ask(&s, two));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].why);
		rota_bootstate_encode(&s, bytes);
		bytes[rows[i].at] = rows[i].value;
		CHECK_EQ(rota_bootstate_decode(rota_span(bytes, ROTA_BOOTSTATE_LEN), &s),
			rows[i].want);
	}
	ROW("length");
	rota_bootstate_encode(&s, bytes);
	for (size_t len = 0; len < ROTA_BOOTSTATE_LEN; len++)
		CHECK_EQ(rota_bootstate_decode(rota_span(bytes, len), &s), ROTA_ERR_FORMAT);
	CHECK_EQ(rota_bootstate_decode(ROTA_SPAN(bytes), &s), ROTA_ERR_FORMAT);
}

static struct flash_mem mem;

/* One update as its commits: asked, started, confirmed or reverted. */
static enum rota_err step(struct rota_journal *j, int n)
{
	struct rota_bootstate s;

	ROTA_TRY(rota_bootstate_load(j, &s));
	switch (n % 3) {
	case 0:
		ROTA_TRY(rota_bootstate_ask(&s, two));
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
	uint8_t x[ROTA_BOOTSTATE_LEN], y[ROTA_BOOTSTATE_LEN];

	rota_bootstate_encode(a, x);
	rota_bootstate_encode(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
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
	T(a_trial_that_is_not_confirmed_changes_nothing), T(the_payload_is_as_specified),
	T(bad_payloads_are_refused),
	T(every_cut_of_an_update_leaves_the_state_before_or_after_the_step))
