/* SPDX-License-Identifier: Apache-2.0 */
/* The signing log on a real directory: the journal that is the truth, the static files made from it, proofs from those,
 * and what a log that went back looks like. */
#include "host/log/tiles.h"
#include "host/base/file.h"
#include "host/ingest/journal.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/log_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct rota_crypto *const crypto = &rota_crypto_openssl;
static struct log_scene scene;
static struct rota_fail why;

static void fresh(void)
{
	log_scene_end(&scene);
	log_scene_begin(&scene, tempdir_fresh());
}

static struct rota_log *open_log(void)
{
	struct rota_log *log = NULL;

	return rota_log_open(&scene.log, &log, &why) == ROTA_OK ? log : NULL;
}

/* Entries up to `size`, committed. */
static bool grow_to(struct rota_log *log, uint64_t size)
{
	while (rota_log_size(log) < size) {
		uint64_t n = rota_log_size(log), last = n + 100 < size ? n + 100 : size;

		for (; n < last; n++) {
			if (!log_scene_add(log, n))
				return false;
		}
		if (rota_log_commit(log, &why) != ROTA_OK)
			return false;
	}
	return true;
}

static bool step_to(struct rota_log *log, struct rota_tiler *t, uint64_t size)
{
	uint64_t at = 0;

	return grow_to(log, size) && rota_tiler_step(t, size, &at, &why) == ROTA_OK && at == size;
}

static bool copy(const char *from, const char *to)
{
	char command[300];

	snprintf(command, sizeof(command), "cd '%s' && rm -rf '%s' && cp -a '%s' '%s'",
		scene.log.dir, to, from, to);
	return system(command) == 0;
}

static bool same_files(const char *a, const char *b)
{
	char command[300];

	snprintf(command, sizeof(command), "cd '%s' && diff -r '%s' '%s'", scene.log.dir, a, b);
	return system(command) == 0;
}

/* The journal ------------------------------------------------------------------------------------- */

TEST(entries_stay_in_order_and_with_their_records)
{
	struct rota_log *log;

	fresh();
	log = open_log();
	CHECK(log != NULL);
	CHECK_EQ(rota_log_size(log), 0);
	CHECK(log_scene_add(log, 0) && log_scene_add(log, 1));
	CHECK_EQ(rota_log_size(log), 0); /* not durable yet */
	CHECK_OK(rota_log_commit(log, &why));
	CHECK_EQ(rota_log_size(log), 2);
	CHECK_OK(rota_log_close(log, &why));
	log = open_log(); /* each of them is looked at by log_scene_each() */
	CHECK(log != NULL);
	CHECK_EQ(rota_log_size(log), 2);
	CHECK(log_scene_add(log, 2));
	CHECK_OK(rota_log_close(log, &why)); /* commits */
	log = open_log();
	CHECK_EQ(rota_log_size(log), 3);
	CHECK_OK(rota_log_close(log, &why));
	CHECK_OK(rota_log_close(NULL, &why));
}

TEST(two_salts_hide_that_two_records_are_the_same)
{
	struct rota_leaf a = { .kind = ROTA_LEAF_REFUSED }, b = a;
	struct rota_log *log;
	uint64_t index;

	fresh();
	log = open_log();
	CHECK_OK(rota_log_append(log, &a, ROTA_STR("{}"), &index, &why));
	CHECK_OK(rota_log_append(log, &b, ROTA_STR("{}"), &index, &why));
	CHECK(memcmp(a.record, b.record, sizeof(a.record)) != 0);
	scene.log.each = NULL;
	CHECK_OK(rota_log_close(log, &why));
}

TEST(a_record_has_a_limit_and_takes_no_index_beyond_it)
{
	static uint8_t long_record[ROTA_LOG_PRIVATE_MAX + 1];
	struct rota_leaf leaf = { .kind = ROTA_LEAF_REFUSED };
	struct rota_log *log;
	uint64_t index = 7;

	fresh();
	log = open_log();
	CHECK_EQ(rota_log_append(log, &leaf, ROTA_SPAN(long_record), &index, &why), ROTA_ERR_LIMIT);
	leaf.path = rota_span(long_record, ROTA_LEAF_PATH_MAX + 1);
	CHECK_EQ(rota_log_append(log, &leaf, ROTA_STR("{}"), &index, &why), ROTA_ERR_LIMIT);
	leaf.path.len = 0;
	CHECK_OK(rota_log_append(
		log, &leaf, rota_span(long_record, ROTA_LOG_PRIVATE_MAX), &index, &why));
	CHECK_EQ(index, 0);
	CHECK_OK(rota_log_close(log, &why));
}

