/* SPDX-License-Identifier: Apache-2.0 */
/* Who else there is: a second writer, who is refused; a reader while another waits for the disk; another program that reads the
 * database; one without keys that asks how far it is. */
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"
#include "tests/unit/vault_user.h"

#include <pthread.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#define IDS 20
#define WAIT_S 60 /* for a thread that should not wait at all */

static void begin(struct rota_vault_store **s)
{
	struct rota_fail why;

	user_begin();
	CHECK_OK(user_open(s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_OK(user_put(*s, id, 1));
}

static void both(void (*what)(void))
{
	what();
	user_opener = rota_vault_sqlite_open;
	what();
	user_opener = rota_vault_file_open;
}

/* ---- two writers ---- */

static void refuse_a_second_writer(void)
{
	struct rota_vault_store *s, *other;
	struct rota_fail why;

	begin(&s);
	CHECK_EQ(user_open(&other, user_still, &why), ROTA_ERR_BUSY);
	CHECK(strstr(why.text, user_path) != NULL);
	CHECK(strstr(why.text, "another process has it open") != NULL);
	CHECK_OK(user_put(s, 1, 2));
	rota_vault_store_close(s);
	CHECK_OK(user_open(&other, user_still, &why));
	CHECK_EQ(user_reads(other, 1), 2);
	rota_vault_store_close(other);
}

TEST(a_second_writer_is_refused)
{
	both(refuse_a_second_writer);
}

/* ---- a reader while another waits for the disk ---- */

static struct {
	struct rota_vault_store *s;
	unsigned waits, read;
} beside;

static void *read_one(void *arg)
{
	(void)arg;
	return user_reads(beside.s, 5) == 1 ? &beside : NULL;
}

/* In the place of a sync that takes its time: another thread reads meanwhile. */
static void read_meanwhile(void)
{
	struct timespec until;
	pthread_t thread;
	void *well = NULL;

	beside.waits++;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	if (pthread_create(&thread, NULL, read_one, NULL) == 0 &&
		pthread_timedjoin_np(thread, &well, &until) == 0 && well != NULL)
		beside.read++;
}

static void read_while_another_waits(void)
{
	begin(&beside.s);
	beside.waits = 0;
	beside.read = 0;
	syscut_meanwhile(read_meanwhile);
	CHECK_OK(user_put(beside.s, 3, 2));
	CHECK_OK(rota_vault_store_remove(beside.s, 4));
	syscut_meanwhile(NULL);
	CHECK(beside.waits >= 2);
	CHECK_EQ(beside.read, beside.waits);
	rota_vault_store_close(beside.s);
}

TEST(who_reads_does_not_wait_for_the_disk)
{
	both(read_while_another_waits);
}

/* ---- another program that reads the database ---- */

static bool all_rewritten(struct rota_vault_store *s)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct rota_vault_progress progress;

	for (int i = 0; i < 5000; i++) {
		rota_vault_store_progress(s, &progress);
		if (progress.left == 0 && rota_vault_store_needs(s) == user_generation)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* A reader keeps what it began to read, over all that is written meanwhile, and holds nobody up. */
TEST(a_reader_of_the_database_sees_one_moment_and_holds_nobody_up)
{
	struct rota_vault_store *s;
	struct rota_fail why;
	sqlite3 *db;
	sqlite3_stmt *q;

	user_opener = rota_vault_sqlite_open;
	begin(&s);
	rota_vault_store_close(s);
	user_generation = 2;
	CHECK_EQ(sqlite3_open_v2(user_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	CHECK_EQ(sqlite3_prepare_v2(db, "SELECT generation FROM records ORDER BY id", -1, &q, NULL),
		SQLITE_OK);
	CHECK_EQ(sqlite3_step(q), SQLITE_ROW);
	CHECK_OK(user_open(&s, (struct rota_vault_budget){ 100000, 1000000, 1u << 30 }, &why));
	CHECK_OK(user_put(s, 3, 2));
	CHECK(all_rewritten(s));
	for (int i = 1; i < IDS; i++) {
		CHECK_EQ(sqlite3_column_int(q, 0), 1);
		CHECK_EQ(sqlite3_step(q), SQLITE_ROW);
	}
	CHECK_EQ(sqlite3_step(q), SQLITE_DONE);
	CHECK_EQ(sqlite3_reset(q), SQLITE_OK);
	CHECK_EQ(sqlite3_step(q), SQLITE_ROW);
	CHECK_EQ(sqlite3_column_int(q, 0), 2);
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	user_gone = 1;
	CHECK_EQ(user_reads(s, 3), 2);
	rota_vault_store_close(s);
	user_opener = rota_vault_file_open;
}

/* ---- from outside ---- */

static void tell_how_far_it_is(void)
{
	struct rota_vault_store *s;
	struct rota_vault_status status;
	struct rota_fail why;

	begin(&s);
	user_generation = 3;
	for (uint32_t id = 0; id < 4; id++)
		CHECK_OK(user_put(s, id, 2));
	CHECK_OK(rota_vault_store_remove(s, 9));
	user_gone = 3; /* nobody asks for a key */
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	CHECK_EQ(status.records, IDS - 1);
	CHECK_EQ(status.generations, 2);
	CHECK_EQ(status.count[0].generation, 1);
	CHECK_EQ(status.count[0].records, IDS - 5);
	CHECK_EQ(status.count[1].generation, 3);
	CHECK_EQ(status.count[1].records, 4);
	CHECK_EQ(rota_vault_status_left(&status, 3), IDS - 5);
	CHECK_EQ(rota_vault_status_left(&status, 4), IDS - 1);
	CHECK_EQ(rota_vault_status_left(&status, 1), 0);
	user_gone = 0;
	CHECK_OK(user_put(s, 1, 9)); /* and took nothing from who has it open */
	rota_vault_store_close(s);
}

TEST(how_far_it_is_is_told_without_a_key_beside_who_has_it_open)
{
	both(tell_how_far_it_is);
}

/* All that stands in a file while it is rewritten adds up, whenever one looks. */
TEST(how_far_it_is_is_told_while_it_is_rewritten)
{
	struct rota_vault_store *s;
	struct rota_vault_status status;
	struct rota_fail why;
	uint32_t left = IDS;

	user_begin();
	user_records = IDS;
	user_len = 40000;
	CHECK_OK(user_open(&s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_OK(user_put(s, id, 1));
	rota_vault_store_close(s);
	user_generation = 2;
	CHECK_OK(user_open(&s, (struct rota_vault_budget){ 1000, 1000000, 1u << 30 }, &why));
	for (int i = 0; i < 5000 && left > 0; i++) {
		CHECK_OK(rota_vault_status(user_path, &status, &why));
		CHECK_EQ(status.records, IDS);
		CHECK(rota_vault_status_left(&status, 2) <= left);
		left = rota_vault_status_left(&status, 2);
	}
	CHECK_EQ(left, 0);
	rota_vault_store_close(s);
}

static void put_file(const char *text)
{
	user_begin();
	tempdir_put("vault", text);
}

TEST(what_is_no_vault_has_no_status)
{
	struct rota_vault_status status;
	struct rota_fail why;
	sqlite3 *db;

	user_begin();
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_NOT_FOUND);
	put_file("");
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_CORRUPT);
	put_file("short");
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_CORRUPT);
	CHECK(strstr(why.text, user_path) != NULL);
	user_begin();
	CHECK_EQ(sqlite3_open(user_path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, "CREATE TABLE other(id INTEGER)", NULL, NULL, NULL), SQLITE_OK);
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_CORRUPT);
	(void)sqlite3_close(db);
	tempdir_remove();
}

TESTS(T(a_second_writer_is_refused), T(who_reads_does_not_wait_for_the_disk),
	T(a_reader_of_the_database_sees_one_moment_and_holds_nobody_up),
	T(how_far_it_is_is_told_without_a_key_beside_who_has_it_open),
	T(how_far_it_is_is_told_while_it_is_rewritten), T(what_is_no_vault_has_no_status))
