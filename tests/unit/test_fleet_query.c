/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices somebody means: what each query takes, and what is none. */
#include "host/registry/query.h"
#include "tests/unit/tempdir.h"
#include "tests/unit/test.h"

static const struct rota_reg_device devices[] = {
	{ .id = "aa",
		.state = ROTA_REG_ACTIVE,
		.serial = "SN-1",
		.hardware = "board-a",
		.channel = "production",
		.group = "field",
		.region = "eu" },
	{ .id = "bb",
		.state = ROTA_REG_ENROLLED,
		.serial = "SN-2",
		.hardware = "board-a",
		.channel = "production",
		.group = "field",
		.region = "us" },
	{ .id = "cc",
		.state = ROTA_REG_ACTIVE,
		.serial = "SN-10",
		.hardware = "board-b",
		.channel = "ci",
		.group = "lab",
		.region = "",
		.owner = "mill" },
};

#define A 1u
#define B 2u
#define C 4u

static const struct {
	const char *text;
	unsigned means; /* bits of devices */
} good[] = {
	{ "all", A | B | C },
	{ " all\t", A | B | C },
	{ "group=field", A | B },
	{ "not group=field", C },
	{ "group=field and channel=production and not region=eu", B },
	{ "hardware=board-a and region=eu", A },
	{ "id=cc", C },
	{ "owner=mill", C },
	{ "owner=", A | B },
	{ "region=", C },
	{ "state=enrolled", B },
	{ "not state=active", B },
	{ "serial=SN-1", A }, /* whole values */
	{ "serial in SERIALS", A | C },
	{ "not serial in SERIALS and group=field", B },
	{ "serial in EMPTY", 0 },
	{ "not serial in EMPTY", A | B | C },
	{ "group=field and group=lab", 0 },
	{ "serial=a=b", 0 },
};

static const struct {
	const char *why, *text;
	enum rota_err err;
	const char *says; /* part of the sentence */
} bad[] = {
	{ "nothing", "", ROTA_ERR_FORMAT, "'all' means" },
	{ "blanks", "  ", ROTA_ERR_FORMAT, "'all' means" },
	{ "more than all", "all and group=x", ROTA_ERR_FORMAT, "'and'" },
	{ "an unknown name", "grup=field", ROTA_ERR_FORMAT, "'grup=field'" },
	{ "a name alone", "group", ROTA_ERR_FORMAT, "its end" },
	{ "a name cut", "grou=field", ROTA_ERR_FORMAT, "'grou=field'" },
	{ "no and", "group=field channel=ci", ROTA_ERR_FORMAT, "'channel=ci'" },
	{ "and at the end", "group=field and", ROTA_ERR_FORMAT, "its end" },
	{ "not at the end", "not", ROTA_ERR_FORMAT, "its end" },
	{ "not twice", "not not group=field", ROTA_ERR_FORMAT, "'not'" },
	{ "blanks around =", "group = field", ROTA_ERR_FORMAT, "'='" },
	{ "or", "group=field or group=lab", ROTA_ERR_FORMAT, "'or'" },
	{ "no file", "serial in", ROTA_ERR_FORMAT, "file" },
	{ "a file that is not there", "serial in NOWHERE", ROTA_ERR_NOT_FOUND, "NOWHERE" },
	{ "a file that is no text", "serial in BINARY", ROTA_ERR_FORMAT, "no text" },
};

/* Names of files in capitals stand for their paths. */
static void with_paths(const char *text, char *out, size_t room)
{
	static const char *const names[] = { "SERIALS", "EMPTY", "BINARY", "NOWHERE" };
	const char *at = NULL;

	snprintf(out, room, "%s", text);
	for (size_t i = 0; i < 4; i++) {
		at = strstr(text, names[i]);
		if (at)
			snprintf(out, room, "%.*s%s%s", (int)(at - text), text,
				tempdir_path(names[i]), at + strlen(names[i]));
		if (at)
			return;
	}
}

static void put_files(void)
{
	FILE *f;

	tempdir_fresh();
	tempdir_put("SERIALS", "SN-10\n\nSN-1\nSN-7\n");
	tempdir_put("EMPTY", "");
	f = fopen(tempdir_path("BINARY"), "we");
	(void)fwrite("a\0b\n", 1, 4, f);
	fclose(f);
}

TEST(what_is_meant)
{
	put_files();
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct rota_query *q;
		struct rota_fail why;
		char text[ROTA_QUERY_TEXT_MAX + 1];
		unsigned means = 0;

		ROW(good[i].text);
		with_paths(good[i].text, text, sizeof(text));
		CHECK_OK(rota_query_parse(text, &q, &why));
		for (unsigned k = 0; k < 3; k++)
			means |= rota_query_matches(q, &devices[k]) ? 1u << k : 0;
		CHECK_EQ(means, good[i].means);
		rota_query_free(q);
	}
	tempdir_remove();
}

TEST(what_is_none)
{
	put_files();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rota_query *q;
		struct rota_fail why = { .err = ROTA_OK };
		char text[ROTA_QUERY_TEXT_MAX + 1];

		ROW(bad[i].why);
		with_paths(bad[i].text, text, sizeof(text));
		CHECK_EQ(rota_query_parse(text, &q, &why), bad[i].err);
		CHECK(q == NULL);
		CHECK(strstr(why.text, bad[i].says) != NULL);
	}
	tempdir_remove();
}

TEST(it_has_limits)
{
	char text[ROTA_QUERY_TEXT_MAX + 2] = "group=";
	struct rota_query *q;
	struct rota_fail why;

	memset(text + 6, 'x', ROTA_QUERY_TEXT_MAX - 6);
	CHECK_OK(rota_query_parse(text, &q, &why));
	rota_query_free(q);
	text[ROTA_QUERY_TEXT_MAX] = 'x';
	CHECK_EQ(rota_query_parse(text, &q, &why), ROTA_ERR_LIMIT);
	strcpy(text, "id=1");
	for (int i = 1; i < ROTA_QUERY_TERMS_MAX; i++)
		strcat(text, " and id=1");
	CHECK_OK(rota_query_parse(text, &q, &why));
	rota_query_free(q);
	strcat(text, " and id=1");
	CHECK_EQ(rota_query_parse(text, &q, &why), ROTA_ERR_LIMIT);
}

TESTS(T(what_is_meant), T(what_is_none), T(it_has_limits))