/* A full disk, as a limit on the size of files. */
TEST(a_commit_that_fails_gives_its_indexes_anew)
{
	struct rlimit was, small = { .rlim_cur = 2000, .rlim_max = RLIM_INFINITY };
	struct rota_log *log;
	enum rota_err err;

	fresh();
	signal(SIGXFSZ, SIG_IGN);
	log = open_log();
	CHECK(grow_to(log, 3));
	CHECK(getrlimit(RLIMIT_FSIZE, &was) == 0);
	small.rlim_max = was.rlim_max;
	for (uint64_t n = 3; n < 20; n++)
		CHECK(log_scene_add_other(log, n, 'x'));
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	err = rota_log_commit(log, &why);
	CHECK(setrlimit(RLIMIT_FSIZE, &was) == 0);
	CHECK_EQ(err, ROTA_ERR_FULL);
	CHECK_EQ(rota_log_size(log), 3);
	CHECK(grow_to(log, 5));
	CHECK_OK(rota_log_close(log, &why));
	log = open_log();
	CHECK(log != NULL);
	CHECK_EQ(rota_log_size(log), 5);
	CHECK_OK(rota_log_close(log, &why));
}

/* Change a byte of the journal and mend its CRC, as somebody would who wants to lie. */
static bool forge(uint64_t n, size_t at)
{
	static uint8_t file[1 << 16];
	const char *path = tempdir_path("journal/0000000001.seg");
	FILE *f = fopen(path, "r+e");
	size_t len = f != NULL ? fread(file, 1, sizeof(file), f) : 0, off = ROTA_SEGMENT_HEADER_LEN;
	struct rota_record r;
	size_t one = 0, put;

	for (uint64_t i = 0; f != NULL && i <= n; i++, off += i <= n ? one : 0) {
		if (rota_record_decode(rota_span(file + off, len - off), &r, &one) != ROTA_OK)
			return false;
	}
	file[off + ROTA_RECORD_HEAD_LEN + at] ^= 1;
	if (f == NULL || rota_record_encode(&r, rota_buf(file + off, one), &put) != ROTA_OK ||
		fseek(f, 0, SEEK_SET) != 0 || fwrite(file, 1, len, f) != len || fclose(f) != 0)
		return false;
	return put == one;
}

TEST(an_entry_changed_in_the_journal_is_found)
{
	size_t record = 2 + ROTA_LEAF_FIXED_LEN + 6 + 9 + ROTA_LOG_SALT_LEN;
	struct rota_log *log;
	struct rota_tiler *t;

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(step_to(log, t, 5));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
	scene.log.each = NULL;
	CHECK(forge(3, record + 5)); /* the private record is not the leaf's */
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_CORRUPT);
	CHECK(forge(3, record + 5));
	log = open_log();
	CHECK(log != NULL);
	CHECK_OK(rota_log_close(log, &why));
	CHECK(forge(2, 2 + 20)); /* another version in the leaf: the root is another */
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_CORRUPT);
}

TEST(a_log_that_was_put_back_is_not_gone_on_with)
{
	struct rota_log *log;
	struct rota_tiler *t;
	char elsewhere[600];
	const char *seen[] = { elsewhere };

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(step_to(log, t, 5));
	CHECK_OK(rota_log_close(log, &why));
	CHECK(copy("journal", "old") && copy("head", "old-head") && copy("public", "old-public"));
	log = open_log();
	CHECK(step_to(log, t, 9));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
	CHECK(copy("head", "kept"));

	CHECK(copy("old", "journal")); /* the journal alone */
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_CORRUPT);
	CHECK(copy("old-head", "head")); /* and the head */
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_CORRUPT);
	CHECK(copy("old-public", "public")); /* and all that is published: nothing here knows */
	log = open_log();
	CHECK(log != NULL);
	CHECK_OK(rota_log_close(log, &why));
	snprintf(elsewhere, sizeof(elsewhere), "%s/kept",
		scene.log.dir); /* who has seen more does */
	scene.log.seen = seen;
	scene.log.seen_count = 1;
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_CORRUPT);
	snprintf(elsewhere, sizeof(elsewhere), "%s/none", scene.log.dir);
	log = open_log();
	CHECK(log != NULL);
	CHECK_OK(rota_log_close(log, &why));
}

