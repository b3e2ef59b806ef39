/* SPDX-License-Identifier: Apache-2.0 */
/* A vault on Linux whose disk does what disks do: it forgets what was not synced, is full, or fails.
 *
 * Forgetting: a child lives with a vault of four sectors, few of whose records fit into one, so that sectors are cleaned all
 * the time. After each sync the file is copied: so much is durable for certain. The child ends at some durable call,
 * and of each page that differs from the copy either the one or the other is on the disk. */
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"
#include "tests/unit/vault_user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDS 5
#define PUTS 36
#define PAGE 4096
#define SEEDS 2

/* What the child told; it outlives the child. */
static struct told {
	uint32_t asked[IDS], acked[IDS]; /* versions; a removal is one of them */
	bool removal[PUTS + 1]; /* of versions */
} * told;

static char durable[sizeof(user_path) + 8];

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) != 0 ||
		sendfile(out, in, NULL, (size_t)st.st_size) != (ssize_t)st.st_size)
		_exit(1);
	(void)close(in);
	(void)close(out);
}

/* Under the vault's own lock for syncs. */
static void keep_durable(int fd)
{
	(void)fd;
	copy(user_path, durable);
}

/* ---- a life ---- */

static bool change(struct rota_vault_store *s, uint32_t id, uint32_t version)
{
	bool removes = version % 7 == 3 && told->acked[id] != 0;
	enum rota_err err;

	told->removal[version] = removes;
	told->asked[id] = version;
	err = removes ? rota_vault_store_remove(s, id) : user_put(s, id, version);
	if (removes && err == ROTA_ERR_NOT_FOUND)
		err = ROTA_OK; /* the one before removed it, too */
	if (err == ROTA_OK)
		told->acked[id] = version;
	return err == ROTA_OK;
}

static int live(void *ctx)
{
	const struct rota_vault_budget *budget = ctx;
	struct rota_vault_store *s;
	struct rota_fail why;

	syscut_synced(keep_durable);
	if (user_open(&s, *budget, &why) != ROTA_OK)
		return 1;
	for (uint32_t version = 1; version <= PUTS; version++) {
		user_generation = 1 + version / 12;
		/* Most records are put once, and moved from then on. */
		if (!change(s, version <= IDS ? version - 1 : version % 2, version))
			return 1;
	}
	rota_vault_store_close(s);
	return 0;
}

static void begin_life(void)
{
	struct rota_vault_store *s;
	struct rota_fail why;

	user_begin();
	user_records = IDS;
	user_len = 40000;
	memset(told, 0, sizeof(*told));
	(void)snprintf(durable, sizeof(durable), "%s.durable", user_path);
	if (user_open(&s, user_still, &why) == ROTA_OK)
		rota_vault_store_close(s);
	copy(user_path, durable);
}

/* ---- what is left of it ---- */

/* Of each page that is not durable for certain, one or the other; seed 0: none of them came to the disk. */
static void forget(unsigned at_call, unsigned seed)
{
	int now = open(user_path, O_RDWR | O_CLOEXEC), then = open(durable, O_RDONLY | O_CLOEXEC);
	off_t len = lseek(now, 0, SEEK_END);
	uint64_t random = (at_call * 16 + seed) * UINT64_C(0x9E3779B97F4A7C15);

	for (off_t at = 0; at < len; at += PAGE) {
		uint8_t page[PAGE];

		random = random * 6364136223846793005u + 1442695040888963407u;
		if (seed > 0 && (random >> 63) != 0)
			continue;
		if (pread(then, page, PAGE, at) != PAGE || pwrite(now, page, PAGE, at) != PAGE)
			_exit(1);
	}
	(void)close(now);
	(void)close(then);
}

/* What was acknowledged, or what was asked for after it. */
static bool holds(struct rota_vault_store *s)
{
	for (uint32_t id = 0; id < IDS; id++) {
		uint32_t acked = told->acked[id], asked = told->asked[id];
		uint32_t now = user_reads(s, id);

		if (now != (told->removal[acked] ? 0 : acked) &&
			now != (told->removal[asked] ? 0 : asked))
			return false;
	}
	return true;
}

static bool goes_on(struct rota_vault_store *s)
{
	uint32_t last = 1000;

	for (uint32_t i = 0; i < 4 * IDS; i++) {
		if (user_put(s, i % IDS, ++last) != ROTA_OK)
			return false;
	}
	for (uint32_t id = 0; id < IDS; id++) {
		if (user_reads(s, id) != last - IDS + 1 + id)
			return false;
	}
	return true;
}

/* One life cut at one call; false: it ended before. */
static bool forgotten(
	const struct rota_vault_budget *budget, unsigned at, unsigned seed, bool *well)
{
	enum syscut_tear tear = (enum syscut_tear)((at + seed) % SYSCUT_TEARS);
	struct rota_vault_budget with = *budget;
	struct rota_vault_store *s;
	struct rota_fail why;
	bool cut;

	begin_life();
	cut = syscut_run(at, tear, live, &with);
	forget(at, seed);
	user_generation = 1 + PUTS / 12;
	*well = user_open(&s, user_still, &why) == ROTA_OK;
	if (!*well)
		return cut;
	*well = holds(s) && goes_on(s);
	rota_vault_store_close(s);
	return cut;
}

