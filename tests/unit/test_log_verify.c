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

/* Published files beside what was signed of them. */

/* A checkpoint of this size and root in a file, signed by the log's key. */
static enum rota_err put_head(const char *name, uint64_t size, const uint8_t *root)
{
	struct rota_checkpoint c = { .origin = ROTA_STR(LOG_SCENE_ORIGIN), .size = size };
	uint8_t room[ROTA_NOTE_TEXT_MAX];
	struct rota_bytes note = { 0 };
	struct rota_span text;
	enum rota_err err;

	memcpy(c.root, root, sizeof(c.root));
	ROTA_TRY(rota_checkpoint_write(&c, ROTA_BUF(room), &text));
	rota_bytes_add(&note, text);
	rota_bytes_add_text(&note, "\n");
	err = scene.tiler.sign(&scene, text, &note, &why);
	if (err == ROTA_OK)
		err = rota_file_write(tempdir_path(name), rota_bytes_span(&note), 0600, &why);
	rota_bytes_free(&note);
	return err;
}

static enum rota_err audit_heads(const char *first, const char *second)
{
	char public[DIR_MAX + 16] = "", path[2][DIR_MAX];
	const char *heads[2] = { path[0], path[1] };
	struct rota_log_policy policy = { .count = 1, .logs = 1, .note = { scene.key } };
	struct rota_tiles files = rota_tiles_in(public);
	const struct rota_audit a = { .crypto = &rota_crypto_openssl,
		.files = &files,
		.policy = &policy,
		.heads = heads,
		.head_count = (size_t)(first != NULL) + (second != NULL) };

	snprintf(public, sizeof(public), "%s/public", dir);
	snprintf(path[0], sizeof(path[0]), "%s", tempdir_path(first ? first : ""));
	snprintf(path[1], sizeof(path[1]), "%s", tempdir_path(second ? second : ""));
	return rota_audit_verify(&a, &report, &why);
}

TEST(heads_that_are_not_of_this_log)
{
	static const uint8_t strange[ROTA_SHA256_LEN] = { 1 };
	uint8_t root[ROTA_SHA256_LEN];

	(void)tempdir_fresh();
	CHECK(make("log", -1, ENTRIES));
	memcpy(root, scene.last.root, sizeof(root));
	CHECK_OK(put_head("same", ENTRIES, root));
	CHECK_OK(put_head("fork", ENTRIES, strange));
	CHECK_OK(put_head("earlier", 200, strange));
	CHECK_OK(put_head("earlier-fork", 200, root));
	CHECK_OK(put_head("later", ENTRIES + 1, strange));
	CHECK_OK(audit_heads("same", NULL));
	CHECK_EQ(audit_heads("fork", NULL), ROTA_ERR_CORRUPT);
	CHECK(strstr(why.text, "two heads of size 300"));
	CHECK_EQ(audit_heads("earlier", NULL), ROTA_ERR_CORRUPT);
	CHECK(strstr(why.text, "no beginning"));
	CHECK_EQ(audit_heads("earlier", "earlier-fork"), ROTA_ERR_CORRUPT);
	CHECK(strstr(why.text, "two heads of size 200"));
	CHECK_EQ(audit_heads("same", "later"), ROTA_ERR_CORRUPT);
	CHECK(strstr(why.text, "taken away"));
	scene.key.id[0] ^= 1; /* nobody believes that key */
	CHECK_EQ(audit_heads(NULL, NULL), ROTA_ERR_SIGNATURE);
}

/* One byte of a published file, and what is said then. */
static enum rota_err changed(const char *file, long at, uint64_t bad)
{
	char path[2 * DIR_MAX];
	enum rota_err err = ROTA_OK;
	FILE *f;
	int byte;

	snprintf(path, sizeof(path), "%s/public/%s", dir, file);
	for (int turn = 0; turn < 2; turn++) {
		f = fopen(path, "r+b");
		if (!f || fseek(f, at, SEEK_SET) != 0)
			return ROTA_ERR_IO;
		byte = fgetc(f);
		(void)fseek(f, at, SEEK_SET);
		(void)fputc(byte ^ 1, f);
		(void)fclose(f);
		if (turn == 0)
			err = audit_heads(NULL, NULL);
	}
	return err == ROTA_ERR_HASH && report.bad != bad ? ROTA_ERR_STATE : err;
}

TEST(a_byte_of_what_is_published)
{
	(void)tempdir_fresh();
	CHECK(make("log", -1, ENTRIES));
	CHECK_EQ(changed("tile/0/000", 0, 0), ROTA_ERR_HASH);
	CHECK_EQ(changed("tile/0/000", 255 * 32, 255), ROTA_ERR_HASH);
	CHECK_EQ(changed("tile/0/001.p/44", 43 * 32 + 31, ENTRIES - 1), ROTA_ERR_HASH);
	CHECK_EQ(changed("tile/1/000.p/1", 31, 0), ROTA_ERR_HASH);
	CHECK_EQ(changed("tile/entries/000", 30, 0), ROTA_ERR_HASH);
	CHECK_EQ(changed("tile/entries/001.p/44", 3, 256), ROTA_ERR_HASH);
	CHECK_EQ(changed("tile/entries/001.p/44", 0, 256), ROTA_ERR_HASH); /* a length */
	CHECK_OK(audit_heads(NULL, NULL));
}

TEST(too_many_heads)
{
	struct rota_audit a = { .head_count = ROTA_AUDIT_HEADS_MAX + 1 };

	CHECK_EQ(rota_audit_verify(&a, &report, &why), ROTA_ERR_LIMIT);
	log_scene_end(&scene);
	tempdir_remove();
}

TESTS(T(a_log_and_its_journal), T(the_journal_has_another_entry), T(the_journal_is_behind),
	T(heads_that_are_not_of_this_log), T(a_byte_of_what_is_published), T(too_many_heads))
