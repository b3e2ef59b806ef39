/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"
#include "host/base/feed.h"
#include "host/base/file.h"
#include "host/base/ini.h"
#include "host/base/when.h"
#include "rota/codec/time.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rota_fail why;

TEST(durations)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t seconds;
	} rows[] = {
		{ "0", true, 0 },
		{ "90s", true, 90 },
		{ "10m", true, 600 },
		{ "24h", true, 86400 },
		{ "365d", true, 31536000 },
		{ "7", true, 7 },
		{ "", false, 0 },
		{ "h", false, 0 },
		{ "-1h", false, 0 },
		{ "1 h", false, 0 },
		{ "1hh", false, 0 },
		{ "1w", false, 0 },
		{ "36601d", false, 0 },
		{ "99999999999999999999", false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t seconds = 0;

		ROW(rows[i].text);
		CHECK_EQ(rota_duration_parse(rows[i].text, &seconds), rows[i].good);
		if (rows[i].good)
			CHECK_EQ(seconds, rows[i].seconds);
	}
}

TEST(times_go_round)
{
	static const uint64_t times[] = { 0, 951782400, 1700000000, 4102444799, ROTA_TIME_MAX };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[ROTA_WHEN_LEN];
		uint64_t back;

		rota_when_text(times[i], text);
		ROW(text);
		CHECK(rota_when_parse(text, &back));
		CHECK_EQ(back, times[i]);
	}
}

TEST(times_refused)
{
	static const char *const rows[] = { "", "2026-02-29T00:00:00Z", "2026-01-01T00:00:60Z",
		"2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00",
		"2026-1-01T00:00:00Z0" };
	uint64_t back;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i]);
		CHECK(!rota_when_parse(rows[i], &back));
	}
}

TEST(hex)
{
	uint8_t out[2];
	char text[5];

	CHECK(rota_unhex("00ff", ROTA_BUF(out)));
	rota_hex(ROTA_SPAN(out), text);
	CHECK(strcmp(text, "00ff") == 0);
	CHECK(!rota_unhex("00FF", ROTA_BUF(out)));
	CHECK(!rota_unhex("00f", ROTA_BUF(out)));
	CHECK(!rota_unhex("00ff0", ROTA_BUF(out)));
	CHECK(!rota_unhex("00fg", ROTA_BUF(out)));
	CHECK(!rota_unhex(NULL, ROTA_BUF(out)));
}

static char dir[] = "/tmp/rota-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int count_files(void)
{
	DIR *d = opendir(dir);
	int count = 0;

	while (d && readdir(d))
		count++;
	closedir(d);
	return count - 2;
}

