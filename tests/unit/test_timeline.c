/* SPDX-License-Identifier: Apache-2.0 */
/* Which root counts when, and whose keys sign (SPEC 23.5, 23.6). */
#include "host/series/timeline.h"
#include "tests/unit/test.h"

#define HOUR 3600
#define T0 1800000000 /* where the series begins */
#define SLOT (6 * HOUR)

static struct rota_fail why;

static enum rota_err put(struct rota_timeline *t, uint64_t version, uint64_t from, uint64_t end)
{
	const struct rota_timeslot slot = { version, from, end };

	return rota_timeline_put(t, &slot, &why);
}

/* Root 1, four slots, and the landing root 6. */
static void begin(struct rota_timeline *t)
{
	*t = (struct rota_timeline){ 0 };
	(void)put(t, 1, T0 - 30 * SLOT, ROTA_SLOT_OPEN);
	for (unsigned i = 0; i < 4; i++)
		(void)put(t, 2 + i, T0 + i * SLOT, T0 + (i + 1) * SLOT);
	(void)put(t, 6, T0 + 4 * SLOT, T0 + 90 * SLOT);
}

/* Who signs and what is published: "older newer publish", 0 where there is none. */
#define DUE(t, now, older, newer, last)                                                            \
	do {                                                                                       \
		struct rota_due due;                                                               \
		rota_timeline_due(t, now, &due);                                                   \
		CHECK_EQ(due.signers, ((older) != 0) + ((newer) != 0));                            \
		if (older)                                                                         \
			CHECK_EQ((t)->at[due.sign[0]].version, older);                             \
		if (newer)                                                                         \
			CHECK_EQ((t)->at[due.sign[due.signers - 1]].version, newer);               \
		CHECK_EQ(due.publish, last);                                                       \
	} while (0)

TEST(slots_in_their_turn)
{
	static const struct {
		const char *reason;
		long long at;
		uint64_t older, newer, publish;
	} rows[] = {
		{ "before anything", -31 * SLOT, 0, 0, 0 },
		{ "an hour before the root that is there", -30 * SLOT - HOUR, 0, 1, 0 },
		{ "before the series", -2 * HOUR, 0, 1, 1 },
		{ "a second before the overlap", -HOUR - 1, 0, 1, 1 },
		{ "the overlap begins", -HOUR, 1, 2, 1 },
		{ "the last second of the root before", -1, 1, 2, 1 },
		{ "the first slot begins", 0, 1, 2, 2 },
		{ "the last second of the overlap", HOUR - 1, 1, 2, 2 },
		{ "the overlap is over", HOUR, 0, 2, 2 },
		{ "the second", SLOT, 2, 3, 3 },
		{ "nobody published for a day", 3 * SLOT + 2 * HOUR, 0, 5, 5 },
		{ "an hour before landing", 4 * SLOT - HOUR, 5, 6, 5 },
		{ "landing", 4 * SLOT, 5, 6, 6 },
		{ "landed", 50 * SLOT, 0, 6, 6 },
		{ "landed for too long", 90 * SLOT + HOUR, 0, 0, 6 },
	};
	struct rota_timeline t;

	begin(&t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].reason);
		DUE(&t, (uint64_t)(T0 + rows[i].at), rows[i].older, rows[i].newer, rows[i].publish);
	}
	ROW(NULL);
}

TEST(keys_are_over_an_hour_after_their_slot)
{
	struct rota_timeline t;

	begin(&t);
	CHECK(!rota_timeline_over(&t, 0, T0 + HOUR - 1));
	CHECK(rota_timeline_over(&t, 0, T0 + HOUR));
	CHECK(!rota_timeline_over(&t, 1, T0 + SLOT + HOUR - 1));
	CHECK(rota_timeline_over(&t, 1, T0 + SLOT + HOUR));
	CHECK(!rota_timeline_over(&t, 5, T0 + 90 * SLOT));
}

