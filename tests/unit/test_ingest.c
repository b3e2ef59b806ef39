/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest journal on a real directory: what is acknowledged stays, what was torn goes, damage is named. */
#include "host/base/crc.h"
#include "host/ingest/journal.h"
#include "rota/base/crc32.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEGMENT "0000000001.seg"

static char dir[64];
static struct rota_ingest_fault fault;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void clear(void)
{
	if (dir[0] != '\0')
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	dir[0] = '\0';
}

static void fresh(void)
{
	clear();
	strcpy(dir, "/tmp/rota-ingest.XXXXXX");
	if (mkdtemp(dir) == NULL)
		abort();
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static long size_of(const char *name)
{
	struct stat st;

	return stat(path_of(name), &st) == 0 ? (long)st.st_size : -1;
}

/* Where the records of the only segment end; the file may be longer. */
static long end_of_records(void)
{
	struct rota_ingest_stats stats;

	return rota_ingest_check(dir, &stats, &fault) == ROTA_OK
		? ROTA_SEGMENT_HEADER_LEN + (long)stats.bytes
		: -1;
}

static struct rota_ingest *journal_open(void)
{
	struct rota_ingest *j = NULL;

	return rota_ingest_open(dir, ROTA_SEGMENT_MIN, &j, &fault) == ROTA_OK ? j : NULL;
}

static enum rota_err put(struct rota_ingest *j, const char *text)
{
	struct rota_record r = {
		.type = ROTA_RECORD_REPORT, .time_ms = 77, .payload = rota_span_cstr(text)
	};

	memset(r.device, 0xd1, sizeof(r.device));
	return rota_ingest_append(j, &r);
}

static uint64_t count(const char *want_last)
{
	struct rota_cursor *c = NULL;
	struct rota_record r;
	uint64_t n = 0;
	bool same = want_last == NULL;

	if (rota_cursor_open(dir, 0, &c, &fault) != ROTA_OK)
		return 0;
	while (rota_cursor_next(c, &r, &fault) == ROTA_OK) {
		if (r.type == ROTA_RECORD_CLOSE)
			continue;
		n++;
		if (want_last != NULL)
			same = rota_span_eq(r.payload, rota_span_cstr(want_last));
	}
	rota_cursor_close(c);
	return same ? n : 1000000;
}

TEST(two_ways_to_the_same_crc)
{
	uint8_t data[64];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 167 + 13);
	for (size_t from = 0; from < 9; from++)
		for (size_t len = 0; from + len <= sizeof(data); len++)
			CHECK_EQ(rota_crc32_fast(0, rota_span(data + from, len)),
				rota_crc32(0, rota_span(data + from, len)));
	CHECK_EQ(rota_crc32_fast(0, ROTA_STR("123456789")),
		0xCBF43926); /* the standard's check value */
}

