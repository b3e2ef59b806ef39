/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is: stages, ceilings, campaigns, windows, and policies that go back. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/tag.h"
#include "tests/unit/update_cycles.h"

static const struct {
	const char *reason;
	const char *stages; /* TAG stands for the device's own */
	unsigned open;
	unsigned canary, first_ppm;
	const char *groups;
	bool installs;
} turns[] = {
	{ "everyone", "{\"kind\":\"everyone\"}", 0, 0, 1000000, "", true },
	{ "everyone, under a ceiling of none", "{\"kind\":\"everyone\"}", 0, 0, 0, "", false },
	{ "every part of a million", "{\"kind\":\"ppm\",\"ppm\":1000000}", 0, 0, 1000000, "",
		true },
	{ "no part", "{\"kind\":\"ppm\",\"ppm\":0}", 0, 0, 1000000, "", false },
	{ "its group", "{\"kind\":\"group\",\"name\":\"lab\"}", 0, 0, 0, "\"lab\"", true },
	{ "its group, which the release does not list", "{\"kind\":\"group\",\"name\":\"lab\"}", 0,
		0, 1000000, "", false },
	{ "another group", "{\"kind\":\"group\",\"name\":\"yard\"}", 0, 0, 1000000, "\"yard\"",
		false },
	{ "its region", "{\"kind\":\"region\",\"name\":\"north\"}", 0, 0, 1000000, "", true },
	{ "its region, under a ceiling of none", "{\"kind\":\"region\",\"name\":\"north\"}", 0, 0,
		0, "", false },
	{ "another region", "{\"kind\":\"region\",\"name\":\"south\"}", 0, 0, 1000000, "", false },
	{ "canary", "{\"kind\":\"canary\",\"tags\":[TAG]}", 0, 1, 0, "", true },
	{ "canary, in a list that is too long", "{\"kind\":\"canary\",\"tags\":[TAG,TAG]}", 0, 1, 0,
		"", false },
	{ "a stage that is not open", "{\"kind\":\"ppm\",\"ppm\":0},{\"kind\":\"everyone\"}", 0, 0,
		1000000, "", false },
	{ "a second stage", "{\"kind\":\"ppm\",\"ppm\":0},{\"kind\":\"everyone\"}", 1, 0, 1000000,
		"", true },
};

static void with_tag(struct world *w, const char *stages, char out[512])
{
	uint8_t tag[ROTA_TAG_LEN];
	char hex[2 * ROTA_TAG_LEN + 1];
	size_t len = 0;

	rota_tag(&rota_crypto_openssl, ROTA_SPAN(w->release_sha256), w->device.spki, tag);
	maker_hex(tag, sizeof(tag), hex);
	while (*stages != '\0' && len < 400) {
		if (strncmp(stages, "TAG", 3) == 0) {
			len += (size_t)snprintf(out + len, 512 - len, "\"%s\"", hex);
			stages += 3;
		} else {
			out[len++] = *stages++;
		}
	}
	out[len] = '\0';
}

TEST(every_kind_of_stage_is_honoured)
{
	for (size_t i = 0; i < ROWS(turns); i++) {
		struct world *w = &world;
		char stages[512];

		ROW(turns[i].reason);
		world_init(w);
		w->device.group = ROTA_STR("lab");
		w->device.region = ROTA_STR("north");
		w->release.version = "2.0.0";
		w->release.canary = turns[i].canary;
		w->release.first_ppm = turns[i].first_ppm;
		w->release.groups = turns[i].groups;
		world_release(w);
		with_tag(w, turns[i].stages, stages);
		w->policy.stages = stages;
		w->policy.open = turns[i].open;
		world_policy(w);
		CHECK_IDLE(w, turns[i].installs ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_8_7);
		CHECK(world_runs(w, turns[i].installs ? FIRST : FACTORY));
	}
	ROW(NULL);
}

TEST(the_ceiling_rises_with_time_and_who_is_in_stays_in)
{
	struct world *w = &world;

	world_init(w);
	w->release.first_ppm = 1;
	w->release.growth = 1000;
	w->release.soak_s = 3600;
	w->release.issued_s = w->clock_s;
	w->resume_every = 512;
	w->break_at = 600;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_7);
	later(w, 3 * HOUR_S);
	CHECK_STOPPED(w, ROTA_ERR_NET, ROTA_CLAUSE_TUF_5_7_3); /* admitted, and broken off */
	w->policy.stages = "{\"kind\":\"ppm\",\"ppm\":0}";
	world_policy(w);
	w->break_at = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