TEST(files_are_whole)
{
	struct rota_bytes back;
	struct rota_draft d;
	struct stat st;

	CHECK_OK(rota_file_write(in_dir("f"), ROTA_STR("one"), 0640, &why));
	CHECK_OK(rota_file_write(in_dir("f"), ROTA_STR("two"), 0600, &why));
	CHECK_OK(rota_file_read(in_dir("f"), 3, &back, &why));
	CHECK(rota_span_eq(rota_bytes_span(&back), ROTA_STR("two")));
	rota_bytes_free(&back);
	CHECK(stat(in_dir("f"), &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK_EQ(rota_file_read(in_dir("f"), 2, &back, &why), ROTA_ERR_LIMIT);
	CHECK_EQ(rota_file_read(in_dir("none"), 2, &back, &why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_file_read(dir, 2, &back, &why), ROTA_ERR_IO);
	CHECK_OK(rota_draft_open(&d, dir, 0600, &why));
	CHECK_OK(rota_draft_write(&d, ROTA_STR("three"), &why));
	CHECK_EQ(count_files(), 2);
	rota_draft_drop(&d);
	CHECK_EQ(count_files(), 1);
	CHECK_EQ(rota_file_write(in_dir("f/g"), ROTA_STR("x"), 0600, &why), ROTA_ERR_IO);
}

static bool holds(const char *name, const char *text)
{
	struct rota_bytes back;
	bool same = rota_file_read(in_dir(name), 4096, &back, &why) == ROTA_OK &&
		rota_span_eq(rota_bytes_span(&back), rota_span_cstr(text));

	rota_bytes_free(&back);
	return same;
}

TEST(lines_are_whole)
{
	const struct rlimit small = { 6, RLIM_INFINITY };
	struct rlimit usual;

	CHECK_OK(rota_file_append(in_dir("log"), ROTA_STR("one\n"), 0600, &why));
	CHECK_OK(rota_file_write(in_dir("log"), ROTA_STR("one\ntw"), 0600, &why));
	CHECK_OK(rota_file_append(in_dir("log"), ROTA_STR("3\n"), 0600, &why));
	CHECK(holds("log", "one\n3\n"));
	/* no room for all of it: nothing of it is there */
	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &usual) == 0);
	CHECK_OK(rota_file_write(in_dir("log"), ROTA_STR("one\n"), 0600, &why));
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK_EQ(rota_file_append(in_dir("log"), ROTA_STR("two\n"), 0600, &why), ROTA_ERR_IO);
	CHECK(setrlimit(RLIMIT_FSIZE, &usual) == 0);
	CHECK(holds("log", "one\n"));
	CHECK(symlink("log", in_dir("link")) == 0);
	CHECK(rota_file_append(in_dir("link"), ROTA_STR("x\n"), 0600, &why) != ROTA_OK);
	CHECK(holds("log", "one\n"));
}

TEST(directories_made_anew)
{
	CHECK_OK(rota_file_mkdir_anew(in_dir("new"), 0700, &why));
	CHECK_OK(rota_file_write(in_dir("new/f"), ROTA_STR("x"), 0600, &why));
	CHECK_OK(rota_file_mkdir_anew(in_dir("new"), 0700, &why));
	CHECK(!rota_file_exists(in_dir("new/f")));
	CHECK(symlink(".", in_dir("other")) == 0);
	CHECK_EQ(rota_file_mkdir_anew(in_dir("other"), 0700, &why), ROTA_ERR_DENIED);
	CHECK(rota_file_exists(in_dir("new")));
	if (geteuid() == 0) {
		CHECK(chown(in_dir("new"), 65534, 65534) == 0);
		CHECK_EQ(rota_file_mkdir_anew(in_dir("new"), 0700, &why), ROTA_ERR_DENIED);
	}
}

TEST(a_fifo_is_no_file)
{
	struct rota_bytes back;
	struct stat st;

	CHECK(mkfifo(in_dir("fifo"), 0600) == 0);
	CHECK_EQ(rota_file_read(in_dir("fifo"), 2, &back, &why), ROTA_ERR_IO);
	CHECK_EQ(rota_file_write(in_dir("fifo"), rota_span_cstr("x"), 0600, &why), ROTA_ERR_DENIED);
	CHECK(strstr(why.text, "is not replaced") != NULL);
	CHECK(lstat(in_dir("fifo"), &st) == 0 && S_ISFIFO(st.st_mode));
}

/* What rota_feed_file() gives out, and how often it may. */
struct fed {
	size_t len, pieces, pieces_max;
	uint64_t sum, told;
};

static enum rota_err take(void *ctx, struct rota_span piece)
{
	struct fed *f = ctx;

	for (size_t i = 0; i < piece.len; i++)
		f->sum += (f->len + i + 1) * piece.p[i];
	f->len += piece.len;
	return ++f->pieces < f->pieces_max ? ROTA_OK : ROTA_ERR_STATE;
}

static void step(void *ctx, uint64_t done, uint64_t total)
{
	((struct fed *)ctx)->told = done * 10 / total;
}

TEST(a_file_in_pieces)
{
	static uint8_t bytes[600 * 1000];
	struct fed all = { .pieces_max = 99 }, some = { .pieces_max = 2 }, none = { 0 };
	const struct rota_progress progress = { &all, step };
	const char *path = in_dir("long");
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 7 / 3);
		sum += (i + 1) * bytes[i];
	}
	CHECK_OK(rota_file_write(path, ROTA_SPAN(bytes), 0644, &why));
	CHECK_OK(rota_feed_file(path, &progress, &all, take, &why));
	CHECK_EQ(all.len, sizeof(bytes));
	CHECK_EQ(all.sum, sum);
	CHECK_EQ(all.told, 10);
	CHECK_EQ(rota_feed_file(path, NULL, &some, take, &why), ROTA_ERR_STATE);
	CHECK_EQ(some.pieces, 2);
	CHECK_EQ(rota_feed_file(dir, NULL, &none, take, &why), ROTA_ERR_IO);
	CHECK(strstr(why.text, "is not a regular file") != NULL);
	CHECK_EQ(none.pieces, 0);
	CHECK(unlink(path) == 0);
}

TEST(one_lock)
{
	int first, second;

	CHECK_OK(rota_lock_take(in_dir("lock"), 0, &first, &why));
	CHECK_EQ(rota_lock_take(in_dir("lock"), 0, &second, &why), ROTA_ERR_BUSY);
	close(first);
	CHECK_OK(rota_lock_take(in_dir("lock"), 0, &second, &why));
	close(second);
}

