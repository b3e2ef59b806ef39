/* SPDX-License-Identifier: Apache-2.0 */
/* wear -- what ten years do to the flash of four boards at their true size.
 *
 * Simulated devices live through some days of the fleet's life in virtual time: a new root with other keys of
 * snapshot and timestamp every six hours, polls every ten minutes, an update; once with a good server, once behind
 * a mirror that answers every poll between two good ones with one of two wrong timestamps. Every commit of both
 * journals and every entry of the device log is counted. Ten years are as many of them, with the longest payload seen,
 * made by the real stores on the board's own flash; that this gives the erases that the devices had is checked on
 * the days that were lived. The slots' sectors are erased once for every second release.
 */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/powercut/stand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K 1024U
#define ROOTS 32 /* lived: eight days */
#define STEADY (ROOTS / 2) /* of them count: a mirror may have a reserve to use up first */
#define ROOT_S 21600 /* between two roots */
#define YEARS 10
#define REFRESHES (YEARS * (365 * 4 + 365)) /* each root, and a timestamp a day of its own */
#define RELEASES (YEARS * 12)
#define CYCLES_MOST 10000 /* that a sector bears */

struct life { /* of a journal */
	uint32_t commits, longest, erases; /* erases: of the worst sector */
};

struct lived {
	struct life journal[2]; /* SIM_BOOT, SIM_DEVICE */
	uint32_t entries; /* of the device log */
};

/* Journals of the length that a designer would give them; slots as large as the simulated images. */
static const struct sim_board boards[SIM_BOARDS] = {
	{ .name = "f4",
		.like = "STM32F4, journals in 2 sectors of 16 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 16 * K, 14 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 1 } },
		.area = { { 0, 0, 32 * K, 0 }, { 0, 32 * K, 32 * K, 0 }, { 0, 128 * K, 32 * K, 0 },
			{ 0, 160 * K, 32 * K, 0 }, { 0, 192 * K, 16 * K, 0 },
			{ 0, 208 * K, 16 * K, 0 }, { 0, 64 * K, 16 * K, 0 },
			{ 0, 80 * K, 16 * K, 0 }, { 0, 96 * K, 16 * K, 0 },
			{ 0, 112 * K, 16 * K, 0 } } },
	{ .name = "h7",
		.like = "STM32H7, journals in 2 sectors of 128 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 128 * K, 14 } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 1 } },
		.area = { { 0, 0, 256 * K, 0 }, { 0, 256 * K, 256 * K, 0 },
			{ 0, 1024 * K, 256 * K, 0 }, { 0, 1280 * K, 256 * K, 0 },
			{ 0, 1536 * K, 128 * K, 0 }, { 0, 1664 * K, 128 * K, 0 },
			{ 0, 512 * K, 128 * K, 0 }, { 0, 640 * K, 128 * K, 0 },
			{ 0, 768 * K, 128 * K, 0 }, { 0, 896 * K, 128 * K, 0 } } },
	{ .name = "l0",
		.like = "STM32L0, journals in 4 and 8 sectors of 2 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 2 * K, 64 } }, .write_len = 4, .erase_steps = 1 } },
		.area = { { 0, 0, 8 * K, 0 }, { 0, 8 * K, 16 * K, 0 }, { 0, 52 * K, 8 * K, 0 },
			{ 0, 60 * K, 8 * K, 0 }, { 0, 68 * K, 2 * K, 0 }, { 0, 70 * K, 2 * K, 0 },
			{ 0, 24 * K, 12 * K, 0 }, { 0, 36 * K, 12 * K, 0 }, { 0, 48 * K, 2 * K, 0 },
			{ 0, 50 * K, 2 * K, 0 } } },
	{ .name = "n",
		.like = "journals in 2 and 4 sectors of 4 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 4 * K, 32 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 1 } },
		.area = { { 0, 0, 8 * K, 0 }, { 0, 8 * K, 16 * K, 0 }, { 0, 56 * K, 8 * K, 0 },
			{ 0, 64 * K, 8 * K, 0 }, { 0, 72 * K, 4 * K, 0 }, { 0, 76 * K, 4 * K, 0 },
			{ 0, 24 * K, 12 * K, 0 }, { 0, 36 * K, 12 * K, 0 }, { 0, 48 * K, 4 * K, 0 },
			{ 0, 52 * K, 4 * K, 0 } } },
};

/* ---- days that are lived ---- */

static void publish_roots(struct server *s)
{
	struct maker *m = &s->world.m;

	for (uint64_t i = 0; i < ROOTS; i++) {
		uint64_t now_s = SCENARIO_START + i * ROOT_S;
		struct maker_role *root = &m->role[MAKER_ROOT];

		root->version++;
		root->issued_s = root->not_before_s = now_s;
		root->expires_s = now_s + 365 * UINT64_C(86400);
		m->role[MAKER_TIMESTAMP].keys[0] = m->role[MAKER_TIMESTAMP].signers[0] =
			i % 2 == 0 ? KEY_TIMESTAMP2 : KEY_TIMESTAMP;
		m->role[MAKER_SNAPSHOT].keys[0] = m->role[MAKER_SNAPSHOT].signers[0] =
			i % 2 == 0 ? KEY_SNAPSHOT2 : KEY_SNAPSHOT;
		maker_next(m, now_s, MAKER_ROLLOUTS, -1);
		server_step(s, now_s);
	}
}