TEST(record_comes_back_as_it_went)
{
	uint8_t room[256];
	struct rota_record in = { .sequence = 5,
		.durable = 4,
		.time_ms = 1700000000123,
		.type = ROTA_RECORD_REPORT,
		.payload = ROTA_STR("{}") },
			   out;
	size_t len, got;

	memset(in.device, 0xab, sizeof(in.device));
	CHECK_OK(rota_record_encode(&in, ROTA_BUF(room), &len));
	CHECK_EQ(len, ROTA_RECORD_HEAD_LEN + 2 + ROTA_RECORD_TAIL_LEN);
	CHECK_OK(rota_record_decode(rota_span(room, len), &out, &got));
	CHECK_EQ(got, len);
	CHECK_EQ(out.sequence, 5);
	CHECK_EQ(out.durable, 4);
	CHECK_EQ(out.time_ms, 1700000000123);
	CHECK_MEM(out.device, in.device, sizeof(in.device));
	CHECK(rota_span_eq(out.payload, ROTA_STR("{}")));
	for (size_t i = 0; i < len; i++)
		CHECK(rota_record_decode(rota_span(room, i), &out, &got) != ROTA_OK);
	for (size_t bit = 0; bit < len * 8; bit++) {
		room[bit / 8] ^= (uint8_t)(1U << bit % 8);
		CHECK(rota_record_decode(rota_span(room, len), &out, &got) != ROTA_OK);
		room[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

TEST(what_is_committed_is_there_after_reopening)
{
	struct rota_ingest *j;

	fresh();
	j = journal_open();
	CHECK(j != NULL);
	CHECK_OK(put(j, "one"));
	CHECK_OK(put(j, "two"));
	CHECK_EQ(rota_ingest_durable(j), 0); /* gathered is not durable */
	CHECK_EQ(count(NULL), 0);
	CHECK_OK(rota_ingest_commit(j, &fault));
	CHECK_EQ(rota_ingest_durable(j), 2);
	CHECK_EQ(count("two"), 2);
	CHECK_OK(rota_ingest_close(j, &fault));
	j = journal_open();
	CHECK(j != NULL);
	CHECK_EQ(rota_ingest_durable(j), 3); /* with the closing record */
	CHECK_OK(put(j, "three"));
	CHECK_OK(rota_ingest_close(j, &fault)); /* commits what is gathered */
	CHECK_EQ(count("three"), 3);
	clear();
}

TEST(second_writer_is_refused)
{
	struct rota_ingest *j, *other;

	fresh();
	j = journal_open();
	CHECK(j != NULL);
	CHECK_EQ(rota_ingest_open(dir, ROTA_SEGMENT_MIN, &other, &fault), ROTA_ERR_BUSY);
	CHECK_OK(rota_ingest_close(j, &fault));
	clear();
}

/* Three committed records, no closing one; *last is where the third begins. */
static bool three(long *last)
{
	struct rota_ingest *j;
	const char *text[] = { "one", "two", "three" };

	fresh();
	j = journal_open();
	for (size_t i = 0; j != NULL && i < 3; i++) {
		*last = end_of_records();
		if (put(j, text[i]) != ROTA_OK || rota_ingest_commit(j, &fault) != ROTA_OK)
			return false;
	}
	if (j == NULL || rota_ingest_close(j, &fault) != ROTA_OK)
		return false;
	/* As if killed: the closing record never came. */
	return truncate(path_of(SEGMENT), size_of(SEGMENT) - 68) == 0;
}

TEST(torn_tail_is_cut_off_at_every_byte)
{
	long last = 0, end;

	CHECK(three(&last));
	end = size_of(SEGMENT);
	for (long at = end - 1; at >= last; at--) {
		struct rota_ingest_stats stats;
		struct rota_ingest *j;

		CHECK(three(&last));
		CHECK(truncate(path_of(SEGMENT), at) == 0);
		CHECK_OK(rota_ingest_check(dir, &stats, &fault));
		CHECK_EQ(stats.records, 2);
		CHECK(stats.torn <= (uint64_t)(at - last)); /* zeros at its end are not counted */
		j = journal_open();
		CHECK(j != NULL);
		CHECK_EQ(size_of(SEGMENT), last);
		CHECK_EQ(rota_ingest_durable(j), 2);
		CHECK_OK(put(j, "again"));
		CHECK_OK(rota_ingest_close(j, &fault));
		CHECK_EQ(count("again"), 3);
	}
	clear();
}

/* Two records, and a third of text[2] that begins at *last, by a writer that is killed then. */
static bool killed(long *last)
{
	int status = -1;
	pid_t child;

	fresh();
	child = fork();
	if (child == 0) {
		struct rota_ingest *j = journal_open();
		bool well = j && put(j, "one") == ROTA_OK && put(j, "two") == ROTA_OK &&
			rota_ingest_commit(j, &fault) == ROTA_OK && put(j, "three") == ROTA_OK &&
			rota_ingest_commit(j, &fault) == ROTA_OK;

		_exit(well ? 0 : 1);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return false;
	*last = end_of_records() - ROTA_RECORD_HEAD_LEN - ROTA_RECORD_TAIL_LEN - 5;
	return true;
}

static bool zero_from(long at)
{
	static const uint8_t zeros[ROTA_SEGMENT_MIN];
	int fd = open(path_of(SEGMENT), O_RDWR);
	bool ok = fd >= 0 && pwrite(fd, zeros, sizeof(zeros) - (size_t)at, at) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The file had its length before the record came into it: of a torn write any part is there, and zeros. */
TEST(torn_tail_before_zeros_is_cut_off_at_every_byte)
{
	long last = 0, end;

	CHECK(killed(&last));
	CHECK_EQ(size_of(SEGMENT), ROTA_SEGMENT_MIN);
	CHECK_EQ(count("three"), 3);
	end = end_of_records();
	for (long at = end - 1; at >= last; at--) {
		struct rota_ingest_stats stats;
		struct rota_ingest *j;

		CHECK(killed(&last));
		CHECK(zero_from(at));
		CHECK_OK(rota_ingest_check(dir, &stats, &fault));
		CHECK_EQ(stats.records, 2);
		CHECK(stats.torn <=
			(uint64_t)(at - last)); /* a byte before the cut may be zero, too */
		j = journal_open();
		CHECK(j != NULL);
		CHECK_EQ(size_of(SEGMENT), last);
		CHECK_EQ(rota_ingest_durable(j), 2);
		CHECK_OK(put(j, "again"));
		CHECK_OK(rota_ingest_close(j, &fault));
		CHECK_EQ(count("again"), 3);
		CHECK_EQ(size_of(SEGMENT), end_of_records());
	}
	clear();
}

/* Zeros where a record was that a later one vouches for are no end. */
TEST(zeros_over_a_durable_record_are_damage)
{
	static const uint8_t zeros[8];
	struct rota_ingest_stats stats;
	struct rota_cursor *c;
	struct rota_record r;
	uint64_t torn;
	long last = 0;
	int fd;

	CHECK(killed(&last));
	fd = open(path_of(SEGMENT), O_RDWR);
	CHECK_EQ(pwrite(fd, zeros, sizeof(zeros), ROTA_SEGMENT_HEADER_LEN), sizeof(zeros));
	close(fd);
	CHECK_EQ(rota_ingest_check(dir, &stats, &fault), ROTA_ERR_CORRUPT);
	CHECK_OK(rota_cursor_open(dir, 0, &c, &fault));
	CHECK_EQ(rota_cursor_next(c, &r, &fault), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_cursor_judge_end(c, ROTA_ERR_NOT_FOUND, &torn, &fault), ROTA_ERR_CORRUPT);
	rota_cursor_close(c);
	clear();
}

static bool flip(long at)
{
	int fd = open(path_of(SEGMENT), O_RDWR);
	uint8_t byte;
	bool ok = fd >= 0 && pread(fd, &byte, 1, at) == 1;

	byte = (uint8_t)(ok ? byte ^ 0x10 : 0);
	ok = ok && pwrite(fd, &byte, 1, at) == 1;
	if (fd >= 0)
		close(fd);
	return ok;
}

TEST(damage_before_a_durable_record_is_named)
{
	long last = 0;
	struct rota_ingest *j;
	struct rota_ingest_stats stats;

	CHECK(three(&last));
	for (long at = ROTA_SEGMENT_HEADER_LEN; at < last; at++) {
		CHECK(flip(at));
		CHECK_EQ(rota_ingest_open(dir, ROTA_SEGMENT_MIN, &j, &fault), ROTA_ERR_CORRUPT);
		CHECK(strcmp(fault.file, SEGMENT) == 0);
		CHECK(fault.offset <= (uint64_t)at);
		CHECK(fault.offset + 80 > (uint64_t)at); /* the very record */
		CHECK_EQ(rota_ingest_check(dir, &stats, &fault), ROTA_ERR_CORRUPT);
		CHECK(flip(at));
	}
	for (long at = 0; at < ROTA_SEGMENT_HEADER_LEN; at++) {
		CHECK(flip(at));
		CHECK_EQ(rota_ingest_open(dir, ROTA_SEGMENT_MIN, &j, &fault), ROTA_ERR_CORRUPT);
		CHECK_EQ(fault.offset, 0);
		CHECK(flip(at));
	}
	CHECK_EQ(rota_ingest_check(dir, &stats, &fault), ROTA_OK);
	clear();
}

/* Pages of one write reach the disk in any order: a hole, then a whole record of the same group. */
TEST(hole_in_the_last_group_is_torn_too)
{
	struct rota_ingest *j;
	struct rota_ingest_stats stats;
	long start;

	fresh();
	j = journal_open();
	CHECK(j != NULL);
	CHECK_OK(put(j, "one"));
	CHECK_OK(rota_ingest_commit(j, &fault));
	start = end_of_records();
	CHECK_OK(put(j, "two"));
	CHECK_OK(put(j, "three"));
	CHECK_OK(rota_ingest_commit(j, &fault));
	CHECK_OK(rota_ingest_close(j, &fault));
	CHECK(truncate(path_of(SEGMENT), size_of(SEGMENT) - 68) == 0);
	CHECK(flip(start + 10));
	CHECK_OK(rota_ingest_check(dir, &stats, &fault));
	CHECK_EQ(stats.records, 1);
	j = journal_open();
	CHECK(j != NULL);
	CHECK_EQ(size_of(SEGMENT), start);
	CHECK_OK(rota_ingest_close(j, &fault));
	clear();
}

static bool fill_segments(struct rota_ingest *j, int records)
{
	static char big[20001];

	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < records; i++)
		if (put(j, big) != ROTA_OK || rota_ingest_commit(j, &fault) != ROTA_OK)
			return false;
	return true;
}

TEST(segments_turn_and_old_ones_are_dropped)
{
	struct rota_ingest *j;
	struct rota_cursor *c;
	struct rota_record r;

	fresh();
	j = journal_open();
	CHECK(j != NULL);
	CHECK(fill_segments(j, 20)); /* six to a segment */
	CHECK(size_of("0000000004.seg") > 0);
	CHECK(size_of(SEGMENT) <= (long)ROTA_SEGMENT_MIN);
	CHECK_EQ(count(NULL), 20);
	CHECK_OK(rota_cursor_open(dir, 13, &c, &fault));
	CHECK_OK(rota_cursor_next(c, &r, &fault));
	CHECK_EQ(r.sequence, 13);
	rota_cursor_close(c);
	CHECK_OK(rota_ingest_drop(j, 11, 1, &fault)); /* record 12 ends segment 2 */
	CHECK_EQ(size_of(SEGMENT), -1);
	CHECK(size_of("0000000002.seg") > 0);
	CHECK_OK(rota_ingest_drop(j, 20, 2, &fault));
	CHECK_EQ(size_of("0000000002.seg"), -1);
	CHECK(size_of("0000000003.seg") > 0);
	CHECK_EQ(rota_cursor_open(dir, 5, &c, &fault), ROTA_ERR_VERSION);
	CHECK_OK(rota_ingest_drop(j, 20, 0, &fault)); /* the newest always stays */
	CHECK(size_of("0000000004.seg") > 0);
	CHECK_OK(rota_ingest_close(j, &fault));
	clear();
}

TEST(missing_or_damaged_old_segment_is_an_error)
{
	struct rota_ingest *j;
	struct rota_ingest_stats stats;

	fresh();
	j = journal_open();
	CHECK(j != NULL && fill_segments(j, 20));
	CHECK_OK(rota_ingest_close(j, &fault));
	CHECK(truncate(path_of("0000000002.seg"), size_of("0000000002.seg") - 1) == 0);
	CHECK_EQ(rota_ingest_check(dir, &stats, &fault), ROTA_ERR_CORRUPT);
	CHECK(strcmp(fault.file, "0000000002.seg") == 0);
	CHECK(unlink(path_of("0000000002.seg")) == 0);
	CHECK_EQ(rota_ingest_open(dir, ROTA_SEGMENT_MIN, &j, &fault), ROTA_ERR_CORRUPT);
	clear();
}

/* A limit on file size stands for the full disk: the same write fails, half of it done. */
TEST(full_disk_refuses_and_stays_valid)
{
	struct rlimit old, small;
	struct rota_ingest *j;
	long before;

	fresh();
	j = journal_open();
	CHECK(j != NULL);
	CHECK(fill_segments(j, 2));
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ .rlim_cur = 50000, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	before = end_of_records();
	CHECK(!fill_segments(j, 1));
	CHECK_EQ(size_of(SEGMENT), before); /* the half that was written is gone again */
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK_EQ(fault.sys, EFBIG);
	CHECK_EQ(rota_ingest_durable(j), 2);
	CHECK_EQ(count(NULL), 2);
	CHECK_OK(put(j, "room again"));
	CHECK_OK(rota_ingest_commit(j, &fault));
	CHECK_OK(rota_ingest_close(j, &fault));
	CHECK_EQ(count("room again"), 3);
	clear();
}

TEST(reader_follows_a_writer_across_segments)
{
	struct rota_ingest *j;
	struct rota_cursor *c;
	struct rota_record r;

	fresh();
	j = journal_open();
	CHECK(j != NULL);
	CHECK_OK(rota_cursor_open(dir, 0, &c, &fault));
	CHECK_EQ(rota_cursor_next(c, &r, &fault), ROTA_ERR_NOT_FOUND);
	for (uint64_t i = 1; i <= 20; i++) {
		CHECK(fill_segments(j, 1));
		CHECK_OK(rota_cursor_next(c, &r, &fault));
		CHECK_EQ(r.sequence, i);
		CHECK_EQ(rota_cursor_next(c, &r, &fault), ROTA_ERR_NOT_FOUND);
	}
	rota_cursor_close(c);
	CHECK_OK(rota_ingest_close(j, &fault));
	clear();
}

TESTS(T(two_ways_to_the_same_crc), T(record_comes_back_as_it_went),
	T(what_is_committed_is_there_after_reopening), T(second_writer_is_refused),
	T(torn_tail_is_cut_off_at_every_byte), T(torn_tail_before_zeros_is_cut_off_at_every_byte),
	T(zeros_over_a_durable_record_are_damage), T(damage_before_a_durable_record_is_named),
	T(hole_in_the_last_group_is_torn_too), T(segments_turn_and_old_ones_are_dropped),
	T(missing_or_damaged_old_segment_is_an_error), T(full_disk_refuses_and_stays_valid),
	T(reader_follows_a_writer_across_segments))
