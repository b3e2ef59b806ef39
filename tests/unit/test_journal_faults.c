/* SPDX-License-Identifier: Apache-2.0 */
/* The journal on flash that stays powered and is not well: readings that fail or lie once or often, bits that rot
 * or stick, places that cannot be read, sectors that cannot be erased. Whatever is wrong, no bytes come out that
 * were not committed, and commits go through as long as one sector besides the held one is whole. */
#include "tests/unit/journal_life.h"
#include "tests/unit/test.h"

#define SEEDS 400

/* ---- flash that reads badly ---- */

enum badness { FLIPPED, UNREADABLE, FAILED, BADNESSES };

/* Stands before the region. Each reading that `bad` picks is bad. */
struct shaky {
	struct rota_flash port;
	uint32_t reads;
	enum badness how;
	uint32_t bad_at; /* that reading alone, from 1; 0 none */
	struct rota_sim_supply *dice; /* else one reading in `often`, or NULL */
	uint32_t often;
	uint32_t dead_at, dead_len; /* no byte of this can ever be read */
};

static bool is_bad(struct shaky *s, uint32_t off, size_t len)
{
	s->reads++;
	if (off < s->dead_at + s->dead_len && off + len > s->dead_at)
		return true;
	if (s->dice != NULL)
		return rota_sim_supply_random(s->dice) % s->often == 0;
	return s->reads == s->bad_at;
}

static enum rota_err shaky_read(void *ctx, uint32_t off, struct rota_buf to)
{
	struct shaky *s = ctx;

	ROTA_TRY(region.port.read(region.port.ctx, off, to));
	if (!is_bad(s, off, to.len))
		return ROTA_OK;
	if (s->how == FAILED)
		return ROTA_ERR_IO;
	if (s->how == UNREADABLE)
		return ROTA_ERR_CORRUPT;
	if (to.len > 0) /* where depends on which reading it is */
		to.p[s->reads * 7 % to.len] ^= (uint8_t)(1U << s->reads % 8);
	return ROTA_OK;
}

static enum rota_err shaky_write(void *ctx, uint32_t off, struct rota_span from)
{
	(void)ctx;
	return region.port.write(region.port.ctx, off, from);
}

static enum rota_err shaky_erase(void *ctx, uint32_t off)
{
	(void)ctx;
	return region.port.erase(region.port.ctx, off);
}

static enum rota_err shaky_sync(void *ctx)
{
	(void)ctx;
	return region.port.sync(region.port.ctx);
}

static void shake(struct shaky *s, enum badness how)
{
	*s = (struct shaky){ .port = region.port, .how = how };
	s->port.ctx = s;
	s->port.read = shaky_read;
	s->port.write = shaky_write;
	s->port.erase = shaky_erase;
	s->port.sync = shaky_sync;
}

static void go_back(int n)
{
	rota_flash_sim_restore(&sim, &before[n]);
	rota_sim_supply_plan(&supply, 0, ROTA_SIM_NONE, 1);
}

static void say(const struct board *b, int n, const char *what, uint32_t where)
{
	static char row[160];

	(void)snprintf(
		row, sizeof(row), "%s, before commit %d, %s %u", b->name, n, what, (unsigned)where);
	ROW(row);
}

/* Open, load and commit `n` where the `at`-th reading is bad. 1: so many are not made; -1: not survived. */
static int one_bad_reading(const struct board *b, int n, enum badness how, uint32_t at)
{
	struct shaky s;
	struct rota_journal j;
	bool ok;
	int now;

	go_back(n);
	shake(&s, how);
	s.bad_at = at;
	if (rota_journal_open(&j, &s.port, ROTA_JOURNAL_BOOT) != ROTA_OK || current(&j) != n - 1)
		return -1;
	ok = commit(&j, n) == ROTA_OK;
	if (!ok && usable(b) > 2)
		return -1;
	if (s.reads < at)
		return ok ? 1 : -1;
	now = reopened(&j);
	if ((ok && now != n) || (now != n && now != n - 1))
		return -1;
	return goes_on(&j, now) ? 0 : -1;
}

