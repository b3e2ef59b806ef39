/* SPDX-License-Identifier: Apache-2.0 */
/* The selector in a U-Boot environment: all six selections, what is refused, and a cut at each call and in each
 * block of a write. That U-Boot's own tools and U-Boot agree is tests/system/test_boot_loaders.py's business. */
#include "ports/sel_uboot/env.h"
#include "ports/sel_uboot/sel_uboot.h"
#include "tests/unit/selections.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SIZE 2048u
#define BLOCK 512u
#define FAR 4096 /* where the second copy begins */

static struct rota_sel_uboot selector;
static char config[256];
static uint8_t image[FAR + SIZE];

#define READ(out) selection_read(&selector.port, out)
#define SET(to) selection_set(&selector.port, to)
#define SET_CUT(to, at, tear) selection_set_cut(&selector.port, to, at, (enum syscut_tear)(tear))

static void put_image(const uint8_t *from)
{
	int fd = open(tempdir_path("env"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, from, sizeof(image)) != (ssize_t)sizeof(image) || close(fd) != 0)
		abort();
}

static void get_image(uint8_t *to)
{
	int fd = open(tempdir_path("env"), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, to, sizeof(image)) != (ssize_t)sizeof(image) || close(fd) != 0)
		abort();
}

static struct rota_uboot_env copy_at(uint8_t *at, bool redundant)
{
	return (struct rota_uboot_env){ rota_buf(at, SIZE), redundant };
}

static void make_copy(uint8_t *at, bool redundant, uint8_t flag)
{
	struct rota_uboot_env env = copy_at(at, redundant);

	memset(at, 0, SIZE);
	if (rota_uboot_env_set(&env, ROTA_STR("bootcmd"), ROTA_STR("run rota_boot")) != ROTA_OK ||
		rota_uboot_env_set(&env, ROTA_STR("BOOT_ORDERED"), ROTA_STR("no")) != ROTA_OK)
		abort();
	rota_uboot_env_seal(&env, flag);
}

/* A board's environment without our variables; the second copy is the older one. */
static void begin(unsigned copies)
{
	char text[512];

	(void)tempdir_fresh();
	memset(image, 0xFF, sizeof(image));
	make_copy(image, copies == 2, 7);
	make_copy(image + FAR, copies == 2, 6);
	put_image(image);
	(void)snprintf(text, sizeof(text),
		"# device offset size\n%s 0x0 0x%x 0x1000\n%s%s 4096 %u\n", tempdir_path("env"),
		SIZE, copies == 2 ? "" : "#", tempdir_path("env"), SIZE);
	tempdir_put("fw_env.config", text);
	(void)snprintf(config, sizeof(config), "%s", tempdir_path("fw_env.config"));
	rota_sel_uboot_open(&selector, config);
}

TEST(every_selection_is_read_back_from_every_other)
{
	struct rota_selection got;

	for (unsigned copies = 1; copies <= 2; copies++) {
		begin(copies);
		CHECK_EQ(READ(&got), ROTA_ERR_CORRUPT); /* nothing of ours yet */
		for (size_t i = 0; i < SELECTIONS * SELECTIONS; i++) {
			CHECK_OK(SET(&selections[i / SELECTIONS]));
			CHECK_OK(SET(&selections[i % SELECTIONS]));
			CHECK_OK(READ(&got));
			CHECK(selection_same(&got, &selections[i % SELECTIONS]));
		}
	}
}

TEST(variables_of_others_stay)
{
	struct rota_uboot_env env = copy_at(image, false);
	struct rota_span value;

	begin(1);
	CHECK_OK(SET(&selections[1]));
	CHECK_OK(SET(&selections[3]));
	get_image(image);
	CHECK(rota_uboot_env_valid(&env));
	CHECK(rota_uboot_env_get(&env, ROTA_STR("bootcmd"), &value));
	CHECK(rota_span_eq(value, ROTA_STR("run rota_boot")));
	CHECK(rota_uboot_env_get(&env, ROTA_STR("BOOT_ORDERED"), &value));
	CHECK(rota_uboot_env_get(&env, ROTA_STR("BOOT_ORDER"), &value));
	CHECK(rota_span_eq(value, ROTA_STR("B")));
	CHECK(!rota_uboot_env_get(&env, ROTA_STR("BOOT_B_LEFT"), &value));
	for (size_t i = SIZE; i < FAR; i++)
		CHECK_EQ(image[i], 0xFF);
}

