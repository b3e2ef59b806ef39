/* SPDX-License-Identifier: Apache-2.0 */
/* A group of two slots behind GRUB's block, with a loader that does what the script of docs/boot-loaders.md does:
 * start a trial once, else the confirmed place, whole images of one release only. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/sel_grub/sel_grub.h"
#include "ports/slots_part/machine.h"
#include "ports/slots_part/slots_part.h"
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 2
#define IMAGE 9000u /* bytes, in pieces of PIECE */
#define PIECE 3500u

static struct rota_slots_part group;
static struct rota_sel_grub selector;
static struct rota_slots_part_slot slots[SLOTS];
static char paths[8][256];
static unsigned boots;

#define CALL(i, name, ...) group.member[i].port.name(&group.member[i], __VA_ARGS__)
#define CALL0(i, name) group.member[i].port.name(&group.member[i])

/* ---- images ---- */

static uint8_t image_byte(unsigned release, unsigned slot, size_t at)
{
	return (uint8_t)(release * 83 + slot * 31 + at * 7 + at / 251);
}

static void image_fill(unsigned release, unsigned slot, size_t from, uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = image_byte(release, slot, from + i);
}

static void image_digest(unsigned release, unsigned slot, uint8_t out[static ROTA_SHA256_LEN])
{
	uint8_t bytes[IMAGE];
	struct rota_sha256 hash;

	image_fill(release, slot, 0, bytes, sizeof(bytes));
	rota_crypto_openssl.sha256_init(&hash);
	rota_crypto_openssl.sha256_update(&hash, ROTA_SPAN(bytes));
	rota_crypto_openssl.sha256_final(&hash, out);
}

static void put_file(const char *path, unsigned release, unsigned slot)
{
	uint8_t bytes[IMAGE];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	image_fill(release, slot, 0, bytes, sizeof(bytes));
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) || close(fd) != 0)
		abort();
}

/* The release whose image lies there whole; 0: none. */
static unsigned release_in(const char *path, unsigned slot)
{
	uint8_t is[IMAGE + 1], want[IMAGE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, is, sizeof(is));

	(void)close(fd);
	for (unsigned release = 1; got == IMAGE && release <= 3; release++) {
		image_fill(release, slot, 0, want, sizeof(want));
		if (memcmp(is, want, sizeof(want)) == 0)
			return release;
	}
	return 0;
}

/* ---- the machine ---- */

static void open_group(void)
{
	const struct rota_slots_part_config config = {
		.selector = &selector.port,
		.crypto = &rota_crypto_openssl,
		.state = paths[0],
		.cmdline = paths[1],
		.boot_id = paths[2],
		.slot = slots,
		.count = SLOTS,
	};

	if (rota_slots_part_open(&group, &config) != ROTA_OK)
		abort();
}

/* The reset, and what the loader does; the release that it starts, 0: half an image, or of two releases. */
static unsigned boot(void)
{
	struct rota_selection s;
	uint8_t place = 0;
	char text[96];

	if (selector.port.read(selector.port.ctx, &s) == ROTA_OK) {
		place = s.confirmed ^ (s.trial == ROTA_SELECTED_ASKED);
		if (s.trial == ROTA_SELECTED_ASKED) {
			s.trial = ROTA_SELECTED_STARTED;
			if (selector.port.set(selector.port.ctx, &s) != ROTA_OK)
				abort();
		}
	}
	(void)snprintf(text, sizeof(text), "root=/dev/x rota.slot=%c quiet\n", 'a' + place);
	tempdir_put("cmdline", text);
	(void)snprintf(text, sizeof(text), "%08x-0000-4000-8000-000000000000\n", ++boots);
	tempdir_put("boot_id", text);
	if (release_in(slots[0].place[place], 0) != release_in(slots[1].place[place], 1))
		return 0;
	return release_in(slots[0].place[place], 0);
}