TEST(one_bad_reading_costs_nothing)
{
	for (int b = 0; b < BOARDS; b++) {
		int bad = 0;

		CHECK_OK(live(&boards[b]));
		for (int n = 1; n <= COMMITS; n++) {
			for (int how = 0; how < BADNESSES; how++) {
				int result = 0;

				for (uint32_t at = 1; result == 0; at++, bad++) {
					say(&boards[b], n, "bad reading", at);
					result = one_bad_reading(
						&boards[b], n, (enum badness)how, at);
					CHECK(result >= 0);
				}
			}
		}
		CHECK(bad > 500);
		forget();
	}
}

/* Nothing but what was committed by then; 0 where nothing could be read. */
static bool honest(const struct rota_journal *j, int n)
{
	uint8_t room[PAYLOAD_MAX];
	struct rota_span got;
	int now;

	if (rota_journal_load(j, ROTA_BUF(room), &got) != ROTA_OK)
		return got.len == 0;
	now = current(j); /* another reading, which may fail */
	return room[0] < n && (now == -1 || now == room[0]);
}

TEST(many_bad_readings_give_an_error_or_what_was_committed)
{
	struct rota_sim_supply dice;

	for (int b = 0; b < BOARDS; b++) {
		rota_sim_supply_init(&dice, 7);
		CHECK_OK(live(&boards[b]));
		for (uint32_t i = 0; i < SEEDS; i++) {
			int n = 2 + (int)(i % (COMMITS - 1));
			struct rota_journal j;
			struct shaky s;

			say(&boards[b], n, "draw", i);
			go_back(n);
			shake(&s, FLIPPED);
			s.dice = &dice;
			s.often = 2 + i % 8;
			CHECK_OK(rota_journal_open(&j, &s.port, ROTA_JOURNAL_BOOT));
			CHECK(honest(&j, n));
			CHECK_OK(rota_journal_open(&j, &region.port, ROTA_JOURNAL_BOOT));
			j.flash = &s.port; /* judged well, and read badly from then on */
			CHECK(honest(&j, n));
		}
		forget();
	}
}

/* ---- places that cannot be read ---- */

