/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a vault that an application made, or somebody who wants the one who looks to be late, wrong or stuck (SPEC 36.7). */
#include "host/base/crc.h"
#include "host/vault/sectors.h"
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"
#include "tests/unit/vault_user.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LEN ROTA_VAULT_FILE_SECTOR_LEN
#define IDS 20
#define SECTORS 1500
#define READS_EACH 20 /* of a sector without entries, over a whole look */
#define LOOKS 5
#define READS_MOST 1000000 /* of three sectors, for ever */

static struct rota_vault_status status;
static struct rota_fail why;

/* ---- a clock that goes ahead whenever it is read ---- */

static time_t leap_s, ahead_s;

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (id == CLOCK_MONOTONIC) {
		ahead_s += leap_s;
		t->tv_sec += ahead_s;
	}
	return rc;
}

/* ---- files ---- */

static void make_vault(uint32_t records, uint32_t len)
{
	struct rota_vault_store *s;

	user_begin();
	user_records = records;
	user_len = len;
	if (user_open(&s, user_still, &why) != ROTA_OK)
		test_fail(__FILE__, __LINE__, why.text);
	for (uint32_t id = 0; id < records; id++) {
		user_generation = 1 + id % 2;
		if (user_put(s, id, 1) != ROTA_OK)
			test_fail(__FILE__, __LINE__, "no record");
	}
	rota_vault_store_close(s);
}

static void put_le32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> 8 * i);
}

/* Of a sector that counts, and holds nothing. */
static void header(uint8_t out[static ROTA_VAULT_HEADER_LEN], uint32_t sequence)
{
	out[0] = 'R';
	out[1] = 'V';
	out[2] = 1;
	out[3] = 0;
	put_le32(out + 4, sequence);
	put_le32(out + 8, 1);
	put_le32(out + 12, rota_crc32_fast(0, rota_span(out, 12)));
}

/* Sectors from the last to the first, and no sequence followed by the next number. */
static void make_backwards(void)
{
	uint8_t bytes[ROTA_VAULT_HEADER_LEN];
	int fd;

	user_begin();
	fd = open(user_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)SECTORS * LEN) != 0)
		test_fail(__FILE__, __LINE__, "no file");
	for (uint32_t i = 0; i < SECTORS; i++) {
		header(bytes, 1 + 3 * (SECTORS - 1 - i));
		if (pwrite(fd, bytes, sizeof(bytes), (off_t)i * LEN) != sizeof(bytes))
			test_fail(__FILE__, __LINE__, "not written");
	}
	(void)close(fd);
}

/* The sectors of a file change places: what counts does not. */
static void turn_around(void)
{
	static uint8_t a[LEN], b[LEN];
	int fd = open(user_path, O_RDWR | O_CLOEXEC);
	off_t n = fd >= 0 ? lseek(fd, 0, SEEK_END) / LEN : 0;
	bool well = n > 3;

	for (off_t i = 0; well && i < n / 2; i++) {
		off_t k = n - 1 - i;

		well = pread(fd, a, LEN, i * LEN) == LEN && pread(fd, b, LEN, k * LEN) == LEN &&
			pwrite(fd, b, LEN, i * LEN) == LEN && pwrite(fd, a, LEN, k * LEN) == LEN;
	}
	(void)close(fd);
	if (!well)
		test_fail(__FILE__, __LINE__, "not turned around");
}

/* ---- how long ---- */

TEST(it_takes_the_time_of_a_reading_in_whatever_order_sectors_lie)
{
	make_backwards();
	syscut_fail_reads(READS_EACH * SECTORS, UINT32_MAX, EIO); /* and all behind */
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	CHECK_EQ(status.records, 0);
	syscut_fail_reads(0, 0, 0);
}

TEST(the_order_of_sectors_is_that_of_their_sequences)
{
	struct rota_vault_store *s;

	make_vault(60, 30000);
	CHECK_OK(user_open(&s, user_still, &why));
	CHECK_OK(user_put(s, 7, 2));
	CHECK_OK(rota_vault_store_remove(s, 9));
	rota_vault_store_close(s);
	turn_around();
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	CHECK_EQ(status.records, 59);
	CHECK_EQ(status.generations, 2);
	CHECK_EQ(status.count[0].records, 30);
	CHECK_OK(user_open(&s, user_still, &why));
	CHECK_EQ(user_reads(s, 7), 2);
	CHECK_EQ(user_reads(s, 9), 0);
	CHECK_EQ(user_reads(s, 59), 1);
	rota_vault_store_close(s);
}