static void begin(void)
{
	static const char *const names[] = { "state", "cmdline", "boot_id", "kernel-a", "kernel-b",
		"root-a", "root-b", "grubenv" };
	char block[1025];

	(void)tempdir_fresh();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s", tempdir_path(names[i]));
	(void)mkdir(paths[0], 0700);
	slots[0] = (struct rota_slots_part_slot){ "kernel", { paths[3], paths[4] } };
	slots[1] = (struct rota_slots_part_slot){ "rootfs", { paths[5], paths[6] } };
	for (unsigned i = 0; i < SLOTS; i++) {
		put_file(slots[i].place[0], 1, i);
		put_file(slots[i].place[1], 1, i);
	}
	memset(block, '#', 1024);
	block[1024] = '\0';
	memcpy(block, "# GRUB Environment Block\n", 25);
	tempdir_put("grubenv", block);
	rota_sel_grub_open(&selector, paths[7]);
	if (boot() != 1)
		abort();
	open_group();
}

/* ---- what the update cycle does ---- */

static enum rota_err write_slot(unsigned i, unsigned release)
{
	uint8_t digest[ROTA_SHA256_LEN], piece[PIECE];
	uint64_t at;

	image_digest(release, i, digest);
	ROTA_TRY(CALL(i, begin, digest, IMAGE, &at));
	while (at < IMAGE) {
		size_t len = IMAGE - at < PIECE ? (size_t)(IMAGE - at) : PIECE;

		image_fill(release, i, at, piece, len);
		ROTA_TRY(CALL(i, write, at, rota_span(piece, len)));
		at += len;
		ROTA_TRY(CALL(i, finish, at));
	}
	return ROTA_OK;
}

/* Install `release` in the slots of `bits` and ask for the trial. */
static enum rota_err install(unsigned release, unsigned bits)
{
	uint8_t digest[ROTA_SHA256_LEN];

	for (unsigned i = 0; i < SLOTS; i++) {
		if (bits >> i & 1)
			ROTA_TRY(write_slot(i, release));
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		image_digest(release, i, digest);
		if (bits >> i & 1)
			ROTA_TRY(CALL(i, trial, digest));
	}
	return group.set.port.switch_all(group.set.port.ctx);
}

static enum rota_boot_kind kind(void)
{
	struct rota_booted booted[SLOTS];

	for (unsigned i = 0; i < SLOTS; i++) {
		if (CALL(i, booted, &booted[i]) != ROTA_OK || booted[i].kind != booted[0].kind ||
			booted[i].id != booted[0].id)
			abort();
	}
	return booted[0].kind;
}

TEST(an_update_is_tried_once_and_confirmed)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_booted booted;

	begin();
	CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
	CHECK_OK(install(2, 3));
	CHECK_EQ(boot(), 2);
	CHECK_EQ(kind(), ROTA_BOOT_TRIAL);
	CHECK_OK(CALL(1, booted, &booted));
	image_digest(2, 1, digest);
	CHECK_MEM(booted.digest, digest, sizeof(digest));
	CHECK_OK(CALL0(0, confirm));
	CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
	CHECK_OK(CALL0(1, confirm)); /* kept already */
	CHECK_EQ(boot(), 2);
	CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
	CHECK_OK(install(3, 3)); /* and back into the first place */
	CHECK_EQ(boot(), 3);
	CHECK_OK(CALL0(0, confirm));
	CHECK_EQ(boot(), 3);
}

