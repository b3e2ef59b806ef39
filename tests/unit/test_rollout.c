/* SPDX-License-Identifier: Apache-2.0 */
/* Draw, tag and ceiling against vectors that an independent script computed (tests/vectors/rollout.py), and
 * the rules of SPEC 7.4 and 8 about turns, windows, retries and sequences. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"
#include "rota/trust/rollout.h"
#include "rota/trust/tag.h"
#include "tests/unit/test.h"
#include "tests/vectors/rollout.inc"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct rota_span unhex(const char *hex, struct rota_buf room)
{
	size_t len = strlen(hex) / 2;

	if (rota_hex_decode(rota_span_cstr(hex), rota_buf(room.p, len)) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "hex of a vector");
	return rota_span(room.p, len);
}

TEST(draws_are_those_of_the_script)
{
	for (size_t i = 0; i < ROWS(draw_vectors); i++) {
		uint8_t digest[32];

		unhex(draw_vectors[i].digest, ROTA_BUF(digest));
		CHECK_EQ(rota_rollout_draw(&rota_crypto_openssl, digest, draw_vectors[i].attempt,
				 rota_span_cstr(draw_vectors[i].device_id)),
			draw_vectors[i].draw);
	}
}

TEST(tags_are_those_of_the_script)
{
	for (size_t i = 0; i < ROWS(tag_vectors); i++) {
		uint8_t label[256], spki[128], want[16], got[16];
		struct rota_span l = unhex(tag_vectors[i].label, ROTA_BUF(label));
		struct rota_span s = unhex(tag_vectors[i].spki, ROTA_BUF(spki));

		unhex(tag_vectors[i].tag, ROTA_BUF(want));
		rota_tag(&rota_crypto_openssl, l, s, got);
		CHECK_MEM(got, want, 16);
	}
}

TEST(ceilings_are_those_of_the_script)
{
	for (size_t i = 0; i < ROWS(ceiling_vectors); i++) {
		struct rota_ceilings c = { .first_ppm = ceiling_vectors[i].first_ppm,
			.growth = ceiling_vectors[i].growth,
			.soak_s = ceiling_vectors[i].soak_s };

		CHECK_EQ(rota_rollout_ceiling(
				 &c, ceiling_vectors[i].issued_s, ceiling_vectors[i].now_s),
			ceiling_vectors[i].ceiling);
	}
}

TEST(ceiling_never_falls_and_saturates)
{
	struct rota_ceilings c = { .first_ppm = 7, .growth = 3, .soak_s = 10 };
	uint32_t before = 0;

	for (uint64_t now = 0; now < 2000; now++) {
		uint32_t ceiling = rota_rollout_ceiling(&c, 500, now);

		CHECK(ceiling >= before && ceiling <= ROTA_PPM);
		before = ceiling;
	}
	CHECK_EQ(before, ROTA_PPM);
	CHECK_EQ(rota_rollout_ceiling(&c, 0, UINT64_MAX), ROTA_PPM);
	CHECK_EQ(rota_rollout_ceiling(&c, UINT64_MAX, 0), 7);
}

/* An eighth of the draws of one release lies below 125,000, give or take: the draw is not constant, not
 * the same for all releases, and a new attempt draws anew. */
TEST(draws_spread)
{
	uint8_t digest[32] = { 9 };
	int low = 0, moved = 0;

	for (int i = 0; i < 4000; i++) {
		char id[16];
		uint32_t first, second;

		snprintf(id, sizeof(id), "%d", i);
		first = rota_rollout_draw(&rota_crypto_openssl, digest, 0, rota_span_cstr(id));
		second = rota_rollout_draw(&rota_crypto_openssl, digest, 1, rota_span_cstr(id));
		CHECK(first < ROTA_PPM && second < ROTA_PPM);
		low += first < 125000;
		moved += first != second;
	}
	CHECK(low > 400 && low < 600);
	CHECK(moved > 3990);
}

