/* SPDX-License-Identifier: Apache-2.0 */
/* What update cycles cost the flash of the journal: one commit for each refresh that moved something, none for one
 * that did not, and no more than a few for whoever answers in the server's place. */
#include "tests/unit/update_cycles.h"

/* A journal of SPEC 9 on four sectors of 4 KiB with a program unit of 32 bytes, as in the world. */
#define SECTOR_LEN 4096u
#define SECTORS 4u
#define UNIT 32u

/* A root change every 6 hours and a timestamp a day, for ten years, within a tenth of 10,000 erase cycles. */
#define REFRESHES (14600u + 3650u)
#define ERASES_MOST 1000u

/* The server has a new root, rollouts, snapshot and timestamp. */
static void next_root(struct world *w)
{
	w->clock_s += 6 * HOUR_S;
	w->m.role[MAKER_ROOT].not_before_s = w->clock_s;
	maker_next(&w->m, w->clock_s, MAKER_ROOT, MAKER_ROLLOUTS);
}

static void swap_online_keys(struct world *w)
{
	struct maker_role *t = &w->m.role[MAKER_TIMESTAMP], *s = &w->m.role[MAKER_SNAPSHOT];
	bool first = t->keys[0] == KEY_TIMESTAMP;

	t->keys[0] = t->signers[0] = first ? KEY_TIMESTAMP2 : KEY_TIMESTAMP;
	s->keys[0] = s->signers[0] = first ? KEY_SNAPSHOT2 : KEY_SNAPSHOT;
}

static struct maker_bytes timestamp_now(struct world *w)
{
	return maker_meta(&w->m, "timestamp", 0)->bytes;
}

/* The mirror answers with another timestamp: one that was changed, or one that is spelled wrong. */
static void answer(struct world *w, struct maker_bytes good, bool forged)
{
	struct maker_bytes bytes = { maker_room(good.len), good.len };

	memcpy(bytes.p, good.p, good.len);
	if (forged)
		bytes.p[bytes.len - 5] ^= 1; /* the last second of its x-rota-issued */
	else
		bytes.p[0] = ' ';
	maker_meta(&w->m, "timestamp", 0)->bytes = bytes;
}

TEST(a_refresh_is_one_commit)
{
	struct world *w = &world;

	world_init(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->commits, 1);
	for (int i = 0; i < 4; i++) {
		swap_online_keys(w);
		next_root(w);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		CHECK_EQ(w->commits, 1);
		CHECK_EQ(w->state.trusted.root.version, 2 + i);
		CHECK_EQ(w->state.trusted.snapshot.version, w->m.role[MAKER_SNAPSHOT].version);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		CHECK_EQ(w->commits, 0);
	}
	later(w, HOUR_S);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	CHECK_EQ(w->commits, 1);
}

/* What passed before the trouble stays, in one commit with the trouble. */
TEST(a_refresh_that_fails_is_one_commit)
{
	struct world *w = &world;
	uint64_t before;

	world_init(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	before = w->m.role[MAKER_SNAPSHOT].version;
	w->m.role[MAKER_SNAPSHOT].wrong_bytes = true;
	next_root(w);
	CHECK_STOPPED(w, ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_5_3);
	CHECK_EQ(w->commits, 1);
	CHECK_EQ(w->state.trusted.root.version, 2);
	CHECK_EQ(w->state.trusted.timestamp_version, w->m.role[MAKER_TIMESTAMP].version);
	CHECK_EQ(w->state.trusted.snapshot.version, before);
	CHECK_STOPPED(w, ROTA_ERR_THRESHOLD, ROTA_CLAUSE_TUF_5_5_3);
	CHECK_EQ(w->commits, 0);
}

TEST(ten_years_of_refreshes_are_within_the_flash)
{
	struct world *w = &world;
	uint32_t before, records, erases;
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;

	w = offered("2.0.0");
	CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	before = w->journal.number;
	for (int day = 0; day < 3; day++) {
		for (int root = 0; root < 4; root++) {
			swap_online_keys(w);
			next_root(w);
			CHECK_IDLE(w, ROTA_CLAUSE_NONE);
		}
		later(w, 1);
		CHECK_IDLE(w, ROTA_CLAUSE_NONE);
	}
	CHECK_EQ(w->journal.number - before, 15);
	CHECK_OK(rota_state_encode(&w->state, ROTA_BUF(room), &payload));
	records = (SECTOR_LEN - UNIT) / (((uint32_t)payload.len + 12 + UNIT - 1) / UNIT * UNIT);
	erases = REFRESHES / records / SECTORS;
	printf("\tten years: %u erases of each of %u sectors, %u bytes a commit\n", erases, SECTORS,
		(unsigned)payload.len);
	CHECK(erases <= ERASES_MOST);
}

TEST(who_answers_in_the_server_s_place_cannot_wear_the_flash)
{
	struct world *w = &world;
	struct maker_bytes good;
	unsigned commits = 0;

	world_init(w);
	CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
	good = timestamp_now(w);
	for (unsigned poll = 0; poll < 60; poll++) {
		answer(w, good, poll % 2 == 0);
		CHECK_EQ(world_settle(w), ROTA_UPDATE_STOPPED);
		commits += w->commits;
	}
	CHECK_EQ(commits, ROTA_UPDATE_TOLD_MAX);
	CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED), ROTA_UPDATE_TOLD_MAX);
	/* with the right one in between, which clears what was told */
	for (unsigned poll = 0; poll < 60; poll++) {
		if (poll % 2 == 0)
			answer(w, good, true);
		else
			maker_meta(&w->m, "timestamp", 0)->bytes = good;
		(void)world_settle(w);
		commits += w->commits;
	}
	CHECK(commits <= 2 * ROTA_UPDATE_TOLD_MAX);
	/* after so many refreshes as one stands for, not before, one is told again */
	for (unsigned i = 1; i <= ROTA_UPDATE_TOLD_COST; i++) {
		later(w, HOUR_S);
		good = timestamp_now(w);
		CHECK_IDLE(w, ROTA_CLAUSE_SPEC_8_2_CHANNEL);
		answer(w, good, true);
		CHECK_EQ(world_settle(w), ROTA_UPDATE_STOPPED);
		CHECK_EQ(world_events(w, ROTA_EVENT_REFUSED),
			ROTA_UPDATE_TOLD_MAX + i / ROTA_UPDATE_TOLD_COST);
		maker_meta(&w->m, "timestamp", 0)->bytes = good;
	}
}

TESTS(T(a_refresh_is_one_commit), T(a_refresh_that_fails_is_one_commit),
	T(ten_years_of_refreshes_are_within_the_flash),
	T(who_answers_in_the_server_s_place_cannot_wear_the_flash))
