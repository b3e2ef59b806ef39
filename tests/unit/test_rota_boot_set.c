/* SPDX-License-Identifier: Apache-2.0 */
/* rota-boot over a device of two components: what it loads, what it refuses, what it leaves behind. */
#include "apps/rota-boot/boot.h"
#include "boot/record.h"
#include "ports/slots_boot/slots_boot.h"
#include "tests/unit/boot_device.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct device device;
static struct loaded set;
static const char *dir;
static int dir_fd;

static void begin(void)
{
	static bool quiet;

	dir = boot_device(&dir_fd);
	if (!quiet) { /* refusals are said */
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(null, STDERR_FILENO);
		quiet = true;
	}
	if (!device_open(&device, dir))
		abort();
	set = (struct loaded){ .count = 0 };
	for (uint8_t i = 0; i < ROTA_SET_MAX; i++)
		set.image[i].fd = -1;
}

/* Boot anew: what the flash has is read again. */
static bool boot(void)
{
	boot_unload(&set);
	device_close(&device);
	if (!device_open(&device, dir))
		abort();
	return boot_load(&device, &set);
}

static void end(void)
{
	boot_unload(&set);
	device_close(&device);
	boot_device_remove();
}

/* Both components of version 2 in both places 1, on trial. */
static void stage(uint8_t phase)
{
	const struct image_spec second = { .version = 2, .counter = 1 };
	struct rota_bootstate s = boot_device_state();

	for (uint8_t i = 0; i < 2; i++)
		boot_device_put(i, 1, &second, s.digest[i][1]);
	s.phase = phase;
	s.trial = phase == ROTA_TRIAL_NONE ? 0 : 3;
	boot_device_commit(&s);
}

static bool reads(int fd, struct rota_span want)
{
	uint8_t got[64];

	return read(fd, got, sizeof(got)) == (ssize_t)want.len &&
		memcmp(got, want.p, want.len) == 0;
}

TEST(the_whole_set_is_loaded_and_told)
{
	struct rota_record record;
	struct rota_booted_file file;
	uint8_t room[ROTA_RECORD_MAX];
	int fd;
	ssize_t len;

	begin();
	CHECK(boot());
	CHECK_EQ(set.count, 2);
	CHECK_EQ(set.kind, ROTA_BOOT_CONFIRMED);
	CHECK(reads(set.image[1].fd, boot_device_model(1))); /* from its first byte */
	CHECK_OK(rota_booted_read(dir_fd, &file));
	CHECK_EQ(file.running.count, 2);
	CHECK_EQ(file.running.places, 0);
	CHECK_EQ(file.version[1], 1);
	CHECK_MEM(file.running.digest[1], set.image[1].info.digest, ROTA_SHA256_LEN);
	fd = openat(dir_fd, "run/record", O_RDONLY | O_CLOEXEC);
	len = read(fd, room, sizeof(room));
	(void)close(fd);
	CHECK_OK(rota_record_decode(rota_span(room, (size_t)len), &record));
	CHECK_EQ(record.count, 2);
	CHECK_MEM(record.member[0].digest, set.image[0].info.digest, ROTA_SHA256_LEN);
	CHECK_MEM(record.member[1].digest, set.image[1].info.digest, ROTA_SHA256_LEN);
	end();
}