TEST(a_trial_that_is_not_confirmed_is_over)
{
	struct rota_slot slot;
	uint8_t digest[ROTA_SHA256_LEN];
	uint64_t at;

	begin();
	CHECK_OK(install(2, 3));
	CHECK_EQ(boot(), 2);
	CHECK_EQ(boot(), 1); /* it never came up */
	CHECK_EQ(kind(), ROTA_BOOT_REVERTED);
	CHECK_EQ(kind(), ROTA_BOOT_REVERTED); /* also for an agent that was started anew */
	CHECK_EQ(boot(), 1);
	CHECK_OK(install(2, 3));
	CHECK_EQ(boot(), 2);
	CHECK_EQ(CALL(0, inactive, &slot),
		ROTA_ERR_BUSY); /* the other place is what the next boot needs */
	CHECK_OK(CALL0(0, revert));
	CHECK_EQ(kind(), ROTA_BOOT_TRIAL);
	image_digest(3, 0, digest);
	CHECK_EQ(CALL(0, begin, digest, IMAGE, &at), ROTA_ERR_BUSY);
	rota_slots_part_close(&group);
	open_group(); /* an agent that was killed and started again */
	CHECK_EQ(CALL(0, begin, digest, IMAGE, &at), ROTA_ERR_BUSY);
	CHECK_EQ(CALL0(0, confirm), ROTA_ERR_STATE);
	CHECK_EQ(boot(), 1);
	CHECK_EQ(kind(), ROTA_BOOT_REVERTED);
	CHECK_OK(CALL(0, inactive, &slot));
	CHECK_EQ(slot.id, 1);
}

TEST(a_trial_that_was_asked_for_is_forgotten_when_written_over)
{
	uint8_t digest[ROTA_SHA256_LEN];
	uint64_t at;

	begin();
	CHECK_OK(install(2, 3));
	image_digest(3, 0, digest);
	CHECK_OK(CALL(0, begin, digest, IMAGE, &at));
	CHECK_OK(CALL(0, write, 0, ROTA_STR("x")));
	CHECK_EQ(boot(), 1);
	CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
	CHECK_OK(install(2, 3));
	CHECK_OK(CALL0(1, revert));
	CHECK_EQ(boot(), 1);
}

TEST(a_slot_that_the_release_does_not_bring_is_copied)
{
	begin();
	CHECK_OK(install(2, 3));
	CHECK_EQ(boot(), 2);
	CHECK_OK(CALL0(0, confirm));
	put_file(slots[1].place[0], 3, 1); /* what lies in the other place is older */
	CHECK_OK(install(2, 1));
	CHECK_EQ(release_in(slots[1].place[0], 1), 2);
	CHECK_EQ(boot(), 2);
	CHECK_EQ(kind(), ROTA_BOOT_TRIAL);
	CHECK_OK(CALL0(0, confirm));
}

