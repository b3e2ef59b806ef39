/* SPDX-License-Identifier: Apache-2.0 */
/* Update cycles of a device with a state counter: when it rises, rises that were cut off, and flash that was put
 * back (SPEC 9.6). How a device gets out of that again is test_update_time's business. */
#include "tests/unit/bound_device.h"
#include "tests/unit/update_cycles.h"

/* ---- when it rises ---- */

TEST(the_counter_rises_with_a_confirmed_release_and_not_with_a_refresh)
{
	struct world *w = bound_device(&world);

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 0);
	for (int day = 0; day < 5; day++) {
		later(w, DAY_S / 2);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	}
	CHECK_BOUND(w, 0);
	CHECK_EQ(parts.boot_commits, 0);
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_BOUND(w, 1);
	CHECK_EQ(parts.counters.steps, 1);
	CHECK_EQ(parts.boot_commits, 1);
}

TEST(it_rises_with_root_keys_and_not_with_those_of_other_roles)
{
	struct world *w = bound_device(&world);

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	ROW("a new root with the same keys");
	next_root(w, KEY_ROOT1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 0);
	ROW("another key of timestamp");
	w->m.role[MAKER_TIMESTAMP].keys[0] = KEY_TIMESTAMP2;
	w->m.role[MAKER_TIMESTAMP].signers[0] = KEY_TIMESTAMP2;
	w->m.role[MAKER_TIMESTAMP].version++;
	next_root(w, KEY_ROOT1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.trusted.root.version, 3);
	CHECK_BOUND(w, 0);
	ROW("another key of root, and a root behind it");
	next_root(w, KEY_ROOT4);
	next_root(w, KEY_ROOT4);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.trusted.root.version, 5);
	CHECK_BOUND(w, 1);
	ROW("another threshold");
	w->m.role[MAKER_ROOT].threshold = 1;
	next_root(w, KEY_ROOT4);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 2);
}

TEST(several_changes_at_once_are_one_step)
{
	struct world *w = bound_device(&world);

	next_root(w, KEY_ROOT4);
	next_root(w, KEY_ROOT5);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.trusted.root.version, 3);
	CHECK_BOUND(w, 1);
}

/* ---- a rise that is cut off ---- */

TEST(a_rise_that_was_cut_off_is_finished)
{
	static const struct {
		const char *what;
		bool boot_fails;
		enum rota_sim_fault fault; /* of the counter's step */
		uint32_t boot_then, counter_then;
	} rows[] = {
		{ "before the boot journal", true, ROTA_SIM_NONE, 0, 0 },
		{ "before the counter", false, ROTA_SIM_CUT_BEFORE, 1, 0 },
		{ "after the counter", false, ROTA_SIM_CUT_DONE, 1, 1 },
		{ "a counter that lies", false, ROTA_SIM_SILENT, 1, 0 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world *w = bound_device(&world);

		ROW(rows[i].what);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		next_root(w, KEY_ROOT4);
		parts.boot_fails = rows[i].boot_fails;
		rota_sim_supply_plan(&parts.supply, 1, rows[i].fault, 1);
		if (rows[i].fault == ROTA_SIM_SILENT)
			CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		else
			CHECK_EQ(world_settle(w), ROTA_UPDATE_STOPPED);
		CHECK_EQ(parts.boot.binding, rows[i].boot_then);
		CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], rows[i].counter_then);
		rota_sim_supply_on(&parts.supply);
		parts.boot_fails = false;
		world_boot(w);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		CHECK_BOUND(w, 1);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
	}
}

/* The boot journal must not look new before it says that the image is confirmed: an image of the flash made in
 * between would be current for ever, and run the old release. */
TEST(the_boot_journal_is_bound_after_the_slots_are_confirmed)
{
	struct world *w = bound_device(&world);

	offer(w, "2.0.0");
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	parts.boot_fails = true;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_OUTCOME(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6);
	CHECK(world_runs(w, FIRST)); /* confirmed */
	CHECK_EQ(parts.boot.binding, 0);
	CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 0);
	parts.boot_fails = false;
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_BOUND(w, 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
}

TEST(a_counter_that_cannot_be_read_now_installs_nothing)
{
	struct world *w = bound_device(&world);

	offer(w, "2.0.0");
	parts.counters.away = 1u << ROTA_COUNTER_STATE;
	CHECK_STOPPED(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6);
	CHECK_STOPPED(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1); /* told once */
	CHECK(world_runs(w, FACTORY));
	parts.counters.away = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_BOUND(w, 1);
	ROW("a trial waits, neither confirmed nor given up");
	offer(w, "3.0.0");
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	parts.counters.away = 1u << ROTA_COUNTER_STATE;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_TRIAL);
	CHECK(world_runs(w, FIRST));
	parts.counters.away = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, SECOND));
	CHECK_BOUND(w, 2);
	ROW("the boot journal is held by another");
	parts.boot_error = ROTA_ERR_TIMEOUT;
	CHECK_STOPPED(w, ROTA_ERR_TIMEOUT, ROTA_CLAUSE_SPEC_9_6);
	CHECK(!w->state.bound.restored);
}

