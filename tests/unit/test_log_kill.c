/* SPDX-License-Identifier: Apache-2.0 */
/* The signing log, killed at every durable system call of opening, appending, committing, making tiles and publishing,
 * before it, in its middle and after it. Tiles are also made while a group is written and not yet synced, as another
 * thread does. Each cut is tried twice: as kill -9, where what was written stays, and as a power cut, where all that was
 * never synced is taken back: the end of the journal, and the bytes of tiles that had their names. Afterwards, always:
 *
 *   - the log opens, and has each entry that was acknowledged, as it was;
 *   - what is published is whole, signed, and no more than the log has;
 *   - gone on with to its end, every checkpoint that was ever signed is a prefix of the last.
 */
#include "host/base/file.h"
#include "host/log/tiles.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/log_scene.h"
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN 250 /* entries that stand before */
#define END 259 /* the first tile becomes full between */
#define SEGMENT "run/journal/0000000001.seg"

/* What a run that is killed leaves for the one that looks at it. */
struct kept {
	uint64_t acked; /* entries somebody was told of */
	off_t synced; /* length of the journal's file that is durable */
	unsigned said;
	struct rota_checkpoint all[32]; /* signed */
};

struct plan {
	uint64_t end, group; /* entries at the end, and in a commit */
};

static const struct plan to_begin = { BEGIN, BEGIN }, to_end = { END, 3 };
static struct kept *kept, at_begin;
static struct log_scene scene;
static struct rota_log *log_at;
static struct rota_tiler *tiler_at;
static enum rota_err (*sign)(
	void *ctx, struct rota_span text, struct rota_bytes *lines, struct rota_fail *why);
static char dir[512], base[512];

static enum rota_err sign_and_keep(
	void *ctx, struct rota_span text, struct rota_bytes *lines, struct rota_fail *why)
{
	ROTA_TRY(sign(ctx, text, lines, why));
	if (kept->said == sizeof(kept->all) / sizeof(kept->all[0]))
		abort();
	kept->all[kept->said] = scene.last;
	kept->said++;
	return ROTA_OK;
}

static bool step(void)
{
	struct rota_fail why;
	uint64_t size;

	return rota_tiler_step(tiler_at, rota_log_size(log_at), &size, &why) == ROTA_OK;
}

/* The other thread, while the first one waits for its sync. */
static void other_thread(void)
{
	if (!step())
		abort();
}

static bool commit(void)
{
	struct rota_fail why;
	struct stat st;
	enum rota_err err;

	syscut_meanwhile(other_thread);
	err = rota_log_commit(log_at, &why);
	syscut_meanwhile(NULL);
	if (err != ROTA_OK || stat(tempdir_path(SEGMENT), &st) != 0)
		return false;
	kept->synced = st.st_size;
	kept->acked = rota_log_size(log_at);
	return true;
}

/* From opening to closing; 0 when all went well. */
static int life(void *ctx)
{
	const struct plan *plan = (const struct plan *)ctx;
	uint64_t end = plan->end;
	struct rota_fail why;

	if (rota_log_open(&scene.log, &log_at, &why) != ROTA_OK ||
		rota_tiler_open(&scene.tiler, &tiler_at, &why) != ROTA_OK)
		return printf("%s\n", why.text);
	while (rota_log_size(log_at) < end) {
		uint64_t n = rota_log_size(log_at);

		for (uint64_t i = n; i < n + plan->group && i < end; i++) {
			if (!log_scene_add(log_at, i))
				return 1;
		}
		if (!commit())
			return 1;
		if (n % 2 == 0 && !step())
			return 1;
	}
	if (!step())
		return 1;
	rota_tiler_close(tiler_at);
	return rota_log_close(log_at, &why) != ROTA_OK;
}

static int life_of(const struct plan *plan)
{
	struct plan copy = *plan;

	return life(&copy);
}

/* One name of the tree base as the same of run. */
static int copy_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct rota_bytes bytes = { .p = NULL };
	struct rota_fail why;
	char to[600];
	FILE *f;
	bool well;

	(void)st, (void)at;
	snprintf(to, sizeof(to), "%s%s", dir, path + strlen(base));
	if (type == FTW_D)
		return mkdir(to, 0755);
	if (rota_file_read(path, 1 << 20, &bytes, &why) != ROTA_OK)
		return 1;
	f = fopen(to, "we");
	well = f != NULL && fwrite(bytes.p, 1, bytes.len, f) == bytes.len && fclose(f) == 0;
	rota_bytes_free(&bytes);
	return well ? 0 : 1;
}

