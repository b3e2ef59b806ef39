/* SPDX-License-Identifier: Apache-2.0 */
/* Data keys of a device with a state counter (SPEC 9.6): which changes raise it, and what becomes of keys whose journal, or
 * any other, was put back. */
#include "tests/unit/bound_device.h"
#include "tests/unit/keyed_device.h"
#include "tests/unit/update_cycles.h"

#define TEL ROTA_PURPOSE_TELEMETRY
#define STO ROTA_PURPOSE_STORAGE

static struct world *begin(void)
{
	(void)bound_device(&world);
	return keyed_device(&world);
}

static enum rota_update_want_kind offer_keys(
	struct world *w, uint8_t purpose, uint32_t generation, bool factory)
{
	struct key_campaign *c = key_campaign(&keyserver, purpose, generation, w->clock_s);

	c->fault.factory = factory;
	key_campaign_seal(&keyserver, c);
	key_server_publish(&keyserver, w->clock_s);
	return keyed_cycle(w);
}

static void rotate(struct world *w, uint8_t purpose, uint32_t generation)
{
	if (offer_keys(w, purpose, generation, false) != ROTA_UPDATE_IDLE ||
		w->keys_why.err != ROTA_OK || keyed_held(purpose).active != generation)
		test_fail(__FILE__, __LINE__, "no rotation");
}

static void have_factory_secret(void)
{
	memset(keyserver.factory, 0x5A, sizeof(keyserver.factory));
	keyserver.has_factory = true;
	if (rota_keyslots_factory_secret(&keyed.slots, keyserver.factory) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no factory secret");
}

#define CHECK_ALL_BOUND(w, number)                                                                 \
	do {                                                                                       \
		CHECK_BOUND(w, number);                                                            \
		CHECK_EQ(keyed.slots.state.binding, number);                                       \
		CHECK((w)->broken == NULL);                                                        \
	} while (0)

TEST(a_switch_is_a_rise_and_all_that_are_due_are_one)
{
	struct world *w = begin();

	CHECK_ALL_BOUND(w, 0);
	ROW("staged and proved");
	key_campaign(&keyserver, TEL, 1, w->clock_s + 100);
	key_campaign(&keyserver, STO, 1, w->clock_s + 100);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	key_campaign_seal(&keyserver, &keyserver.campaign[1]);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(STO).staged, 1);
	CHECK_ALL_BOUND(w, 0);
	ROW("both are due");
	w->clock_s += 100;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(STO).active, 1);
	CHECK_EQ(keyed_held(TEL).active, 1);
	CHECK_ALL_BOUND(w, 1);
	CHECK_EQ(parts.counters.steps, 1);
	ROW("a release is confirmed: the key journal goes along");
	offer(w, "2.0.0");
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_IDLE);
	CHECK(world_runs(w, FIRST));
	CHECK_ALL_BOUND(w, 2);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
}

TEST(a_key_journal_that_was_put_back_settles_nothing_and_is_made_anew)
{
	struct world *w = begin();
	uint8_t point[ROTA_P256_KEY_LEN];

	have_factory_secret();
	rotate(w, STO, 1);
	rotate(w, TEL, 1);
	rotate(w, TEL, 2);
	keyed_read_out();
	rotate(w, TEL, 3);
	later(w, DAY_S / 2);
	later(w, DAY_S / 2);
	later(w, 1);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE); /* TEL 1 is destroyed, and its wrap key */
	CHECK_EQ(keyed_held(TEL).oldest, 2);
	CHECK_ALL_BOUND(w, 5);
	keyed_put_back();
	ROW("nothing is touched before the way back has ended");
	w->time = NULL;
	keyserver.taken[ROTA_STATEMENT_ANEW] = 0;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK(w->state.bound.restored);
	CHECK_EQ(keyed.slots.phase, ROTA_KEYSLOTS_LOADED);
	CHECK_EQ(keyed.writes, 0);
	CHECK_OK(keyed.soft.port.key_point(&keyed.soft, ROTA_ROT_IDENTITY, point));
	ROW("then keys are made anew");
	w->time = tell_time;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyserver.taken[ROTA_STATEMENT_ANEW], 1);
	CHECK_EQ(w->keys_why.err, ROTA_ERR_CORRUPT); /* some were lost */
	CHECK_EQ(w->keys_why.clause, ROTA_CLAUSE_SPEC_34);
	CHECK_EQ(keyed_held(TEL).oldest, 0);
	CHECK(!w->state.bound.restored);
	CHECK_EQ(keyed.slots.state.binding, parts.counters.value[ROTA_COUNTER_STATE]);
	CHECK_EQ(w->state.bound.binding, parts.counters.value[ROTA_COUNTER_STATE]);
	ROW("and the next generation comes, under the factory secret");
	CHECK_EQ(offer_keys(w, TEL, 4, true), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(TEL).active, 4);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
}