static void late_at_a_database(int rows)
{
	static const char make[] =
		"CREATE TABLE records(id INTEGER PRIMARY KEY, generation INTEGER, "
		"sealed BLOB);";
	char fill[300];
	sqlite3 *db;

	user_begin();
	(void)snprintf(fill, sizeof(fill),
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO records SELECT i, 1 + i %% 3, x'00' FROM n",
		rows);
	if (sqlite3_open(user_path, &db) != SQLITE_OK ||
		sqlite3_exec(db, make, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_exec(db, fill, NULL, NULL, NULL) != SQLITE_OK)
		test_fail(__FILE__, __LINE__, "no database");
	(void)sqlite3_close(db);
}

TEST(it_ends_in_time)
{
	make_vault(IDS, 200);
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	leap_s = 60;
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_TIMEOUT);
	CHECK(strstr(why.text, user_path) != NULL);
	leap_s = 0;
	late_at_a_database(20000);
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	CHECK_EQ(status.records, 20000);
	leap_s = 60;
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_TIMEOUT);
	leap_s = 0;
}

/* ---- what was not of one moment, or is not durable ---- */

TEST(what_is_not_durable_is_not_believed)
{
	make_vault(IDS, 200);
	syscut_fail_syncs(1);
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_IO);
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	CHECK_EQ(status.records, IDS);
}

static unsigned changes, changed;

static bool whole;

/* Somebody begins a sector: here, writes into the header of one that does not count; or the whole header of one without entries. */
static void change(void)
{
	uint8_t bytes[ROTA_VAULT_HEADER_LEN] = { (uint8_t)++changed };
	struct iovec all = { bytes, whole ? sizeof(bytes) : 1 };
	int fd = changed <= changes ? open(user_path, O_WRONLY | O_CLOEXEC) : -1;

	if (whole)
		header(bytes, 2 + changed);
	if (fd >= 0 && pwritev(fd, &all, 1, 3 * LEN) != (ssize_t)all.iov_len)
		test_fail(__FILE__, __LINE__, "not written");
	if (fd >= 0)
		(void)close(fd);
}

TEST(what_changes_is_looked_at_again_and_not_for_ever)
{
	make_vault(IDS, 200);
	changes = LOOKS - 1;
	changed = 0;
	syscut_meanwhile(change);
	CHECK_OK(rota_vault_status(user_path, &status, &why));
	CHECK_EQ(status.records, IDS);
	CHECK_EQ(changed, LOOKS);
	changes = 1000;
	changed = 0;
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_BUSY);
	CHECK_EQ(changed, LOOKS);
	ROW("each header is whole, and of another sequence");
	whole = true;
	changed = 0;
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_BUSY);
	CHECK_EQ(changed, LOOKS);
	syscut_meanwhile(NULL);
}

/* Three sectors without entries; the newest begins to read as one of before. */
static unsigned readings, reads;

static enum rota_err read_moved(void *ctx, uint32_t off, struct rota_buf to)
{
	uint8_t bytes[ROTA_VAULT_HEADER_LEN];
	uint32_t sector = off / LEN;

	(void)ctx;
	if (++reads > READS_MOST)
		return ROTA_ERR_TIMEOUT;
	memset(to.p, 0xFF, to.len);
	if (off % LEN != 0)
		return ROTA_OK;
	if (sector == 2 && readings > 0)
		readings--;
	header(bytes, sector == 2 && readings == 0 ? 1 : 1 + sector);
	memcpy(to.p, bytes, to.len < sizeof(bytes) ? to.len : sizeof(bytes));
	return ROTA_OK;
}

static enum rota_err sync_nothing(void *ctx)
{
	(void)ctx;
	return ROTA_OK;
}

