/* SPDX-License-Identifier: Apache-2.0 */
/* Whole update cycles on a device in memory (world.h): what is installed, and how a cycle begins. Trials that are
 * not kept are in test_update_boot.c, downloads in test_update_install.c, releases that are not for this device in
 * test_update_release.c, stages and campaigns in test_update_policy.c, power cuts in test_update_cut.c. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/update_cycles.h"

/* ---- the good ways ---- */

TEST(nothing_to_do_is_told_once_and_costs_nothing)
{
	struct world *w = &world;

	world_init(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->event_count, 2);
	CHECK_EQ(w->event[0].kind, ROTA_EVENT_STARTED);
	CHECK_EQ(w->event[0].seq, 1000 * w->clock_s + 1);
	CHECK_EQ(w->event[1].kind, ROTA_EVENT_CHECKED);
	CHECK_EQ(w->event[1].why.clause, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->event_count, 2);
	CHECK_EQ(w->commits, 0);
}

TEST(without_a_clock_events_are_numbered_from_1)
{
	struct world *w = &world;

	world_init(w);
	w->clock_s = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->event[0].seq, 1);
	CHECK_EQ(w->event[1].seq, 2);
	w->clock_s = WORLD_NOW + 3600; /* it has been set: the numbers go on as they began */
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.next_seq, 3);
}

TEST(a_release_is_installed_proved_and_confirmed)
{
	static const enum rota_event_kind kinds[] = { ROTA_EVENT_STARTED, ROTA_EVENT_DOWNLOADING,
		ROTA_EVENT_INSTALLED, ROTA_EVENT_BOOTED, ROTA_EVENT_CONFIRMED };
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	CHECK(world_runs(w, FACTORY));
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(w->event_count, ROWS(kinds));
	for (size_t i = 0; i < ROWS(kinds); i++)
		CHECK_EQ(w->event[i].kind, kinds[i]);
	for (size_t i = 1; i < ROWS(kinds); i++) {
		CHECK(w->event[i].has_release);
		CHECK_MEM(w->event[i].release, w->release_sha256, 32);
		CHECK_EQ(w->event[i].version, version_of("2.0.0"));
		CHECK_EQ(w->event[i].at_s, w->clock_s);
	}
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
	CHECK_EQ(w->state.installed.previous_version, version_of("1.0.0"));
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->commits, 0);
	CHECK_EQ(w->slots[0].trials, 1);
}

static struct rota_devlog_entry logged[16];
static int logged_count;

static enum rota_err keep_entry(void *ctx, const struct rota_devlog_entry *e)
{
	(void)ctx;
	if (logged_count == ROWS(logged))
		return ROTA_ERR_LIMIT;
	logged[logged_count++] = *e;
	return ROTA_OK;
}

/* SPEC 11.4: each event is an entry, and says the head with itself as the last one. */
TEST(every_decision_is_in_the_device_log)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	logged_count = 0;
	CHECK_OK(rota_devlog_read(
		&w->log.port, &rota_crypto_openssl, &w->state.logged, NULL, keep_entry));
	CHECK_EQ(logged_count, w->event_count);
	CHECK_EQ(w->state.logged.count, w->event_count);
	for (int i = 0; i < logged_count; i++) {
		CHECK_EQ(logged[i].number, i);
		CHECK_EQ(logged[i].seq, w->event[i].seq);
		CHECK_EQ(logged[i].kind, w->event[i].kind);
		CHECK_EQ(logged[i].version, w->event[i].version);
		CHECK_MEM(logged[i].release, w->event[i].release, 32);
		CHECK_EQ(w->event[i].logged.count, i + 1);
	}
	CHECK_MEM(w->event[logged_count - 1].logged.head, w->state.logged.head, 32);
	CHECK_MEM(logged[4].image, w->image[FIRST].digest, 32); /* confirmed */
}

TEST(a_log_that_takes_no_more_stops_no_update)
{
	struct world *w = offered("2.0.0");

	w->log.off = true;
	CHECK_EQ(world_settle(w), ROTA_UPDATE_IDLE);
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(w->state.logged.count, 0);
	CHECK_EQ(w->event[0].logged.count, 0);
	w->log.off = false;
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(w->state.logged.count > 0);
}

TEST(one_release_follows_another)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, SECOND));
	CHECK_EQ(w->state.installed.previous_version, version_of("2.0.0"));
}

