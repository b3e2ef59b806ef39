/* SPDX-License-Identifier: Apache-2.0 */
/* A series that is carried to the people of root: what their machine takes, and what it remembers (SPEC 23.2, 14.6). */
#include "host/base/when.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/repo/seriesfile.h"
#include "host/series/series.h"
#include "host/sign/p256.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <openssl/ec.h>
#include <stdlib.h>

#define HOUR 3600
#define SLOTS 3

static void new_point(uint8_t point[static ROTA_P256_KEY_LEN])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	if (!key || !rota_p256_of_pkey(key, point))
		abort();
	EVP_PKEY_free(key);
}

/* A series of three slots behind `before`, in a file. */
static bool make(
	struct scene *s, const json_t *before, uint64_t issued_s, struct rota_seriesfile *f)
{
	const struct rota_series_plan plan = { .issued_s = issued_s,
		.from_s = NOW + HOUR * 24 * 7 * (uint64_t)rota_chain_version(before),
		.period_s = 6 * HOUR,
		.slots = SLOTS,
		.landing_s = 24 * HOUR };
	struct rota_series_pair pairs[SLOTS + 1];
	json_t *roots;
	bool made;

	for (size_t i = 0; i <= SLOTS; i++) {
		new_point(pairs[i].snapshot);
		new_point(pairs[i].timestamp);
	}
	if (rota_series_make(before, &plan, pairs, &roots, &s->why) != ROTA_OK)
		return false;
	made = rota_seriesfile_make(&s->online, roots, f, &s->why) == ROTA_OK;
	json_decref(roots);
	return made;
}

static bool make_first(struct scene *s, uint64_t issued_s, struct rota_seriesfile *f)
{
	json_t *before;
	bool made;

	if (rota_ahead_newest(&s->online, &before, &s->why) != ROTA_OK)
		return false;
	made = make(s, before, issued_s, f);
	json_decref(before);
	return made;
}

/* What the vault says of the file once it was carried there. */
static enum rota_err opened(
	struct scene *s, const struct rota_seriesfile *f, struct rota_seriesfile *out)
{
	const char *path = tempdir_path("carried");

	ROTA_TRY(rota_seriesfile_save(f, path, &s->why));
	ROTA_TRY(rota_seriesfile_load(tempdir_path("carried"), out, &s->why));
	if (rota_seriesfile_open(&s->vault, out, NOW, &s->why) == ROTA_OK)
		return ROTA_OK;
	rota_seriesfile_free(out);
	return s->why.err;
}

static json_t *next_root(const struct rota_seriesfile *f, size_t i)
{
	return json_object_get(
		json_array_get(json_object_get(f->whole, "roots_next"), i), "signed");
}

static enum rota_err after(
	struct scene *s, const struct rota_seriesfile *f, void (*edit)(struct rota_seriesfile *f))
{
	struct rota_seriesfile copy = { .whole = json_deep_copy(f->whole) }, there;
	enum rota_err err;

	edit(&copy);
	err = opened(s, &copy, &there);
	if (err == ROTA_OK)
		rota_seriesfile_free(&there);
	json_decref(copy.whole);
	return err;
}

static void other_anchor(struct rota_seriesfile *f)
{
	json_object_set_new(f->whole, "anchor", json_loads(DIGEST, JSON_DECODE_ANY, NULL));
}

static void other_product(struct rota_seriesfile *f)
{
	json_object_set_new(f->whole, "product", json_string("other"));
}

static void other_format(struct rota_seriesfile *f)
{
	json_object_set_new(f->whole, "format", json_integer(2));
}

static void one_member_more(struct rota_seriesfile *f)
{
	json_object_set_new(f->whole, "more", json_true());
}

static void another_key_of_root(struct rota_seriesfile *f)
{
	json_t *role = json_object_get(json_object_get(next_root(f, 1), "roles"), "root");

	json_object_set_new(role, "threshold", json_integer(1));
}

static void one_root_less(struct rota_seriesfile *f)
{
	json_array_remove(json_object_get(f->whole, "roots_next"), 1);
}

static void unsigned_before(struct rota_seriesfile *f)
{
	json_object_set(
		f->whole, "before", json_array_get(json_object_get(f->whole, "roots_next"), SLOTS));
}

/* What has a signature already, moved to another root. */
static void moved_signature(struct rota_seriesfile *f)
{
	json_t *next = json_object_get(f->whole, "roots_next");

	json_object_set(json_array_get(next, 1), "signatures",
		json_object_get(json_array_get(next, 0), "signatures"));
}

static void repeated_signature(struct rota_seriesfile *f)
{
	json_t *list = json_object_get(
		json_array_get(json_object_get(f->whole, "roots_next"), 0), "signatures");

	json_array_append(list, json_array_get(list, 0));
}

