/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/metastore.h"
#include "rota/update/session.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static struct rota_metastore store;
static struct rota_fail why;
static char taken[256];

static enum rota_err take(void *ctx, struct rota_span piece)
{
	size_t len = strlen(taken);

	(void)ctx;
	memcpy(taken + len, piece.p, piece.len);
	taken[len + piece.len] = 0;
	return ROTA_OK;
}

static enum rota_err refuse(void *ctx, struct rota_span piece)
{
	(void)ctx, (void)piece;
	return ROTA_ERR_HASH;
}

static enum rota_err read_back(const char *name)
{
	taken[0] = 0;
	return rota_metastore_read(&store, name, NULL, take, &why);
}

static bool begin_store(void)
{
	return rota_metastore_open(&store, tempdir_fresh(), &why) == ROTA_OK;
}

static bool stage(const char *name, const char *text, bool whole)
{
	if (rota_metastore_begin(&store, name, &why) != ROTA_OK ||
		rota_metastore_add(&store, rota_span_cstr(text), &why) != ROTA_OK)
		return false;
	rota_metastore_end(&store, whole);
	return true;
}

TEST(names_are_encoded)
{
	static const struct {
		const char *role;
		uint64_t version;
		const char *name;
	} rows[] = {
		{ "root", 7, "7.root.json" },
		{ "timestamp", 0, "timestamp.json" },
		{ "a/b", 1, "1.a%2Fb.json" },
		{ "../etc/passwd", 0, "..%2Fetc%2Fpasswd.json" },
		{ "\xc3\xa4 %", 2, "2.%C3%A4%20%25.json" },
		{ "releases", UINT64_C(9007199254740991), "9007199254740991.releases.json" },
	};
	char name[ROTA_META_NAME_MAX];
	uint8_t longest[ROTA_ROLE_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ROW(rows[i].name);
		CHECK_OK(rota_meta_name(rota_span_cstr(rows[i].role), rows[i].version, name));
		CHECK(strcmp(name, rows[i].name) == 0);
	}
	memset(longest, 'x', sizeof(longest));
	CHECK_OK(rota_meta_name(rota_span(longest, ROTA_ROLE_NAME_MAX), UINT64_MAX, name));
	CHECK_EQ(strlen(name), 20 + 1 + ROTA_ROLE_NAME_MAX + 5);
	CHECK_EQ(rota_meta_name(rota_span(longest, sizeof(longest)), 1, name), ROTA_ERR_LIMIT);
	memset(longest, '/', sizeof(longest)); /* the file's name: 255 */
	CHECK_OK(rota_meta_name(rota_span(longest, 83), 0, name));
	CHECK_EQ(rota_meta_name(rota_span(longest, 83), 1, name), ROTA_ERR_LIMIT);
}

TEST(a_staged_file_is_read_and_kept)
{
	CHECK(begin_store());
	CHECK_EQ(read_back("1.snapshot.json"), ROTA_ERR_NOT_FOUND);
	CHECK(stage("1.snapshot.json", "one", true));
	CHECK_OK(read_back("1.snapshot.json"));
	CHECK(strcmp(taken, "one") == 0);
	CHECK(!tempdir_get("1.snapshot.json"));
	CHECK_OK(rota_metastore_keep(&store, "1.snapshot.json", &why));
	CHECK(strcmp(tempdir_get("1.snapshot.json"), "one") == 0);
	CHECK_OK(read_back("1.snapshot.json"));
	CHECK(strcmp(taken, "one") == 0);
	CHECK_EQ(rota_metastore_read(&store, "1.snapshot.json", NULL, refuse, &why), ROTA_ERR_HASH);
	rota_metastore_close(&store);
}

TEST(what_broke_off_is_never_kept)
{
	CHECK(begin_store());
	CHECK(stage("2.root.json", "half", false));
	CHECK_EQ(read_back("2.root.json"), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(rota_metastore_keep(&store, "2.root.json", &why), ROTA_ERR_NOT_FOUND);
	CHECK_EQ(tempdir_count(), 0);
}

TEST(keeping_what_is_there_is_no_error)
{
	CHECK(begin_store());
	tempdir_put("3.root.json", "here");
	CHECK(stage("timestamp.json", "other", true));
	CHECK_OK(rota_metastore_keep(&store, "3.root.json", &why));
	CHECK(strcmp(tempdir_get("3.root.json"), "here") == 0);
	rota_metastore_close(&store);
	CHECK_EQ(tempdir_count(), 1);
}

static bool keep(const char *name)
{
	return stage(name, "", true) && rota_metastore_keep(&store, name, &why) == ROTA_OK;
}

TEST(pruning_takes_only_other_versions_of_what_was_kept)
{
	CHECK(begin_store());
	tempdir_put("1.root.json", "");
	tempdir_put("root.json", "");
	tempdir_put("1.subroot.json", "");
	tempdir_put("1.2.root.json", "");
	tempdir_put("xroot.json", "");
	tempdir_put("4.targets.json", "");
	CHECK(keep("2.root.json") && keep("3.root.json") && keep("5.targets.json"));
	CHECK_EQ(tempdir_count(), 9);
	rota_metastore_prune(&store, true);
	CHECK(tempdir_get("3.root.json") && tempdir_get("1.subroot.json"));
	CHECK(tempdir_get("1.2.root.json") && tempdir_get("xroot.json"));
	CHECK(tempdir_get("5.targets.json") && !tempdir_get("4.targets.json"));
	CHECK_EQ(tempdir_count(), 5);
}

TEST(what_the_journal_does_not_speak_of_replaces_nothing)
{
	CHECK(begin_store());
	tempdir_put("1.root.json", "");
	CHECK(keep("2.root.json"));
	rota_metastore_prune(&store, false);
	rota_metastore_prune(&store, true);
	CHECK(tempdir_get("1.root.json"));
	CHECK_EQ(tempdir_count(), 2);
}

TEST(what_an_interrupted_run_left_goes)
{
	CHECK(begin_store());
	tempdir_put(".draft.AbCdEf", "half");
	tempdir_put("1.root.json", "kept");
	CHECK_OK(rota_metastore_open(&store, tempdir_path("."), &why));
	CHECK_EQ(tempdir_count(), 1);
}

TESTS(T(names_are_encoded), T(a_staged_file_is_read_and_kept), T(what_broke_off_is_never_kept),
	T(keeping_what_is_there_is_no_error), T(pruning_takes_only_other_versions_of_what_was_kept),
	T(what_the_journal_does_not_speak_of_replaces_nothing),
	T(what_an_interrupted_run_left_goes))
