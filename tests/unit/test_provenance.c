/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of builds: what is written is read, and a release passes only with enough builders that agree (SPEC 26). */
#include "host/build/build.h"
#include "host/build/dsse.h"
#include "host/build/packages.h"
#include "host/build/tree.h"
#include "host/sign/p256.h"
#include "tests/unit/signer_soft.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE "aa000000000000000000000000000000000000000000000000000000000000aa"
#define OTHER "bb000000000000000000000000000000000000000000000000000000000000bb"

/* Two builders of one party each time, and a release that they may agree on. */
struct scene {
	struct soft soft;
	struct rota_authdir dir;
	struct rota_tokens tokens;
	struct rota_named_key builders[3];
	struct rota_bytes bundle;
	json_t *release;
	struct rota_fail why;
};

static void begin(struct scene *s)
{
	static const char *const names[] = { "one", "two", "three" };

	*s = (struct scene){ 0 };
	soft_make(&s->soft);
	soft_authdir(&s->dir, 3, 1);
	rota_tokens_init(&s->tokens, &s->dir, soft_opener(&s->soft));
	for (size_t i = 0; i < 3; i++) {
		s->builders[i].name = names[i];
		if (!rota_p256_of_pkey(s->soft.key[i], s->builders[i].key))
			abort();
	}
	s->release = json_pack("{s:[{s:s,s:s,s:s},{s:s,s:s}]}", "components", "name", "app",
		"digest", IMAGE, "sha256", OTHER, "name", "table", "sha256", IMAGE);
}

static void end(struct scene *s)
{
	rota_tokens_close(&s->tokens);
	soft_free(&s->soft);
	rota_bytes_free(&s->bundle);
	json_decref(s->release);
}

/* The statement of a build that made app (as an image) and table, as text; the caller frees. */
static char *statement_of(const char *image, const char *table)
{
	json_t *artifacts = json_pack("[{s:s,s:s,s:s},{s:s,s:s}]", "name", "app", "digest", OTHER,
		"image", image, "name", "table", "digest", table);
	json_t *paths = json_pack("{s:s,s:s}", "app", "a", "table", "b/t");
	json_t *command = json_pack("[s]", "make"), *none = json_array();
	const char *const hardware[] = { "board-a" };
	const struct rota_build_facts facts = { .id = "1",
		.source = "https://git.example.org/fw",
		.revision = "abc",
		.builder = "https://one.example.org/",
		.command = command,
		.paths = paths,
		.artifacts = artifacts,
		.packages = none,
		.tree = IMAGE,
		.image = { "sensor", 0x0200000000000000, 3, hardware, 1 },
		.epoch_s = 315532800,
		.started_s = 1000000000,
		.finished_s = 1000000001 };
	json_t *statement = rota_provenance_make(&facts);
	struct rota_bytes text;
	struct rota_fail why;

	if (rota_json_encode(statement, ROTA_JSON_FILE, &text, &why) != ROTA_OK)
		abort();
	json_decref(statement);
	json_decref(artifacts);
	json_decref(paths);
	json_decref(command);
	json_decref(none);
	return (char *)text.p;
}

/* Seat `n` signs `text`, a line more in the bundle. */
static void add(struct scene *s, size_t n, const char *text)
{
	const struct rota_notary notary = rota_notary_at_hand(&s->tokens);
	struct rota_party party = s->dir.parties[0];

	party.seats[0] = party.seats[n];
	if (rota_dsse_sign(&notary, &party, rota_span_cstr(text), &s->bundle, &s->why) != ROTA_OK)
		abort();
}

static void add_statement(struct scene *s, size_t n, const char *image, const char *table)
{
	char *text = statement_of(image, table);

	add(s, n, text);
	free(text);
}

static enum rota_err check(struct scene *s, size_t builders, unsigned need)
{
	return rota_provenance_check(
		rota_bytes_span(&s->bundle), s->builders, builders, s->release, need, &s->why);
}

TEST(encoding_is_that_of_dsse)
{
	struct rota_bytes out;

	rota_dsse_message(ROTA_STR("{}"), &out);
	CHECK(strcmp((char *)out.p, "DSSEv1 28 application/vnd.in-toto+json 2 {}") == 0);
	rota_bytes_free(&out);
}