static const struct scenario days = { .name = "days",
	.publish = publish_roots,
	.components = 1,
	.polls = 1,
	.version = UINT64_C(1) << 56,
	.ends_root = 2 };

struct mirror {
	struct stand *stand;
	bool lies;
	uint32_t told; /* answers so far */
	uint64_t step; /* of the server, that was answered well last */
	uint8_t bytes[4096];
};

/* The first answer in each of the server's steps is right; the others are wrong in one of two ways. */
static enum rota_err lie(
	void *ctx, const struct sim_device *d, const struct rota_want *want, struct rota_span *out)
{
	struct mirror *m = ctx;
	uint64_t step = (d->clock_s - SCENARIO_START) / ROOT_S + 1;
	enum rota_err err = server_meta(&m->stand->server, d->clock_s, want, out);

	if (!m->lies || err != ROTA_OK || !rota_span_eq(want->role, ROTA_STR("timestamp")))
		return err;
	if (step != m->step) {
		m->step = step;
		return err;
	}
	if (out->len > sizeof(m->bytes))
		abort();
	memcpy(m->bytes, out->p, out->len);
	if (m->told++ % 2 == 0)
		m->bytes[out->len - 5] ^= 1; /* forged */
	else
		m->bytes[0] = ' '; /* spelled wrong */
	*out = rota_span(m->bytes, out->len);
	return ROTA_OK;
}

static enum rota_err target(void *ctx, const struct sim_device *d,
	const struct rota_update_want *want, struct rota_span *out)
{
	const struct mirror *m = ctx;

	(void)d;
	return server_target(&m->stand->server, want, out);
}

static uint32_t worst(struct sim_device *d, enum sim_place_name place)
{
	const struct sim_area *area = &d->fleet->board->area[place];
	const struct rota_flash *flash = &d->place[place].port;
	uint32_t most = 0;

	for (uint32_t i = 0; i < rota_flash_sectors(flash->run); i++) {
		uint32_t n = rota_flash_sim_erases(
			&d->chip[area->chip], area->at + rota_flash_sector(flash->run, i).at);

		if (n > most)
			most = n;
	}
	return most;
}

static void measure(struct sim_device *d, struct lived *out)
{
	for (int i = 0; i < 2; i++) {
		struct rota_journal j;

		if (rota_journal_open(&j, &d->place[i].region.port,
			    i == SIM_BOOT ? ROTA_JOURNAL_BOOT : ROTA_JOURNAL_DEVICE) != ROTA_OK)
			abort();
		out->journal[i].commits = j.number;
		out->journal[i].erases = worst(d, (enum sim_place_name)i);
		if (j.payload_len > out->journal[i].longest)
			out->journal[i].longest = j.payload_len;
	}
	out->entries = (uint32_t)d->state.logged.count;
}

/* Poll through the server's steps [from, to). */
static void poll_steps(
	struct sim_device *d, const struct sim_world *world, uint64_t from, uint64_t to)
{
	for (d->clock_s = SCENARIO_START + from * ROOT_S; d->clock_s < SCENARIO_START + to * ROOT_S;
		d->clock_s += SCENARIO_POLL)
		(void)sim_run(d, world, d->clock_s); /* a mirror's lie stops a cycle */
}

/* Eight days, all of them and their second half. */
static void live_days(struct stand *s, bool lies, struct lived *half, struct lived *all)
{
	struct mirror mirror = { .stand = s, .lies = lies };
	struct sim_world world = { .ctx = &mirror, .meta = lie, .target = target };
	struct sim_device *d = stand_device(s);

	sim_restore(d, &s->start);
	poll_steps(d, &world, 0, ROOTS - STEADY);
	measure(d, half);
	poll_steps(d, &world, ROOTS - STEADY, ROOTS);
	*all = *half;
	measure(d, all);
	if (d->state.trusted.root.version != ROOTS + 1)
		abort(); /* it did not follow: what was measured is something else */
	stand_device_end(d);
}

static void live_update(const struct sim_board *board, struct lived *out)
{
	struct stand *s = calloc(1, sizeof(*s));
	struct sim_device *d;

	if (s == NULL || !stand_open(s, scenario_find("update"), board, 7))
		abort();
	d = stand_device(s);
	sim_restore(d, &s->start);
	if (!stand_live(s, d))
		abort();
	measure(d, out);
	stand_device_end(d);
	stand_close(s);
	free(s);
}

/* ---- ten years of commits ---- */

static struct sim_device *blank_device(const struct sim_board *board, struct sim_fleet *fleet)
{
	static const struct rota_rom rom = { .counter = 0 };
	static const struct rota_device what = { .id = { NULL, 0 } };
	struct sim_device *d = malloc(sizeof(*d));