/* The table of judge.c, a row each. */
TEST(every_boot_is_judged)
{
	static const struct {
		const char *why;
		uint8_t phase, outcome; /* of the boot state; A is confirmed */
		uint8_t running;
		bool given_up, readable;
		struct rota_selection selected;
		uint8_t kind, phase_to, outcome_to, confirmed_to;
	} rows[] = {
		{ "as it should be", 0, 0, 0, false, true, { 0, 0 }, ROTA_BOOT_CONFIRMED, 0, 0, 0 },
		{ "reverted by an earlier call", 0, 2, 0, false, true, { 0, 0 }, ROTA_BOOT_REVERTED,
			0, 2, 0 },
		{ "cut before the selector heard of the revert", 0, 2, 0, false, true, { 0, 2 },
			ROTA_BOOT_REVERTED, 0, 2, 0 },
		{ "the selector is damaged", 0, 1, 0, false, false, { 0, 0 }, ROTA_BOOT_CONFIRMED,
			0, 1, 0 },
		{ "cut before the selector heard of the confirmation", 0, 1, 1, false, true,
			{ 1, 2 }, ROTA_BOOT_REVERTED, 0, 2, 1 },
		{ "the loader fell back", 0, 1, 1, false, true, { 0, 0 }, ROTA_BOOT_FALLBACK, 0, 1,
			0 },
		{ "fell back, long after a revert", 0, 2, 1, false, true, { 0, 0 },
			ROTA_BOOT_FALLBACK, 0, 2, 0 },
		{ "somebody selected the other place", 0, 1, 1, false, true, { 1, 0 },
			ROTA_BOOT_FALLBACK, 0, 1, 0 },
		{ "a trial that somebody made up", 0, 0, 1, false, true, { 0, 2 },
			ROTA_BOOT_FALLBACK, 0, 0, 0 },
		{ "a damaged selector started the other place", 0, 1, 1, false, false, { 0, 0 },
			ROTA_BOOT_FALLBACK, 0, 1, 0 },
		{ "given up, not reset yet", 0, 2, 1, true, true, { 0, 0 }, ROTA_BOOT_TRIAL, 0, 2,
			0 },
		{ "asked, not reset yet", 1, 0, 0, false, true, { 0, 1 }, ROTA_BOOT_CONFIRMED, 1, 0,
			0 },
		{ "cut before the selector was asked", 1, 0, 0, false, true, { 0, 0 },
			ROTA_BOOT_CONFIRMED, 1, 0, 0 },
		{ "started, and reset", 1, 0, 0, false, true, { 0, 2 }, ROTA_BOOT_REVERTED, 0, 2,
			0 },
		{ "asked, and the selector was lost", 1, 0, 0, false, false, { 0, 0 },
			ROTA_BOOT_REVERTED, 0, 2, 0 },
		{ "another confirmed place in the selector", 1, 0, 0, false, true, { 1, 2 },
			ROTA_BOOT_CONFIRMED, 1, 0, 0 },
		{ "the trial runs", 1, 0, 1, false, true, { 0, 2 }, ROTA_BOOT_TRIAL, 2, 0, 0 },
		{ "the trial runs, and the loader did not say so", 1, 0, 1, false, true, { 0, 1 },
			ROTA_BOOT_TRIAL, 2, 0, 0 },
		{ "the trial runs, the selector is damaged", 1, 0, 1, false, false, { 0, 0 },
			ROTA_BOOT_TRIAL, 2, 0, 0 },
		{ "the trial runs still", 2, 0, 1, false, true, { 0, 2 }, ROTA_BOOT_TRIAL, 2, 0,
			0 },
		{ "blessed by somebody else", 2, 0, 1, false, true, { 1, 0 }, ROTA_BOOT_TRIAL, 2, 0,
			0 },
		{ "reset while on trial", 2, 0, 0, false, true, { 0, 2 }, ROTA_BOOT_REVERTED, 0, 2,
			0 },
		{ "reset while on trial, selector lost", 2, 0, 0, false, false, { 0, 0 },
			ROTA_BOOT_REVERTED, 0, 2, 0 },
		{ "a given-up note of an earlier trial", 2, 0, 1, true, true, { 0, 2 },
			ROTA_BOOT_TRIAL, 2, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rota_boot_facts facts = { rows[i].running, rows[i].given_up,
			rows[i].readable, rows[i].selected };
		static const uint8_t digest[ROTA_SHA256_LEN];
		struct rota_bootstate state;

		test_row = rows[i].why;
		rota_bootstate_init(&state, 0, digest);
		state.phase = rows[i].phase;
		state.outcome = rows[i].outcome;
		state.trial = rows[i].phase != 0;
		CHECK_EQ(rota_boot_judge(&state, &facts), rows[i].kind);
		CHECK_EQ(state.phase, rows[i].phase_to);
		CHECK_EQ(state.outcome, rows[i].outcome_to);
		CHECK_EQ(state.confirmed, rows[i].confirmed_to);
	}
	test_row = NULL;
}

TEST(the_place_that_runs_stands_on_the_command_line)
{
	static const struct {
		const char *text;
		enum rota_err err;
		uint8_t place;
	} rows[] = {
		{ "quiet rota.slot=a\n", ROTA_OK, 0 },
		{ "rota.slot=b", ROTA_OK, 1 },
		{ "rota.slot=a rota.slot=b ro", ROTA_OK, 1 },
		{ "quiet\n", ROTA_ERR_NOT_FOUND, 0 },
		{ "myrota.slot=a\n", ROTA_ERR_NOT_FOUND, 0 },
		{ "rota.slot=\n", ROTA_ERR_FORMAT, 0 },
		{ "rota.slot=ab\n", ROTA_ERR_FORMAT, 0 },
		{ "rota.slot=c\n", ROTA_ERR_FORMAT, 0 },
	};
	char id[ROTA_BOOT_ID_LEN];
	uint8_t place;

	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row = rows[i].text;
		tempdir_put("cmdline", rows[i].text);
		CHECK_EQ(rota_machine_place(paths[1], &place), rows[i].err);
		if (rows[i].err == ROTA_OK)
			CHECK_EQ(place, rows[i].place);
	}
	test_row = NULL;
	CHECK_EQ(rota_machine_place("/nonexistent", &place), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_machine_boot(ROTA_MACHINE_BOOT_ID, id));
	tempdir_put("boot_id", "no id\n");
	CHECK_EQ(rota_machine_boot(paths[2], id), ROTA_ERR_FORMAT);
}