TEST(two_builders_agree)
{
	struct scene s;

	begin(&s);
	add_statement(&s, 0, IMAGE, IMAGE);
	CHECK_OK(check(&s, 2, 1));
	CHECK_EQ(check(&s, 2, 2), ROTA_ERR_THRESHOLD);
	add_statement(&s, 1, IMAGE, IMAGE);
	CHECK_OK(check(&s, 2, 2));
	end(&s);
}

/* One builder's word counts once, however often it is said, and a stranger's not at all. */
TEST(builders_are_distinct)
{
	struct scene s;

	begin(&s);
	add_statement(&s, 0, IMAGE, IMAGE);
	add_statement(&s, 0, IMAGE, IMAGE);
	add_statement(&s, 2, IMAGE, IMAGE);
	CHECK_EQ(check(&s, 2, 2), ROTA_ERR_THRESHOLD);
	s.builders[1] = s.builders[0];
	CHECK_EQ(check(&s, 2, 2), ROTA_ERR_THRESHOLD);
	end(&s);
}

TEST(what_builders_say_must_be_the_release)
{
	static const struct {
		const char *what, *image, *table;
	} rows[] = {
		{ "another image", OTHER, IMAGE },
		{ "another file", IMAGE, OTHER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s;

		ROW(rows[i].what);
		begin(&s);
		add_statement(&s, 0, IMAGE, IMAGE);
		add_statement(&s, 1, rows[i].image, rows[i].table);
		CHECK_EQ(check(&s, 2, 1), ROTA_ERR_HASH);
		CHECK(strstr(s.why.text, "two") != NULL);
		CHECK_OK(check(&s, 1, 1)); /* of a stranger it is passed over */
		end(&s);
	}
}

TEST(a_component_that_nobody_built)
{
	struct scene s;

	begin(&s);
	add_statement(&s, 0, IMAGE, IMAGE);
	json_array_append_new(json_object_get(s.release, "components"),
		json_pack("{s:s,s:s}", "name", "extra", "sha256", IMAGE));
	CHECK_EQ(check(&s, 1, 1), ROTA_ERR_HASH);
	json_object_set_new(s.release, "components", json_array());
	CHECK_EQ(check(&s, 1, 1), ROTA_ERR_FORMAT);
	end(&s);
}

/* Each byte of the signed payload counts: a changed one is a signature that does not verify, or no envelope. */
TEST(a_changed_statement_is_refused)
{
	struct scene s;
	size_t verified = 0;

	begin(&s);
	add_statement(&s, 0, IMAGE, IMAGE);
	for (size_t i = 0; i < s.bundle.len; i += 7) {
		uint8_t was = s.bundle.p[i];

		s.bundle.p[i] = was == 'A' ? 'B' : 'A';
		verified += check(&s, 1, 1) == ROTA_OK;
		s.bundle.p[i] = was;
	}
	CHECK_EQ(verified, 0);
	CHECK_OK(check(&s, 1, 1));
	end(&s);
}

TEST(a_statement_of_another_kind)
{
	static const char *const was[] = { "Statement/v1", "provenance/v1", "build/v1" };

	for (size_t i = 0; i < sizeof(was) / sizeof(was[0]); i++) {
		char *text = statement_of(IMAGE, IMAGE), *version = strstr(text, was[i]);
		struct scene s;

		ROW(was[i]);
		begin(&s);
		CHECK(version);
		version[strlen(was[i]) - 1] = '9';
		add(&s, 0, text);
		CHECK_EQ(check(&s, 1, 1), ROTA_ERR_FORMAT);
		free(text);
		end(&s);
	}
}

TEST(too_many_envelopes)
{
	struct scene s;

	begin(&s);
	for (size_t i = 0; i < ROTA_DSSE_LINES_MAX; i++)
		add_statement(&s, 0, IMAGE, IMAGE);
	CHECK_OK(check(&s, 1, 1));
	add_statement(&s, 0, IMAGE, IMAGE);
	CHECK_EQ(check(&s, 1, 1), ROTA_ERR_LIMIT);
	end(&s);
}

TEST(packages_of_dpkg)
{
	const json_t *one;
	struct rota_fail why;
	json_t *list;

	tempdir_fresh();
	tempdir_put("status",
		"Package: libc6-dev\nStatus: install ok installed\nArchitecture: amd64\n"
		"Version: 1:2.36-9+deb12u1\nDescription: x\n Package: not\n\n"
		"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: "
		"1\n\n"
		"Package: last\nStatus: hold ok installed\nArchitecture: all\nVersion: 2~1");
	CHECK_OK(rota_packages_read(tempdir_path("status"), "debian", &list, &why));
	CHECK_EQ(json_array_size(list), 2);
	CHECK(!rota_packages_find(list, "gone"));
	one = rota_packages_find(list, "libc6-dev");
	CHECK(one &&
		strcmp(json_string_value(json_object_get(one, "purl")),
			"pkg:deb/debian/libc6-dev@1%3A2.36-9%2Bdeb12u1?arch=amd64") == 0);
	CHECK(rota_packages_find(list, "last"));
	json_decref(list);
	tempdir_remove();
}

static void tree_digest(const char *to, uint8_t digest[static ROTA_DIGEST_LEN])
{
	char from[512];
	struct rota_fail why;

	snprintf(from, sizeof(from), "%s", tempdir_path("src"));
	if (rota_tree_copy(from, tempdir_path(to), 315532800, digest, &why) != ROTA_OK)
		abort();
}

TEST(a_tree_is_its_contents)
{
	uint8_t first[ROTA_DIGEST_LEN], again[ROTA_DIGEST_LEN], other[ROTA_DIGEST_LEN];
	struct stat st;

	tempdir_fresh();
	CHECK_EQ(mkdir(tempdir_path("src"), 0700), 0);
	tempdir_put("src/a", "one");
	tree_digest("copy", first);
	CHECK_EQ(stat(tempdir_path("copy/a"), &st), 0);
	CHECK_EQ(st.st_mtime, 315532800);
	CHECK_EQ(st.st_mode & 0777, 0644);
	tempdir_put("src/a", "one");
	CHECK_EQ(chmod(tempdir_path("src/a"), 0600), 0);
	tree_digest("copy2", again);
	CHECK_MEM(first, again, sizeof(first));
	CHECK_EQ(chmod(tempdir_path("src/a"), 0700), 0);
	tree_digest("copy3", other);
	CHECK(memcmp(first, other, sizeof(first)) != 0);
	tempdir_remove();
}

TEST(a_tree_has_no_pipes)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_fail why;
	char from[512];

	tempdir_fresh();
	CHECK_EQ(mkdir(tempdir_path("src"), 0700), 0);
	CHECK_EQ(mkfifo(tempdir_path("src/pipe"), 0600), 0);
	snprintf(from, sizeof(from), "%s", tempdir_path("src"));
	CHECK_EQ(rota_tree_copy(from, tempdir_path("copy"), 0, digest, &why), ROTA_ERR_UNSUPPORTED);
	tempdir_remove();
}

TEST(paths_stay_below)
{
	static const struct {
		const char *name, *path;
		enum rota_err err;
	} rows[] = {
		{ "app", "build/sensor", ROTA_OK },
		{ "app", "../sensor", ROTA_ERR_FORMAT },
		{ "app", "a/../../b", ROTA_ERR_FORMAT },
		{ "app", "/etc/passwd", ROTA_ERR_FORMAT },
		{ "app", "", ROTA_ERR_FORMAT },
		{ "app", "a//b", ROTA_ERR_FORMAT },
		{ "../app", "a", ROTA_ERR_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *paths = json_pack("{s:s}", rows[i].name, rows[i].path);
		struct rota_fail why;

		ROW(rows[i].path);
		CHECK_EQ(rota_build_paths_check(paths, &why), rows[i].err);
		json_decref(paths);
	}
}

TESTS(T(encoding_is_that_of_dsse), T(two_builders_agree), T(builders_are_distinct),
	T(what_builders_say_must_be_the_release), T(a_component_that_nobody_built),
	T(a_changed_statement_is_refused), T(a_statement_of_another_kind), T(too_many_envelopes),
	T(packages_of_dpkg), T(a_tree_is_its_contents), T(a_tree_has_no_pipes), T(paths_stay_below))
