/* SPDX-License-Identifier: Apache-2.0 */
/* Retirements and revocations in the update cycle (SPEC 16): what rises, and what becomes of a release that is
 * withdrawn at each point of its way onto a device. */
#include "tests/unit/update_cycles.h"

#include <stdio.h>

static int retirements, revocations; /* roles of the repository */

/* A boot state without a boot stage: only floors are looked at. */
static struct rota_bootstate boot_state;
static unsigned boot_commits, boot_held;

static enum rota_err boot_begin(void *ctx, struct rota_bootstate *out)
{
	(void)ctx;
	boot_held++;
	*out = boot_state;
	return ROTA_OK;
}

static enum rota_err boot_commit(void *ctx, const struct rota_bootstate *state)
{
	(void)ctx;
	boot_commits++;
	boot_state = *state;
	return ROTA_OK;
}

static void boot_end(void *ctx)
{
	(void)ctx;
	boot_held--;
}

static const struct rota_boot_access boot_access = { NULL, boot_begin, boot_commit, boot_end };

static struct world *begin(void)
{
	struct world *w = &world;
	uint64_t now;

	world_init(w);
	w->boot = &boot_access;
	memset(&boot_state, 0, sizeof(boot_state));
	boot_commits = 0;
	now = w->m.role[MAKER_TARGETS].issued_s;
	retirements = maker_delegate(
		&w->m, MAKER_TARGETS, "retirements", "retirements/*", true, KEY_OTHER, now);
	revocations = maker_delegate(
		&w->m, MAKER_TARGETS, "revocations", "revocations/*", true, KEY_ROLLOUTS2, now);
	w->m.role[revocations].expires_s = now + DAY_S;
	maker_next(&w->m, now, MAKER_TARGETS, -1);
	return w;
}

static void put(struct world *w, int role, const char *path, struct maker_text *t)
{
	maker_target(&w->m, role, path, maker_text_bytes(t));
	maker_next(&w->m, w->clock_s, role, -1);
}

static void retire(struct world *w, unsigned sequence, const char *floors, unsigned key_floor)
{
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t,
		"{\"_type\":\"retirements\",\"cas\":[],\"counter_floor\":[%s],\"format\":1,"
		"\"key_floor\":%u,\"keys\":[],\"product\":\"sensor\",\"sequence\":%u}",
		floors, key_floor, sequence);
	put(w, retirements, "retirements/sensor.json", &t);
}

/* Withdraw the release made last, or none. */
static void revoke(struct world *w, unsigned sequence, bool withdrawn)
{
	struct maker_text t = { NULL, 0, 0 };
	char hex[65] = "";

	if (withdrawn)
		maker_hex(w->release_sha256, 32, hex);
	maker_printf(&t,
		"{\"_type\":\"revocations\",\"crls\":[],\"format\":1,\"product\":\"sensor\","
		"\"quarantined\":[],\"sequence\":%u,\"withdrawn\":[%s%s%s]}",
		sequence, withdrawn ? "\"" : "", hex, withdrawn ? "\"" : "");
	put(w, revocations, "revocations/sensor.json", &t);
}

static struct world *offered_here(const char *version)
{
	struct world *w = begin();

	offer(w, version);
	return w;
}

/* ---- retirements ---- */

TEST(floors_rise_and_never_fall)
{
	struct world *w = begin();

	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot_commits, 0);
	retire(w, 1,
		"{\"counter\":7,\"hardware\":\"demo-1\"},{\"counter\":9,\"hardware\":\"demo-2\"}",
		0);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.retired.sequence, 1);
	CHECK_EQ(w->state.retired.counter_floor, 7);
	CHECK_EQ(boot_state.floor_wanted, 7);
	CHECK_EQ(boot_state.key_floor_to, 0);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->commits, 0);
	CHECK_EQ(boot_commits, 1);
	retire(w, 2, "{\"counter\":9,\"hardware\":\"demo-2\"}", 1); /* not listed: it stays */
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot_state.floor_wanted, 7);
	CHECK_EQ(boot_state.key_floor_to, 1);
	retire(w, 3, "{\"counter\":6,\"hardware\":\"demo-1\"}", 0); /* lower: it stays */
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.retired.sequence, 3);
	CHECK_EQ(w->state.retired.counter_floor, 7);
	CHECK_EQ(w->state.retired.key_floor, 1);
	CHECK_EQ(boot_state.floor_wanted, 7);
	CHECK_EQ(boot_state.key_floor_to, 1);
	CHECK_EQ(boot_held, 0);
}

TEST(a_boot_journal_that_was_lost_hears_of_them_again)
{
	struct world *w = begin();

	retire(w, 1, "{\"counter\":7,\"hardware\":\"demo-1\"}", 1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	boot_state.floor_wanted = 3;
	boot_state.key_floor_to = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot_state.floor_wanted, 7);
	CHECK_EQ(boot_state.key_floor_to, 1);
	boot_state.floor_wanted = 8; /* and a higher one is left alone, whatever else rises */
	boot_state.key_floor_to = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(boot_state.floor_wanted, 8);
}