TEST(a_head_on_another_file_system_is_the_one_that_counts)
{
	struct rota_log *log;
	struct rota_tiler *t;
	char head[600];

	fresh();
	snprintf(head, sizeof(head), "%s/other-head", scene.log.dir);
	scene.log.head = scene.tiler.head = head;
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(step_to(log, t, 2));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
	CHECK(tempdir_get("other-head") != NULL && tempdir_get("head") == NULL);
	rota_file_remove_tree(tempdir_path("journal"));
	rota_file_remove_tree(tempdir_path("public"));
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_CORRUPT);
	tempdir_put("other-head", "no note\n");
	CHECK(open_log() == NULL);
	CHECK_EQ(why.err, ROTA_ERR_FORMAT);
}

/* Tiles ---------------------------------------------------------------------------------------------- */

TEST(paths_are_those_of_the_tlog_tiles_specification)
{
	static const struct {
		int level;
		uint64_t n;
		unsigned width;
		const char *path;
	} rows[] = {
		{ 0, 0, 256, "tile/0/000" },
		{ 0, 1234067, 256, "tile/0/x001/x234/067" },
		{ 0, 1234067, 8, "tile/0/x001/x234/067.p/8" },
		{ 1, 999, 1, "tile/1/999.p/1" },
		{ 2, 1000, 256, "tile/2/x001/000" },
		{ ROTA_TILE_ENTRIES, 5, 255, "tile/entries/005.p/255" },
		{ 7, UINT64_MAX, 255, "tile/7/x018/x446/x744/x073/x709/x551/615.p/255" },
	};
	char path[ROTA_TILE_PATH_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].path);
		rota_tile_path(rows[i].level, rows[i].n, rows[i].width, path);
		CHECK(strcmp(path, rows[i].path) == 0);
	}
}

TEST(each_step_publishes_a_log_that_is_whole)
{
	static const uint64_t sizes[] = { 1, 2, 255, 256, 257, 511, 513, 600, 1024 };
	struct rota_checkpoint at;
	struct rota_log *log;
	struct rota_tiler *t;
	uint64_t size = 7;

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK_OK(rota_tiler_step(t, 0, &size, &why));
	CHECK_EQ(size, 0);
	CHECK_EQ(scene.signs, 0); /* of nothing there is no checkpoint */
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK(step_to(log, t, sizes[i]));
		CHECK(log_scene_whole(&scene, &at));
		CHECK_EQ(at.size, sizes[i]);
		CHECK_EQ(scene.signs, i + 1);
		CHECK_OK(rota_tiler_step(t, sizes[i], &size, &why));
		CHECK_EQ(scene.signs, i + 1); /* nothing new, nothing signed */
	}
	/* partial tiles go when the full one after theirs is there */
	CHECK(access(tempdir_path("public/tile/0/000.p"), F_OK) != 0);
	CHECK(access(tempdir_path("public/tile/entries/000.p"), F_OK) != 0);
	CHECK(access(tempdir_path("public/tile/0/003"), F_OK) == 0);
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
}

TEST(a_tiler_goes_on_where_another_ended)
{
	static const uint64_t sizes[] = { 3, 255, 256, 300, 512, 700 };
	struct rota_checkpoint at;
	struct rota_tiler *t;

	fresh();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rota_log *log = open_log(); /* closing records lie between */

		CHECK(log != NULL);
		CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
		CHECK(step_to(log, t, sizes[i]));
		rota_tiler_close(t);
		CHECK_OK(rota_log_close(log, &why));
		CHECK(log_scene_whole(&scene, &at));
	}
}

TEST(files_that_are_gone_or_damaged_are_made_again_the_same)
{
	static const char *const damage[] = { "rm -r public", "rm public/checkpoint",
		"rm -r public/tile/0/002.p", "rm -r public/tile/entries",
		"printf x | dd of=public/tile/1/000.p/2 conv=notrunc status=none",
		"printf xxx | dd of=public/tile/entries/002.p/88 conv=notrunc status=none",
		"sed -i s/LOG/log/ public/tile/entries/002.p/88",
		"rm public/tile/0/001 && rm -r public/tile/1" };
	struct rota_checkpoint at;
	struct rota_log *log;
	struct rota_tiler *t;
	char command[300];
	uint64_t size;

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(step_to(log, t, 600));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
	CHECK(copy("public", "good"));
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		ROW(damage[i]);
		CHECK(copy("good", "public"));
		snprintf(command, sizeof(command), "cd '%s' && %s", scene.log.dir, damage[i]);
		CHECK(system(command) == 0);
		CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
		CHECK_OK(rota_tiler_step(t, 600, &size, &why));
		CHECK_EQ(size, 600);
		rota_tiler_close(t);
		CHECK_EQ(scene.signs, 1); /* the head is known: nothing is signed again */
		CHECK(log_scene_whole(&scene, &at));
		CHECK(same_files("good", "public"));
	}
}