static void put_back(void)
{
	rota_file_remove_tree(dir);
	if (nftw(base, copy_one, 16, FTW_PHYS) != 0)
		abort();
}

static void prepare(void)
{
	log_scene_end(&scene);
	tempdir_fresh();
	strcpy(dir, tempdir_path("run"));
	strcpy(base, tempdir_path("base"));
	log_scene_begin(&scene, dir);
	sign = scene.tiler.sign;
	scene.tiler.sign = sign_and_keep;
	kept->said = 0;
	if (mkdir(dir, 0755) != 0 || life_of(&to_begin) != 0)
		abort();
	if (rename(dir, base) != 0)
		abort();
	at_begin = *kept;
}

/* Is what was said of the log true of its files now? */
static bool said_is_true(const struct rota_checkpoint *said)
{
	struct rota_tiles tiles = rota_tiles_in(tempdir_path("run/public"));
	struct rota_merkle_edge edge = { .size = 0 };
	uint8_t tile[ROTA_TILE_LEN], root[ROTA_SHA256_LEN];
	struct rota_fail why;

	while (edge.size < said->size) {
		uint64_t n = edge.size / ROTA_TILE_WIDTH, left = END - n * ROTA_TILE_WIDTH;
		unsigned width = left < ROTA_TILE_WIDTH ? (unsigned)left : ROTA_TILE_WIDTH;

		if (rota_tile_get(&tiles, 0, n, width, tile, &why) != ROTA_OK)
			return false;
		for (unsigned i = 0; i < width && edge.size < said->size; i++)
			rota_merkle_append(&rota_crypto_openssl, &edge, tile + i * sizeof(root));
	}
	rota_merkle_root(&rota_crypto_openssl, &edge, root);
	return memcmp(root, said->root, sizeof(root)) == 0;
}

static bool sound_now(uint64_t acked)
{
	struct rota_checkpoint shown;
	struct rota_fail why;
	uint64_t size;

	if (!log_scene_whole(&scene, &shown))
		return false;
	if (rota_log_open(&scene.log, &log_at, &why) != ROTA_OK) {
		printf("%s\n", why.text);
		return false;
	}
	size = rota_log_size(log_at);
	for (unsigned i = 0; i < kept->said; i++) {
		if (kept->all[i].size > size)
			return false; /* of entries that nobody has */
	}
	return rota_log_close(log_at, &why) == ROTA_OK && size >= acked && shown.size <= size;
}

static bool sound_at_the_end(void)
{
	struct rota_checkpoint shown;

	if (life_of(&to_end) != 0 || !log_scene_whole(&scene, &shown) || shown.size != END)
		return false;
	for (unsigned i = 0; i < kept->said; i++) {
		if (!said_is_true(&kept->all[i]))
			return false;
	}
	return true;
}

/* Cut at each call; how many there were. */
static unsigned cut_all(enum syscut_tear tear, bool power)
{
	struct plan plan = to_end;
	unsigned at = 1;

	for (;; at++) {
		put_back();
		*kept = at_begin;
		syscut_watch_names();
		if (!syscut_run(at, tear, life, &plan))
			return at - 1;
		if (power && access(tempdir_path(SEGMENT), F_OK) == 0 &&
			truncate(tempdir_path(SEGMENT), kept->synced) != 0)
			return 0;
		if (power)
			syscut_lose_unsynced();
		if (!sound_now(kept->acked) || !sound_at_the_end()) {
			printf("cut at call %u, tear %d, power %d\n", at, (int)tear, power);
			return 0;
		}
	}
}

TEST(no_cut_loses_an_acknowledged_entry_or_shows_a_fork)
{
	unsigned kills = 0;

	/* what outlives a child */
	kept = mmap(NULL, sizeof(*kept), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(kept != MAP_FAILED);
	prepare();
	for (int tear = SYSCUT_BEFORE; tear < SYSCUT_TEARS; tear++) {
		/* after one call is before the next, so a power cut there has been had */
		for (int power = 0; power < (tear == SYSCUT_AFTER ? 1 : 2); power++) {
			unsigned cuts = cut_all((enum syscut_tear)tear, power == 1);

			CHECK(cuts > 50);
			kills += cuts;
		}
	}
	printf("log_kills %u\n", kills);
}

TESTS(T(no_cut_loses_an_acknowledged_entry_or_shows_a_fork))