TEST(sequences_do_not_go_back)
{
	struct world *w = begin();

	retire(w, 5, "", 0);
	revoke(w, 5, false);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->state.revoked.sequence, 5);
	retire(w, 4, "{\"counter\":7,\"hardware\":\"demo-1\"}", 0);
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_16_3);
	retire(w, 5, "{\"counter\":7,\"hardware\":\"demo-1\"}", 0);
	CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_16_3);
	CHECK_EQ(boot_state.floor_wanted, 0);
	retire(w, 6, "", 0);
	revoke(w, 4, false);
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_16_3);
}

TEST(what_is_another_product_s_or_no_such_file_is_refused)
{
	struct world *w = begin();
	struct maker_text t = { NULL, 0, 0 };

	maker_printf(&t,
		"{\"_type\":\"retirements\",\"cas\":[],\"counter_floor\":[],\"format\":1,"
		"\"key_floor\":0,\"keys\":[],\"product\":\"other\",\"sequence\":1}");
	put(w, retirements, "retirements/sensor.json", &t);
	CHECK_STOPPED(w, ROTA_ERR_PRODUCT, ROTA_CLAUSE_SPEC_16);
	t = (struct maker_text){ NULL, 0, 0 };
	maker_printf(&t, "{}");
	put(w, retirements, "retirements/sensor.json", &t);
	CHECK_STOPPED(w, ROTA_ERR_FORMAT, ROTA_CLAUSE_SPEC_16);
}

/* ---- withdrawn releases ---- */

TEST(a_withdrawn_release_is_not_chosen)
{
	struct world *w = offered_here("2.0.0");

	revoke(w, 1, true);
	CHECK_STOPPED(w, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
	CHECK_EQ(w->slots[0].written, 0);
	CHECK_STOPPED(w, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4); /* nor at the next poll */
	CHECK_EQ(w->commits, 0);
	revoke(w, 2, false); /* it was good after all */
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(one_that_is_being_written_is_dropped)
{
	struct world *w = offered_here("2.0.0");

	w->break_at = 1000;
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_WRITING);
	w->break_at = 0;
	revoke(w, 1, true);
	CHECK_STOPPED(w, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	world_boot(w);
	CHECK(world_runs(w, FACTORY));
}

TEST(one_that_waits_for_its_boot_is_forgotten)
{
	struct world *w = offered_here("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_TRIAL);
	revoke(w, 1, true);
	CHECK_STOPPED(w, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
	world_boot(w);
	CHECK_EQ(w->slots[0].trials, 0);
	CHECK(world_runs(w, FACTORY));
}

TEST(one_that_runs_on_trial_is_given_up)
{
	struct world *w = offered_here("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	revoke(w, 1, true);
	CHECK_STOPPED(w, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 0);
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
	CHECK(world_runs(w, FACTORY));
}

/* SPEC 7.3 would allow it. */
TEST(one_that_is_withdrawn_is_no_way_back)
{
	struct world *w = offered_here("2.0.0");
	uint8_t sha256[32];
	char path[sizeof(w->release_path)];

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	memcpy(sha256, w->release_sha256, sizeof(sha256));
	memcpy(path, w->release_path, sizeof(path));
	offer(w, "3.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.previous_version, version_of("2.0.0"));
	memcpy(w->release_sha256, sha256, sizeof(sha256));
	memcpy(w->release_path, path, sizeof(path));
	revoke(w, 1, true);
	world_policy(w);
	CHECK_STOPPED(w, ROTA_ERR_WITHDRAWN, ROTA_CLAUSE_SPEC_16_4);
	CHECK_EQ(w->state.installed.version, version_of("3.0.0"));
	revoke(w, 2, false);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->state.installed.version, version_of("2.0.0"));
}

TEST(one_that_was_confirmed_is_reported)
{
	struct world *w = offered_here("2.0.0");
	int told;

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	told = world_events(w, ROTA_EVENT_REFUSED);
	revoke(w, 1, true);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), told + 1);
	CHECK_EQ(clause_of(w, ROTA_EVENT_REFUSED), ROTA_CLAUSE_SPEC_16_4);
	CHECK_EQ(w->commits, 1);
	CHECK(world_runs(w, FIRST));
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK_EQ(w->commits, 0);
}

/* SPEC 5.3: who can withhold the file, or lets it expire, cannot hold up what is well. */
TEST(what_cannot_be_read_does_not_stand_in_the_way_of_a_confirmation)
{
	struct world *w = offered_here("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	w->clock_s += 2 * DAY_S;
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
	CHECK_EQ(w->state.pending.phase, ROTA_INSTALL_NONE);
	CHECK(world_runs(w, FIRST));
}

TESTS(T(floors_rise_and_never_fall), T(a_boot_journal_that_was_lost_hears_of_them_again),
	T(sequences_do_not_go_back), T(what_is_another_product_s_or_no_such_file_is_refused),
	T(a_withdrawn_release_is_not_chosen), T(one_that_is_being_written_is_dropped),
	T(one_that_waits_for_its_boot_is_forgotten), T(one_that_runs_on_trial_is_given_up),
	T(one_that_is_withdrawn_is_no_way_back), T(one_that_was_confirmed_is_reported),
	T(what_cannot_be_read_does_not_stand_in_the_way_of_a_confirmation))