TEST(without_the_token_nothing_is_published_and_later_it_is)
{
	struct rota_checkpoint at;
	struct rota_log *log;
	struct rota_tiler *t;
	uint64_t size;

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(step_to(log, t, 10));
	scene.refuse = true;
	CHECK(grow_to(log, 20));
	CHECK_EQ(rota_tiler_step(t, 20, &size, &why), ROTA_ERR_IO);
	CHECK_EQ(size, 10);
	CHECK(log_scene_whole(&scene, &at));
	CHECK_EQ(at.size, 10);
	scene.refuse = false;
	CHECK_OK(rota_tiler_step(t, 20, &size, &why));
	CHECK_EQ(size, 20);
	CHECK(log_scene_whole(&scene, &at));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
}

TEST(a_log_keeps_its_name)
{
	struct rota_log *log;
	struct rota_tiler *t;

	fresh();
	scene.tiler.origin = "two words";
	CHECK_EQ(rota_tiler_open(&scene.tiler, &t, &why), ROTA_ERR_ARGUMENT);
	scene.tiler.origin = LOG_SCENE_ORIGIN;
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(step_to(log, t, 1));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
	scene.tiler.origin = "other.rota.invalid/log";
	CHECK_EQ(rota_tiler_open(&scene.tiler, &t, &why), ROTA_ERR_CORRUPT);
}

