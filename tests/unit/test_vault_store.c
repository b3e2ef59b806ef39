/* SPDX-License-Identifier: Apache-2.0 */
/* A vault in a file: killed at each durable call, used by threads while it is rewritten, and on a disk that fails. */
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"
#include "tests/unit/vault_user.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define IDS 40
#define READS 3000

static void keep_over_a_restart(void)
{
	struct rota_vault_store *s;
	struct rota_vault_progress progress;
	struct rota_fail why;

	user_begin();
	CHECK_OK(user_open(&s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_OK(user_put(s, id, id + 1));
	CHECK_OK(rota_vault_store_remove(s, 3));
	rota_vault_store_close(s);
	CHECK_OK(user_open(&s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_EQ(user_reads(s, id), id == 3 ? 0 : id + 1);
	rota_vault_store_progress(s, &progress);
	CHECK_EQ(progress.generations, 1);
	CHECK_EQ(progress.count[0].records, IDS - 1);
	CHECK_EQ(progress.left, 0);
	rota_vault_store_close(s);
}

TEST(a_file_keeps_records_over_a_restart)
{
	keep_over_a_restart();
}

TEST(a_database_keeps_records_over_a_restart)
{
	user_opener = rota_vault_sqlite_open;
	keep_over_a_restart();
	user_opener = rota_vault_file_open;
}

TEST(a_file_is_one_process_s)
{
	struct rota_vault_store *s, *other;
	struct rota_fail why;

	user_begin();
	CHECK_OK(user_open(&s, user_still, &why));
	CHECK_EQ(user_open(&other, user_still, &why), ROTA_ERR_BUSY);
	CHECK(strstr(why.text, user_path) != NULL);
	rota_vault_store_close(s);
}

/* ---- a process that ends at any durable call ---- */

static int fill(void *ctx)
{
	struct rota_vault_store *s;
	struct rota_fail why;
	uint32_t from = *(uint32_t *)ctx;

	if (user_open(&s, user_still, &why) != ROTA_OK)
		return 1;
	for (uint32_t id = 0; id < 6; id++) {
		if (user_put(s, id, from + id) != ROTA_OK)
			return 1;
	}
	if (rota_vault_store_remove(s, 2) != ROTA_OK)
		return 1;
	rota_vault_store_close(s);
	return 0;
}

static bool is_old_or_new(struct rota_vault_store *s, uint32_t old, uint32_t new)
{
	for (uint32_t id = 0; id < 6; id++) {
		uint32_t now = user_reads(s, id), was = old > 0 && id != 2 ? old + id : 0;

		if (now != was && now != new + id)
			return false;
	}
	return true;
}

/* One run cut at one call; false: it ended before. *well: what is left is what was there or what was put. */
static bool killed(unsigned at, enum syscut_tear tear, uint32_t old, bool *well)
{
	struct rota_vault_store *s;
	struct rota_fail why;
	uint32_t new = 200;
	bool cut;

	user_begin();
	*well = old == 0 || fill(&old) == 0;
	cut = syscut_run(at, tear, fill, &new);
	*well = *well && user_open(&s, user_still, &why) == ROTA_OK;
	if (!*well)
		return cut;
	*well = is_old_or_new(s, old, new) &&
		(cut || (user_reads(s, 1) == new + 1 && user_reads(s, 2) == 0)) &&
		user_put(s, 5, 300) == ROTA_OK && user_reads(s, 5) == 300;
	rota_vault_store_close(s);
	return cut;
}

/* From a vault that is used, at each call; from none, at each `step`-th of those that make it. */
static void kill_everywhere(unsigned step, unsigned least, unsigned least_anew)
{
	for (int tear = 0; tear < SYSCUT_TEARS; tear++) {
		bool well = true;
		unsigned at = 1;

		while (killed(at, (enum syscut_tear)tear, 100, &well) && well)
			at++;
		CHECK(well);
		CHECK(at > least);
		for (at = 1; killed(at, (enum syscut_tear)tear, 0, &well) && well;)
			at += step;
		CHECK(well);
		CHECK(at > least_anew);
	}
}

TEST(a_process_that_is_killed_leaves_each_record_old_or_new)
{
	kill_everywhere(7, 14, 250);
}

TEST(a_killed_process_leaves_a_database_old_or_new)
{
	user_opener = rota_vault_sqlite_open;
	kill_everywhere(1, 14, 20);
	user_opener = rota_vault_file_open;
}

/* ---- rewriting beside others ---- */

struct user {
	pthread_t thread;
	struct rota_vault_store *s;
	uint32_t first; /* of its ids, every fourth */
	const char *wrong;
};

static void *use(void *arg)
{
	struct user *u = arg;

	for (uint32_t i = 1; i <= READS && u->wrong == NULL; i++) {
		uint32_t id = u->first + 4 * (i % (IDS / 4)), version = user_reads(u->s, id);

		if (version == UINT32_MAX)
			u->wrong = "a record does not read";
		else if (i % 50 == 0 && user_put(u->s, id, version + 1) != ROTA_OK)
			u->wrong = "a record cannot be put";
		else if (i % 50 == 0 && user_reads(u->s, id) != version + 1)
			u->wrong = "what was put does not read";
	}
	return NULL;
}

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

static void rewrite_beside_others(void)
{
	static struct user users[4];
	struct rota_vault_store *s;
	struct rota_fail why;

	user_begin();
	CHECK_OK(user_open(&s, (struct rota_vault_budget){ 100000, 1000000, 1u << 30 }, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK_OK(user_put(s, id, 1));
	for (uint32_t i = 0; i < 4; i++) {
		users[i] = (struct user){ .s = s, .first = i };
		CHECK_EQ(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
	}
	user_generation = 2;
	for (int i = 0; i < 4; i++)
		(void)pthread_join(users[i].thread, NULL);
	for (int i = 0; i < 4; i++) {
		ROW(users[i].wrong);
		CHECK(users[i].wrong == NULL);
	}
	CHECK(all_rewritten(s));
	user_gone = 1;
	for (uint32_t id = 0; id < IDS; id++)
		CHECK(user_reads(s, id) >= 1 && user_reads(s, id) != UINT32_MAX);
	rota_vault_store_close(s);
	CHECK_OK(user_open(&s, user_still, &why));
	for (uint32_t id = 0; id < IDS; id++)
		CHECK(user_reads(s, id) >= 1 && user_reads(s, id) != UINT32_MAX);
	rota_vault_store_close(s);
}

TEST(records_are_rewritten_while_others_use_them)
{
	rewrite_beside_others();
}

TEST(rows_are_rewritten_while_others_use_them)
{
	user_opener = rota_vault_sqlite_open;
	rewrite_beside_others();
	user_opener = rota_vault_file_open;
}

/* ---- a disk that fails ---- */

/* After a sync that failed nobody knows what the disk has: nothing is put before the vault was opened anew. */
TEST(after_a_sync_that_failed_nothing_is_put)
{
	struct rota_vault_store *s;
	struct rota_fail why;
	uint32_t now;

	user_begin();
	CHECK_OK(user_open(&s, user_still, &why));
	CHECK_OK(user_put(s, 1, 10));
	user_generation = 2;
	CHECK_OK(user_put(s, 2, 10));
	syscut_fail_syncs(1);
	CHECK_EQ(user_put(s, 1, 11), ROTA_ERR_IO);
	CHECK_EQ(user_put(s, 2, 12), ROTA_ERR_IO);
	CHECK_EQ(rota_vault_store_remove(s, 2), ROTA_ERR_IO);
	CHECK_EQ(rota_vault_store_needs(s), 1); /* as it was when it was certain */
	CHECK_EQ(user_reads(s, 2), 10);
	rota_vault_store_close(s);
	CHECK_OK(user_open(&s, user_still, &why));
	now = user_reads(s, 1);
	CHECK(now == 10 || now == 11);
	CHECK_EQ(user_reads(s, 2), 10);
	CHECK_OK(user_put(s, 1, 13));
	rota_vault_store_close(s);
	syscut_fail_syncs(1);
	CHECK_EQ(user_open(&s, user_still, &why), ROTA_ERR_IO);
	CHECK(strstr(why.text, user_path) != NULL);
}

static enum rota_err make_small(struct rota_vault_store **s, struct rota_fail *why)
{
	const struct rlimit small = { 100000, RLIM_INFINITY },
			    all = { RLIM_INFINITY, RLIM_INFINITY };
	enum rota_err err;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &small);
	err = user_open(s, user_still, why);
	(void)setrlimit(RLIMIT_FSIZE, &all);
	return err;
}

TEST(where_there_is_no_room_no_file_is_left)
{
	struct rota_vault_store *s;
	struct rota_fail why;

	user_begin();
	CHECK(make_small(&s, &why) != ROTA_OK);
	CHECK(strstr(why.text, user_path) != NULL);
	CHECK_EQ(tempdir_count(), 0);
	CHECK_OK(user_open(&s, user_still, &why));
	rota_vault_store_close(s);
	CHECK_EQ(tempdir_count(), 1);
}

/* ---- files that are none ---- */

TEST(what_is_no_vault_is_told)
{
	struct rota_vault_store *s;
	struct rota_vault_plan plan = { .records = 0, .plain_max = 100 };
	struct rota_fail why;
	FILE *f;

	user_begin();
	f = fopen(user_path, "w");
	CHECK(f != NULL && fputs("short", f) >= 0 && fclose(f) == 0);
	CHECK_EQ(user_open(&s, user_still, &why), ROTA_ERR_CORRUPT);
	CHECK(strstr(why.text, user_path) != NULL);
	CHECK_EQ(rota_vault_file_open(user_path, &plan, &s, &why), ROTA_ERR_ARGUMENT);
	plan.records = ROTA_VAULT_RECORDS_MAX;
	plan.plain_max = 60000;
	CHECK_EQ(rota_vault_file_open(user_path, &plan, &s, &why), ROTA_ERR_ARGUMENT);
	tempdir_remove();
}

TESTS(T(a_file_keeps_records_over_a_restart), T(a_database_keeps_records_over_a_restart),
	T(a_file_is_one_process_s), T(a_process_that_is_killed_leaves_each_record_old_or_new),
	T(a_killed_process_leaves_a_database_old_or_new),
	T(records_are_rewritten_while_others_use_them), T(rows_are_rewritten_while_others_use_them),
	T(after_a_sync_that_failed_nothing_is_put), T(where_there_is_no_room_no_file_is_left),
	T(what_is_no_vault_is_told))
