/* SPDX-License-Identifier: Apache-2.0 */
/* A log that the log writer made, beside its journal and beside another's. What is done to the published files alone is
 * in tests/system/test_audit.py. */
#include "host/log/verify.h"
#include "host/base/file.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/log_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>

#define ENTRIES 300
#define DIR_MAX 200

static char dir[DIR_MAX];
static struct log_scene scene;
static struct rota_fail why;
static struct rota_audit_report report;

/* A log in tempdir/name, of which entry `other` is another one; -1: none. */
static bool make(const char *name, int other, uint64_t count)
{
	struct rota_log *log = NULL;
	struct rota_tiler *tiler = NULL;
	uint64_t size = 0;
	bool ok;

	snprintf(dir, sizeof(dir), "%s", tempdir_path(name));
	if (mkdir(dir, 0700) != 0)
		return false;
	log_scene_end(&scene);
	log_scene_begin(&scene, dir);
	ok = rota_log_open(&scene.log, &log, &why) == ROTA_OK;
	for (uint64_t n = 0; ok && n < count; n++)
		ok = other == (int)n ? log_scene_add_other(log, n, 'x') : log_scene_add(log, n);
	ok = ok && rota_log_commit(log, &why) == ROTA_OK &&
		rota_tiler_open(&scene.tiler, &tiler, &why) == ROTA_OK &&
		rota_tiler_step(tiler, count, &size, &why) == ROTA_OK && size == count;
	rota_tiler_close(tiler);
	return rota_log_close(log, &why) == ROTA_OK && ok;
}

/* The log that was made last, with the journal of the one of that name. */
static enum rota_err audit(const char *journal)
{
	char public[DIR_MAX + 16] = "", path[DIR_MAX + 16];
	struct rota_log_policy policy = { .count = 1, .logs = 1, .note = { scene.key } };
	struct rota_tiles files = rota_tiles_in(public);
	const struct rota_audit a = { .crypto = &rota_crypto_openssl,
		.files = &files,
		.policy = &policy,
		.journal = journal ? path : NULL };

	snprintf(public, sizeof(public), "%s/public", dir);
	if (journal)
		snprintf(path, sizeof(path), "%s/journal", tempdir_path(journal));
	return rota_audit_verify(&a, &report, &why);
}

TEST(a_log_and_its_journal)
{
	(void)tempdir_fresh();
	CHECK(make("log", -1, ENTRIES));
	CHECK_OK(audit(NULL));
	CHECK_EQ(report.entries, ENTRIES);
	CHECK_OK(audit("log"));
}

TEST(the_journal_has_another_entry)
{
	(void)tempdir_fresh();
	CHECK(make("other", 123, ENTRIES));
	CHECK(make("log", -1, ENTRIES));
	CHECK_EQ(audit("other"), ROTA_ERR_HASH);
	/* salts are drawn anew in each log, so already the first differs */
	CHECK_EQ(report.bad, 0);
}

TEST(the_journal_is_behind)
{
	char command[4 * DIR_MAX];

	(void)tempdir_fresh();
	CHECK(make("log", -1, ENTRIES));
	snprintf(command, sizeof(command),
		"cp -r %s %s2 && cd %s2/journal && truncate -s -4000 *1.seg", dir, dir, dir);
	CHECK_EQ(system(command), 0);
	CHECK_EQ(audit("log2"), ROTA_ERR_HASH);
	CHECK(report.bad > 0 && report.bad < ENTRIES);
	CHECK(audit("nowhere") != ROTA_OK);
}

TEST(too_many_heads)
{
	struct rota_audit a = { .head_count = ROTA_AUDIT_HEADS_MAX + 1 };

	CHECK_EQ(rota_audit_verify(&a, &report, &why), ROTA_ERR_LIMIT);
	log_scene_end(&scene);
	tempdir_remove();
}

TESTS(T(a_log_and_its_journal), T(the_journal_has_another_entry), T(the_journal_is_behind),
	T(too_many_heads))