/* Who can write to flash would have it begin anew, as if it never had taken a key: it is told, and waits for the way back. */
TEST(a_key_journal_that_was_erased_is_no_new_device)
{
	struct world *w = begin();
	uint8_t point[ROTA_P256_KEY_LEN];

	rotate(w, STO, 1);
	rotate(w, STO, 2);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK_OK(keyed.keys.port.erase(keyed.keys.port.ctx, i * 4096));
		CHECK_OK(keyed.archive.port.erase(keyed.archive.port.ctx, i * 4096));
	}
	w->time = NULL;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK(w->state.bound.restored);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(keyed.slots.phase, ROTA_KEYSLOTS_BLANK);
	CHECK_OK(keyed.soft.port.key_point(&keyed.soft, ROTA_ROT_AGREE_0, point));
	ROW("first keys behind the way back");
	w->time = tell_time;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK(!w->state.bound.restored);
	CHECK_EQ(keyed.slots.phase, ROTA_KEYSLOTS_SETTLED);
	CHECK_EQ(keyed_held(STO).oldest, 0);
	CHECK_EQ(keyed.slots.state.binding, parts.counters.value[ROTA_COUNTER_STATE]);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
}

static enum rota_err mute_has(void *ctx, enum rota_rot_wrap place, bool *has)
{
	(void)ctx, (void)place, (void)has;
	return ROTA_ERR_IO;
}

static enum rota_err (*soft_point)(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN]);

static enum rota_err mute_point(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	if (key == ROTA_ROT_AGREE_0 || key == ROTA_ROT_AGREE_1)
		return ROTA_ERR_IO;
	return soft_point(ctx, key, point);
}

TEST(nothing_begins_anew_while_the_root_of_trust_does_not_say_whether_it_may)
{
	struct world *w = begin();
	struct rota_rot as_it_was;
	uint8_t point[ROTA_P256_KEY_LEN], before[ROTA_P256_KEY_LEN];

	rotate(w, STO, 1);
	for (uint32_t i = 0; i < 2; i++)
		CHECK_OK(keyed.keys.port.erase(keyed.keys.port.ctx, i * 4096));
	as_it_was = keyed.soft.port;
	soft_point = as_it_was.key_point;
	CHECK_OK(soft_point(as_it_was.ctx, ROTA_ROT_AGREE_0, before));
	keyed.soft.port.wrap_has = mute_has;
	keyed.soft.port.key_point = mute_point;
	(void)keyed_cycle(w);
	CHECK(w->keys_why.err != ROTA_OK);
	CHECK_EQ(keyed.slots.phase, ROTA_KEYSLOTS_BLANK);
	CHECK_OK(soft_point(as_it_was.ctx, ROTA_ROT_AGREE_0, point));
	CHECK(memcmp(before, point, sizeof(point)) == 0);
	ROW("it speaks again: the journal was erased");
	keyed.soft.port = as_it_was;
	w->time = NULL;
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK(w->state.bound.restored);
}