TEST(pieces_of_one_byte_give_the_same)
{
	struct world *w = offered("2.0.0");

	w->piece = 1;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(builds_come_from_the_role_ci)
{
	struct world *w = &world;

	world_init(w);
	w->role = "ci";
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	/* and a production device takes none of them */
	world_init(w);
	w->role = "ci";
	offer(w, "2.0.0");
	w->role = "releases";
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_SPEC_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
}

TEST(two_components_are_confirmed_together)
{
	struct world *w = &world;

	world_init(w);
	w->slots_count = 2;
	w->slots[1].blind = true;
	w->release.two = true;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
	CHECK(memcmp(w->slots[1].bytes[w->slots[1].confirmed], "data of 2.0.0", 13) == 0);
	CHECK_EQ(w->state.installed.component_count, 2);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
	/* the image crashes: the data go back with it */
	w->release.crashes = true;
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK(world_runs(w, FIRST));
	CHECK(memcmp(w->slots[1].bytes[w->slots[1].confirmed], "data of 2.0.0", 13) == 0);
}

TEST(dependencies_are_what_earlier_releases_brought)
{
	struct world *w = &world;

	world_init(w);
	w->slots_count = 2;
	w->release.depends = "{\"min\":\"2.0.0\",\"name\":\"data\"}";
	offer(w, "2.0.0");
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_7_2);
	w->release.two = true;
	offer(w, "2.0.1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->release.two = false;
	offer(w, "2.0.2");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.2"));
	w->release.depends = "{\"min\":\"2.0.2\",\"name\":\"data\"}";
	offer(w, "2.0.3");
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_7_2);
}

/* The image that runs already is not written again: the release is another word for it. */
TEST(the_same_image_under_another_release_is_not_written)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->release.image_version = "2.0.0";
	w->release.issued_s++;
	w->slots[0].written = 0;
	offer(w, "2.0.0+1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->slots[0].written, 0);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0+1"));
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 2);
}

/* ---- how a cycle begins ---- */

TEST(a_cycle_says_what_it_lacks)
{
	struct world *w = &world;
	static struct rota_update u;
	static uint8_t room[65536];
	struct rota_update_config good, config;
	size_t need = rota_update_room(&rota_limits_m3);
	struct rota_state state;
	uint8_t digest[32] = { 1 };

	world_init(w);
	w->device.release_role = ROTA_STR("releases");
	good = (struct rota_update_config){ .session = { .crypto = &rota_crypto_openssl,
						    .limits = &rota_limits_m3,
						    .profile = &rota_session_device },
		.device = &w->device,
		.slots = w->named,
		.slots_count = 1,
		.journal = &w->journal };
	CHECK(need < sizeof(room));
	CHECK_EQ(rota_update_init(&u, &good, rota_buf(room, need / 2)), ROTA_ERR_LIMIT);
	config = good;
	config.slots_count = 0;
	CHECK_EQ(rota_update_init(&u, &config, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	config = good;
	config.session.profile = &rota_session_letter;
	CHECK_EQ(rota_update_init(&u, &config, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	config = good;
	config.journal = NULL;
	CHECK_EQ(rota_update_init(&u, &config, ROTA_BUF(room)), ROTA_ERR_ARGUMENT);
	CHECK_OK(rota_update_init(&u, &good, rota_buf(room, need)));
	CHECK_EQ(rota_update_feed(&u, ROTA_STR("x")), ROTA_ERR_SPELLING);
	rota_update_drop(&u);
	rota_state_factory(&state, 1, digest, 0, 0);
	CHECK_EQ(rota_update_factory(&w->journal, &state, ROTA_BUF(room)), ROTA_ERR_STATE);
	flash_mem_init(&w->flash, 4096, 2, 8, 0xff);
	CHECK_OK(rota_journal_open(&w->journal, &w->flash.port, ROTA_JOURNAL_DEVICE));
	CHECK_EQ(rota_update_init(&u, &good, ROTA_BUF(room)), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_update_factory(&w->journal, &state, rota_buf(room, 8)), ROTA_ERR_LIMIT);
}

TESTS(T(nothing_to_do_is_told_once_and_costs_nothing),
	T(without_a_clock_events_are_numbered_from_1),
	T(a_release_is_installed_proved_and_confirmed), T(every_decision_is_in_the_device_log),
	T(a_log_that_takes_no_more_stops_no_update), T(one_release_follows_another),
	T(pieces_of_one_byte_give_the_same), T(builds_come_from_the_role_ci),
	T(two_components_are_confirmed_together), T(dependencies_are_what_earlier_releases_brought),
	T(the_same_image_under_another_release_is_not_written), T(a_cycle_says_what_it_lacks))
