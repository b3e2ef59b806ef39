/* SPDX-License-Identifier: Apache-2.0 */
/* What rota-agent believes of vaults before a key is destroyed (SPEC 36.7). */
#include "apps/rota-agent/sealed.h"
#include "host/base/crc.h"
#include "host/base/file.h"
#include "host/vault/sectors.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"
#include "tests/unit/vault_user.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define STO ROTA_PURPOSE_STORAGE
#define TEL ROTA_PURPOSE_TELEMETRY

static struct agent_config config;
static struct agent_sealed sealed;
static char state[400], moved[420];

static void begin(void)
{
	user_begin();
	(void)snprintf(state, sizeof(state), "%s", tempdir_path("state"));
	(void)snprintf(moved, sizeof(moved), "%s.away", user_path);
	config = (struct agent_config){ .state = state,
		.vault = { { .name = "readings", .path = user_path, .purpose = STO } },
		.vault_count = 1 };
	if (rota_file_mkdirs(state, 0700, &(struct rota_fail){ 0 }) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no folder");
}

/* As a process that starts. */
static void start(void)
{
	agent_sealed_open(&sealed, &config);
	agent_sealed_begin(&sealed);
}

static void make_vault(uint32_t generation)
{
	struct rota_vault_store *s;
	struct rota_fail why;

	user_generation = generation;
	if (user_open(&s, user_still, &why) != ROTA_OK || user_put(s, generation, 1) != ROTA_OK)
		test_fail(__FILE__, __LINE__, "no vault");
	rota_vault_store_close(s);
}

TEST(what_was_never_there_holds_nothing)
{
	begin();
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 0);
	CHECK_EQ(sealed.why.err, ROTA_OK);
	make_vault(3);
	agent_sealed_begin(&sealed);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 3);
	CHECK_EQ(agent_sealed_needs(&sealed, TEL), 0);
	CHECK_EQ(agent_sealed_left(&sealed, STO, 4), 1);
	CHECK_EQ(agent_sealed_left(&sealed, STO, 3), 0);
}

/* Its folder is not mounted, now or at the next start. */
TEST(what_was_there_once_is_needed_while_it_is_away)
{
	begin();
	make_vault(3);
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 3);
	CHECK_EQ(rename(user_path, moved), 0);
	ROW("now");
	agent_sealed_begin(&sealed);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
	CHECK_EQ(sealed.why.err, ROTA_ERR_NOT_FOUND);
	CHECK(strstr(sealed.why.text, user_path) && strstr(sealed.why.text, "[vault readings]"));
	ROW("at the next start");
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
	CHECK_EQ(agent_sealed_left(&sealed, STO, 9), 0);
	ROW("where nothing can be read of what was there");
	CHECK_EQ(remove(tempdir_path("state/" AGENT_SEALED_FILE)), 0);
	CHECK_OK(rota_file_mkdirs(
		tempdir_path("state/" AGENT_SEALED_FILE), 0700, &(struct rota_fail){ 0 }));
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
	CHECK_EQ(rmdir(tempdir_path("state/" AGENT_SEALED_FILE)), 0);
	ROW("and back again");
	CHECK_EQ(rename(moved, user_path), 0);
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 3);
}

TEST(who_ends_a_vault_takes_it_out_of_the_settings)
{
	begin();
	make_vault(3);
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 3);
	CHECK_EQ(rename(user_path, moved), 0);
	config.vault_count = 0;
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 0);
	config.vault_count = 1;
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 0);
}

/* Another process, with settings of its own: what it made is not forgotten by the agent, and nothing is made anew where a
 * folder is not mounted. */
TEST(who_makes_a_vault_notes_it_and_makes_none_a_second_time)
{
	struct agent_vault other = { .name = "other", .path = "/nonexistent/other" };
	struct rota_fail why;

	begin();
	start();
	CHECK_OK(agent_sealed_may_make(&config, &other, &why));
	CHECK_OK(agent_sealed_note(&config, other.path, &why));
	CHECK_EQ(agent_sealed_may_make(&config, &other, &why), ROTA_ERR_NOT_FOUND);
	CHECK(strstr(why.text, other.path) && strstr(why.text, "[vault other]"));
	ROW("the agent, which does not know it, notes another one");
	make_vault(3);
	agent_sealed_begin(&sealed);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 3);
	CHECK_EQ(agent_sealed_may_make(&config, &other, &why), ROTA_ERR_NOT_FOUND);
	CHECK_OK(agent_sealed_may_make(&config, &config.vault[0], &why));
	ROW("its own folder as well");
	CHECK_EQ(rename(user_path, moved), 0);
	CHECK_EQ(agent_sealed_may_make(&config, &config.vault[0], &why), ROTA_ERR_NOT_FOUND);
	config.vault[1] = other;
	config.vault[1].purpose = TEL;
	config.vault_count = 2;
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, TEL), 1);
	ROW("once its settings name it no more it may be made again");
	config.vault_count = 1;
	start();
	CHECK_OK(agent_sealed_may_make(&config, &other, &why));
	ROW("where nothing can be read of what was there");
	CHECK_EQ(remove(tempdir_path("state/" AGENT_SEALED_FILE)), 0);
	CHECK_OK(rota_file_mkdirs(tempdir_path("state/" AGENT_SEALED_FILE), 0700, &why));
	CHECK(agent_sealed_may_make(&config, &other, &why) != ROTA_OK);
	CHECK(agent_sealed_note(&config, other.path, &why) != ROTA_OK);
	CHECK_EQ(rmdir(tempdir_path("state/" AGENT_SEALED_FILE)), 0);
}

