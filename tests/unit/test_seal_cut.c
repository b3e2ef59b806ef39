/* SPDX-License-Identifier: Apache-2.0 */
/* A sealing that ends at each of its durable system calls, and is run again: what comes of it is whole, no secret is in
 * two bundles, and no key of the copies seals two things.
 *
 * The multiplications of HPKE are those of one ephemeral key and one agree key for all, done once: what they are is not
 * tried here. Everything else is real. */
#include "host/campaign/confirm.h"
#include "ports/crypto_openssl/secret.h"
#include "ports/posix/posix.h"
#include "rota/base/mem.h"
#include "tests/unit/seal_scene.h"
#include "tests/unit/syscut.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define DEVICES 2100 /* three chunks */
#define CHUNKS 3

static struct seal_scene s;
static uint8_t secrets[SEAL_SCENE_MAX][ROTA_SECRET_LEN];
static uint8_t first[DEVICES][ROTA_SECRET_LEN]; /* of tree 0, where a supplement is made */
static uint32_t firsts;
static uint8_t point[ROTA_P256_KEY_LEN], shared[ROTA_P256_DH_LEN];

static enum rota_err same(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t enc[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	(void)ctx, (void)peer;
	memcpy(enc, point, sizeof(point));
	memcpy(dh, shared, sizeof(shared));
	return ROTA_OK;
}

static struct rota_p256 p256;

static void meet(void)
{
	p256 = rota_p256_openssl;
	if (p256.ephemeral(p256.ctx, s.agree, point, shared) != ROTA_OK)
		abort();
	p256.ephemeral = same;
}

static void begin(void)
{
	seal_scene_begin(&s, DEVICES);
	meet();
	s.plan.p256 = &p256;
	s.plan.batch = 1;
}

static int run(void *ctx)
{
	(void)ctx;
	return rota_seal_run(&s.plan, &s.result, &s.why) != ROTA_OK;
}

/* What a chunk of the copies that lie about begins with, and whether it was written at all. */
struct attempt {
	uint8_t salt[ROTA_COPIES_SALT_LEN], head[ROTA_COPIES_HEAD_LEN], bytes[64];
	bool there;
};

static void look(struct attempt at[static CHUNKS])
{
	const char *place = seal_scene_path(&s, "copies");
	char *part = rota_text("%s.part", place);
	struct rota_bytes all = { 0 };

	memset(at, 0, CHUNKS * sizeof(at[0]));
	if (rota_file_read(rota_file_exists(part) ? part : place, 1 << 20, &all, &s.why) == ROTA_OK)
		for (uint32_t c = 0; c < CHUNKS; c++) {
			static const uint8_t zeros[sizeof(at[c].salt)];
			uint64_t off = rota_copies_at(c);

			if (off + sizeof(at[c].salt) + sizeof(at[c].bytes) > all.len)
				continue;
			memcpy(at[c].head, all.p, sizeof(at[c].head));
			memcpy(at[c].salt, all.p + off, sizeof(at[c].salt));
			memcpy(at[c].bytes, all.p + off + sizeof(at[c].salt), sizeof(at[c].bytes));
			at[c].there = memcmp(at[c].salt, zeros, sizeof(zeros)) != 0;
		}
	rota_bytes_free(&all);
	free(part);
}

/* One key, one text: SPEC 37.2. */
static bool never_twice(const struct attempt *was, const struct attempt *is)
{
	for (uint32_t c = 0; c < CHUNKS; c++)
		if (was[c].there && memcmp(was[c].head, is[c].head, sizeof(is[c].head)) == 0 &&
			memcmp(was[c].salt, is[c].salt, sizeof(is[c].salt)) == 0 &&
			memcmp(was[c].bytes, is[c].bytes, sizeof(is[c].bytes)) != 0)
			return false;
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, ROTA_SECRET_LEN);
}

/* A sample of devices opens its bundle and has its copy; all copies open, and no two are equal. */
static bool whole(void)
{
	uint8_t secret[ROTA_SECRET_LEN], bundle[ROTA_KEYBUNDLE_LEN];
	uint32_t index;

	if (!seal_scene_copies(&s, secrets))
		return false;
	for (uint32_t i = 0; i < s.count; i += 97)
		if (seal_scene_open(&s, i, NULL, 0, secret) != ROTA_OK ||
			!seal_scene_find(&s, i, &index, bundle) ||
			memcmp(secret, secrets[index], sizeof(secret)) != 0 ||
			(i < firsts && memcmp(secret, first[i], sizeof(secret)) != 0))
			return false;
	qsort(secrets, s.count, sizeof(secrets[0]), by_bytes);
	for (uint32_t i = 1; i < s.count; i++)
		if (by_bytes(secrets[i - 1], secrets[i]) == 0)
			return false;
	return true;
}