TEST(the_highest_that_was_lost_comes_once_more)
{
	struct world *w = begin();
	struct key_campaign *c;

	have_factory_secret();
	rotate(w, TEL, 1);
	rotate(w, TEL, 2);
	rotate(w, TEL, 3);
	keyed_read_out();
	for (int i = 0; i < 3; i++)
		later(w, DAY_S / 2);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE); /* the wrap key is another now */
	CHECK_EQ(keyed_held(TEL).oldest, 2);
	keyed_put_back();
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(TEL).oldest, 0);
	CHECK_EQ(keyed.slots.state.of[TEL - 1].highest, 2);
	c = &keyserver.campaign[2];
	c->fault.factory = true; /* a supplement for those that lost it */
	key_campaign_seal(&keyserver, c);
	key_server_publish(&keyserver, w->clock_s);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(TEL).active, 3);
	CHECK(keyed_opens(TEL, 3, ROTA_USE_RECORD));
}

TEST(a_device_journal_that_was_put_back_costs_no_key)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	read_out(w);
	rotate(w, STO, 2);
	put_back(w);
	CHECK_EQ(keyed_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(keyed_held(STO).active, 2);
	CHECK(keyed_opens(STO, 1, ROTA_USE_RECORD));
	CHECK(keyed_opens(STO, 2, ROTA_USE_RECORD));
	CHECK_EQ(keyed.slots.state.binding, parts.counters.value[ROTA_COUNTER_STATE]);
	rotate(w, STO, 3); /* to the agree key that was told anew */
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
}

TEST(a_rise_that_was_cut_off_is_finished_in_the_key_journal_too)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	CHECK_ALL_BOUND(w, 1);
	ROW("the counter was advanced by a cycle that ended before the key journal followed");
	parts.boot_fails = true;
	offer(w, "2.0.0");
	(void)keyed_settle(w);
	parts.boot_fails = false;
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
	CHECK_EQ(keyed.slots.state.binding, parts.counters.value[ROTA_COUNTER_STATE]);
	CHECK_EQ(parts.boot.binding, parts.counters.value[ROTA_COUNTER_STATE]);
	CHECK_EQ(keyed_held(STO).active, 1);
}

TEST(a_rise_waits_for_a_key_journal_that_somebody_else_has)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	CHECK_ALL_BOUND(w, 1);
	keyed.busy = true;
	offer(w, "2.0.0");
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_STOPPED);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 1);
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 1);
	ROW("he lets go of it");
	keyed.busy = false;
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_IDLE);
	CHECK(world_runs(w, FIRST));
	CHECK_ALL_BOUND(w, 2);
	CHECK_EQ(keyed_held(STO).active, 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 0);
}

TEST(a_switch_that_cannot_be_bound_is_finished_at_the_next_poll)
{
	struct world *w = begin();

	rotate(w, STO, 1);
	parts.boot_fails = true;
	(void)offer_keys(w, STO, 2, false);
	CHECK(w->keys_why.err != ROTA_OK);
	parts.boot_fails = false;
	CHECK_EQ(keyed_settle(w), ROTA_UPDATE_IDLE);
	CHECK_EQ(keyed_held(STO).active, 2);
	CHECK_ALL_BOUND(w, 2);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
}

TESTS(T(a_switch_is_a_rise_and_all_that_are_due_are_one),
	T(a_key_journal_that_was_put_back_settles_nothing_and_is_made_anew),
	T(a_key_journal_that_was_erased_is_no_new_device),
	T(nothing_begins_anew_while_the_root_of_trust_does_not_say_whether_it_may),
	T(the_highest_that_was_lost_comes_once_more),
	T(a_device_journal_that_was_put_back_costs_no_key),
	T(a_rise_that_was_cut_off_is_finished_in_the_key_journal_too),
	T(a_rise_waits_for_a_key_journal_that_somebody_else_has),
	T(a_switch_that_cannot_be_bound_is_finished_at_the_next_poll))