TEST(refused)
{
	static const struct {
		const char *what;
		void (*edit)(struct rota_seriesfile *f);
		enum rota_err err;
	} rows[] = {
		{ "another repository", other_anchor, ROTA_ERR_HASH },
		{ "another product", other_product, ROTA_ERR_PRODUCT },
		{ "another format", other_format, ROTA_ERR_UNSUPPORTED },
		{ "a member that nobody reads", one_member_more, ROTA_ERR_FORMAT },
		{ "another threshold", another_key_of_root, ROTA_ERR_FORMAT },
		{ "a version left out", one_root_less, ROTA_ERR_VERSION },
		{ "a root before it that nobody signed", unsigned_before, ROTA_ERR_THRESHOLD },
		{ "a signature of another root", moved_signature, ROTA_ERR_SIGNATURE },
		{ "a signature twice", repeated_signature, ROTA_ERR_SIGNATURE },
	};
	struct rota_seriesfile f, there;
	struct scene s;
	unsigned keys;

	CHECK(scene_begin(&s));
	CHECK(make_first(&s, NOW, &f));
	CHECK_OK(opened(&s, &f, &there));
	CHECK_OK(rota_seriesfile_sign(&s.bench, &there, &keys, &s.why));
	CHECK(keys > 0 && rota_seriesfile_complete(&there));
	rota_seriesfile_free(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row = rows[i].what;
		if (rows[i].edit == unsigned_before) {
			struct rota_seriesfile bare;

			CHECK(make_first(&s, NOW, &bare));
			CHECK_EQ(after(&s, &bare, rows[i].edit), rows[i].err);
			rota_seriesfile_free(&bare);
			continue;
		}
		CHECK_EQ(after(&s, &there, rows[i].edit), rows[i].err);
	}
	test_row = NULL;
	rota_seriesfile_free(&there);
	scene_end(&s);
}

TEST(what_was_signed_here)
{
	struct rota_seriesfile f, there, other, there_too;
	struct scene s;
	unsigned keys;

	CHECK(scene_begin(&s));
	CHECK(make_first(&s, NOW, &f) && make_first(&s, NOW, &other));
	CHECK_OK(opened(&s, &f, &there));
	CHECK_OK(rota_seriesfile_check(&s.vault, &there, false, &s.why));
	CHECK_OK(rota_seriesfile_sign(&s.bench, &there, &keys, &s.why));
	CHECK_OK(rota_seriesfile_check(&s.vault, &there, false, &s.why)); /* the same again */
	CHECK_OK(opened(&s, &other, &there_too));
	CHECK_EQ(rota_seriesfile_check(&s.vault, &there_too, false, &s.why), ROTA_ERR_STATE);
	CHECK_OK(rota_seriesfile_check(&s.vault, &there_too, true, &s.why));
	CHECK_EQ(rota_seriesfile_merge(&there, &there_too, &s.why), ROTA_ERR_HASH);
	rota_seriesfile_free(&there_too);
	rota_seriesfile_free(&there);
	rota_seriesfile_free(&other);
	rota_seriesfile_free(&f);
	scene_end(&s);
}

/* One that is shorter, so that only its last root tells. */
TEST(a_shorter_series_after_a_longer_one)
{
	struct rota_seriesfile f, there;
	struct scene s;

	CHECK(scene_begin(&s));
	CHECK(make_first(&s, NOW, &f));
	CHECK_OK(opened(&s, &f, &there));
	CHECK_OK(rota_seriesfile_remember(&s.vault, &there, NOW, &s.why));
	json_array_remove(there.roots, SLOTS); /* as if the last one were not of it */
	CHECK_EQ(rota_seriesfile_check(&s.vault, &there, false, &s.why), ROTA_ERR_STATE);
	rota_seriesfile_free(&there);
	rota_seriesfile_free(&f);
	scene_end(&s);
}

/* Two people, each with a copy. */
TEST(copies_come_together)
{
	struct rota_seriesfile f, one, two;
	struct scene s;
	unsigned keys;

	CHECK(scene_begin(&s));
	CHECK(make_first(&s, NOW, &f));
	CHECK_OK(opened(&s, &f, &one));
	CHECK_OK(opened(&s, &f, &two));
	CHECK_OK(rota_seriesfile_sign(&s.bench, &one, &keys, &s.why));
	CHECK(rota_seriesfile_complete(&one) && !rota_seriesfile_complete(&two));
	CHECK_OK(rota_seriesfile_merge(&two, &one, &s.why));
	CHECK(rota_seriesfile_complete(&two));
	CHECK_OK(rota_seriesfile_merge(&two, &one, &s.why)); /* each key once */
	CHECK(json_equal(one.whole, two.whole));
	rota_seriesfile_free(&two);
	rota_seriesfile_free(&one);
	rota_seriesfile_free(&f);
	scene_end(&s);
}

TESTS(T(refused), T(what_was_signed_here), T(a_shorter_series_after_a_longer_one),
	T(copies_come_together))