TEST(the_newer_of_two_copies_counts)
{
	static const struct {
		const char *name;
		uint8_t flag[2];
		bool valid[2];
		uint8_t current; /* 2: none */
	} rows[] = {
		{ "first is higher", { 9, 8 }, { true, true }, 0 },
		{ "second is higher", { 8, 9 }, { true, true }, 1 },
		{ "equal: the first", { 9, 9 }, { true, true }, 0 },
		{ "0 comes after 255", { 255, 0 }, { true, true }, 1 },
		{ "0 comes after 255, the other way", { 0, 255 }, { true, true }, 0 },
		{ "the higher one is torn", { 9, 8 }, { false, true }, 1 },
		{ "the lower one is torn", { 9, 8 }, { true, false }, 0 },
		{ "both are torn", { 9, 8 }, { false, false }, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rota_selection got;

		test_row = rows[i].name;
		begin(2);
		for (unsigned k = 0; k < 2; k++) {
			struct rota_uboot_env env = copy_at(image + k * FAR, true);

			CHECK_OK(rota_uboot_env_set(&env, ROTA_STR("BOOT_ORDER"),
				k == 0 ? ROTA_STR("A") : ROTA_STR("B")));
			rota_uboot_env_seal(&env, rows[i].flag[k]);
			image[k * FAR + SIZE / 2] ^= !rows[i].valid[k];
		}
		put_image(image);
		if (rows[i].current == 2) {
			CHECK_EQ(READ(&got), ROTA_ERR_CORRUPT);
			/* what is built into U-Boot boots; one with our variables alone would not */
			CHECK_EQ(SET(&selections[0]), ROTA_ERR_CORRUPT);
			continue;
		}
		CHECK_OK(READ(&got));
		CHECK_EQ(got.confirmed, rows[i].current);
		CHECK_OK(SET(&selections[1]));
		CHECK_OK(READ(&got));
		CHECK(selection_same(&got, &selections[1]));
	}
	test_row = NULL;
}

TEST(what_says_nothing_clear_is_damaged)
{
	static const char *const orders[] = { "", "C", "A ", "A A", "AB", "B A C", "B,A", "b a",
		"B C" };
	struct rota_uboot_env env = copy_at(image, false);
	struct rota_selection got;

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		test_row = orders[i];
		begin(1);
		CHECK_OK(rota_uboot_env_set(
			&env, ROTA_STR("BOOT_ORDER"), rota_span_cstr(orders[i])));
		CHECK_OK(rota_uboot_env_set(&env, ROTA_STR("BOOT_A_LEFT"), ROTA_STR("1")));
		rota_uboot_env_seal(&env, 0);
		put_image(image);
		CHECK_EQ(READ(&got), ROTA_ERR_CORRUPT);
	}
	test_row = NULL;
}