/* ---- flash that was put back ---- */

TEST(flash_put_back_is_noticed_and_a_refresh_at_signed_time_ends_it)
{
	struct world *w = restored_device(&world);

	CHECK(world_runs(w, FACTORY));
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(clause_of(w, ROTA_EVENT_RESTORED), ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(world_events(w, ROTA_EVENT_BOUND), 1);
	CHECK_EQ(w->time_asked, 1);
	CHECK(world_runs(w, FIRST)); /* installed anew, once it was bound */
	CHECK_BOUND(w, 3); /* 2.0.0; bound anew; 2.0.0 again */
}

/* SPEC 10.2: boot fell back to an image that the boot state does not name. */
TEST(a_device_that_runs_an_unknown_image_is_a_restored_one)
{
	struct world *w = bound_device(&world);

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	parts.boot.confirmed = 1; /* and does not verify */
	w->slots[0].unknown = true;
	w->time = NULL;
	offer(w, "2.0.0");
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
	CHECK(w->state.bound.restored);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(parts.boot.confirmed, 0); /* what runs is known now */
	CHECK_MEM(parts.boot.digest[0][0], w->image[FACTORY].digest, 32);
	w->slots[0].unknown = false;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5); /* known, and not trusted */
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	w->time = tell_time;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK(!w->state.bound.restored);
}

/* A device whose hardware keeps the security counter (fuses) and no state counter: the boot journal that is put back
 * has never asked for what is burnt. */
TEST(fuses_alone_tell_that_flash_was_put_back)
{
	struct world *w = bound_device(&world);

	parts.counter = rota_counter_sim_port(&parts.counters, 1u << ROTA_COUNTER_SECURITY);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	read_out(w);
	parts.counters.value[ROTA_COUNTER_SECURITY] = parts.boot.counter = parts.boot.burn_to = 3;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK(!w->state.bound.restored);

	put_back(w);
	w->time = NULL;
	offer(w, "2.0.0");
	ROW("a mark that is not durable: the boot state goes on telling of it");
	flash_mem_cut_at(&w->flash, 1, FLASH_TEAR_NOT_DONE, 1);
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(parts.boot.burn_to, 0);
	world_boot(w);
	ROW("marked first, and then the boot state follows");
	parts.boot_fails = true;
	CHECK_STOPPED(w, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_10);
	CHECK(w->state.bound.restored);
	parts.boot_fails = false;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
	CHECK_EQ(parts.boot.counter, 3);
	CHECK_EQ(parts.boot.burn_to, 3);
	ROW("the mark holds when nothing else tells of it");
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(clause_of(w, ROTA_EVENT_RESTORED), ROTA_CLAUSE_SPEC_9_6);
	ROW("a refresh at signed time ends it");
	w->time = tell_time;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK(!w->state.bound.restored);
	CHECK_EQ(world_events(w, ROTA_EVENT_BOUND), 1);
	CHECK_EQ(w->state.bound.binding, 0);
}

/* Each number that is burnt tells it, and none of them below what boot has asked for. */
TEST(each_burnt_number_tells_that_flash_was_put_back)
{
	static const enum rota_counter_id ids[] = { ROTA_COUNTER_SECURITY, ROTA_COUNTER_KEYS,
		ROTA_COUNTER_EPOCH };

	for (int i = 0; i < 3; i++) {
		struct world *w = bound_device(&world);

		parts.counter = rota_counter_sim_port(&parts.counters, (uint8_t)(1u << ids[i]));
		parts.boot.burn_to = parts.boot.epoch_to = parts.boot.key_floor_to = 1;
		parts.counters.value[ids[i]] = 1;
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		CHECK(!w->state.bound.restored);
		parts.boot.burn_to = parts.boot.epoch_to = parts.boot.key_floor_to = 0;
		parts.counters.away = (uint8_t)(1u << ids[i]); /* boot goes by its copy too */
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		CHECK(!w->state.bound.restored);
		parts.counters.away = 0;
		(void)world_settle(w);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
		CHECK_EQ(parts.boot.counter + parts.boot.key_floor + parts.boot.epoch, 1);
	}
}

