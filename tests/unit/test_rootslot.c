/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/rootslot.h"
#include "tests/unit/test.h"

#define FROM 1000000u
#define END 1021600u
#define HOUR 3600u

static const struct rota_root_slot slot = { FROM, END };
static const struct rota_root_slot none = { 0, 0 };

static struct rota_time clock_of(rota_num unix_s)
{
	return (struct rota_time){ .unix_s = unix_s, .trusted = unix_s != 0 };
}

static const struct {
	rota_num clock_s; /* 0: none */
	bool begun, over;
} clocks[] = {
	{ 0, true, false },
	{ FROM - 1, false, false },
	{ FROM, true, false },
	{ END + HOUR, true, false },
	{ END + HOUR + 1, true, true },
};

TEST(a_slot_begins_and_ends_by_a_trusted_clock)
{
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct rota_time now = clock_of(clocks[i].clock_s);

		CHECK_EQ(rota_root_slot_begun(&slot, &now), clocks[i].begun);
		CHECK_EQ(rota_root_slot_over(&slot, &now), clocks[i].over);
		CHECK(rota_root_slot_begun(&none, &now));
		CHECK(!rota_root_slot_over(&none, &now));
	}
}

static const struct {
	rota_num issued_s;
	bool covered;
	rota_num clamped_s;
} issues[] = {
	{ FROM - HOUR - 1, false, FROM - HOUR - 1 },
	{ FROM - HOUR, true, FROM - HOUR },
	{ END, true, END },
	{ END + HOUR, true, END },
	{ END + HOUR + 1, false, END },
};

TEST(its_keys_sign_within_it_and_an_hour_to_each_side)
{
	for (size_t i = 0; i < sizeof(issues) / sizeof(issues[0]); i++) {
		CHECK_EQ(rota_root_slot_covers(&slot, issues[i].issued_s), issues[i].covered);
		CHECK_EQ(rota_root_slot_clamp(&slot, issues[i].issued_s), issues[i].clamped_s);
		CHECK(rota_root_slot_covers(&none, issues[i].issued_s));
		CHECK_EQ(rota_root_slot_clamp(&none, issues[i].issued_s), issues[i].issued_s);
	}
}

TEST(a_slot_without_a_beginning_has_an_end)
{
	static const struct rota_root_slot open = { 0, END };
	const struct rota_time late = clock_of(END + HOUR + 1);

	CHECK(rota_root_slot_covers(&open, 1));
	CHECK(!rota_root_slot_covers(&open, END + HOUR + 1));
	CHECK(rota_root_slot_over(&open, &late));
}

TESTS(T(a_slot_begins_and_ends_by_a_trusted_clock),
	T(its_keys_sign_within_it_and_an_hour_to_each_side),
	T(a_slot_without_a_beginning_has_an_end))