static enum rota_err open_moving(unsigned when)
{
	static struct rota_vault_place index[16];
	static uint8_t record[ROTA_VAULT_ROOM(100)];
	static struct rota_vault_turn turns[3];
	static struct rota_vault v;
	static const struct rota_vault_keys none;
	const struct rota_record_opening opening = { { 0 }, 0, 0 };
	const struct rota_flash flash = { .run = { { LEN, 3 } },
		.write_len = 8,
		.erased = 0xFF,
		.read = read_moved,
		.sync = sync_nothing };
	const struct rota_vault_config c = { .flash = &flash,
		.keys = &none,
		.index = index,
		.index_len = 16,
		.turns = turns,
		.record = ROTA_BUF(record) };

	readings = when;
	reads = 0;
	return rota_vault_open(&v, &c, &opening);
}

TEST(a_sector_that_becomes_another_is_not_walked_for_ever)
{
	unsigned busy = 0;

	for (unsigned when = 1; when < 30; when++) {
		enum rota_err err = open_moving(when);

		CHECK(err == ROTA_OK || err == ROTA_ERR_BUSY || err == ROTA_ERR_IO);
		busy += err == ROTA_ERR_BUSY;
	}
	CHECK(busy > 0);
	CHECK_OK(open_moving(1000));
}

/* ---- what is something else ---- */

TEST(a_view_is_no_table_of_records)
{
	sqlite3 *db;

	user_begin();
	CHECK_EQ(sqlite3_open(user_path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db,
			 "CREATE VIEW records AS SELECT 1 AS id, 9 AS generation, x'' AS sealed",
			 NULL, NULL, NULL),
		SQLITE_OK);
	(void)sqlite3_close(db);
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_CORRUPT);
}

TEST(a_column_that_is_worked_out_is_none_of_records)
{
	sqlite3 *db;

	user_begin();
	CHECK_EQ(sqlite3_open(user_path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db,
			 "CREATE TABLE records(id INTEGER PRIMARY KEY, sealed BLOB, generation "
			 "INTEGER AS (length(hex(zeroblob(id))) / id) VIRTUAL);"
			 "INSERT INTO records(id) VALUES(1000)",
			 NULL, NULL, NULL),
		SQLITE_OK);
	(void)sqlite3_close(db);
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_FORMAT);
}

/* Bytes that are not there give no time. */
TEST(a_file_with_holes_is_looked_at_no_longer)
{
	time_t before;

	make_vault(IDS, 200);
	CHECK_EQ(truncate(user_path, (off_t)2000 * LEN), 0);
	before = ahead_s;
	leap_s = 1; /* of 72 for so many bytes: each reading takes one */
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_TIMEOUT);
	CHECK(ahead_s - before < 40);
	leap_s = 0;
}

static bool swapped;

/* SQLite is done with the file: its maker puts a pipe there that nobody writes to. */
static int close_and_swap(int fd)
{
	struct stat here, there;
	bool ours = fstat(fd, &here) == 0 && stat(user_path, &there) == 0 &&
		here.st_ino == there.st_ino && here.st_dev == there.st_dev;
	int rc = close(fd);

	if (ours && !swapped)
		swapped = remove(user_path) == 0 && mkfifo(user_path, 0600) == 0;
	return rc;
}

TEST(a_pipe_in_its_place_holds_nobody_up)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	make_vault(IDS, 200);
	CHECK_EQ(vfs->xSetSystemCall(vfs, "close", (sqlite3_syscall_ptr)close_and_swap), SQLITE_OK);
	(void)alarm(60); /* for a call that should not wait at all */
	CHECK_EQ(rota_vault_status(user_path, &status, &why), ROTA_ERR_CORRUPT);
	(void)alarm(0);
	CHECK(swapped);
	CHECK_EQ(vfs->xSetSystemCall(vfs, "close", NULL), SQLITE_OK);
	tempdir_remove();
}

TESTS(T(it_takes_the_time_of_a_reading_in_whatever_order_sectors_lie),
	T(the_order_of_sectors_is_that_of_their_sequences), T(it_ends_in_time),
	T(what_is_not_durable_is_not_believed), T(what_changes_is_looked_at_again_and_not_for_ever),
	T(a_sector_that_becomes_another_is_not_walked_for_ever), T(a_view_is_no_table_of_records),
	T(a_column_that_is_worked_out_is_none_of_records),
	T(a_file_with_holes_is_looked_at_no_longer), T(a_pipe_in_its_place_holds_nobody_up))