/* Nobody whose keys are over signs, and whoever signs is not over, at any second that counts. */
TEST(who_signs_is_not_over)
{
	struct rota_timeline t;
	struct rota_due due;

	begin(&t);
	for (uint64_t now = T0 - 2 * SLOT; now < T0 + 6 * SLOT; now += 599) {
		rota_timeline_due(&t, now, &due);
		CHECK(due.signers >= 1);
		for (size_t i = 0; i < due.signers; i++)
			CHECK(!rota_timeline_over(&t, due.sign[i], now));
	}
}

/* The next series begins when the landing root is due: its keys never sign, and it is published with the first root. */
TEST(the_next_series_takes_the_place_of_the_landing_root)
{
	struct rota_timeline t;

	begin(&t);
	CHECK_OK(put(&t, 7, T0 + 4 * SLOT, T0 + 5 * SLOT));
	CHECK_OK(put(&t, 8, T0 + 5 * SLOT, T0 + 90 * SLOT));
	DUE(&t, T0 + 4 * SLOT - HOUR, 5, 7, 5);
	DUE(&t, T0 + 4 * SLOT, 5, 7, 7);
	DUE(&t, T0 + 5 * SLOT, 7, 8, 8);
	CHECK(!rota_timeline_over(&t, 5, T0 + 4 * SLOT)); /* the next one may not come */
	CHECK(rota_timeline_over(&t, 5, T0 + 4 * SLOT + HOUR));
}

/* Signed late: the landing root has counted for a while. */
TEST(the_next_series_ends_a_landing_root)
{
	struct rota_timeline t;

	begin(&t);
	CHECK_OK(put(&t, 7, T0 + 10 * SLOT, T0 + 11 * SLOT));
	DUE(&t, T0 + 9 * SLOT, 0, 6, 6);
	DUE(&t, T0 + 10 * SLOT + HOUR - 1, 6, 7, 7);
	DUE(&t, T0 + 10 * SLOT + HOUR, 0, 7, 7);
}

/* Root 7 in the second slot: all that was to come is published, and does not sign. */
TEST(an_emergency_root_ends_the_series)
{
	struct rota_timeline t;
	const uint64_t now = T0 + SLOT + 2 * HOUR;

	begin(&t);
	DUE(&t, now, 0, 3, 3);
	CHECK_OK(put(&t, 7, now, ROTA_SLOT_OPEN));
	DUE(&t, now, 3, 7, 7);
	DUE(&t, T0 + 2 * SLOT, 0, 7, 7);
	DUE(&t, T0 + 3 * SLOT, 0, 7, 7);
	CHECK(rota_timeline_over(&t, 4, now + HOUR));
}

TEST(refused)
{
	struct rota_timeline t;
	json_t *root;

	begin(&t);
	CHECK_EQ(put(&t, 8, T0, T0 + 1), ROTA_ERR_VERSION);
	CHECK_EQ(put(&t, 6, T0, T0 + 1), ROTA_ERR_VERSION);
	root = json_pack("{s:i,s:s,s:s}", "version", 7, "x-rota-not-before", "2027-01-15T08:00:00Z",
		"x-rota-slot-end", "never");
	CHECK_EQ(rota_timeline_add(&t, root, &why), ROTA_ERR_FORMAT);
	json_object_set_new(root, "x-rota-slot-end", json_string("2027-01-15T14:00:00Z"));
	CHECK_OK(rota_timeline_add(&t, root, &why));
	CHECK_EQ(t.at[6].end_s, T0 + SLOT);
	json_decref(root);
	for (uint64_t v = 8; t.count < ROTA_TIMELINE_MAX; v++)
		CHECK_OK(put(&t, v, T0, T0 + 1));
	CHECK_EQ(put(&t, ROTA_TIMELINE_MAX + 1, T0, T0 + 1), ROTA_ERR_LIMIT);
}

TESTS(T(slots_in_their_turn), T(keys_are_over_an_hour_after_their_slot), T(who_signs_is_not_over),
	T(the_next_series_takes_the_place_of_the_landing_root),
	T(the_next_series_ends_a_landing_root), T(an_emergency_root_ends_the_series), T(refused))
