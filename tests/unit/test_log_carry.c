/* SPDX-License-Identifier: Apache-2.0 */
/* A log that is brought from where it is written to where it is read, as it grows, and one that is another. Witnesses
 * are in tests/system/test_carry.py. */
#include "host/log/carry.h"
#include "host/log/verify.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/log_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <sys/stat.h>

#define DIR_MAX 200

static char dir[DIR_MAX], from[DIR_MAX + 8], to[DIR_MAX];
static struct log_scene scene;
static struct rota_log_policy policy;
static struct rota_fail why;

/* The log `name` has `count` entries, from `others` on other ones; whatever name, it is the same log by its key. */
static bool grow(const char *name, uint64_t others, uint64_t count)
{
	struct rota_tiler *tiler = NULL;
	struct rota_log *log = NULL;
	uint64_t size = 0;
	bool ok;

	snprintf(dir, sizeof(dir), "%s", tempdir_path(name));
	snprintf(from, sizeof(from), "%s/public", dir);
	(void)mkdir(dir, 0700);
	scene.log.dir = scene.tiler.dir = dir;
	scene.log.each = NULL;
	ok = rota_log_open(&scene.log, &log, &why) == ROTA_OK;
	for (uint64_t n = ok ? rota_log_size(log) : 0; ok && n < count; n++)
		ok = n < others ? log_scene_add(log, n) : log_scene_add_other(log, n, 'x');
	ok = ok && rota_log_commit(log, &why) == ROTA_OK &&
		rota_tiler_open(&scene.tiler, &tiler, &why) == ROTA_OK &&
		rota_tiler_step(tiler, count, &size, &why) == ROTA_OK && size == count;
	rota_tiler_close(tiler);
	return rota_log_close(log, &why) == ROTA_OK && ok;
}

static enum rota_err carry(uint64_t least, struct rota_log_wanted *wanted, size_t count)
{
	const struct rota_carry c = { .crypto = &rota_crypto_openssl,
		.from = from,
		.to = to,
		.policy = &policy,
		.least = least };
	struct rota_carried done = { 0 };

	return rota_log_carry(&c, wanted, count, &done, &why);
}

static enum rota_err verify(uint64_t entries)
{
	struct rota_tiles files = rota_tiles_in(to);
	const struct rota_audit a = {
		.crypto = &rota_crypto_openssl, .files = &files, .policy = &policy
	};
	struct rota_audit_report report;

	ROTA_TRY(rota_audit_verify(&a, &report, &why));
	return report.entries == entries ? ROTA_OK : ROTA_ERR_STATE;
}

static void begin(void)
{
	(void)tempdir_fresh();
	log_scene_end(&scene);
	log_scene_begin(&scene, dir);
	policy = (struct rota_log_policy){ .count = 1, .logs = 1, .note = { scene.key } };
	snprintf(to, sizeof(to), "%s", tempdir_path("to"));
}

TEST(a_log_that_grows)
{
	static const uint64_t sizes[] = { 1, 1, 3, 255, 256, 257, 700 };

	begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK(grow("log", UINT64_MAX, sizes[i]));
		CHECK_OK(carry(sizes[i], NULL, 0));
		CHECK_OK(verify(sizes[i]));
	}
	CHECK_EQ(carry(701, NULL, 0), ROTA_ERR_TIMEOUT);
}

TEST(another_log_is_not_published)
{
	begin();
	CHECK(grow("log", UINT64_MAX, 300));
	CHECK_OK(carry(0, NULL, 0));
	CHECK(grow("shorter", UINT64_MAX, 299));
	CHECK_EQ(carry(0, NULL, 0), ROTA_ERR_CORRUPT);
	CHECK(grow("same-size", 299, 300));
	CHECK_EQ(carry(0, NULL, 0), ROTA_ERR_CORRUPT);
	CHECK(grow("fork", 299, 400));
	CHECK_EQ(carry(0, NULL, 0), ROTA_ERR_CORRUPT);
	CHECK_OK(verify(300));
	policy.note[0].id[0] ^= 1; /* of a key that is not believed */
	CHECK_EQ(carry(0, NULL, 0), ROTA_ERR_SIGNATURE);
	CHECK(grow("log", UINT64_MAX, 400));
	policy.note[0].id[0] ^= 1;
	CHECK_OK(carry(0, NULL, 0));
	CHECK_OK(verify(400));
}

TEST(what_the_log_does_not_have_has_no_proof)
{
	struct rota_log_wanted wanted = { .path = "releases/sensor/1.0.0/release.json",
		.any = true };
	char proof[ROTA_LOG_PROOF_PATH_MAX];

	begin();
	CHECK(grow("log", UINT64_MAX, 30));
	CHECK_OK(carry(0, &wanted, 1));
	CHECK(!wanted.found);
	rota_log_proof_path(wanted.sha256, proof);
	CHECK(tempdir_get(proof) == NULL);
	log_scene_end(&scene);
	tempdir_remove();
}

TESTS(T(a_log_that_grows), T(another_log_is_not_published),
	T(what_the_log_does_not_have_has_no_proof))