/* What stood in the file, written and not synced, while tiles were made, and was taken back when the sync failed. */
TEST(what_a_failed_commit_took_back_is_not_published)
{
	static uint8_t payload[ROTA_LOG_PAYLOAD_MAX], bytes[ROTA_RECORD_MAX];
	static const uint8_t salt[ROTA_LOG_SALT_LEN];
	struct rota_log_entry other = { .index = 5,
		.leaf = { .kind = ROTA_LEAF_INCIDENT },
		.salt = ROTA_SPAN(salt),
		.record = ROTA_STR("{}") };
	struct rota_record r = { .sequence = 6, .durable = 5 };
	struct rota_ingest_stats stats;
	struct rota_ingest_fault fault;
	struct rota_checkpoint at;
	struct rota_log *log;
	struct rota_tiler *t;
	uint64_t size;
	size_t len;
	FILE *f;

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	CHECK(grow_to(log, 5));
	rota_log_record_digest(crypto, other.salt, other.record, other.leaf.record);
	CHECK_OK(rota_log_entry_write(&other, ROTA_BUF(payload), &r));
	CHECK_OK(rota_record_encode(&r, ROTA_BUF(bytes), &len));
	CHECK_OK(rota_ingest_check(tempdir_path("journal"), &stats, &fault));
	f = fopen(tempdir_path("journal/0000000001.seg"), "r+e"); /* zeros lie behind its records */
	CHECK(f != NULL && fseek(f, (long)(ROTA_SEGMENT_HEADER_LEN + stats.bytes), SEEK_SET) == 0);
	CHECK(fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
	CHECK_OK(rota_tiler_step(t, 5, &size, &why));
	CHECK_EQ(size, 5); /* no further than was said */
	CHECK(step_to(log, t, 7)); /* the journal writes where its last durable record ends */
	CHECK(log_scene_whole(&scene, &at));
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
	log = open_log();
	CHECK(log != NULL);
	CHECK_OK(rota_log_close(log, &why));
}

/* Proofs ---------------------------------------------------------------------------------------------- */

/* The hash of leaf n of the first `size`. */
static const uint8_t *leaf_at(uint64_t n, uint64_t size)
{
	static uint8_t tile[ROTA_TILE_LEN];
	struct rota_tiles tiles = rota_tiles_in(tempdir_path("public"));
	uint64_t left = size - n / ROTA_TILE_WIDTH * ROTA_TILE_WIDTH;

	if (rota_tile_get(&tiles, 0, n / ROTA_TILE_WIDTH,
		    left < ROTA_TILE_WIDTH ? (unsigned)left : ROTA_TILE_WIDTH, tile,
		    &why) != ROTA_OK)
		abort();
	return tile + n % ROTA_TILE_WIDTH * ROTA_SHA256_LEN;
}

static void root_at(uint64_t size, uint8_t *root)
{
	struct rota_merkle_edge edge = { .size = 0 };

	for (uint64_t n = 0; n < size; n++)
		rota_merkle_append(crypto, &edge, leaf_at(n, size));
	rota_merkle_root(crypto, &edge, root);
}

static bool proves(uint64_t index, uint64_t size, const uint8_t *root)
{
	struct rota_tiles tiles = rota_tiles_in(tempdir_path("public"));
	struct rota_bytes proof = { .p = NULL };
	uint8_t got[ROTA_SHA256_LEN];
	bool well = rota_tiles_inclusion(crypto, &tiles, index, size, &proof, &why) == ROTA_OK &&
		rota_merkle_inclusion(crypto, index, size, leaf_at(index, size),
			rota_bytes_span(&proof), got) == ROTA_OK &&
		memcmp(got, root, sizeof(got)) == 0;

	rota_bytes_free(&proof);
	return well;
}

static bool continues(uint64_t from, uint64_t to, const uint8_t *old, const uint8_t *new)
{
	struct rota_tiles tiles = rota_tiles_in(tempdir_path("public"));
	struct rota_bytes proof = { .p = NULL };
	bool well = rota_tiles_consistency(crypto, &tiles, from, to, &proof, &why) == ROTA_OK &&
		rota_merkle_consistency(crypto, from, to, old, new, rota_bytes_span(&proof)) ==
			ROTA_OK;

	rota_bytes_free(&proof);
	return well;
}

TEST(tiles_prove_each_entry_and_each_growth)
{
	static const uint64_t sizes[] = { 1, 2, 7, 255, 256, 257, 300, 511, 512, 700 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	uint8_t root[COUNT][ROTA_SHA256_LEN];
	struct rota_bytes proof = { .p = NULL };
	struct rota_tiles tiles;
	struct rota_log *log;
	struct rota_tiler *t;

	fresh();
	log = open_log();
	CHECK_OK(rota_tiler_open(&scene.tiler, &t, &why));
	for (int i = 0; i < COUNT; i++) {
		CHECK(step_to(log, t, sizes[i]));
		root_at(sizes[i], root[i]);
		CHECK_MEM(scene.last.root, root[i], ROTA_SHA256_LEN);
		for (uint64_t n = 0; n < sizes[i]; n += 1 + n / 50)
			CHECK(proves(n, sizes[i], root[i]));
		CHECK(proves(sizes[i] - 1, sizes[i], root[i]));
		for (int old = 0; old <= i; old++)
			CHECK(continues(sizes[old], sizes[i], root[old], root[i]));
	}
	tiles = rota_tiles_in(tempdir_path("public"));
	CHECK_EQ(rota_tiles_inclusion(crypto, &tiles, 700, 700, &proof, &why), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_tiles_inclusion(crypto, &tiles, 5, 800, &proof, &why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_tiles_consistency(crypto, &tiles, 0, 700, &proof, &why), ROTA_ERR_ARGUMENT);
	CHECK_EQ(rota_tiles_consistency(crypto, &tiles, 9, 8, &proof, &why), ROTA_ERR_ARGUMENT);
	tempdir_put("public/tile/0/001", "short");
	tiles = rota_tiles_in(tempdir_path("public"));
	CHECK_EQ(rota_tiles_inclusion(crypto, &tiles, 300, 700, &proof, &why), ROTA_ERR_FORMAT);
	rota_bytes_free(&proof);
	rota_tiler_close(t);
	CHECK_OK(rota_log_close(log, &why));
}

TESTS(T(entries_stay_in_order_and_with_their_records),
	T(two_salts_hide_that_two_records_are_the_same),
	T(a_record_has_a_limit_and_takes_no_index_beyond_it),
	T(a_commit_that_fails_gives_its_indexes_anew), T(an_entry_changed_in_the_journal_is_found),
	T(a_log_that_was_put_back_is_not_gone_on_with),
	T(a_head_on_another_file_system_is_the_one_that_counts),
	T(paths_are_those_of_the_tlog_tiles_specification),
	T(each_step_publishes_a_log_that_is_whole), T(a_tiler_goes_on_where_another_ended),
	T(files_that_are_gone_or_damaged_are_made_again_the_same),
	T(without_the_token_nothing_is_published_and_later_it_is), T(a_log_keeps_its_name),
	T(what_a_failed_commit_took_back_is_not_published),
	T(tiles_prove_each_entry_and_each_growth))