TEST(a_lost_journal_is_made_anew_from_what_the_selector_says)
{
	struct rota_booted booted;

	begin();
	CHECK_OK(install(2, 3));
	CHECK_EQ(boot(), 2);
	rota_slots_part_close(&group);
	CHECK(unlink(tempdir_path("state/boot.bin")) == 0);
	open_group();
	CHECK_OK(CALL(0, booted, &booted)); /* the trial is not what is confirmed */
	CHECK_EQ(booted.kind, ROTA_BOOT_FALLBACK);
	CHECK(booted.unknown);
	CHECK_EQ(boot(), 1);
	CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
}

TEST(a_write_goes_on_after_a_restart)
{
	uint8_t digest[ROTA_SHA256_LEN], piece[PIECE], got[PIECE];
	uint64_t at;

	begin();
	image_digest(2, 0, digest);
	CHECK_OK(CALL(0, begin, digest, IMAGE, &at));
	CHECK_EQ(at, 0);
	image_fill(2, 0, 0, piece, PIECE);
	CHECK_OK(CALL(0, write, 0, ROTA_SPAN(piece)));
	CHECK_OK(CALL(0, finish, PIECE));
	CHECK_OK(CALL(0, write, PIECE, ROTA_STR("lost")));
	rota_slots_part_close(&group);
	open_group();
	CHECK_OK(CALL(0, begin, digest, IMAGE, &at));
	CHECK_EQ(at, PIECE);
	CHECK_OK(CALL(0, read, 0, ROTA_BUF(got)));
	CHECK_MEM(got, piece, PIECE);
	digest[0] ^= 1; /* another image begins at its start */
	CHECK_OK(CALL(0, begin, digest, IMAGE, &at));
	CHECK_EQ(at, 0);
	digest[0] ^= 1;
	CHECK_OK(CALL(0, begin, digest, IMAGE, &at));
	CHECK_EQ(at, 0); /* what was there may have been written over */
}

