/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/listed.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct rota_authdir dir;
static struct rota_fail why;

static void put(const char *name, const char *text)
{
	char path[ROTA_FILE_PATH_MAX];

	rota_authdir_path(&dir, name, path);
	if (rota_file_write(path, rota_span_cstr(text), 0644, &why) != ROTA_OK)
		abort();
}

/* A directory whose last snapshot, version 7, lists version 5 of releases, the text "five". */
static bool begin(void)
{
	char hex[ROTA_DIGEST_HEX], *text;

	snprintf(dir.dir, sizeof(dir.dir), "%s", tempdir_fresh());
	rota_authdir_path(&dir, "repo", dir.repo);
	if (rota_store_make(&dir, &why) != ROTA_OK)
		return false;
	rota_digest_hex(ROTA_STR("five"), hex);
	text = rota_text("{\"signatures\":[],\"signed\":{\"meta\":{\"releases.json\":"
			 "{\"hashes\":{\"sha256\":\"%s\"},\"length\":4,\"version\":5}}}}",
		hex);
	if (rota_file_mkdirs(tempdir_path("trust"), 0700, &why) != ROTA_OK)
		return false;
	put("trust/7.snapshot.json", text);
	free(text);
	return true;
}

static enum rota_err check(const char *role, uint64_t version, const char *text)
{
	json_t *meta;
	enum rota_err err = rota_listed_load(&dir, &meta, &why);

	if (err == ROTA_OK)
		err = rota_listed_check(meta, role, version, rota_span_cstr(text), &why);
	json_decref(meta);
	return err;
}

TEST(the_listed_file)
{
	CHECK(begin());
	CHECK_OK(check("releases", 5, "five"));
	CHECK_EQ(check("releases", 5, "Five"), ROTA_ERR_HASH);
	CHECK_OK(
		check("releases", 6, "six")); /* is not listed: staged, or refused by its version */
	CHECK_OK(check("ci", 5, "Five"));
}

TEST(versions_in_the_two_places)
{
	static const struct {
		const char *role;
		uint64_t published, staged;
		enum rota_err err;
	} rows[] = {
		{ "releases", 5, 0, ROTA_OK }, { "releases", 5, 6, ROTA_OK },
		{ "releases", 6, 6, ROTA_OK }, /* a publish that was cut off */
		{ "releases", 6, 0, ROTA_ERR_HASH }, { "releases", 7, 6, ROTA_ERR_HASH },
		{ "releases", 4, 0, ROTA_ERR_NOT_FOUND }, { "releases", 0, 4, ROTA_ERR_NOT_FOUND },
		{ "ci", 3, 0, ROTA_OK }, /* nothing is remembered of it */
		{ "snapshot", 7, 7, ROTA_OK },
		{ "snapshot", 6, 7, ROTA_OK }, /* its file was lost; the next one is 8 */
		{ "snapshot", 8, 7, ROTA_ERR_HASH },
		{ "snapshot", 8, 0, ROTA_OK }, /* a directory made by an older release */
	};

	CHECK(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_EQ(rota_listed_judge(&dir, rows[i].role, rows[i].published, rows[i].staged,
				 &why) == ROTA_OK
				? ROTA_OK
				: why.err,
			rows[i].err);
}

/* Who puts a file where the next one will lie changes nothing. */
TEST(the_staged_file_goes_first)
{
	struct rota_bytes file;
	bool moved;

	CHECK(begin());
	put("repo/metadata/5.releases.json", "five");
	put("repo/metadata/6.releases.json", "another's");
	put("staging/6.releases.json", "six");
	CHECK_OK(rota_store_read(&dir, "releases", 6, &file, &why));
	CHECK(rota_span_eq(rota_bytes_span(&file), ROTA_STR("six")));
	rota_bytes_free(&file);
	CHECK_OK(rota_store_release(&dir, "releases", &moved, &why));
	CHECK(moved);
	CHECK(strcmp(tempdir_get("repo/metadata/6.releases.json"), "six") == 0);
	CHECK_OK(rota_store_release(&dir, "releases", &moved, &why));
	CHECK(!moved);
}

TESTS(T(the_listed_file), T(versions_in_the_two_places), T(the_staged_file_goes_first))