	*fleet = (struct sim_fleet){ .board = board,
		.rom = &rom,
		.crypto = &rota_crypto_openssl,
		.what = &what,
		.components = 1 };
	if (d == NULL || sim_device_init(d, fleet) != ROTA_OK)
		abort();
	return d;
}

/* Erases of the worst sector after so many commits of so many bytes. */
static uint32_t replay(
	const struct sim_board *board, enum sim_place_name place, uint32_t commits, uint32_t len)
{
	struct sim_fleet fleet;
	struct sim_device *d = blank_device(board, &fleet);
	uint8_t payload[ROTA_JOURNAL_PAYLOAD_MAX] = { 0 };
	struct rota_journal j;
	uint32_t most;

	if (rota_journal_open(&j, &d->place[place].region.port, ROTA_JOURNAL_DEVICE) != ROTA_OK)
		abort();
	for (uint32_t i = 0; i < commits; i++) {
		payload[0] = (uint8_t)i;
		if (rota_journal_commit(&j, rota_span(payload, len)) != ROTA_OK)
			abort();
	}
	most = worst(d, place);
	stand_device_end(d);
	return most;
}

/* The same of so many entries of the device log. */
static uint32_t replay_log(const struct sim_board *board, uint32_t entries)
{
	struct sim_fleet fleet;
	struct sim_device *d = blank_device(board, &fleet);
	struct rota_devlog_entry entry = { .at_s = 1 };
	struct rota_logged logged = { .count = 0 };
	uint32_t most;

	for (uint32_t i = 0; i < entries; i++) {
		if (rota_devlog_append(&d->place[SIM_LOG].region.port, fleet.crypto, &logged,
			    &entry, &logged) != ROTA_OK)
			abort();
	}
	most = worst(d, SIM_LOG);
	stand_device_end(d);
	return most;
}

/* What these days' commits give on the journal alone is what the device had: payloads differ in length by a few bytes. */
static bool agrees(const struct sim_board *board, const struct lived *all)
{
	bool good = true;

	for (int i = 0; i < 2; i++) {
		const struct life *l = &all->journal[i];
		uint32_t erases = replay(board, (enum sim_place_name)i, l->commits, l->longest);

		good = good && erases >= l->erases && erases <= l->erases + 1;
	}
	return good;
}

/* So many in ten years, of which `some` came with the steady refreshes and `release` with an update. */
static uint32_t in_ten_years(uint32_t some, uint32_t release)
{
	return (uint32_t)((uint64_t)REFRESHES * some / STEADY) + RELEASES * release;
}

static uint32_t log_erases(
	const struct sim_board *board, const char *what, uint32_t some, uint32_t release)
{
	uint32_t entries = in_ten_years(some, release), erases = replay_log(board, entries);

	printf("%-4s %-12s %-14s %5u entries: %36u erases\n", board->name, what, "device log",
		entries, erases);
	return erases;
}

static uint32_t ten_years(
	const struct sim_board *board, const struct stand *s, bool lies, bool *good)
{
	struct lived half = { 0 }, all = { 0 }, update = { 0 };
	uint32_t most = RELEASES / 2, at[2], erases;

	live_days((struct stand *)(uintptr_t)s, lies, &half, &all);
	live_update(board, &update);
	*good = agrees(board, &all) && *good;
	for (int i = 0; i < 2; i++) {
		const struct life *l = &all.journal[i];
		uint32_t some = l->commits - half.journal[i].commits;
		uint32_t len = l->longest > update.journal[i].longest ? l->longest
								      : update.journal[i].longest;

		at[i] = replay(board, (enum sim_place_name)i,
			in_ten_years(some, update.journal[i].commits), len);
		if (at[i] > most)
			most = at[i];
		printf("%-4s %-12s %-14s %5.2f commits a refresh, %2u a release, %4u bytes: %5u "
		       "erases\n",
			board->name, lies ? "wrong mirror" : "good server",
			i == SIM_BOOT ? "boot journal" : "device journal", (double)some / STEADY,
			update.journal[i].commits, len, at[i]);
	}
	erases = log_erases(board, lies ? "wrong mirror" : "good server",
		all.entries - half.entries, update.entries);
	return erases > most ? erases : most;
}

int main(void)
{
	uint32_t worst_of_all = 0;
	bool good = true;

	for (int i = 0; i < SIM_BOARDS; i++) {
		struct stand *s = calloc(1, sizeof(*s));
		uint32_t most = 0;

		if (s == NULL || !stand_open(s, &days, &boards[i], 7))
			abort();
		for (int lies = 0; lies < 2; lies++) {
			uint32_t n = ten_years(&boards[i], s, lies != 0, &good);

			most = n > most ? n : most;
		}
		printf("%-4s %s: worst sector %u of %u erases\n", boards[i].name, boards[i].like,
			most, CYCLES_MOST);
		worst_of_all = most > worst_of_all ? most : worst_of_all;
		stand_close(s);
		free(s);
	}
	if (!good)
		printf("FAIL the commits that were lived do not give the erases that the devices "
		       "had\n");
	printf("wear_share %.4f\n", (double)worst_of_all / CYCLES_MOST);
	return good && worst_of_all <= CYCLES_MOST / 10 ? 0 : 1;
}
