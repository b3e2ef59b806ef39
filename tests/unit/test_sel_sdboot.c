/* SPDX-License-Identifier: Apache-2.0 */
/* The selector in the names of systemd-boot's entries, on any file system; tests/system/test_boot_loaders.py has a
 * FAT one and systemd-boot itself. */
#include "ports/sel_sdboot/entry.h"
#include "ports/sel_sdboot/sel_sdboot.h"
#include "tests/unit/selections.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_A "title A\nefi /rota/a.efi\n"
#define TEXT_B "title B\nefi /rota/b.efi\n"

static struct rota_sel_sdboot selector;
static char esp[256];

#define READ(out) selection_read(&selector.port, out)
#define SET(to) selection_set(&selector.port, to)
#define SET_CUT(to, at, tear) selection_set_cut(&selector.port, to, at, (enum syscut_tear)(tear))

static void put_entry(const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "loader/entries/%s", name);
	tempdir_put(path, text);
}

static void begin(const char *a, const char *b)
{
	(void)snprintf(esp, sizeof(esp), "%s", tempdir_fresh());
	if (mkdir(tempdir_path("loader"), 0700) != 0 ||
		mkdir(tempdir_path("loader/entries"), 0700) != 0)
		abort();
	put_entry("other.conf", "title other\n");
	if (a != NULL)
		put_entry(a, TEXT_A);
	if (b != NULL)
		put_entry(b, TEXT_B);
	rota_sel_sdboot_open(&selector, esp);
}

/* What systemd-boot would start of what lies there; 2: nothing of ours, or half an entry. */
static uint8_t loader_starts(void)
{
	struct rota_sdboot_entry best = { 0 }, e;
	DIR *d = opendir(tempdir_path("loader/entries"));
	char path[512];
	bool any = false;
	struct dirent *at;

	if (d == NULL)
		abort();
	while ((at = readdir(d)) != NULL) {
		if (!rota_sdboot_entry_parse(at->d_name, &e))
			continue;
		(void)snprintf(path, sizeof(path), "loader/entries/%s", at->d_name);
		if (strcmp(tempdir_get(path), e.place == 0 ? TEXT_A : TEXT_B) != 0)
			best.place = 2;
		if (!any || rota_sdboot_entry_before(&e, &best))
			best = e;
		any = true;
	}
	(void)closedir(d);
	return any ? best.place : 2;
}

static uint8_t starts(const struct rota_selection *s)
{
	return s->trial == ROTA_SELECTED_ASKED ? s->confirmed ^ 1 : s->confirmed;
}

TEST(names_are_taken_apart_and_put_together)
{
	static const struct {
		const char *name;
		struct rota_sdboot_entry e;
	} good[] = {
		{ "rota-1-a.conf", { 1, 0, false, 0, 0 } },
		{ "rota-0-b.conf", { 0, 1, false, 0, 0 } },
		{ "rota-7-b+1.conf", { 7, 1, true, 1, 0 } },
		{ "rota-7-b+0-1.conf", { 7, 1, true, 0, 1 } },
		{ "rota-999999999-a+3-2.conf", { 999999999, 0, true, 3, 2 } },
	};
	static const char *const others[] = { "rota-1-c.conf", "rota--a.conf", "rota-1-a",
		"rota-01-a.conf", "rota-1-a.conf.bak", "rota-1-a+.conf", "rota-1-a+1-.conf",
		"rota-1-a-1.conf", "rota-1000000000-a.conf", "Rota-1-a.conf", "rota-1-ab.conf",
		"rota.new", "" };
	struct rota_sdboot_entry e;
	char name[ROTA_SDBOOT_NAME_MAX];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		test_row = good[i].name;
		CHECK(rota_sdboot_entry_parse(good[i].name, &e));
		CHECK_EQ(e.generation, good[i].e.generation);
		CHECK_EQ(e.place, good[i].e.place);
		CHECK_EQ(e.counted, good[i].e.counted);
		CHECK_EQ(e.left, good[i].e.left);
		CHECK_EQ(e.done, good[i].e.done);
		rota_sdboot_entry_name(&e, name);
		CHECK(strcmp(name, good[i].name) == 0);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		test_row = others[i];
		CHECK(!rota_sdboot_entry_parse(others[i], &e));
	}
	test_row = NULL;
}

TEST(every_selection_is_read_back_from_every_other)
{
	struct rota_selection got;

	begin("rota-1-a.conf", "rota-0-b.conf");
	for (size_t i = 0; i < SELECTIONS * SELECTIONS; i++) {
		CHECK_OK(SET(&selections[i / SELECTIONS]));
		CHECK_EQ(loader_starts(), starts(&selections[i / SELECTIONS]));
		CHECK_OK(SET(&selections[i % SELECTIONS]));
		CHECK_OK(READ(&got));
		CHECK(selection_same(&got, &selections[i % SELECTIONS]));
		CHECK_EQ(loader_starts(), starts(&selections[i % SELECTIONS]));
	}
	CHECK(tempdir_get("loader/entries/other.conf") != NULL);
	CHECK(tempdir_get("loader/entries/rota.new") == NULL);
}

