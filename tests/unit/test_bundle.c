/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles on their whole way, what the import asks for, and what is shown (bundle_scene.h). What the vault refuses is
 * in test_bundle_judge.c, whose signatures count and what it remembers in test_bundle_record.c. */
#include "host/repo/bundle_diff.h"
#include "host/repo/bundle_import.h"
#include "host/repo/store.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/test.h"

#include <stdio.h>

TEST(signs_and_imports)
{
	struct rota_bundle b;
	struct scene s;
	json_t *content;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_wait_for(&s, "releases/sensor/2.0.0/app.img", "image"));
	CHECK_OK(scene_make(&s, ROOT | TARGETS | RELEASES, &b));
	CHECK_EQ(scene_import(&s, &b, 1), ROTA_ERR_THRESHOLD);
	CHECK_OK(scene_sign(&s, &b, "t0", false));
	CHECK_EQ(scene_import(&s, &b, 1), ROTA_ERR_THRESHOLD);
	CHECK_OK(scene_sign(&s, &b, NULL, false));
	CHECK_OK(scene_import(&s, &b, 1));
	CHECK_OK(scene_import(&s, &b, 1)); /* cut off after the last write */
	CHECK_OK(rota_store_signed(&s.online, "releases", &content, &s.why));
	CHECK_EQ(rota_chain_version(content), 2);
	CHECK(json_object_get(
		json_object_get(content, "targets"), "releases/sensor/2.0.0/app.img"));
	json_decref(content);
	rota_bundle_free(&b);
	scene_end(&s);
}

TEST(copies)
{
	struct rota_bundle copies[2], other;
	struct scene s;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_make(&s, RELEASES, &copies[0]));
	CHECK_OK(scene_make(&s, RELEASES, &copies[1]));
	CHECK_OK(scene_make(&s, TARGETS, &other));
	CHECK_OK(scene_sign(&s, &copies[0], "t0", false));
	CHECK_OK(scene_sign(&s, &copies[1], "t0", false));
	CHECK_EQ(scene_import(&s, copies, 2), ROTA_ERR_THRESHOLD); /* one person twice */
	CHECK_EQ(rota_bundle_merge(&copies[0], &other, &s.why), ROTA_ERR_HASH);
	CHECK_OK(scene_sign(&s, &copies[1], "t6", false));
	CHECK_OK(scene_import(&s, copies, 2));
	rota_bundle_free(&copies[0]);
	rota_bundle_free(&copies[1]);
	rota_bundle_free(&other);
	scene_end(&s);
}

TEST(artifacts_and_keys_at_the_import)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bundle b;
	struct scene s;
	uint64_t root;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_wait_for(&s, "releases/sensor/1.0.0/app.img", "image"));
	CHECK_OK(scene_make(&s, ROOT | RELEASES, &b));
	CHECK_OK(scene_sign(&s, &b, NULL, false));
	rota_digest_of(rota_span_cstr("image"), digest);
	rota_store_target_path(&s.online, "releases/sensor/1.0.0/app.img", digest, path);
	CHECK_OK(rota_file_write(path, rota_span_cstr("imagE"), 0644, &s.why));
	CHECK_EQ(scene_import(&s, &b, 1), ROTA_ERR_HASH);
	CHECK(remove(path) == 0);
	CHECK_EQ(scene_import(&s, &b, 1), ROTA_ERR_NOT_FOUND);
	CHECK_OK(rota_file_write(path, rota_span_cstr("image"), 0644, &s.why));
	rota_tokens_close(&s.tokens);
	s.soft.mood[7] = SOFT_ABSENT; /* who should sign snapshots under the new root */
	CHECK_EQ(scene_import(&s, &b, 1), ROTA_ERR_THRESHOLD);
	CHECK_OK(rota_store_newest(&s.online, "root", true, &root, &s.why));
	CHECK_EQ(root, 1);
	rota_tokens_close(&s.tokens);
	s.soft.mood[7] = SOFT_WELL;
	CHECK_OK(scene_import(&s, &b, 1));
	rota_bundle_free(&b);
	scene_end(&s);
}

TEST(a_length_at_the_import)
{
	struct rota_bundle b;
	struct scene s;

	CHECK(scene_begin(&s));
	CHECK_OK(scene_wait_for_too_long(&s, "releases/sensor/1.0.0/app.img", "image"));
	CHECK_OK(scene_make(&s, RELEASES, &b));
	CHECK_OK(scene_sign(&s, &b, NULL, false));
	CHECK_EQ(scene_import(&s, &b, 1), ROTA_ERR_HASH);
	rota_bundle_free(&b);
	scene_end(&s);
}

struct seen {
	size_t changes;
	bool escaped;
};

static void on_change(void *ctx, const char *path, const json_t *was, const json_t *now)
{
	struct seen *seen = ctx;

	seen->changes += was || now;
	for (; *path; path++)
		seen->escaped &= *path >= ' ' && *path <= '~';
}

TEST(everything_is_shown)
{
	struct seen seen = { .escaped = true };
	const struct rota_bundle_sink sink = { .ctx = &seen, .change = on_change };
	json_t *was = json_loads("{\"a\":{\"x\":1},\"b\":[1,2],\"c\":{}}", 0, NULL);
	json_t *now = json_loads(
		"{\"a\":{\"x\":1,\"\\u001b[2J\":1},\"b\":[1],\"c\":{\"y\":\"z\"}}", 0, NULL);
	const struct rota_bundle_item item = {
		.role = "releases", .duty = rota_duty_find("releases"), .was = was, .now = now
	};
	const struct rota_bundle_view view = { 0 };

	rota_bundle_diff(&view, &item, &sink);
	CHECK_EQ(seen.changes, 4); /* a's new member, b's second element, c empty, c's y */
	CHECK(seen.escaped);
	json_decref(was);
	json_decref(now);
}

TESTS(T(signs_and_imports), T(copies), T(artifacts_and_keys_at_the_import),
	T(a_length_at_the_import), T(everything_is_shown))