TEST(what_is_no_place_is_refused)
{
	uint8_t digest[ROTA_SHA256_LEN] = { 1 };
	struct rota_slot slot;
	uint64_t at;

	begin();
	slots[0].place[1] = "/dev/null";
	rota_slots_part_close(&group);
	open_group();
	CHECK_EQ(CALL(0, inactive, &slot), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(CALL(0, begin, digest, IMAGE, &at), ROTA_ERR_UNSUPPORTED);
	slots[0].place[1] = "/nonexistent/b";
	rota_slots_part_close(&group);
	open_group();
	CHECK_EQ(CALL(0, inactive, &slot), ROTA_ERR_NOT_FOUND);
	group.config.count = 1; /* another configuration than the journal's */
	CHECK_EQ(CALL(1, inactive, &slot), ROTA_ERR_STATE);
	group.config.count = SLOTS;
}

TEST(a_medium_that_lies_is_found_before_the_reset)
{
	uint8_t known[ROTA_SHA256_LEN] = { 1 };
	struct rota_selection s;
	uint64_t at;

	begin();
	put_file(slots[0].place[1], 3, 0);
	CHECK_OK(CALL(0, begin, known, IMAGE, &at));
	syscut_lie(1);
	CHECK_EQ(write_slot(0, 2), ROTA_ERR_CORRUPT);
	syscut_lie(0);
	CHECK_OK(install(2, 1)); /* with a copy of the other slot: */
	CHECK_OK(CALL0(0, revert));
	put_file(slots[1].place[1], 3, 1);
	CHECK_OK(write_slot(0, 2));
	CHECK_OK(CALL(0, trial, known));
	syscut_lie(1);
	CHECK_EQ(group.set.port.switch_all(group.set.port.ctx), ROTA_ERR_CORRUPT);
	syscut_lie(0);
	CHECK_OK(selector.port.read(selector.port.ctx, &s));
	CHECK_EQ(s.trial, ROTA_SELECTED_NONE);
}

/* ---- cuts ---- */

/* An agent without a memory of its own: confirm what is on trial, install release 2 where another one runs. */
static int session(void *ctx)
{
	unsigned release = *(unsigned *)ctx;

	switch (kind()) {
	case ROTA_BOOT_TRIAL:
		return (int)CALL0(0, confirm);
	case ROTA_BOOT_CONFIRMED:
	case ROTA_BOOT_REVERTED:
	case ROTA_BOOT_FALLBACK:
	default:
		return release == 2 ? 0 : (int)install(2, 3);
	}
}

static void sessions_until_2(unsigned release)
{
	for (unsigned n = 0; n < 6; n++) {
		CHECK(release != 0); /* half an image, or two releases mixed */
		if (release == 2 && kind() == ROTA_BOOT_CONFIRMED)
			return;
		CHECK_OK(session(&release));
		release = boot();
	}
	CHECK_EQ(release, 2);
	CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
}

TEST(a_cut_at_any_call_of_an_update_costs_nothing)
{
	unsigned cuts = 0, stage, release;

	for (stage = 0; stage < 2; stage++) { /* while installing, while confirming */
		bool cut = true;

		for (unsigned at = 1; cut; at++) {
			for (int tear = 0; tear < SYSCUT_TEARS; tear++) {
				begin();
				release = 1;
				if (stage == 1) {
					CHECK_OK(session(&release));
					release = boot();
				}
				cut = syscut_run(at, (enum syscut_tear)tear, session, &release);
				cuts += cut;
				rota_slots_part_close(&group);
				open_group();
				if (at % 2 == 0)
					release = boot(); /* else only the agent was killed */
				sessions_until_2(release);
				if (test_failed) {
					printf("stage %u, call %u, tear %d\n", stage, at, tear);
					return;
				}
			}
		}
	}
	printf("%u cuts\n", cuts);
	CHECK(cuts > 100);
}

static int first_start(void *ctx)
{
	(void)ctx;
	open_group();
	return kind() == ROTA_BOOT_CONFIRMED ? 0 : 1;
}

TEST(a_cut_at_any_call_of_the_first_start_costs_nothing)
{
	bool cut = true;

	for (unsigned at = 1; cut; at++) {
		for (int tear = 0; tear < SYSCUT_TEARS; tear++) {
			begin();
			rota_slots_part_close(&group);
			CHECK(unlink(tempdir_path("state/boot.bin")) == 0);
			cut = syscut_run(at, (enum syscut_tear)tear, first_start, NULL);
			open_group();
			CHECK_EQ(kind(), ROTA_BOOT_CONFIRMED);
			CHECK_OK(install(2, 3));
			CHECK_EQ(boot(), 2);
		}
	}
}

TESTS(T(an_update_is_tried_once_and_confirmed), T(a_trial_that_is_not_confirmed_is_over),
	T(a_trial_that_was_asked_for_is_forgotten_when_written_over),
	T(a_slot_that_the_release_does_not_bring_is_copied), T(every_boot_is_judged),
	T(the_place_that_runs_stands_on_the_command_line),
	T(a_lost_journal_is_made_anew_from_what_the_selector_says),
	T(a_write_goes_on_after_a_restart), T(what_is_no_place_is_refused),
	T(a_medium_that_lies_is_found_before_the_reset),
	T(a_cut_at_any_call_of_an_update_costs_nothing),
	T(a_cut_at_any_call_of_the_first_start_costs_nothing))