/* A sector of which nothing can be read. What lies in another is found, and commits go on. */
static bool survives_dead(const struct board *b, int n, uint32_t sector, enum badness how)
{
	struct rota_flash_sector place = rota_flash_sector(region.port.run, sector);
	bool lost = found[n].held && found[n].sector == sector;
	struct rota_journal j;
	struct shaky s;
	int now;

	go_back(n);
	shake(&s, how);
	s.dead_at = place.at;
	s.dead_len = place.len;
	if (rota_journal_open(&j, &s.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return how == FAILED && (lost || n == 1); /* nothing else is there */
	now = current(&j);
	if (lost ? now < 0 || now >= n : now != n - 1)
		return false;
	now = go_on(&j, now + 1, now + AFTER) == now + AFTER ? now + AFTER : -1;
	if (now < 0)
		return usable(b) <= 2;
	return rota_journal_open(&j, &s.port, ROTA_JOURNAL_BOOT) == ROTA_OK && current(&j) == now;
}

TEST(a_sector_that_cannot_be_read_stops_no_device)
{
	for (int b = 0; b < BOARDS; b++) {
		CHECK_OK(live(&boards[b]));
		for (int n = 1; n <= COMMITS; n++) {
			for (uint32_t i = 0; i < rota_flash_sectors(region.port.run); i++) {
				say(&boards[b], n, "dead sector", i);
				CHECK(survives_dead(&boards[b], n, i, UNREADABLE));
				CHECK(survives_dead(&boards[b], n, i, FAILED));
			}
		}
		forget();
	}
}

/* ---- bits that rot or stick ---- */

/* Some bits of one unit are wrong: an earlier commit may be current, or none, and commits go on. */
static bool survives_rot(const struct board *b, int n, uint32_t off, uint8_t mask)
{
	uint32_t last = off | (b->chip.write_len - 1);
	struct rota_journal j;
	int now;

	go_back(n);
	if (rota_flash_sim_flip(&sim, off, mask) != ROTA_OK)
		return false;
	if (b->chip.ecc && reopened(&j) != n - 1) /* one bit is mended */
		return false;
	if (b->chip.ecc && rota_flash_sim_flip(&sim, last, mask) != ROTA_OK)
		return false;
	now = reopened(&j);
	return now >= 0 && now < n && goes_on(&j, now);
}

TEST(rot_costs_no_more_than_what_it_hit)
{
	for (int b = 0; b < BOARDS; b++) {
		CHECK_OK(live(&boards[b]));
		for (int n = 2; n <= COMMITS; n += 3) {
			for (uint32_t off = 0; off < sim.size; off++) {
				say(&boards[b], n, "rot at", off);
				CHECK(survives_rot(&boards[b], n, off, (uint8_t)(1U << off % 8)));
			}
		}
		forget();
	}
}

/* A life with one bit that never changes. */
static bool survives_stuck(const struct board *b, uint32_t off, uint8_t mask, bool one)
{
	struct rota_journal j, again;

	if (be_born(b) != ROTA_OK || rota_flash_sim_stick(&sim, off, mask, one) != ROTA_OK ||
		rota_journal_open(&j, &region.port, ROTA_JOURNAL_BOOT) != ROTA_OK)
		return false;
	for (int n = 1; n <= COMMITS; n++) {
		bool ok = commit(&j, n) == ROTA_OK;

		if (reopened(&again) != (ok ? n : n - 1))
			return false;
		if (!ok)
			return usable(b) <= 2;
	}
	return true;
}

TEST(a_stuck_bit_costs_its_sector_and_no_data)
{
	for (int b = 0; b < BOARDS; b++) {
		CHECK_OK(be_born(&boards[b]));
		for (uint32_t off = 0; off < sim.size; off++) {
			uint8_t mask = (uint8_t)(1U << off % 8);

			say(&boards[b], 1, "stuck at", off);
			CHECK(survives_stuck(&boards[b], off, mask, off % 3 == 0));
			CHECK(survives_stuck(&boards[b], off, mask, off % 3 != 0));
		}
		rota_flash_sim_free(&sim);
	}
}

/* ---- wear ---- */

/* Each sector takes its last erase at some time; then commits fail, and the last one stays. */
TEST(a_worn_out_region_keeps_the_last_payload)
{
	for (int b = 0; b < BOARDS; b++) {
		struct board worn = boards[b];
		struct rota_journal j, again;
		int n = 0;

		worn.chip.erase_limit = 3;
		worn.worn = 0;
		ROW(worn.name);
		CHECK_OK(be_born(&worn));
		CHECK_OK(rota_journal_open(&j, &region.port, ROTA_JOURNAL_BOOT));
		while (commit(&j, n + 1) == ROTA_OK) {
			CHECK(++n < 200);
			CHECK_EQ(reopened(&again), n);
		}
		CHECK(n > COMMITS / 2);
		CHECK_EQ(reopened(&again), n);
		CHECK_EQ(rota_flash_sim_wear(&sim), 4); /* three, and one that failed */
		rota_flash_sim_free(&sim);
	}
}

TESTS(T(one_bad_reading_costs_nothing), T(many_bad_readings_give_an_error_or_what_was_committed),
	T(a_sector_that_cannot_be_read_stops_no_device), T(rot_costs_no_more_than_what_it_hit),
	T(a_stuck_bit_costs_its_sector_and_no_data), T(a_worn_out_region_keeps_the_last_payload))
