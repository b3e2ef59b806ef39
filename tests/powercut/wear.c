/* SPDX-License-Identifier: Apache-2.0 */
/* wear -- what ten years do to the flash of four boards at their true size.
 *
 * Simulated devices live through some days of the fleet's life in virtual time: a new root with other keys of
 * snapshot and timestamp every six hours, polls every ten minutes, a watchdog of a week, an update; with a good server,
 * behind a mirror that answers every poll between two good ones with one of two wrong timestamps, and behind one that gives
 * a refresh out file by file, so that each file is a commit. Every commit of both journals, every entry of the device log
 * and every byte of metadata that is kept is counted. Ten years are as many of them, with the longest payload seen,
 * made by the real stores on the board's own flash; that this gives the erases that the devices had is checked on
 * the days that were lived. Files have no store of their own here: their bytes are reckoned over a ring of sectors. The
 * slots' sectors are erased once for every second release.
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
#define WATCHDOG_S (7 * 86400)
#define WATCHDOG_BOUND_S 600

struct life { /* of a journal */
	uint32_t commits, longest, erases; /* erases: of the worst sector */
};

struct kept { /* bytes of metadata files; of them those of targets and roles, which a microcontroller keeps too */
	uint64_t bytes, of_roles;
};

struct lived {
	struct life journal[2]; /* SIM_BOOT, SIM_DEVICE */
	uint32_t entries; /* of the device log */
	struct kept kept;
};

/* Whom the device asks. */
enum mirrors { GOOD, WRONG, BY_FILE, MIRRORS };
static const char *const mirror_name[MIRRORS] = { "good server", "wrong mirror", "file by file" };

