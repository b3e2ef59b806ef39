/* SPDX-License-Identifier: Apache-2.0 */
/* Who still needs a key whose successor came: by roots of a real repository, images of real releases, and devices that a
 * table tells of. */
#include "host/keys/census.h"
#include "host/repo/store.h"
#include "host/sign/p256.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/bundle_scene.h"
#include "tests/unit/image_make.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static struct scene s;
static struct rota_db_holding fleet[8];
static size_t fleet_count;

static enum rota_err tell(void *ctx, void (*each)(void *to, const struct rota_db_holding *holding),
	void *to, struct rota_fail *why)
{
	(void)ctx;
	(void)why;
	for (size_t i = 0; i < fleet_count; i++)
		each(to, &fleet[i]);
	return ROTA_OK;
}

static void hold(uint64_t root, const char *version, const char *release, uint64_t devices)
{
	struct rota_db_holding *h = &fleet[fleet_count++];

	*h = (struct rota_db_holding){ .root = root, .devices = devices };
	snprintf(h->version, sizeof(h->version), "%s", version);
	snprintf(h->release, sizeof(h->release), "%s", release);
}

static struct rota_census_count count(const char *id, const char *uses)
{
	const struct rota_db db = { .holdings = tell };
	struct rota_key_info key = { .state = ROTA_KEY_ACTIVE };
	struct rota_census_count out = { 0 };
	struct rota_census *c;

	snprintf(key.id, sizeof(key.id), "%s", id);
	snprintf(key.uses, sizeof(key.uses), "%s", uses);
	if (rota_census_open(&s.online, &db, &rota_crypto_openssl, &c, &s.why) == ROTA_OK)
		rota_census_of(c, &key, &out);
	else
		out.total = 1;
	rota_census_free(c);
	return out;
}

/* ---- keys of root's roles ---- */

static struct rota_census_count of_token(size_t n)
{
	char id[ROTA_DIGEST_HEX];
	uint8_t point[ROTA_P256_KEY_LEN] = { 0 };

	(void)!rota_p256_of_pkey(s.soft.key[n], point);
	rota_p256_key_id(point, id);
	return count(id, "");
}

static struct rota_party *party(const char *name)
{
	size_t i = 0;

	while (strcmp(s.online.parties[i].name, name) != 0)
		i++;
	return &s.online.parties[i];
}

/* The next root, with these tokens for timestamp. */
static void next_root(const char *tokens)
{
	struct rota_party *p = party("timestamp");
	uint64_t version;
	json_t *root;

	for (p->seat_count = 0; tokens[p->seat_count]; p->seat_count++) {
		p->seats[p->seat_count] = p->seats[0];
		p->seats[p->seat_count].token = &s.online.tokens[tokens[p->seat_count] - '0'];
	}
	CHECK_OK(rota_metadata_root(&s.desk, &root, &s.why));
	CHECK_OK(rota_metadata_sign(&s.desk, "root", root, 0, &version, &s.why));
	json_decref(root);
}

static void check(
	const char *row, struct rota_census_count is, bool counted, uint64_t need, uint64_t silent)
{
	test_row = row;
	CHECK_EQ(is.counted, counted);
	CHECK_EQ(is.need, need);
	CHECK_EQ(is.silent, silent);
	CHECK_EQ(is.total, counted ? 1111 : 0);
	test_row = NULL;
}

/* Timestamp: token 6; then 6 and 5 side by side; then 5 alone. */
TEST(keys_that_root_names)
{
	CHECK(scene_begin(&s));
	fleet_count = 0;
	hold(0, "", "", 1);
	hold(2, "", "", 10);
	hold(3, "", "", 100);
	hold(4, "", "", 1000);
	next_root("6");
	check("no other key", of_token(6), false, 0, 0);
	check("what came first is gone", of_token(7), true, 1, 1); /* snapshot's it is still */
	next_root("65");
	check("both are named", of_token(6), true, 11, 1);
	check("the new one", of_token(5), false, 0, 0);
	check("a key of people that stays", of_token(0), false, 0, 0);
	next_root("5");
	check("the old one is out", of_token(6), true, 11, 1);
	check("the new one stays", of_token(5), false, 0, 0);
	next_root("4");
	check("the next", of_token(5), true, 1111, 1);
	check("the one before", of_token(6), true, 111,
		1); /* some trust it and none of the newest */
	check("never named", count(DIGEST, "rollouts"), false, 0, 0);
	scene_end(&s);
}

/* Replaced at once, it is needed by all below the root that has the new one. */
TEST(a_key_that_was_replaced_at_once)
{
	CHECK(scene_begin(&s));
	fleet_count = 0;
	hold(0, "", "", 1);
	hold(1, "", "", 10);
	hold(2, "", "", 100);
	hold(3, "", "", 1000);
	next_root("6");
	next_root("5");
	check("at once", of_token(6), true, 111, 1);
	scene_end(&s);
}

/* What somebody put into the repository counts for nothing. */
TEST(roots_are_verified)
{
	const struct rota_db db = { .holdings = tell };
	struct rota_census *c;
	char *text;

	CHECK(scene_begin(&s));
	fleet_count = 0;
	next_root("6");
	text = rota_text("%s", tempdir_get("online/repo/metadata/2.root.json"));
	*strstr(text, "\"expires\":\"20") = 'x';
	tempdir_put("online/repo/metadata/2.root.json", text);
	free(text);
	CHECK(rota_census_open(&s.online, &db, &rota_crypto_openssl, &c, &s.why) != ROTA_OK);
	CHECK(!c);
	scene_end(&s);
}

