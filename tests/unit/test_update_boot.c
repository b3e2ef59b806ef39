/* SPDX-License-Identifier: Apache-2.0 */
/* Update cycles whose trial ends otherwise than well: crashes, bad health, cuts, and a boot stage that does nothing. */
#include "tests/unit/update_cycles.h"

TEST(a_crash_goes_back_and_is_not_tried_again)
{
	struct world *w = &world;

	world_init(w);
	w->release.crashes = true;
	offer(w, "2.0.0");
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_IDLE); /* with no further boot */
	CHECK_OUTCOME(w, ROTA_OK, ROTA_CLAUSE_SPEC_7_4);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
	CHECK_EQ(clause_of(w, ROTA_EVENT_REVERTED), ROTA_CLAUSE_SPEC_10_2);
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 0);
	CHECK_EQ(w->state.failed.tries, 1);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 1);
	CHECK_EQ(w->commits, 0);
	/* a mended release is */
	w->release.crashes = false;
	offer(w, "2.0.1");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, SECOND));
	CHECK_EQ(w->state.failed.tries, 0);
}

TEST(retries_are_counted_and_wait)
{
	struct world *w = &world;

	world_init(w);
	w->release.crashes = true;
	w->policy.retry_max = 2;
	w->policy.backoff_s = 600;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 1);
	w->clock_s += 599;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 1);
	w->clock_s += 1;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 2);
	w->clock_s += 600;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 3);
	w->clock_s += 6000;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 3);
	w->policy.attempt = 1; /* another attempt counts anew */
	world_policy(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trials, 4);
	CHECK_EQ(w->state.failed.tries, 1);
}

TEST(an_image_that_is_not_well_is_given_up)
{
	struct world *w = offered("2.0.0");

	w->health = ROTA_ERR_TIMEOUT;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(world_events(w, ROTA_EVENT_BOOTED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_FAILED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
	CHECK_EQ(w->state.failed.tries, 1);
}

/* The agent is no part of the image: it crashes, the old one is back, and that one is well. */
TEST(an_image_that_crashes_while_it_is_proved_is_not_kept)
{
	for (int obliging = 0; obliging < 2; obliging++) {
		struct world *w = offered("2.0.0");

		w->slots[0].obliging = obliging != 0;
		w->resets = true;
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_7_4);
		CHECK(world_runs(w, FACTORY));
		CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 0);
		CHECK_EQ(world_events(w, ROTA_EVENT_REVERTED), 1);
		CHECK_EQ(w->state.installed.version, version_of("1.0.0"));
		CHECK_EQ(w->state.failed.tries, 1);
	}
}

/* What was found well once is kept, whatever is thought of it after the cut. */
TEST(a_decision_to_keep_outlives_a_cut)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	w->cut_at = w->slot_ops + 1; /* the confirmation */
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_STOPPED);
	CHECK(w->flash.off);
	w->health = ROTA_ERR_TIMEOUT;
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(a_boot_stage_that_never_starts_the_trial_is_seen)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT); /* and nothing boots */
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_IDLE);
	CHECK_OUTCOME(w, ROTA_OK, ROTA_CLAUSE_SPEC_7_4);
	CHECK_EQ(w->slots[0].trial, WORLD_NONE);
	CHECK_EQ(w->state.failed.tries, 1);
}

/* The journal of a device on which nothing was under way: restored, or made anew. */
static void forget_pending(struct world *w)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;
	struct rota_state state;

	CHECK_OK(rota_journal_load(&w->journal, ROTA_BUF(room), &payload));
	CHECK_OK(rota_state_decode(payload, &state));
	memset(&state.pending, 0, sizeof(state.pending));
	CHECK_OK(rota_state_encode(&state, ROTA_BUF(room), &payload));
	CHECK_OK(rota_journal_commit(&w->journal, payload));
}

TEST(a_trial_that_the_journal_does_not_know_is_given_up)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	CHECK_EQ(w->slots[0].kind, ROTA_BOOT_TRIAL);
	forget_pending(w);
	w->policy.state = "paused";
	world_policy(w);
	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_STATE);
	CHECK(world_runs(w, FACTORY));
	CHECK_EQ(w->state.failed.tries, 0);
}

TEST(what_expired_blocks_installing_and_not_confirming)
{
	struct world *w = offered("2.0.0");

	CHECK_EQ(world_cycle(w), ROTA_UPDATE_REBOOT);
	world_boot(w);
	w->clock_s += 5 * DAY_S;
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK(rota_span_eq(w->outcome.role, ROTA_STR("timestamp")));
	CHECK(rota_span_eq(w->outcome.step, ROTA_STR("timestamp")));
	CHECK(world_runs(w, FIRST));
	CHECK_EQ(world_events(w, ROTA_EVENT_CONFIRMED), 1);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
	/* the same refusal again is no news and no write */
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 1);
	CHECK_EQ(w->commits, 0);
	/* and news again once it had gone */
	later(w, 60);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->clock_s += 5 * DAY_S;
	CHECK_STOPPED(w, ROTA_ERR_EXPIRED, ROTA_CLAUSE_TUF_5_4_4);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), 2);
}

TESTS(T(a_crash_goes_back_and_is_not_tried_again), T(retries_are_counted_and_wait),
	T(an_image_that_is_not_well_is_given_up),
	T(an_image_that_crashes_while_it_is_proved_is_not_kept),
	T(a_decision_to_keep_outlives_a_cut), T(a_boot_stage_that_never_starts_the_trial_is_seen),
	T(a_trial_that_the_journal_does_not_know_is_given_up),
	T(what_expired_blocks_installing_and_not_confirming))