TEST(ini_answers)
{
	struct rota_ini ini;
	uint64_t number;
	const char *value;

	CHECK_OK(rota_file_write(in_dir("i"),
		ROTA_STR("[a]\nx = 1 ; said so\nlist = one\n  two\n[slot app]\ny = 7\n[slot b]\nz "
			 "= 8\n"),
		0600, &why));
	CHECK_OK(rota_ini_load(in_dir("i"), &ini, &why));
	CHECK(strcmp(rota_ini_get(&ini, "a", "x"), "1") == 0);
	CHECK(strcmp(rota_ini_get(&ini, "a", "list"), "one two") == 0);
	CHECK(rota_ini_get(&ini, "a", "y") == NULL);
	CHECK_EQ(rota_ini_need(&ini, "a", "y", &value, &why), ROTA_ERR_FORMAT);
	CHECK_OK(rota_ini_number(&ini, "slot app", "y", 0, 7, 0, &number, &why));
	CHECK_EQ(number, 7);
	CHECK_EQ(rota_ini_number(&ini, "slot app", "y", 0, 6, 0, &number, &why), ROTA_ERR_FORMAT);
	CHECK(strcmp(rota_ini_section(&ini, "slot", 1), "b") == 0);
	CHECK(rota_ini_section(&ini, "slot", 2) == NULL);
	CHECK_EQ(rota_ini_all_used(&ini, &why), ROTA_ERR_FORMAT);
	CHECK(strstr(why.text, "[slot b] z") != NULL);
	rota_ini_free(&ini);
}

TEST(ini_refused)
{
	static char comment[260], value[260], name[80];
	const struct {
		const char *reason, *text, *says;
		size_t len; /* 0: up to the NUL */
	} rows[] = {
		{ "twice, one behind the other", "[a]\nx = 1\nx = 2\n", "line 3: [a] x stands", 0 },
		{ "twice, apart", "[a]\nx = 1\ny = 1\nx = 2\n", "line 4: [a] x stands", 0 },
		{ "twice, the section too", "[a]\nx = 1\n[b]\ny = 1\n[a]\nx: 2\n", "line 6", 0 },
		{ "a NUL hides what follows", "[a]\nx = 1\n\0y = 1\n", "NUL", 17 },
		{ "the end of a comment is no setting", comment, "line 1 has more than", 0 },
		{ "a value would be cut", value, "line 2 has more than", 0 },
		{ "a section's name would be cut", name, "line 1: a section's name", 0 },
	};

	snprintf(comment, sizeof(comment), "; %0197dx = 1\n[a]\ny = 1\n", 0);
	snprintf(value, sizeof(value), "[a]\nx = %0200d\n", 0);
	snprintf(name, sizeof(name), "[slot %045d]\nx = 1\n", 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);
		struct rota_ini ini;

		ROW(rows[i].reason);
		CHECK_OK(rota_file_write(in_dir("i"), rota_span(rows[i].text, len), 0600, &why));
		CHECK_EQ(rota_ini_load(in_dir("i"), &ini, &why), ROTA_ERR_FORMAT);
		CHECK(strstr(why.text, rows[i].says) != NULL);
	}
}

TEST(ini_repeats_that_are_none)
{
	struct rota_ini ini;

	CHECK_OK(rota_file_write(in_dir("i"),
		ROTA_STR("[a]\nx = 1\n  x = 2\n[b]\nx = 3\nxx = 4\n;x = 5\n"), 0600, &why));
	CHECK_OK(rota_ini_load(in_dir("i"), &ini, &why));
	CHECK(strcmp(rota_ini_get(&ini, "a", "x"), "1 x = 2") == 0);
	rota_ini_free(&ini);
}

TEST(sentences)
{
	static const char *const rows[][2] = {
		{ "a\x1B[2Jb\x7F", "a?[2Jb?" },
		{ "\xC2\x9B"
		  "2J\xC2\xA0\xC3\xBC",
			"??2J\xC2\xA0\xC3\xBC" },
		{ "\xE2\x80\x8B\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\xA8\xD8\x9C.", "??????????????." },
		{ "\xE2\x80\x93\xE2\x82\xAC\xE2", "\xE2\x80\x93\xE2\x82\xAC\xE2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(rota_fail(&why, ROTA_ERR_HASH, "%s", rows[i][0]), ROTA_ERR_HASH);
		CHECK(strcmp(why.text, rows[i][1]) == 0);
	}
	CHECK_EQ(rota_fail(&why, ROTA_ERR_HASH, "a%sb", "\n"), ROTA_ERR_HASH);
	CHECK(strcmp(why.text, "a?b") == 0);
	CHECK_EQ(rota_fail_in(&why, "file %d", 7), ROTA_ERR_HASH);
	CHECK(strcmp(why.text, "file 7: a?b") == 0);
	CHECK_EQ(rota_fail_errno(&why, 28, "disk"), ROTA_ERR_FULL);
	CHECK(strcmp(why.text, "disk: No space left on device") == 0);
}

TEST(tidy)
{
	rota_file_remove_tree(dir);
	CHECK(!rota_file_exists(dir));
}

TEST(room)
{
	CHECK(mkdtemp(dir) != NULL);
}

TESTS(T(room), T(durations), T(times_go_round), T(times_refused), T(hex), T(files_are_whole),
	T(lines_are_whole), T(directories_made_anew), T(a_fifo_is_no_file), T(a_file_in_pieces),
	T(one_lock), T(ini_answers), T(ini_refused), T(ini_repeats_that_are_none), T(sentences),
	T(tidy))