/* ---- keys of images ---- */

static char image_id[2][ROTA_DIGEST_HEX];

/* Keys 0 and 1, for production both; key 0's row once more, for ci, where there is one. */
static void put_keys(const char *second)
{
	char hex[2][2 * ROTA_P256_KEY_LEN + 1], *text;

	for (int i = 0; i < 2; i++) {
		rota_hex(ROTA_SPAN(image_key(i)->point), hex[i]);
		rota_p256_key_id(image_key(i)->point, image_id[i]);
	}
	text = rota_text("{\"keys\":[{\"channel\":\"production\",\"public\":\"%s\"},"
			 "{\"channel\":\"%s\",\"public\":\"%s\"}]}",
		hex[0], second, hex[1]);
	tempdir_put("online/trust/image-keys.json", text);
	free(text);
}

/* A release with an image of this recipe; its digest in hex. */
static void put_release(
	const char *version, const char *recipe, char digest[static ROTA_DIGEST_HEX])
{
	static uint8_t image[IMAGE_MAKE_MAX];
	const struct image_spec spec = {
		.tail_recipe = recipe, .version = 1, .payload = ROTA_STR("program")
	};
	struct rota_store_target file, listed;
	char path[128], hex[ROTA_DIGEST_HEX], *text;
	size_t len = image_make(&spec, image);

	snprintf(path, sizeof(path), "releases/sensor/%s/app.img", version);
	CHECK_OK(rota_store_put_target(&s.online, path, rota_span(image, len), &file, &s.why));
	rota_hex(ROTA_SPAN(file.sha256), hex);
	text = rota_text("{\"components\":[{\"digest\":\"\",\"path\":\"%s\",\"sha256\":\"%s\"},"
			 "{\"path\":\"x\",\"sha256\":\"%s\"}]}",
		path, hex, hex);
	snprintf(path, sizeof(path), "releases/sensor/%s/release.json", version);
	CHECK_OK(rota_store_put_target(&s.online, path, rota_span_cstr(text), &listed, &s.why));
	rota_hex(ROTA_SPAN(listed.sha256), digest);
	free(text);
}

TEST(keys_of_images)
{
	char old[ROTA_DIGEST_HEX], both[ROTA_DIGEST_HEX], lies[ROTA_DIGEST_HEX];

	CHECK(scene_begin(&s));
	put_keys("production");
	put_release("1.0.0", "dks", old);
	put_release("2.0.0", "dksKS", both);
	put_release("3.0.0", "dksKs", lies); /* a signature of key 1 that does not verify */
	fleet_count = 0;
	hold(1, "", "", 1);
	hold(1, "1.0.0", old, 10);
	hold(1, "2.0.0", both, 100);
	hold(1, "9.0.0", both, 1000); /* a release that is not here */
	check("the old one", count(image_id[0], "image"), true, 1011, 1001);
	check("the new one", count(image_id[1], "image"), true, 1001, 1001);
	check("an unknown one", count(DIGEST, "image"), true, 1111, 1111);
	check("another set's", count(image_id[0], "ci-image"), false, 0, 0);
	fleet_count = 0;
	hold(1, "3.0.0", lies, 1111);
	check("who only says so", count(image_id[0], "image"), true, 1111, 0);
	fleet_count = 0;
	hold(1, "2.0.0", both, 1111);
	put_keys("ci");
	check("one for ci counts for none of these", count(image_id[0], "image"), true, 1111, 0);
	scene_end(&s);
}

/* Of the one image that there is in a release. */
static void path_of_image(const char *version, char path[static ROTA_FILE_PATH_MAX])
{
	char pattern[ROTA_FILE_PATH_MAX + 64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/targets/releases/sensor/%s/*.app.img", s.online.repo,
		version);
	CHECK_EQ(glob(pattern, 0, NULL, &found), 0);
	snprintf(path, ROTA_FILE_PATH_MAX, "%s", found.gl_pathv[0]);
	globfree(&found);
}

/* A file that is not what was listed says nothing of a device. */
TEST(files_that_are_changed)
{
	uint8_t sha256[ROTA_DIGEST_LEN];
	char path[ROTA_FILE_PATH_MAX], other[ROTA_FILE_PATH_MAX];
	char both[ROTA_DIGEST_HEX], old[ROTA_DIGEST_HEX];
	FILE *file;

	CHECK(scene_begin(&s));
	put_keys("production");
	put_release("2.0.0", "dksKS", both);
	fleet_count = 0;
	hold(1, "2.0.0", both, 1111);
	check("as it was", count(image_id[0], "image"), true, 0, 0);
	CHECK(rota_unhex(both, ROTA_BUF(sha256)));
	rota_store_target_path(&s.online, "releases/sensor/2.0.0/release.json", sha256, path);
	file = fopen(path, "a");
	CHECK(file && fputc(' ', file) == ' ' && fclose(file) == 0);
	check("release.json", count(image_id[0], "image"), true, 1111, 1111);
	put_release("1.0.0", "dks", old);
	fleet_count = 0;
	hold(1, "1.0.0", old, 1111);
	check("as it is", count(image_id[1], "image"), true, 0, 0);
	path_of_image("1.0.0", path);
	path_of_image("2.0.0", other);
	CHECK_EQ(rename(other, path), 0);
	check("another image", count(image_id[1], "image"), true, 1111, 1111);
	scene_end(&s);
}

TESTS(T(keys_that_root_names), T(a_key_that_was_replaced_at_once), T(roots_are_verified),
	T(keys_of_images), T(files_that_are_changed))