/* The events' numbers go on above those said before, else the server takes them for repeats. */
TEST(a_lost_device_journal_is_an_old_one)
{
	struct world *w = bound_device(&world);

	read_out(w); /* as the factory made it */
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->flash = stolen.flash;
	w->clock_s += 60;
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_STARTED), 2);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_BOUND(w, 2);
}

TEST(either_journal_put_back_alone_is_noticed)
{
	for (int which = 0; which < 2; which++) {
		struct world *w = bound_device(&world);

		ROW(which == 0 ? "device" : "boot");
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		read_out(w);
		offer(w, "2.0.0");
		CHECK_IDLE(w, ROTA_CLAUSE_NONE);
		if (which == 0)
			w->flash = stolen.flash;
		else
			parts.boot = stolen.boot;
		world_boot(w);
		w->time = NULL;
		CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	}
}

/* Flash read out while a release was on trial, or asked for: it is not gone on with. */
TEST(a_trial_of_old_flash_is_given_up)
{
	for (int started = 0; started < 2; started++) {
		struct world *w = bound_device(&world);

		ROW(started ? "runs" : "asked for");
		offer(w, "2.0.0");
		CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
		read_out(w);
		world_boot(w);
		if (started)
			read_out(w);
		CHECK_IDLE(w, ROTA_CLAUSE_NONE);
		CHECK_EQ(parts.counters.value[ROTA_COUNTER_STATE], 1);
		w->flash = stolen.flash;
		memcpy(w->slots, stolen.slots, sizeof(stolen.slots));
		parts.boot = stolen.boot;
		if (!started)
			world_boot(w);
		else if (rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE) !=
			ROTA_OK)
			test_fail(__FILE__, __LINE__, "no journal");
		w->time = NULL;
		CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_5_5);
		CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	}
}

TEST(a_counter_that_is_gone_leaves_recovery_orders_alone)
{
	struct world *w = bound_device(&world);

	offer(w, "2.0.0");
	parts.counters.gone = 1u << ROTA_COUNTER_STATE;
	CHECK_STOPPED(w, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_EQ(w->time_asked, 0);
	CHECK(world_runs(w, FACTORY));
	CHECK(w->state.trusted.timestamp_version > 0); /* it refreshed */
	CHECK_STOPPED(w, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6);
	CHECK_EQ(w->commits, 0);
}

TEST(a_board_with_another_counter_is_bound_to_it_in_the_same_way)
{
	struct world *w = bound_device(&world);

	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	next_root(w, KEY_ROOT4);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_BOUND(w, 2);
	parts.counters.value[ROTA_COUNTER_STATE] = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 1);
	CHECK_BOUND(w, 1);
}

TEST(a_lost_boot_journal_is_an_old_one)
{
	struct world *w = bound_device(&world);

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	parts.boot_error = ROTA_ERR_CORRUPT;
	CHECK_STOPPED(w, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_9_6);
	CHECK(w->state.bound.restored);
	parts.boot_error = ROTA_OK;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_BOUND(w, 1);
}

/* What THREATS.md says of devices without a counter. */
TEST(without_a_counter_old_flash_is_believed)
{
	struct world *w = bound_device(&world);

	w->counter = NULL;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	read_out(w);
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(parts.boot_commits, 0);
	put_back(w);
	CHECK(world_runs(w, FACTORY));
	w->event_count = 0; /* their numbers come again, too */
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_RESTORED), 0);
	CHECK(world_runs(w, FIRST));
}

TESTS(T(the_counter_rises_with_a_confirmed_release_and_not_with_a_refresh),
	T(it_rises_with_root_keys_and_not_with_those_of_other_roles),
	T(several_changes_at_once_are_one_step), T(a_rise_that_was_cut_off_is_finished),
	T(the_boot_journal_is_bound_after_the_slots_are_confirmed),
	T(a_counter_that_cannot_be_read_now_installs_nothing),
	T(flash_put_back_is_noticed_and_a_refresh_at_signed_time_ends_it),
	T(a_device_that_runs_an_unknown_image_is_a_restored_one),
	T(fuses_alone_tell_that_flash_was_put_back),
	T(each_burnt_number_tells_that_flash_was_put_back), T(a_lost_device_journal_is_an_old_one),
	T(either_journal_put_back_alone_is_noticed), T(a_trial_of_old_flash_is_given_up),
	T(a_counter_that_is_gone_leaves_recovery_orders_alone),
	T(a_board_with_another_counter_is_bound_to_it_in_the_same_way),
	T(a_lost_boot_journal_is_an_old_one), T(without_a_counter_old_flash_is_believed))