TEST(turns)
{
	static const struct {
		const char *reason;
		struct rota_rollout_facts facts;
		uint32_t draw, ceiling;
		enum rota_turn turn;
	} rows[] = {
		{ "no stage speaks of it", { 0 }, 0, ROTA_PPM, ROTA_TURN_NOT_YET },
		{ "canary", { .canary = 10 }, 999999, 0, ROTA_TURN_YES },
		{ "canary list longer than the ceiling", { .canary = 11 }, 0, ROTA_PPM,
			ROTA_TURN_CEILING },
		{ "ppm below both", { .ppm = 500 }, 499, 500, ROTA_TURN_YES },
		{ "ppm: draw at the stage", { .ppm = 500 }, 500, ROTA_PPM, ROTA_TURN_NOT_YET },
		{ "ppm: draw at the ceiling", { .ppm = 500 }, 400, 400, ROTA_TURN_CEILING },
		{ "ppm: all, and the greatest draw", { .ppm = ROTA_PPM }, 999999, ROTA_PPM,
			ROTA_TURN_YES },
		{ "ppm: none", { .ppm = 0 }, 0, ROTA_PPM, ROTA_TURN_NOT_YET },
		{ "group", { .group = true }, 999999, 0, ROTA_TURN_YES },
		{ "region below the ceiling", { .region = true }, 99, 100, ROTA_TURN_YES },
		{ "region at the ceiling", { .region = true }, 100, 100, ROTA_TURN_CEILING },
		{ "everyone below the ceiling", { .everyone = true }, 99, 100, ROTA_TURN_YES },
		{ "everyone at the ceiling", { .everyone = true }, 100, 100, ROTA_TURN_CEILING },
		{ "one stage is enough", { .canary = 11, .ppm = 1, .everyone = true }, 99, 100,
			ROTA_TURN_YES },
	};
	struct rota_ceilings c = { .canary = 10, .group = true };

	for (size_t i = 0; i < ROWS(rows); i++) {
		ROW(rows[i].reason);
		CHECK_EQ(rota_rollout_turn(&rows[i].facts, &c, rows[i].draw, rows[i].ceiling),
			rows[i].turn);
	}
	ROW("group that the ceilings do not list");
	c.group = false;
	CHECK_EQ(rota_rollout_turn(&(struct rota_rollout_facts){ .group = true }, &c, 0, ROTA_PPM),
		ROTA_TURN_CEILING);
}

TEST(windows)
{
	static const struct {
		struct rota_window w;
		uint32_t at;
		bool open;
		uint32_t wait_s;
	} rows[] = {
		{ { false, 0, 0 }, 5, true, 0 },
		{ { true, 3600, 7200 }, 3599, false, 1 },
		{ { true, 3600, 7200 }, 3600, true, 0 },
		{ { true, 3600, 7200 }, 7199, true, 0 },
		{ { true, 3600, 7200 }, 7200, false, 82800 },
		{ { true, 79200, 7200 }, 79199, false, 1 },
		{ { true, 79200, 7200 }, 79200, true, 0 },
		{ { true, 79200, 7200 }, 86399, true, 0 },
		{ { true, 79200, 7200 }, 0, true, 0 },
		{ { true, 79200, 7200 }, 7199, true, 0 },
		{ { true, 79200, 7200 }, 7200, false, 72000 },
		{ { true, 79200, 0 }, 0, false, 79200 },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t now = UINT64_C(20000) * 86400 + rows[i].at;

		CHECK_EQ(rota_window_open(&rows[i].w, now), rows[i].open);
		CHECK_EQ(rota_window_wait_s(&rows[i].w, now), rows[i].wait_s);
		CHECK(rota_window_open(&rows[i].w, now + rows[i].wait_s));
	}
}

TEST(states_that_install)
{
	CHECK(rota_campaign_installs(ROTA_CAMPAIGN_ACTIVE));
	CHECK(rota_campaign_installs(ROTA_CAMPAIGN_DONE));
	CHECK(!rota_campaign_installs(ROTA_CAMPAIGN_PAUSED));
	CHECK(!rota_campaign_installs(ROTA_CAMPAIGN_ABORTED));
}

TEST(retries)
{
	struct rota_retry once = { .backoff_s = 100, .max = 1 }, never = { 0 };

	CHECK(rota_retry_allowed(&never, 0, 0, 0));
	CHECK(!rota_retry_allowed(&never, 1, 0, 1000));
	CHECK(!rota_retry_allowed(&once, 1, 1000, 1099));
	CHECK(rota_retry_allowed(&once, 1, 1000, 1100));
	CHECK(!rota_retry_allowed(&once, 2, 1000, 9999));
	CHECK(rota_retry_allowed(&once, 1, 1000, 10)); /* the clock went back */
}

TEST(sequence_only_rises)
{
	uint8_t a[32] = { 1 }, b[32] = { 2 };

	CHECK_OK(rota_rollout_sequence(5, a, 6, b));
	CHECK_OK(rota_rollout_sequence(5, a, 5, a));
	CHECK_EQ(rota_rollout_sequence(5, a, 5, b), ROTA_ERR_HASH);
	CHECK_EQ(rota_rollout_sequence(5, a, 4, a), ROTA_ERR_VERSION);
}

TESTS(T(draws_are_those_of_the_script), T(tags_are_those_of_the_script),
	T(ceilings_are_those_of_the_script), T(ceiling_never_falls_and_saturates), T(draws_spread),
	T(turns), T(windows), T(states_that_install), T(retries), T(sequence_only_rises))