/* At each call until there is none left, or `most`. */
static void forget_everywhere(const struct rota_vault_budget *budget, unsigned seeds, unsigned most)
{
	unsigned cuts = 0;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(told != MAP_FAILED);
	for (unsigned seed = 0; seed < seeds; seed++) {
		bool well = true;
		unsigned at = 1;

		while (at <= most && forgotten(budget, at, seed, &well) && well)
			at++;
		ROW(seed == 0 ? "nothing that was not synced" : "some of it");
		CHECK(well);
		CHECK(at > 2 * PUTS);
		cuts += at - 1;
	}
	printf("%u cuts with a page cache that was lost, 0 failed\n", cuts);
	(void)munmap(told, sizeof(*told));
}

TEST(what_was_not_synced_may_be_gone_and_nothing_else_is)
{
	forget_everywhere(&user_still, SEEDS, UINT_MAX);
}

/* Which call is the n-th is chance here. */
TEST(nor_is_it_while_records_are_rewritten)
{
	const struct rota_vault_budget all = { 1000000, 1000000, UINT32_MAX };

	forget_everywhere(&all, 1, 2 * PUTS + 20);
}

/* ---- a disk that is full, or that fails ---- */

static bool all_read(struct rota_vault_store *s, uint32_t version)
{
	for (uint32_t id = 0; id < IDS; id++) {
		if (user_reads(s, id) != version)
			return false;
	}
	return true;
}

/* Where the log cannot write at all, a file's reason comes through or not, by what it wrote. */
static bool is_refusal(enum rota_err err, enum rota_err heard)
{
	return err == heard || (user_opener == rota_vault_file_open && err == ROTA_ERR_FULL);
}

static void fail_writes_of(enum rota_err heard, int error)
{
	struct rota_vault_store *s;
	struct rota_fail why;

	user_begin();
	user_records = IDS;
	user_len = 40000;
	CHECK_OK(user_open(&s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_OK(user_put(s, id, 1));
	for (unsigned from = 0; from < 4; from++) {
		syscut_fail_writes(from, 1000, error);
		for (uint32_t i = 0; i < 4; i++)
			CHECK(is_refusal(user_put(s, 2, 1), heard) || from > 0);
		CHECK(all_read(s, 1));
		syscut_fail_writes(0, 0, 0);
		rota_vault_store_close(s);
		CHECK_OK(user_open(&s, user_still, &why));
		CHECK(all_read(s, 1));
		CHECK_OK(user_put(s, 2, 1));
	}
	rota_vault_store_close(s);
}

TEST(a_full_disk_costs_no_record)
{
	fail_writes_of(ROTA_ERR_IO, ENOSPC);
	fail_writes_of(ROTA_ERR_IO, EIO);
}

TEST(a_full_disk_costs_no_row)
{
	user_opener = rota_vault_sqlite_open;
	fail_writes_of(ROTA_ERR_FULL, ENOSPC);
	fail_writes_of(ROTA_ERR_IO, EIO);
	user_opener = rota_vault_file_open;
}

TEST(a_full_disk_gets_no_half_of_a_vault)
{
	struct rota_vault_store *s;
	struct rota_fail why;

	user_begin();
	syscut_fail_writes(50, 1000, ENOSPC);
	CHECK_EQ(user_open(&s, user_still, &why), ROTA_ERR_FULL);
	syscut_fail_writes(0, 0, 0);
	CHECK(strstr(why.text, user_path) != NULL);
	CHECK_EQ(tempdir_count(), 0);
}

/* Each reading in turn, while sectors are cleaned: it is told, and no record is taken for lost. */
TEST(a_disk_that_cannot_be_read_for_a_moment_costs_no_record)
{
	struct rota_vault_progress progress;
	struct rota_vault_store *s;
	struct rota_fail why;
	unsigned failed = 0;

	user_begin();
	user_records = IDS;
	user_len = 40000;
	CHECK_OK(user_open(&s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_OK(user_put(s, id, 1));
	for (unsigned from = 0; from < 60; from++) {
		user_generation = 1 + from / 20;
		syscut_fail_reads(from % 12, 6, EIO);
		failed += user_put(s, from % 2, 1) != ROTA_OK; /* the others are moved */
		failed += user_reads(s, 0) != 1;
		syscut_fail_reads(0, 0, 0);
		CHECK(all_read(s, 1));
	}
	CHECK(failed > 5);
	rota_vault_store_progress(s, &progress);
	CHECK_EQ(progress.lost, 0);
	rota_vault_store_close(s);
	syscut_fail_reads(3, 1000, EIO);
	CHECK_EQ(user_open(&s, user_still, &why), ROTA_ERR_IO);
	syscut_fail_reads(0, 0, 0);
	CHECK(strstr(why.text, user_path) != NULL);
	CHECK_OK(user_open(&s, user_still, &why));
	CHECK(all_read(s, 1));
	rota_vault_store_close(s);
	tempdir_remove();
}

TESTS(T(what_was_not_synced_may_be_gone_and_nothing_else_is),
	T(nor_is_it_while_records_are_rewritten), T(a_full_disk_costs_no_record),
	T(a_full_disk_costs_no_row), T(a_full_disk_gets_no_half_of_a_vault),
	T(a_disk_that_cannot_be_read_for_a_moment_costs_no_record))