TEST(what_is_handed_on_is_sealed)
{
	begin();
	CHECK(boot());
	CHECK_EQ(fcntl(set.image[0].fd, F_GET_SEALS), ALL_SEALS);
	CHECK_EQ(fcntl(set.image[1].fd, F_GET_SEALS), ALL_SEALS);
	CHECK_EQ(fcntl(set.image[1].fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(lseek(set.image[1].fd, 0, SEEK_CUR), 0);
	CHECK(fcntl(set.image[1].fd, F_GETFD) == FD_CLOEXEC); /* until it is handed on */
	end();
}

TEST(a_trial_runs_whole_once_and_goes_back_whole)
{
	begin();
	stage(ROTA_TRIAL_ASKED);
	CHECK(boot());
	CHECK_EQ(set.kind, ROTA_BOOT_TRIAL);
	CHECK_EQ(set.trial, 3);
	CHECK_EQ(set.image[0].place, 1);
	CHECK_EQ(set.image[1].place, 1);
	CHECK(reads(set.image[1].fd, boot_device_model(2)));
	CHECK_EQ(boot_device_state().phase, ROTA_TRIAL_STARTED);
	CHECK(boot());
	CHECK_EQ(set.kind, ROTA_BOOT_REVERTED);
	CHECK_EQ(set.image[0].place, 0);
	CHECK(reads(set.image[1].fd, boot_device_model(1)));
	end();
}

TEST(a_damaged_member_takes_its_whole_set_back)
{
	for (uint8_t i = 0; i < 2; i++) {
		begin();
		stage(ROTA_TRIAL_ASKED);
		boot_device_damage(i, 1);
		CHECK(boot());
		CHECK_EQ(set.kind, ROTA_BOOT_REVERTED);
		CHECK_EQ(set.image[0].place, 0);
		CHECK_EQ(set.image[1].place, 0);
		CHECK(reads(set.image[1].fd, boot_device_model(1)));
		end();
	}
}

TEST(a_damaged_confirmed_member_gives_way_to_the_other_set)
{
	for (uint8_t i = 0; i < 2; i++) {
		begin();
		stage(ROTA_TRIAL_NONE);
		boot_device_damage(i, 0);
		CHECK(boot());
		CHECK_EQ(set.kind, ROTA_BOOT_FALLBACK);
		CHECK_EQ(set.image[0].place, 1);
		CHECK_EQ(set.image[1].place, 1);
		boot_device_damage(!i, 1); /* one of each is left: a mixture */
		CHECK(!boot());
		CHECK_EQ(set.image[0].fd, -1);
		CHECK_EQ(set.image[1].fd, -1);
		end();
	}
}

TEST(unknown_images_never_run_together)
{
	const struct image_spec other = { .version = 3, .counter = 1 };

	for (uint8_t i = 0; i < 2; i++) {
		begin();
		boot_device_put(i, 0, &other, NULL);
		boot_device_put(i, 1, &other, NULL);
		CHECK(!boot());
		end();
	}
}

TEST(a_component_is_held_against_the_rom_as_the_program_is)
{
	static const struct {
		const char *why;
		struct image_spec spec;
	} rows[] = {
		{ "another product", { .product = "toaster", .version = 1, .counter = 1 } },
		{ "unknown key", { .tail_recipe = "dKS", .version = 1, .counter = 1 } },
		{ "another's signature", { .tail_recipe = "dkS", .version = 1, .counter = 1 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_bootstate s;

		ROW(rows[i].why);
		begin();
		s = boot_device_state();
		boot_device_put(1, 0, &rows[i].spec, s.digest[1][0]);
		boot_device_commit(&s);
		CHECK(!boot());
		end();
	}
}

TEST(component_0_is_a_static_program)
{
	const struct image_spec spec = {
		.version = 1, .counter = 1, .payload = ROTA_STR("#!/bin/sh")
	};
	struct rota_bootstate s;

	begin();
	s = boot_device_state();
	boot_device_put(0, 0, &spec, s.digest[0][0]);
	boot_device_commit(&s);
	CHECK(!boot());
	end();
}

TEST(exchanged_folders_are_refused)
{
	begin();
	CHECK_OK(renameat(dir_fd, "flash/0-app", dir_fd, "flash/x"));
	CHECK_OK(renameat(dir_fd, "flash/1-model", dir_fd, "flash/0-app"));
	CHECK_OK(renameat(dir_fd, "flash/x", dir_fd, "flash/1-model"));
	CHECK(!boot());
	end();
}

TEST(folders_and_boot_state_agree_in_number)
{
	struct rota_slots_boot slots;
	struct rota_slot slot;

	begin();
	CHECK_OK(mkdirat(dir_fd, "flash/2-more", 0755));
	CHECK(!boot());
	CHECK_OK(rota_slots_boot_open(&slots, dir));
	CHECK_EQ(slots.member[0].port.inactive(slots.member[0].port.ctx, &slot), ROTA_ERR_CORRUPT);
	rota_slots_boot_close(&slots);
	CHECK_OK(unlinkat(dir_fd, "flash/2-more", AT_REMOVEDIR));
	CHECK(boot());
	CHECK_OK(mkdirat(dir_fd, "flash/1-app2", 0755)); /* a number twice */
	CHECK(!boot());
	CHECK_EQ(rota_slots_boot_open(&slots, dir), ROTA_ERR_FORMAT);
	end();
}

TEST(what_is_burnt_is_what_every_member_boots_with)
{
	const struct image_spec app = { .version = 1, .counter = 9 },
				model = { .version = 1, .counter = 2 };
	struct rota_bootstate s;

	begin();
	s = boot_device_state();
	boot_device_put(0, 0, &app, s.digest[0][0]);
	boot_device_put(1, 0, &model, s.digest[1][0]);
	s.floor_wanted = 4;
	boot_device_commit(&s);
	CHECK(boot());
	CHECK_EQ(boot_device_state().counter, 2);
	CHECK(boot()); /* still */
	end();
}

TEST(a_trial_of_one_component_runs_with_the_confirmed_other)
{
	const struct image_spec second = { .version = 2, .counter = 1 };
	struct rota_bootstate s;

	begin();
	s = boot_device_state();
	boot_device_put(1, 1, &second, s.digest[1][1]);
	s.phase = ROTA_TRIAL_ASKED;
	s.trial = 2;
	boot_device_commit(&s);
	CHECK(boot());
	CHECK_EQ(set.trial, 2);
	CHECK_EQ(set.image[0].place, 0);
	CHECK(reads(set.image[1].fd, boot_device_model(2)));
	end();
}

TESTS(T(the_whole_set_is_loaded_and_told), T(what_is_handed_on_is_sealed),
	T(a_trial_runs_whole_once_and_goes_back_whole),
	T(a_damaged_member_takes_its_whole_set_back),
	T(a_damaged_confirmed_member_gives_way_to_the_other_set),
	T(unknown_images_never_run_together),
	T(a_component_is_held_against_the_rom_as_the_program_is),
	T(component_0_is_a_static_program), T(exchanged_folders_are_refused),
	T(folders_and_boot_state_agree_in_number), T(what_is_burnt_is_what_every_member_boots_with),
	T(a_trial_of_one_component_runs_with_the_confirmed_other))
