/* SPDX-License-Identifier: Apache-2.0 */
/* Slots over real files, formatted as the factory does; boots are played by making the boot state and
 * run/booted what rota-boot makes them. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/slots_boot/booted.h"
#include "ports/slots_boot/format.h"
#include "ports/slots_boot/layout.h"
#include "ports/slots_boot/slots_boot.h"
#include "tests/unit/boot_device.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPACITY ((uint64_t)1 << 20)

static char dir[] = "/tmp/rota-slots-XXXXXX";
static int dir_fd = -1, image_fd = -1;
static uint8_t image[IMAGE_MAKE_MAX];
static struct rota_slots_boot slots;
static const uint8_t one[32] = { 1 }, two[32] = { 2 };

static void put_file(const char *name, struct rota_span data)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, data.p, data.len) != (ssize_t)data.len)
		abort();
	(void)close(fd);
}

static const char *const files[] = { "flash/boot.bin", "flash/boot.bin.new", "flash/slot0.bin",
	"flash/slot1.bin", "flash/slot1.part", "run/booted", "rom.bin", "image", NULL };

static void clean(void)
{
	rota_slots_boot_close(&slots);
	for (size_t i = 0; files[i] != NULL; i++)
		(void)unlinkat(dir_fd, files[i], 0);
	(void)unlinkat(dir_fd, "flash", AT_REMOVEDIR);
	(void)unlinkat(dir_fd, "run", AT_REMOVEDIR);
	(void)close(dir_fd);
	(void)close(image_fd);
	(void)rmdir(dir);
}

/* A directory with a ROM, and an image to format it with. */
static void prepare(const struct image_spec *spec)
{
	struct rota_rom rom = image_rom(1);
	uint8_t room[ROTA_ROM_MAX];
	struct rota_span record;

	memcpy(dir, "/tmp/rota-slots-XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL || (dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		rota_rom_encode(&rom, ROTA_BUF(room), &record) != ROTA_OK)
		abort();
	put_file("rom.bin", record);
	put_file("image", rota_span(image, image_make(spec, image)));
	image_fd = openat(dir_fd, "image", O_RDONLY | O_CLOEXEC);
	slots = (struct rota_slots_boot){ .device_fd = -1 };
}

static enum rota_err format(struct rota_format_fault *fault)
{
	const struct rota_format_plan plan = {
		.capacity = CAPACITY,
		.count = 1,
		.part = { { .image_fd = image_fd } },
	};

	return rota_slots_boot_format(dir, &plan, &rota_crypto_openssl, fault);
}

/* A formatted device that is booted. */
static enum rota_err begin(void)
{
	struct image_spec spec = { .payload = boot_device_program() };
	struct rota_booted_file file = { .running.count = 1, .boot = 1 };
	struct rota_layout_state l;
	struct rota_format_fault fault;

	prepare(&spec);
	ROTA_TRY(format(&fault));
	ROTA_TRY(rota_slots_boot_open(&slots, dir));
	ROTA_TRY(rota_layout_state_open(&l, dir_fd));
	memcpy(file.running.digest[0], l.state.digest[0][0], 32);
	rota_layout_state_close(&l);
	return rota_booted_write(dir_fd, &file);
}

/* What rota-boot does of it: end or start the trial, and say what runs. */
static enum rota_err boot(void)
{
	struct rota_booted_file file = { .running.count = 1, .boot = 2 };
	struct rota_layout_state l;
	enum rota_err err = ROTA_OK;

	ROTA_TRY(rota_layout_state_open(&l, dir_fd));
	if (l.state.phase == ROTA_TRIAL_ASKED) {
		err = rota_bootstate_start(&l.state);
		file.running.places = rota_bootstate_other(&l.state, 0);
		file.running.kind = ROTA_BOOT_TRIAL;
		memcpy(file.running.digest[0], l.state.digest[0][file.running.places], 32);
	} else {
		rota_bootstate_revert(&l.state);
		file.running.places = rota_bootstate_confirmed(&l.state, 0);
		file.running.kind = l.state.outcome == ROTA_OUTCOME_REVERTED ? ROTA_BOOT_REVERTED
									     : ROTA_BOOT_CONFIRMED;
		memcpy(file.running.digest[0], l.state.digest[0][file.running.places], 32);
	}
	if (err == ROTA_OK)
		err = rota_layout_state_commit(&l);
	rota_layout_state_close(&l);
	return err == ROTA_OK ? rota_booted_write(dir_fd, &file) : err;
}

static struct rota_bootstate state(void)
{
	struct rota_layout_state l;

	if (rota_layout_state_open(&l, dir_fd) != ROTA_OK)
		abort();
	rota_layout_state_close(&l);
	return l.state;
}

#define CALL(name, ...) slots.member[0].port.name(slots.member[0].port.ctx, __VA_ARGS__)
#define CALL0(name) slots.member[0].port.name(slots.member[0].port.ctx)

/* Begin to write an image; how much of it is there, or -1. */
static int start(const uint8_t *digest, uint64_t length)
{
	uint64_t durable;

	return CALL(begin, digest, length, &durable) == ROTA_OK ? (int)durable : -1;
}

static enum rota_err start_err(void)
{
	uint64_t durable;

	return CALL(begin, two, 3, &durable);
}

/* Asked for, and the whole set of one with it. */
static enum rota_err ask(void)
{
	ROTA_TRY(CALL(trial, two));
	return slots.member[0].port.set->switch_all(slots.member[0].port.set->ctx);
}

static enum rota_err write_and_ask(void)
{
	if (start(two, 3) != 0)
		return ROTA_ERR_IO;
	ROTA_TRY(CALL(write, 0, ROTA_STR("abc")));
	return ask();
}

TEST(an_update_is_written_tried_and_confirmed)
{
	struct rota_slot slot;
	struct rota_booted now;
	uint8_t back[6];

	CHECK_OK(begin());
	CHECK_OK(CALL(inactive, &slot));
	CHECK_EQ(slot.id, 1);
	CHECK_EQ(slot.capacity, CAPACITY);
	CHECK_EQ(CALL(write, 0, ROTA_STR("abc")), ROTA_ERR_ARGUMENT); /* not begun */
	CHECK_EQ(start(two, 6), 0);
	CHECK_OK(CALL(write, 0, ROTA_STR("abc")));
	CHECK_EQ(CALL(write, 4, ROTA_STR("x")), ROTA_ERR_ARGUMENT); /* a gap */
	CHECK_EQ(CALL(write, 2, ROTA_STR("x")), ROTA_ERR_ARGUMENT); /* backwards */
	CHECK_OK(CALL(write, 3, ROTA_STR("def")));
	CHECK_EQ(CALL(finish, 5), ROTA_ERR_ARGUMENT);
	CHECK_OK(CALL(finish, 6));
	CHECK_OK(CALL(read, 0, ROTA_BUF(back)));
	CHECK_MEM(back, "abcdef", 6);
	CHECK_OK(ask());
	CHECK_OK(ask()); /* again is no harm */
	CHECK_EQ(CALL0(confirm), ROTA_ERR_STATE); /* it does not run yet */
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 0);

	CHECK_OK(boot());
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 1);
	CHECK_EQ(now.kind, ROTA_BOOT_TRIAL);
	CHECK_MEM(now.digest, two, 32);
	CHECK_EQ(CALL(inactive, &slot), ROTA_ERR_BUSY); /* the other slot is what a revert runs */
	CHECK_EQ(start_err(), ROTA_ERR_BUSY);
	CHECK_OK(CALL0(confirm));
	CHECK_OK(CALL0(confirm));
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.kind, ROTA_BOOT_CONFIRMED);
	CHECK_EQ(state().confirmed, 1);
	CHECK_OK(CALL(inactive, &slot));
	CHECK_EQ(slot.id, 0);
	clean();
}