TEST(a_folder_is_read_as_the_loader_reads_it)
{
	static const struct {
		const char *why, *a, *b;
		enum rota_err err;
		struct rota_selection want;
	} rows[] = {
		{ "the factory's", "rota-1-a.conf", "rota-0-b.conf", ROTA_OK, { 0, 0 } },
		{ "only one", "rota-1-a.conf", NULL, ROTA_OK, { 0, 0 } },
		{ "none", NULL, NULL, ROTA_ERR_CORRUPT, { 0, 0 } },
		{ "the higher one", "rota-3-a.conf", "rota-10-b.conf", ROTA_OK, { 1, 0 } },
		{ "two tries", "rota-3-a.conf", "rota-4-b+2.conf", ROTA_OK,
			{ 0, ROTA_SELECTED_ASKED } },
		{ "the loader was there", "rota-3-a.conf", "rota-4-b+0-1.conf", ROTA_OK,
			{ 0, ROTA_SELECTED_STARTED } },
		{ "counted, and lower", "rota-3-a.conf", "rota-2-b+1.conf", ROTA_OK, { 0, 0 } },
		{ "all are counted", "rota-3-a+1.conf", "rota-2-b+1.conf", ROTA_ERR_CORRUPT,
			{ 0, 0 } },
		{ "blessed by others", "rota-3-a.conf", "rota-4-b.conf", ROTA_OK, { 1, 0 } },
	};
	struct rota_selection got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row = rows[i].why;
		begin(rows[i].a, rows[i].b);
		CHECK_EQ(READ(&got), rows[i].err);
		if (rows[i].err == ROTA_OK)
			CHECK(selection_same(&got, &rows[i].want));
	}
	test_row = NULL;
}

TEST(what_cannot_be_started_is_not_selected)
{
	begin("rota-1-a.conf", NULL);
	CHECK_EQ(SET(&selections[1]), ROTA_ERR_CORRUPT); /* B has no entry */
	CHECK_EQ(SET(&selections[3]), ROTA_ERR_CORRUPT);
	CHECK_OK(SET(&selections[0]));
	CHECK_EQ(loader_starts(), 0);
	CHECK(rmdir(tempdir_path("loader/entries")) != 0);
	(void)snprintf(esp, sizeof(esp), "/nonexistent");
	CHECK_EQ(SET(&selections[0]), ROTA_ERR_NOT_FOUND);
}

/* A partition on a file system that has links, made by somebody. */
TEST(no_link_is_followed)
{
	char secret[256], entry[256], draft[256];

	(void)tempdir_fresh();
	begin("rota-1-a.conf", NULL);
	tempdir_put("secret", "secret");
	(void)snprintf(secret, sizeof(secret), "%s", tempdir_path("secret"));
	(void)snprintf(draft, sizeof(draft), "%s", tempdir_path("loader/entries/rota.new"));
	(void)snprintf(entry, sizeof(entry), "%s", tempdir_path("loader/entries/rota-0-b.conf"));
	test_row = "what an entry leads to is not copied";
	CHECK(symlink(secret, entry) == 0);
	CHECK(SET(&selections[1]) != ROTA_OK);
	CHECK(tempdir_get("loader/entries/rota-2-b+1.conf") == NULL);
	test_row = "a FIFO holds nobody up";
	CHECK(unlink(entry) == 0);
	CHECK(mkfifo(entry, 0600) == 0);
	CHECK(SET(&selections[1]) != ROTA_OK);
	CHECK(unlink(entry) == 0);
	test_row = "what a draft leads to is not written over";
	put_entry("rota-0-b.conf", TEXT_B);
	CHECK(symlink(secret, draft) == 0);
	CHECK_OK(SET(&selections[1]));
	CHECK(strcmp(tempdir_get("secret"), "secret") == 0);
	CHECK(strcmp(tempdir_get("loader/entries/rota-2-b+1.conf"), TEXT_B) == 0);
	test_row = NULL;
}

TEST(a_generation_that_leaves_no_room_is_not_gone_on_from)
{
	struct rota_selection got;

	begin("rota-999999999-a.conf", "rota-0-b.conf");
	CHECK_EQ(SET(&selections[1]), ROTA_ERR_LIMIT);
	CHECK_OK(READ(&got));
	CHECK_EQ(got.confirmed, 0);
	CHECK(tempdir_get("loader/entries/rota-0-b.conf") != NULL); /* it would have gone */
}

/* Each step is one that the boot state makes. After a cut the loader starts the old place or the new one, never half
 * an entry, and the change can be made again. */
TEST(a_cut_leaves_the_old_or_the_new_selection)
{
	static const uint8_t steps[][2] = { { 0, 1 }, { 1, 0 }, { 2, 0 }, { 2, 3 }, { 3, 4 },
		{ 4, 3 }, { 5, 3 }, { 5, 0 }, { 1, 2 }, { 3, 2 } };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct rota_selection from = selections[steps[i][0]], to = selections[steps[i][1]],
				      got;
		bool cut = true;

		for (unsigned at = 1; cut; at++) {
			for (int tear = 0; tear < SYSCUT_TEARS; tear++) {
				begin("rota-1-a.conf", "rota-0-b.conf");
				CHECK_OK(SET(&from));
				cut = SET_CUT(&to, at, tear);
				CHECK(loader_starts() == starts(&from) ||
					loader_starts() == starts(&to));
				CHECK_OK(READ(&got));
				CHECK_EQ(loader_starts(), starts(&got));
				CHECK_OK(SET(&to));
				CHECK_OK(READ(&got));
				CHECK(selection_same(&got, &to));
			}
		}
	}
}

TESTS(T(names_are_taken_apart_and_put_together), T(every_selection_is_read_back_from_every_other),
	T(a_folder_is_read_as_the_loader_reads_it), T(what_cannot_be_started_is_not_selected),
	T(no_link_is_followed), T(a_generation_that_leaves_no_room_is_not_gone_on_from),
	T(a_cut_leaves_the_old_or_the_new_selection))
