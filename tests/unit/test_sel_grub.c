/* SPDX-License-Identifier: Apache-2.0 */
/* The selector in GRUB's environment block. That grub-editenv and GRUB agree is tests/system/
 * test_boot_loaders.py's business. */
#include "ports/sel_grub/block.h"
#include "ports/sel_grub/sel_grub.h"
#include "tests/unit/selections.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "# GRUB Environment Block\n# WARNING: Do not edit\n"

static struct rota_sel_grub selector;
static char file[256];
static char block[ROTA_GRUB_BLOCK_LEN + 1];

#define READ(out) selection_read(&selector.port, out)
#define SET(to) selection_set(&selector.port, to)
#define SET_CUT(to, at, tear) selection_set_cut(&selector.port, to, at, (enum syscut_tear)(tear))

static void fill(const char *text)
{
	memset(block, '#', ROTA_GRUB_BLOCK_LEN);
	memcpy(block, text, strlen(text));
}

static void begin(const char *text)
{
	(void)tempdir_fresh();
	fill(text);
	tempdir_put("grubenv", block);
	(void)snprintf(file, sizeof(file), "%s", tempdir_path("grubenv"));
	rota_sel_grub_open(&selector, file);
}

TEST(every_selection_is_read_back_from_every_other)
{
	struct rota_selection got;

	begin(HEAD "saved_entry=0\n");
	CHECK_EQ(READ(&got), ROTA_ERR_CORRUPT); /* nothing of ours yet */
	for (size_t i = 0; i < SELECTIONS * SELECTIONS; i++) {
		CHECK_OK(SET(&selections[i / SELECTIONS]));
		CHECK_OK(SET(&selections[i % SELECTIONS]));
		CHECK_OK(READ(&got));
		CHECK(selection_same(&got, &selections[i % SELECTIONS]));
	}
	fill(HEAD "saved_entry=0\nrota=y\n");
	CHECK(strcmp(tempdir_get("grubenv"), block) == 0);
}

/* So no cut can make a third state of it, ours or save_env's. */
TEST(a_change_is_one_byte)
{
	char before[ROTA_GRUB_BLOCK_LEN];

	begin(HEAD "rota=A\nnext=1\n");
	for (size_t i = 0; i < SELECTIONS * SELECTIONS; i++) {
		const char *after;
		unsigned changed = 0;

		CHECK_OK(SET(&selections[i / SELECTIONS]));
		memcpy(before, tempdir_get("grubenv"), sizeof(before));
		CHECK_OK(SET(&selections[i % SELECTIONS]));
		after = tempdir_get("grubenv");
		for (size_t at = 0; at < sizeof(before); at++)
			changed += before[at] != after[at];
		CHECK_EQ(changed, i / SELECTIONS == i % SELECTIONS ? 0 : 1);
	}
}

TEST(what_is_no_block_of_grub_is_refused)
{
	static const struct {
		const char *why, *text;
		enum rota_err read, set;
	} rows[] = {
		{ "another first line", "# GRUB environment block\nrota=A\n", ROTA_ERR_CORRUPT,
			ROTA_ERR_CORRUPT },
		{ "another letter", HEAD "rota=c\n", ROTA_ERR_CORRUPT, ROTA_OK },
		{ "no letter", HEAD "rota=\n", ROTA_ERR_CORRUPT, ROTA_ERR_FORMAT },
		{ "two letters", HEAD "rota=AB\n", ROTA_ERR_CORRUPT, ROTA_ERR_FORMAT },
		{ "a longer name", HEAD "rota2=A\nmyrota=B\n", ROTA_ERR_CORRUPT, ROTA_OK },
		{ "twice", HEAD "rota=A\nrota=b\n", ROTA_ERR_CORRUPT, ROTA_ERR_FORMAT },
		{ "in the value of another", HEAD "x=y\\\nrota=b\n", ROTA_ERR_CORRUPT, ROTA_OK },
		{ "in a comment", HEAD "#rota=A\n", ROTA_ERR_CORRUPT, ROTA_OK },
	};
	struct rota_selection got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row = rows[i].why;
		begin(rows[i].text);
		CHECK_EQ(READ(&got), rows[i].read);
		CHECK_EQ(SET(&selections[4]), rows[i].set);
		if (rows[i].set != ROTA_OK)
			continue;
		CHECK_OK(READ(&got));
		CHECK(selection_same(&got, &selections[4]));
	}
	test_row = "a short file";
	begin(HEAD "rota=A\n");
	block[1000] = '\0';
	tempdir_put("grubenv", block);
	CHECK_EQ(READ(&got), ROTA_ERR_CORRUPT);
	CHECK_EQ(SET(&selections[0]), ROTA_ERR_CORRUPT);
	test_row = "a FIFO";
	CHECK(unlink(file) == 0);
	CHECK(mkfifo(file, 0600) == 0);
	CHECK_EQ(READ(&got), ROTA_ERR_UNSUPPORTED);
	CHECK_EQ(SET(&selections[0]), ROTA_ERR_UNSUPPORTED);
	test_row = "no file";
	CHECK(unlink(file) == 0);
	CHECK_EQ(READ(&got), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(SET(&selections[0]), ROTA_ERR_NOT_FOUND);
	test_row = NULL;
}

TEST(a_full_block_is_told)
{
	static uint8_t full[ROTA_GRUB_BLOCK_LEN];

	memset(full, '#', sizeof(full));
	memcpy(full, HEAD, sizeof(HEAD) - 1);
	memset(full + sizeof(HEAD) - 1, 'x', sizeof(full) - sizeof(HEAD));
	full[sizeof(full) - 8] = '\n';
	memset(full + sizeof(full) - 7, '#', 7);
	CHECK_OK(rota_grub_block_add(full, ROTA_STR("rota"), 'A')); /* it just fits */
	CHECK_EQ(rota_grub_block_add(full, ROTA_STR("toad"), 'A'), ROTA_ERR_FULL);
	CHECK_EQ(rota_grub_block_letter(full, ROTA_STR("rota")), sizeof(full) - 2);
}

/* The first time the block is torn at worst, and the next one mends it; later a change is old or new. */
TEST(a_cut_leaves_the_old_or_the_new_selection)
{
	for (size_t i = 0; i < (SELECTIONS + 1) * SELECTIONS; i++) {
		struct rota_selection to = selections[i % SELECTIONS], got;
		const struct rota_selection *from =
			i / SELECTIONS < SELECTIONS ? &selections[i / SELECTIONS] : NULL;
		bool cut = true;

		for (unsigned at = 1; cut; at++) {
			for (int tear = 0; tear < SYSCUT_TEARS; tear++) {
				begin(HEAD "next=1\n");
				if (from != NULL)
					CHECK_OK(SET(from));
				cut = SET_CUT(&to, at, tear);
				if (READ(&got) == ROTA_OK)
					CHECK(selection_same(&got, &to) ||
						(from != NULL && selection_same(&got, from)));
				else
					CHECK(from == NULL);
				CHECK_OK(SET(&to));
				CHECK_OK(READ(&got));
				CHECK(selection_same(&got, &to));
			}
		}
	}
}

TESTS(T(every_selection_is_read_back_from_every_other), T(a_change_is_one_byte),
	T(what_is_no_block_of_grub_is_refused), T(a_full_block_is_told),
	T(a_cut_leaves_the_old_or_the_new_selection))