TEST(no_room_and_no_place_are_told)
{
	struct rota_uboot_env env = copy_at(image, false);
	static uint8_t long_value[SIZE];
	struct rota_selection got;
	size_t room = SIZE - 4;
	char text[512];

	begin(1);
	memset(long_value, 'x', sizeof(long_value));
	room -= sizeof("bootcmd=run rota_boot") + sizeof("BOOT_ORDERED=no") + sizeof("f=") + 1;
	CHECK_EQ(rota_uboot_env_set(&env, ROTA_STR("f"), rota_span(long_value, room + 1)),
		ROTA_ERR_FULL);
	CHECK_OK(rota_uboot_env_set(&env, ROTA_STR("f"), rota_span(long_value, room)));
	rota_uboot_env_seal(&env, 0);
	CHECK(rota_uboot_env_valid(&env));
	put_image(image);
	CHECK_EQ(SET(&selections[0]), ROTA_ERR_FULL);
	tempdir_put("fw_env.config", "/dev/null 0 0x800\n");
	CHECK_EQ(READ(&got), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(SET(&selections[0]), ROTA_ERR_UNSUPPORTED);
	ROW("a device that ends too soon, after a signal");
	tempdir_put("short", "x");
	(void)snprintf(text, sizeof(text), "%s 0 0x800\n", tempdir_path("short"));
	tempdir_put("fw_env.config", text);
	(void)alarm(20); /* it went on for ever */
	errno = EINTR;
	CHECK_EQ(READ(&got), ROTA_ERR_IO);
	(void)alarm(0);
	tempdir_put("fw_env.config", "/nonexistent/env 0 0x800\n");
	CHECK_EQ(READ(&got), ROTA_ERR_NOT_FOUND);
	(void)snprintf(config, sizeof(config), "/nonexistent/fw_env.config");
	CHECK_EQ(READ(&got), ROTA_ERR_NOT_FOUND);
}

TEST(a_wrong_fw_env_config_is_refused)
{
	static const struct {
		const char *why, *text;
	} rows[] = {
		{ "no line", "# nothing\n\n" },
		{ "three lines", "/a 0 0x800\n/b 0 0x800\n/c 0 0x800\n" },
		{ "a relative path", "env 0 0x800\n" },
		{ "no size", "/a 0\n" },
		{ "no number", "/a zero 0x800\n" },
		{ "from the end", "/a -0x800 0x800\n" },
		{ "too small", "/a 0 8\n" },
		{ "too large", "/a 0 0x80001\n" },
		{ "an offset beyond files", "/a 0x7000000000000000 0x800\n" },
		{ "unequal copies", "/a 0 0x800\n/b 0 0x1000\n" },
		{ "copies over each other", "/a 0 0x800\n/a 0x7ff 0x800\n" },
	};
	struct rota_uboot_places places;

	begin(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row = rows[i].why;
		tempdir_put("fw_env.config", rows[i].text);
		CHECK_EQ(rota_uboot_places_read(config, &places), ROTA_ERR_FORMAT);
	}
	test_row = NULL;
}

/* Two copies: whatever a cut leaves of the write, the old selection or the new one is read. */
TEST(a_cut_leaves_the_old_or_the_new_selection)
{
	for (size_t i = 0; i < SELECTIONS * SELECTIONS; i++) {
		struct rota_selection from = selections[i / SELECTIONS],
				      to = selections[i % SELECTIONS], got;
		bool cut = true;

		for (unsigned at = 1; cut; at++) {
			for (int tear = 0; tear < SYSCUT_TEARS; tear++) {
				begin(2);
				CHECK_OK(SET(&from));
				cut = SET_CUT(&to, at, tear);
				CHECK_OK(READ(&got));
				CHECK(selection_same(&got, &from) || selection_same(&got, &to));
				CHECK_OK(SET(&to));
				CHECK_OK(READ(&got));
				CHECK(selection_same(&got, &to));
			}
		}
	}
}

/* Any set of the blocks that were written, and one of them torn. */
TEST(blocks_that_were_never_synced_do_no_harm)
{
	static uint8_t before[sizeof(image)], after[sizeof(image)];
	struct rota_selection got;

	begin(2);
	CHECK_OK(SET(&selections[0]));
	get_image(before);
	CHECK_OK(SET(&selections[1]));
	get_image(after);
	for (unsigned which = 0; which < 1u << SIZE / BLOCK; which++) {
		for (unsigned torn = 0; torn <= SIZE / BLOCK; torn++) {
			memcpy(image, before, sizeof(image));
			for (unsigned b = 0; b < SIZE / BLOCK; b++) {
				size_t at = (memcmp(before, after, FAR) == 0 ? FAR : 0) + b * BLOCK;

				if (which >> b & 1)
					memcpy(image + at, after + at, BLOCK);
				if (b == torn)
					memset(image + at + BLOCK / 3, 0x5A, BLOCK / 3);
			}
			put_image(image);
			CHECK_OK(READ(&got));
			CHECK(selection_same(&got, &selections[0]) ||
				selection_same(&got, &selections[1]));
		}
	}
}

TESTS(T(every_selection_is_read_back_from_every_other), T(variables_of_others_stay),
	T(the_newer_of_two_copies_counts), T(what_says_nothing_clear_is_damaged),
	T(no_room_and_no_place_are_told), T(a_wrong_fw_env_config_is_refused),
	T(a_cut_leaves_the_old_or_the_new_selection), T(blocks_that_were_never_synced_do_no_harm))