static void fresh(void)
{
	static const char *const kinds[] = { "keys", "confirm", "copies", "sealed", "keys.part",
		"confirm.part", "copies.part", "progress.part" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		(void)remove(seal_scene_path(&s, kinds[i]));
	(void)remove(tempdir_path("book.telemetry"));
	(void)remove(tempdir_path("book.telemetry.part"));
}

/* *kept: how often what was done was not done again; *at: how many calls there were. */
static void cut_everywhere(size_t files, unsigned *at, unsigned *kept)
{
	struct attempt was[CHUNKS], is[CHUNKS];
	bool cut = true;

	*kept = 0;
	for (*at = 1; cut; ++*at)
		for (enum syscut_tear tear = SYSCUT_BEFORE; cut && tear < SYSCUT_TEARS; tear++) {
			fresh();
			cut = syscut_run(*at, tear, run, NULL);
			look(was);
			CHECK(cut || rota_file_exists(seal_scene_path(&s, "sealed")));
			CHECK_OK(run(NULL));
			look(is);
			CHECK(never_twice(was, is));
			CHECK_EQ(s.result.size, s.count);
			CHECK_EQ(s.result.base, s.count);
			CHECK_EQ(s.result.again, firsts);
			CHECK(whole());
			CHECK_EQ(tempdir_count(), files);
			*kept += s.result.kept > 0;
		}
}

TEST(a_run_that_ends_anywhere_is_gone_on_with)
{
	unsigned at, kept;

	begin();
	cut_everywhere(7, &at, &kept);
	CHECK(at > 30);
	CHECK(kept > 10);
	tempdir_remove();
}

/* Of two chunks, most devices with another agree key than in tree 0: each run finds their secrets there. */
TEST(a_supplement_that_ends_anywhere_too)
{
	unsigned at, kept;

	begin();
	s.count = 900;
	seal_scene_export(&s);
	CHECK_OK(run(NULL));
	for (; firsts < s.count; firsts++)
		CHECK_OK(seal_scene_open(&s, firsts, NULL, 0, first[firsts]));
	s.count = 1100;
	seal_scene_agree(&s);
	meet();
	s.plan.tree = 1;
	cut_everywhere(11, &at, &kept);
	CHECK(at > 20);
	CHECK(kept > 5);
	tempdir_remove();
}

/* ---- what is not gone on with ---- */

static unsigned draws;

/* All but the last of three chunks: campaign key and salt come first. */
static enum rota_err run_dry(void *ctx, struct rota_buf out)
{
	(void)ctx;
	return ++draws > 2 + CHUNKS - 1 ? ROTA_ERR_IO
					: rota_random_posix.fill(rota_random_posix.ctx, out);
}

static void cut(void)
{
	draws = 0;
	s.entropy.fill = run_dry;
	CHECK_EQ(rota_seal_run(&s.plan, &s.result, &s.why), ROTA_ERR_IO);
	s.entropy = rota_random_posix;
}

TEST(a_run_that_nothing_came_between)
{
	begin();
	cut();
	CHECK_OK(run(NULL));
	CHECK_EQ(s.result.kept, (CHUNKS - 1) * ROTA_COPIES_CHUNK);
	CHECK(whole());
	tempdir_remove();
}

static uint8_t psk[1][32] = { "what the factory left in devices" };

static void factory_row(uint32_t device, struct rota_book_row *row)
{
	(void)device;
	memcpy(row->delivered_psk, psk[0], sizeof(psk[0]));
}

/* `rota-seald secrets` between the two: no bundle in base mode stays. */
TEST(factory_secrets_that_came_between)
{
	uint32_t all[DEVICES];
	uint8_t secret[ROTA_SECRET_LEN];

	for (uint32_t i = 0; i < DEVICES; i++)
		all[i] = i;
	begin();
	cut();
	CHECK(seal_scene_book(&s, ROTA_BOOK_FACTORY, all, DEVICES, factory_row));
	CHECK_OK(run(NULL));
	CHECK_EQ(s.result.kept, 0);
	CHECK_EQ(s.result.base, 0);
	for (uint32_t i = 0; i < s.count; i += 97)
		CHECK_OK(seal_scene_open(&s, i, psk, 1, secret));
	tempdir_remove();
}

/* Another export of the same devices, each with its next agree key. */
TEST(an_export_that_came_between)
{
	begin();
	s.plan.export_sha256 = NULL;
	cut();
	seal_scene_agree(&s);
	meet();
	CHECK_OK(run(NULL));
	CHECK_EQ(s.result.kept, 0);
	CHECK(whole());
	tempdir_remove();
}

/* Tree 1 is sealed while tree 2 is cut, of the same devices: their secrets are those of tree 1. */
TEST(a_tree_that_came_between)
{
	uint8_t agree[ROTA_P256_KEY_LEN], agree_secret[ROTA_P256_SECRET_LEN];

	begin();
	s.count = 3;
	seal_scene_export(&s);
	CHECK_OK(run(NULL));
	s.count = DEVICES;
	seal_scene_agree(&s);
	memcpy(agree, s.agree, sizeof(agree));
	memcpy(agree_secret, s.agree_secret, sizeof(agree_secret));
	meet();
	s.plan.export_sha256 = NULL;
	s.plan.most = 3 + 2 * DEVICES;
	s.plan.tree = 2;
	cut();
	seal_scene_agree(&s);
	meet();
	s.plan.tree = 1;
	CHECK_OK(run(NULL));
	for (firsts = 0; firsts < s.count; firsts++)
		CHECK_OK(seal_scene_open(&s, firsts, NULL, 0, first[firsts]));
	memcpy(s.agree, agree, sizeof(agree));
	memcpy(s.agree_secret, agree_secret, sizeof(agree_secret));
	for (uint32_t i = 0; i < s.count; i++)
		memcpy(s.rows[i].agree, agree, sizeof(agree));
	seal_scene_export(&s);
	meet();
	s.plan.tree = 2;
	CHECK_OK(run(NULL));
	CHECK_EQ(s.result.kept, 0);
	CHECK_EQ(s.result.again, DEVICES);
	CHECK(whole());
	firsts = 0;
	tempdir_remove();
}

TESTS(T(a_run_that_nothing_came_between), T(factory_secrets_that_came_between),
	T(an_export_that_came_between), T(a_tree_that_came_between),
	T(a_run_that_ends_anywhere_is_gone_on_with), T(a_supplement_that_ends_anywhere_too))