/* Journals of the length that a designer would give them; slots as large as the simulated images. */
static const struct sim_board boards[SIM_BOARDS] = {
	{ .name = "f4",
		.like = "STM32F4, journals in 2 and 3 sectors of 16 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 16 * K, 15 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 1 } },
		.area = { [SIM_BOOT] = { 0, 0, 32 * K, 0 },
			[SIM_DEVICE] = { 0, 32 * K, 48 * K, 0 },
			[SIM_ORDERS] = { 0, 80 * K, 32 * K, 0 },
			[SIM_LOG] = { 0, 112 * K, 32 * K, 0 },
			[SIM_MAPS] = { 0, 144 * K, 16 * K, 0 },
			[SIM_MAPS + 1] = { 0, 160 * K, 16 * K, 0 },
			[SIM_SLOTS] = { 0, 176 * K, 16 * K, 0 },
			[SIM_SLOTS + 1] = { 0, 192 * K, 16 * K, 0 },
			[SIM_SLOTS + 2] = { 0, 208 * K, 16 * K, 0 },
			[SIM_SLOTS + 3] = { 0, 224 * K, 16 * K, 0 } } },
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
		.area = { [SIM_BOOT] = { 0, 0, 256 * K, 0 },
			[SIM_DEVICE] = { 0, 256 * K, 256 * K, 0 },
			[SIM_ORDERS] = { 0, 512 * K, 256 * K, 0 },
			[SIM_LOG] = { 0, 768 * K, 256 * K, 0 },
			[SIM_MAPS] = { 0, 1024 * K, 128 * K, 0 },
			[SIM_MAPS + 1] = { 0, 1152 * K, 128 * K, 0 },
			[SIM_SLOTS] = { 0, 1280 * K, 128 * K, 0 },
			[SIM_SLOTS + 1] = { 0, 1408 * K, 128 * K, 0 },
			[SIM_SLOTS + 2] = { 0, 1536 * K, 128 * K, 0 },
			[SIM_SLOTS + 3] = { 0, 1664 * K, 128 * K, 0 } } },
	{ .name = "l0",
		.like = "STM32L0, journals in 6 and 28 sectors of 2 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 2 * K, 64 } }, .write_len = 4, .erase_steps = 1 } },
		.area = { [SIM_BOOT] = { 0, 0, 12 * K, 0 },
			[SIM_DEVICE] = { 0, 12 * K, 56 * K, 0 },
			[SIM_ORDERS] = { 0, 68 * K, 8 * K, 0 },
			[SIM_LOG] = { 0, 76 * K, 8 * K, 0 },
			[SIM_MAPS] = { 0, 84 * K, 2 * K, 0 },
			[SIM_MAPS + 1] = { 0, 86 * K, 2 * K, 0 },
			[SIM_SLOTS] = { 0, 88 * K, 12 * K, 0 },
			[SIM_SLOTS + 1] = { 0, 100 * K, 12 * K, 0 },
			[SIM_SLOTS + 2] = { 0, 112 * K, 2 * K, 0 },
			[SIM_SLOTS + 3] = { 0, 114 * K, 2 * K, 0 } } },
	{ .name = "n",
		.like = "journals in 3 and 12 sectors of 4 KiB",
		.chips = 1,
		.counters = SIM_ALL_COUNTERS,
		.chip = { { .runs = { { 4 * K, 32 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 1 } },
		.area = { [SIM_BOOT] = { 0, 0, 12 * K, 0 },
			[SIM_DEVICE] = { 0, 12 * K, 48 * K, 0 },
			[SIM_ORDERS] = { 0, 60 * K, 8 * K, 0 },
			[SIM_LOG] = { 0, 68 * K, 8 * K, 0 },
			[SIM_MAPS] = { 0, 76 * K, 4 * K, 0 },
			[SIM_MAPS + 1] = { 0, 80 * K, 4 * K, 0 },
			[SIM_SLOTS] = { 0, 84 * K, 12 * K, 0 },
			[SIM_SLOTS + 1] = { 0, 96 * K, 12 * K, 0 },
			[SIM_SLOTS + 2] = { 0, 108 * K, 4 * K, 0 },
			[SIM_SLOTS + 3] = { 0, 112 * K, 4 * K, 0 } } },
};

/* Where a board keeps files of metadata: sectors, of the length of its first, that are written in a ring, file behind file.
 * Those of targets and roles, which a microcontroller keeps; or all, as one without a gateway at hand does. */
static const struct {
	uint32_t sectors;
	bool all;
} files[SIM_BOARDS] = { { 8, true }, { 2, true }, { 8, false }, { 32, true } };
#define FILE_HEAD_LEN 64 /* name, length, digest */

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

static void publish_days(struct server *s)
{
	server_watch(s, WATCHDOG_S, WATCHDOG_BOUND_S);
	server_tell_time(s);
	publish_roots(s);
}

static const struct scenario days = { .name = "days",
	.publish = publish_days,
	.components = 1,
	.polls = 1,
	.patient = true,
	.version = UINT64_C(1) << 56,
	.ends_root = 2 };

struct mirror {
	struct stand *stand;
	enum mirrors how;
	uint32_t told; /* wrong answers so far */
	struct kept kept; /* by the device */
	uint64_t step; /* of the server, that was answered well last */
	uint8_t bytes[4096];
};

/* The files of a refresh, in the order in which they are asked for. */
static uint64_t rank(struct rota_span role)
{
	static const char *const top[] = { "root", "timestamp", "snapshot", "targets" };
	uint64_t i = 0;

	while (i < 4 && !rota_span_eq(role, rota_span_cstr(top[i])))
		i++;
	return i;
}

/* The first answer in each of the server's steps is right; the others are wrong in one of two ways. */
static void falsify(struct mirror *m, struct rota_span *bytes)
{
	if (bytes->len > sizeof(m->bytes))
		abort();
	memcpy(m->bytes, bytes->p, bytes->len);
	if (m->told++ % 2 == 0)
		m->bytes[bytes->len - 5] ^= 1; /* forged */
	else
		m->bytes[0] = ' '; /* spelled wrong */
	*bytes = rota_span(m->bytes, bytes->len);
}

static enum rota_err answer(
	void *ctx, const struct sim_device *d, const struct rota_want *want, struct rota_span *out)
{
	struct mirror *m = ctx;
	uint64_t since_s = d->clock_s - SCENARIO_START, step = since_s / ROOT_S + 1;
	enum rota_err err = server_meta(&m->stand->server, d->clock_s, want, out);

	if (m->how == BY_FILE && rank(want->role) > since_s % ROOT_S / SCENARIO_POLL)
		return ROTA_ERR_NET;
	if (m->how != WRONG || err != ROTA_OK || rank(want->role) != 1)
		return err;
	if (step != m->step)
		m->step = step;
	else
		falsify(m, out);
	return err;
}

static void keep(void *ctx, const struct sim_device *d, const struct rota_want *want)
{
	struct mirror *m = ctx;
	struct rota_span bytes;
	struct rota_want asked = *want;

	asked.version = rank(want->role) == 1 ? 0 : want->kept_version;
	if (server_meta(&m->stand->server, d->clock_s, &asked, &bytes) != ROTA_OK)
		abort();
	m->kept.bytes += bytes.len + FILE_HEAD_LEN;
	if (rank(want->role) > 2)
		m->kept.of_roles += bytes.len + FILE_HEAD_LEN;
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

/* Eight days, all of them and their second half. */
static void live_days(struct stand *s, enum mirrors how, struct lived *half, struct lived *all)
{
	struct mirror mirror = { .stand = s, .how = how };
	struct sim_world world = { .ctx = &mirror, .meta = answer, .target = target, .keep = keep };
	struct sim_device *d = stand_device(s);

	sim_restore(d, &s->start);
	(void)sim_run(
		d, &world, SCENARIO_START + (uint64_t)(ROOTS - STEADY) * ROOT_S - SCENARIO_POLL);
	measure(d, half);
	half->kept = mirror.kept;
	d->clock_s += SCENARIO_POLL;
	(void)sim_run(d, &world, SCENARIO_START + (uint64_t)ROOTS * ROOT_S - SCENARIO_POLL);
	*all = *half;
	measure(d, all);
	all->kept = mirror.kept;
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

/* A release changes what a refresh does, once more. */
static uint32_t file_erases(
	int board, const char *what, const struct kept *half, const struct kept *all)
{
	uint32_t len = boards[board].chip[0].runs[0].sector_len, sectors = files[board].sectors;
	uint64_t some =
		files[board].all ? all->bytes - half->bytes : all->of_roles - half->of_roles;
	uint64_t bytes = (REFRESHES + RELEASES) * some / STEADY;
	uint32_t erases = (uint32_t)(bytes / len / sectors) + 1;

	printf("%-4s %-12s %-14s %5.2f KB a refresh, %s, %2u sectors: %11u erases\n",
		boards[board].name, what, "files", (double)some / STEADY / 1000,
		files[board].all ? "all of them" : "roles alone", sectors, erases);
	return erases;
}

static uint32_t ten_years(int n, struct stand *s, enum mirrors how, bool *good)
{
	const struct sim_board *board = &boards[n];
	struct lived half = { 0 }, all = { 0 }, update = { 0 };
	uint32_t most = RELEASES / 2, at[2], erases;

	live_days(s, how, &half, &all);
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
			board->name, mirror_name[how],
			i == SIM_BOOT ? "boot journal" : "device journal", (double)some / STEADY,
			update.journal[i].commits, len, at[i]);
	}
	erases = log_erases(board, mirror_name[how], all.entries - half.entries, update.entries);
	most = erases > most ? erases : most;
	erases = file_erases(n, mirror_name[how], &half.kept, &all.kept);
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
		for (int how = 0; how < MIRRORS; how++) {
			uint32_t n = ten_years(i, s, (enum mirrors)how, &good);

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