/* Who has the online keys says what time it is to a device without a clock. The ceiling is the release signers':
 * it rises with the time that a root tells. */
TEST(without_a_clock_only_a_root_raises_the_ceiling)
{
	struct world *w = &world;
	struct maker_role *root = &w->m.role[MAKER_ROOT];
	uint64_t then_s;

	world_init(w);
	w->release.first_ppm = 1;
	w->release.growth = 1000;
	w->release.soak_s = 3600;
	w->release.issued_s = w->clock_s;
	offer(w, "2.0.0");
	later(w, 300 * DAY_S);
	then_s = w->clock_s;
	w->clock_s = 0;
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_7);
	root->version++;
	root->not_before_s = then_s;
	maker_publish(&w->m);
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(only_active_and_done_campaigns_install)
{
	static const struct {
		const char *state;
		bool installs;
	} states[] = { { "active", true }, { "done", true }, { "paused", false },
		{ "aborted", false } };

	for (size_t i = 0; i < ROWS(states); i++) {
		struct world *w = &world;

		ROW(states[i].state);
		world_init(w);
		w->policy.state = states[i].state;
		offer(w, "2.0.0");
		CHECK_IDLE(w, states[i].installs ? ROTA_CLAUSE_NONE : ROTA_CLAUSE_SPEC_8_2_STATE);
		CHECK(world_runs(w, states[i].installs ? FIRST : FACTORY));
	}
	ROW(NULL);
}

TEST(another_channel_s_campaign_is_not_ours)
{
	struct world *w = &world;

	world_init(w);
	w->policy.channel = "beta";
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK(world_runs(w, FACTORY));
}

TEST(the_window_is_waited_for)
{
	struct world *w = &world;
	char window[64];
	unsigned at = (unsigned)((WORLD_NOW + HOUR_S) % DAY_S);

	world_init(w);
	snprintf(window, sizeof(window), ",\"window\":{\"from_s\":%u,\"to_s\":%u}",
		(at + 600) % (unsigned)DAY_S, (at + 1200) % (unsigned)DAY_S);
	w->policy.window = window;
	offer(w, "2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_WINDOW);
	CHECK(world_runs(w, FACTORY));
	w->clock_s += 600;
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	CHECK(world_runs(w, FIRST));
}

TEST(the_sequence_does_not_go_back)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->policy.sequence = 1;
	world_policy(w);
	CHECK_STOPPED(w, ROTA_ERR_VERSION, ROTA_CLAUSE_SPEC_8_9);
	w->policy.sequence = 2; /* the one that was seen, with another content */
	w->policy.state = "paused";
	world_policy(w);
	CHECK_STOPPED(w, ROTA_ERR_HASH, ROTA_CLAUSE_SPEC_8_9);
	/* the key of rollouts was replaced: its floor fell, and the sequence with it */
	w->m.role[MAKER_ROLLOUTS].keys[0] = KEY_ROLLOUTS2;
	w->m.role[MAKER_ROLLOUTS].signers[0] = KEY_ROLLOUTS2;
	w->m.role[MAKER_TARGETS].version++;
	w->policy.sequence = 1;
	world_policy(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_STATE);
	CHECK_EQ(w->state.policy_sequence, 1);
}

TEST(no_policy_at_all_is_nothing_to_do)
{
	struct world *w = &world;

	world_init(w);
	w->m.target_count = 0;
	maker_next(&w->m, WORLD_NOW, MAKER_ROLLOUTS, -1);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_1_POLICY);
}

TEST(a_server_out_of_reach_is_no_event_and_no_write)
{
	struct world *w = offered("2.0.0");

	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	w->m.file_count = 0;
	w->event_count = 0;
	CHECK_STOPPED(w, ROTA_ERR_NOT_FOUND, ROTA_CLAUSE_TUF_5_4_1);
	CHECK_EQ(w->event_count, 0);
	CHECK_EQ(w->commits, 0);
}

TESTS(T(every_kind_of_stage_is_honoured), T(the_ceiling_rises_with_time_and_who_is_in_stays_in),
	T(without_a_clock_only_a_root_raises_the_ceiling),
	T(only_active_and_done_campaigns_install), T(another_channel_s_campaign_is_not_ours),
	T(the_window_is_waited_for), T(the_sequence_does_not_go_back),
	T(no_policy_at_all_is_nothing_to_do), T(a_server_out_of_reach_is_no_event_and_no_write))