/* What could be forgotten does not count. */
TEST(it_counts_once_it_is_durable_that_it_was_there)
{
	begin();
	make_vault(3);
	config.state = "/nonexistent/state";
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
	CHECK(sealed.why.err != ROTA_OK);
	config.state = state;
	agent_sealed_begin(&sealed);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 3);
	CHECK(strstr(tempdir_get("state/" AGENT_SEALED_FILE), user_path) != NULL);
}

TEST(each_is_looked_at_once_in_a_cycle)
{
	begin();
	make_vault(2);
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 2);
	CHECK_EQ(rename(user_path, moved), 0);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 2);
	CHECK_EQ(agent_sealed_left(&sealed, STO, 5), 1);
	agent_sealed_begin(&sealed);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
}

TEST(one_that_is_no_vault_makes_all_needed)
{
	char other[420];

	begin();
	make_vault(5);
	(void)snprintf(other, sizeof(other), "%s.other", user_path);
	config.vault[1] = (struct agent_vault){ .name = "other", .path = other, .purpose = STO };
	config.vault_count = 2;
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 5);
	tempdir_put("vault.other", "short");
	agent_sealed_begin(&sealed);
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
	CHECK_EQ(sealed.why.err, ROTA_ERR_CORRUPT);
	tempdir_remove();
}

/* ---- a record that says generation 0 ---- */

static void put_le32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> 8 * i);
}

static size_t entry(uint8_t *at, uint32_t header, uint8_t id, uint8_t len, uint8_t generation)
{
	uint32_t crc;

	memset(at, 0, 12 + (size_t)len);
	at[0] = id;
	at[4] = 1; /* put */
	at[6] = len;
	crc = rota_crc32_fast(header, rota_span(at, 8));
	put_le32(at + 8, crc);
	if (generation != 0)
		at[12 + 4] = generation;
	put_le32(at + 12 + len, rota_crc32_fast(crc, rota_span(at + 12, len)));
	return (12 + (size_t)len + 4 + 7) / 8 * 8;
}

/* A file of three sectors, the first with a put of `len` zeros and one of generation 4: SPEC 36.4 by hand. */
static void make_file(const char *path, uint8_t len)
{
	static uint8_t sector[ROTA_VAULT_FILE_SECTOR_LEN];
	uint32_t crc;
	FILE *f = fopen(path, "w");
	size_t at = 16;

	memset(sector, 0xFF, sizeof(sector));
	memcpy(sector, "RV\1\0\1\0\0\0\1\0\0\0", 12);
	crc = rota_crc32_fast(0, rota_span(sector, 12));
	put_le32(sector + 12, crc);
	at += entry(sector + at, crc, 1, len, 0);
	(void)entry(sector + at, crc, 2, 60, 4);
	if (f == NULL || fwrite(sector, sizeof(sector), 1, f) != 1)
		test_fail(__FILE__, __LINE__, "no file");
	memset(sector, 0xFF, sizeof(sector));
	CHECK_EQ(fwrite(sector, sizeof(sector), 1, f), 1);
	CHECK_EQ(fwrite(sector, sizeof(sector), 1, f), 1);
	CHECK_EQ(fclose(f), 0);
}

static void make_database(const char *path, const char *generation)
{
	char row[120];
	sqlite3 *db;

	(void)snprintf(row, sizeof(row), "INSERT INTO records VALUES(1, %s, x'00')", generation);
	(void)remove(path);
	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db,
			 "CREATE TABLE records(id INTEGER PRIMARY KEY, generation INTEGER, sealed "
			 "BLOB)",
			 NULL, NULL, NULL),
		SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, row, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

TEST(a_record_of_generation_0_hides_no_other)
{
	static const char *const none[] = { "NULL", "0", "4294967296", "-1", "'x'" };
	static const uint8_t lens[] = { 1, 7, 8, 40 };
	char other[420];

	begin();
	make_vault(5);
	(void)snprintf(other, sizeof(other), "%s.other", user_path);
	config.vault[1] = (struct agent_vault){ .name = "other", .path = other, .purpose = STO };
	config.vault_count = 2;
	for (size_t i = 0; i < sizeof(lens); i++) {
		make_file(other, lens[i]);
		start();
		CHECK_EQ(agent_sealed_needs(&sealed, STO), 4);
		CHECK_EQ(agent_sealed_left(&sealed, STO, 5), 2); /* it was seen */
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		ROW(none[i]);
		make_database(other, none[i]);
		start();
		CHECK_EQ(agent_sealed_needs(&sealed, STO), 1);
		CHECK_EQ(sealed.why.err, ROTA_ERR_FORMAT);
	}
	make_database(other, "4294967295");
	start();
	CHECK_EQ(agent_sealed_needs(&sealed, STO), 5);
	tempdir_remove();
}

TESTS(T(what_was_never_there_holds_nothing), T(what_was_there_once_is_needed_while_it_is_away),
	T(who_ends_a_vault_takes_it_out_of_the_settings),
	T(who_makes_a_vault_notes_it_and_makes_none_a_second_time),
	T(it_counts_once_it_is_durable_that_it_was_there), T(each_is_looked_at_once_in_a_cycle),
	T(one_that_is_no_vault_makes_all_needed), T(a_record_of_generation_0_hides_no_other))