TEST(a_trial_is_reverted)
{
	struct rota_booted now;

	CHECK_OK(begin());
	CHECK_OK(write_and_ask());
	CHECK_OK(boot());
	CHECK_OK(CALL0(revert));
	CHECK_EQ(CALL0(confirm), ROTA_ERR_STATE);
	/* it runs still: the other slot is what the next boot runs, and not to be touched */
	CHECK_EQ(start_err(), ROTA_ERR_BUSY);
	CHECK_EQ(ask(), ROTA_ERR_BUSY);
	CHECK_EQ(state().confirmed, 0);
	CHECK_OK(boot());
	CHECK_OK(CALL(booted, &now));
	CHECK_EQ(now.id, 0);
	CHECK_EQ(now.kind, ROTA_BOOT_REVERTED);
	CHECK_OK(CALL0(confirm)); /* what runs is confirmed */
	clean();
}

TEST(only_the_trial_that_runs_is_confirmed)
{
	struct rota_booted_file file = { .running = { .count = 1, .kind = ROTA_BOOT_CONFIRMED },
		.boot = 3 };
	struct rota_slot slot;

	CHECK_OK(begin());
	CHECK_OK(write_and_ask());
	CHECK_OK(boot());
	CHECK_OK(rota_booted_write(dir_fd, &file)); /* the other slot runs */
	CHECK_EQ(CALL0(confirm), ROTA_ERR_STATE);
	file.running.places = 1; /* the right slot, another image */
	file.running.kind = ROTA_BOOT_TRIAL;
	CHECK_OK(rota_booted_write(dir_fd, &file));
	CHECK_EQ(CALL0(confirm), ROTA_ERR_STATE);
	rota_booted_remove(dir_fd); /* it has ended: the next boot has to judge it */
	CHECK_EQ(CALL0(confirm), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(CALL(inactive, &slot), ROTA_ERR_BUSY);
	CHECK_EQ(state().phase, ROTA_TRIAL_STARTED);
	clean();
}

TEST(a_trial_that_never_ran_is_dropped_by_a_begin)
{
	CHECK_OK(begin());
	CHECK_OK(write_and_ask());
	CHECK_EQ(state().phase, ROTA_TRIAL_ASKED);
	CHECK_EQ(start(one, 3), 0);
	CHECK_EQ(state().phase, ROTA_TRIAL_NONE);
	CHECK_EQ(state().outcome, ROTA_OUTCOME_NONE); /* nothing was tried, nothing reverted */
	clean();
}

TEST(a_write_goes_on_after_a_restart)
{
	uint8_t back[6];

	CHECK_OK(begin());
	CHECK_EQ(start(two, 6), 0);
	CHECK_OK(CALL(write, 0, ROTA_STR("abc")));
	CHECK_OK(CALL(finish, 3));
	CHECK_OK(CALL(write, 3, ROTA_STR("x"))); /* not durable yet */
	rota_slots_boot_close(&slots);
	CHECK_OK(rota_slots_boot_open(&slots, dir));
	CHECK_EQ(start(two, 6), 3);
	CHECK_OK(CALL(read, 0, rota_buf(back, 3)));
	CHECK_EQ(CALL(read, 0, ROTA_BUF(back)), ROTA_ERR_ARGUMENT); /* nothing is there yet */
	CHECK_OK(CALL(write, 3, ROTA_STR("def")));
	CHECK_OK(CALL(finish, 6));
	CHECK_OK(CALL(read, 0, ROTA_BUF(back)));
	CHECK_MEM(back, "abcdef", 6);
	clean();
}

/* What is remembered of another image, or was torn by a cut, says nothing of this one. */
TEST(only_the_same_image_is_gone_on_with)
{
	uint8_t torn[ROTA_SHA256_LEN + 20] = { 2 };

	CHECK_OK(begin());
	CHECK_EQ(start(two, 6), 0);
	CHECK_OK(CALL(write, 0, ROTA_STR("abc")));
	CHECK_OK(CALL(finish, 3));
	CHECK_EQ(start(two, 7), 0); /* another length, and the slot is empty now */
	CHECK_EQ(start(two, 6), 0);
	CHECK_OK(CALL(write, 0, ROTA_STR("abc")));
	CHECK_OK(CALL(finish, 3));
	CHECK_EQ(start(two, 6), 3);
	CHECK_EQ(start(one, 6), 0);
	CHECK_OK(CALL(write, 0, ROTA_STR("abc")));
	CHECK_OK(CALL(finish, 3));
	put_file("flash/slot1.part", ROTA_SPAN(torn));
	CHECK_EQ(start(one, 6), 0);
	clean();
}

TEST(what_a_slot_held_is_gone_and_takes_no_room)
{
	static const uint8_t big[300000] = { 1 };
	struct rota_slot slot;
	struct stat st;
	uint8_t back[2];

	CHECK_OK(begin());
	CHECK_EQ(start(two, sizeof(big)), 0);
	CHECK_OK(CALL(write, 0, ROTA_SPAN(big)));
	CHECK_OK(CALL(finish, sizeof(big)));
	CHECK_EQ(start(two, 2), 0);
	CHECK_OK(CALL(write, 0, ROTA_STR("ab")));
	CHECK_OK(CALL(write, 0, ROTA_STR("c"))); /* from the first byte again */
	CHECK_OK(CALL(finish, 1));
	CHECK_EQ(slots.area[0].port.read(&slots.area[0], 1, 0, ROTA_BUF(back)), ROTA_OK);
	CHECK_EQ(back[1], 0);
	CHECK_EQ(fstatat(dir_fd, "flash/slot1.bin", &st, 0), 0);
	CHECK_EQ(st.st_size, CAPACITY);
	CHECK(st.st_blocks * 512 < 100000);
	CHECK_OK(CALL(inactive, &slot));
	clean();
}

TEST(an_image_larger_than_the_slot_is_refused)
{
	static const uint8_t piece[1 << 16] = { 1 };
	uint64_t off = 0;

	CHECK_OK(begin());
	CHECK_EQ(start(two, CAPACITY + 1), -1);
	CHECK_EQ(start(two, CAPACITY), 0);
	for (; off < CAPACITY; off += sizeof(piece))
		CHECK_OK(CALL(write, off, ROTA_SPAN(piece)));
	CHECK_EQ(CALL(write, off, ROTA_STR("x")), ROTA_ERR_FULL);
	CHECK_OK(CALL(finish, CAPACITY));
	clean();
}

TEST(a_full_disk_is_told)
{
	static const uint8_t piece[1 << 16] = { 1 };
	struct rlimit before, limit;
	enum rota_err err = ROTA_OK;

	CHECK_OK(begin());
	CHECK_EQ(start(two, CAPACITY), 0);
	CHECK_OK(CALL(write, 0, ROTA_SPAN(piece)));
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ 3 * sizeof(piece) + 5, before.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (uint64_t off = sizeof(piece); err == ROTA_OK; off += sizeof(piece))
		err = CALL(write, off, ROTA_SPAN(piece));
	(void)setrlimit(RLIMIT_FSIZE, &before);
	CHECK_EQ(err, ROTA_ERR_FULL);
	CHECK_OK(CALL(write, 0, ROTA_SPAN(piece))); /* once there is room again */
	clean();
}

TEST(a_fallback_image_is_kept_before_the_other_slot_is_written)
{
	struct rota_booted_file file = {
		.running = { .count = 1, .places = 1, .kind = ROTA_BOOT_FALLBACK }, .boot = 3
	};
	struct rota_slot slot;

	CHECK_OK(begin());
	memcpy(file.running.digest[0], two, 32);
	CHECK_OK(rota_booted_write(dir_fd, &file));
	CHECK_OK(CALL(inactive, &slot));
	CHECK_EQ(slot.id, 0);
	CHECK_EQ(state().confirmed, 0); /* looking changes nothing */
	CHECK_EQ(ask(), ROTA_ERR_STATE);
	CHECK_EQ(start(two, 3), 0);
	CHECK_EQ(state().confirmed, 1);
	CHECK_MEM(state().digest[0][1], two, 32);
	CHECK_OK(ask());
	CHECK_EQ(state().trial, 1);
	clean();
}

TEST(nothing_is_booted)
{
	struct rota_booted now;
	struct rota_slot slot;

	CHECK_OK(begin());
	rota_booted_remove(dir_fd);
	CHECK_EQ(CALL(booted, &now), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(CALL0(confirm), ROTA_ERR_NOT_FOUND);
	CHECK_OK(CALL(inactive, &slot)); /* by the boot state */
	CHECK_EQ(slot.id, 1);
	put_file("run/booted", ROTA_STR("slot=7\n"));
	CHECK_EQ(CALL(booted, &now), ROTA_ERR_CORRUPT);
	clean();
}

TEST(a_damaged_journal_is_an_error)
{
	struct rota_slot slot;

	CHECK_OK(begin());
	put_file("flash/boot.bin", ROTA_STR("garbage"));
	CHECK_EQ(CALL(inactive, &slot), ROTA_ERR_CORRUPT);
	CHECK_EQ(start_err(), ROTA_ERR_CORRUPT);
	CHECK_OK(unlinkat(dir_fd, "flash/boot.bin", 0));
	CHECK_EQ(CALL0(revert), ROTA_ERR_NOT_FOUND);
	clean();
}

TEST(formatting_is_done_once)
{
	struct rota_format_fault fault;

	CHECK_OK(begin());
	CHECK_EQ(state().confirmed, 0);
	CHECK_EQ(state().outcome, ROTA_OUTCOME_NONE);
	CHECK_EQ(format(&fault), ROTA_ERR_BUSY);
	CHECK_EQ(state().confirmed, 0); /* and the slots are still there */
	CHECK_EQ(faccessat(dir_fd, "flash/slot0.bin", F_OK, 0), 0);
	clean();
}

TEST(a_first_image_that_would_not_boot_is_refused)
{
	static const struct {
		const char *why, *product, *tail_recipe;
		bool program;
		enum rota_err want;
		uint8_t clause;
	} rows[] = {
		{ "no program", NULL, NULL, false, ROTA_ERR_UNSUPPORTED, 6 },
		{ "another product", "toaster", NULL, true, ROTA_ERR_PRODUCT, 5 },
		{ "unknown key", NULL, "dKS", true, ROTA_ERR_DENIED, 5 },
		{ "damaged", NULL, "Dks", true, ROTA_ERR_HASH, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image_spec spec = { .product = rows[i].product,
			.tail_recipe = rows[i].tail_recipe,
			.payload =
				rows[i].program ? boot_device_program() : ROTA_STR("#!/bin/sh") };
		struct rota_format_fault fault;

		ROW(rows[i].why);
		prepare(&spec);
		CHECK_EQ(format(&fault), rows[i].want);
		CHECK_EQ(fault.clause, rows[i].clause);
		CHECK(faccessat(dir_fd, "flash", F_OK, 0) != 0); /* nothing half-written */
		clean();
	}
}

TEST(bad_formats_are_refused)
{
	struct image_spec spec = { .payload = boot_device_program() };
	struct rota_format_plan plan = { .count = 1 };
	struct rota_format_fault fault;

	prepare(&spec);
	plan.part[0].image_fd = image_fd;
	plan.capacity = 100;
	CHECK_EQ(rota_slots_boot_format(dir, &plan, &rota_crypto_openssl, &fault),
		ROTA_ERR_ARGUMENT);
	plan.capacity = CAPACITY;
	CHECK_EQ(rota_slots_boot_format("/nonexistent", &plan, &rota_crypto_openssl, &fault),
		ROTA_ERR_NOT_FOUND);
	put_file("rom.bin", ROTA_STR("garbage garbage"));
	CHECK_EQ(format(&fault), ROTA_ERR_FORMAT);
	CHECK(strcmp(fault.what, "rom.bin") == 0);
	clean();
}

TESTS(T(an_update_is_written_tried_and_confirmed), T(a_trial_is_reverted),
	T(only_the_trial_that_runs_is_confirmed), T(a_trial_that_never_ran_is_dropped_by_a_begin),
	T(a_write_goes_on_after_a_restart), T(only_the_same_image_is_gone_on_with),
	T(what_a_slot_held_is_gone_and_takes_no_room), T(an_image_larger_than_the_slot_is_refused),
	T(a_full_disk_is_told), T(a_fallback_image_is_kept_before_the_other_slot_is_written),
	T(nothing_is_booted), T(a_damaged_journal_is_an_error), T(formatting_is_done_once),
	T(a_first_image_that_would_not_boot_is_refused), T(bad_formats_are_refused))
