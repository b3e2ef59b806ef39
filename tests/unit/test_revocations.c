/* SPDX-License-Identifier: Apache-2.0 */
/* revocations/PRODUCT.json (SPEC 16.2), by hand from the text. */
#include "rota/codec/revocations.h"
#include "tests/unit/file_edit.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"
#define D3 "3333333333333333333333333333333333333333333333333333333333333333"
#define TAG1 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TAG2 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char good[] = "{\"_type\":\"revocations\",\"crls\":[\"" D3 "\"],\"format\":1,"
			   "\"product\":\"sensor\",\"quarantined\":[\"" TAG1 "\",\"" TAG2 "\"],"
			   "\"sequence\":5,\"withdrawn\":[\"" D1 "\",\"" D2 "\"]}";

static struct rota_revocations_decoder d;

static enum rota_err decode(struct rota_span file, size_t piece)
{
	static uint8_t names[ROTA_REVOCATIONS_NAMES_ROOM], value[ROTA_REVOCATIONS_VALUE_ROOM];
	uint8_t release[ROTA_SHA256_LEN];

	rota_revocations_begin(&d, ROTA_BUF(names), ROTA_BUF(value));
	for (uint8_t i = 1; i <= 4; i++) { /* the fourth is one too many */
		memset(release, 0x11 * (4 - i), sizeof(release));
		rota_revocations_ask(&d, release);
	}
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_revocations_feed(&d, rota_span_slice(file, at, piece)));
	return rota_revocations_end(&d);
}

TEST(what_was_asked_for_is_answered)
{
	for (size_t piece = 1; piece < sizeof(good); piece += 29) {
		CHECK_OK(decode(rota_span_cstr(good), piece));
		CHECK_EQ(d.sequence, 5);
		CHECK_EQ(d.withdrawn, 2 | 4); /* 33.. is a CRL, 22.. and 11.. are withdrawn */
		CHECK(rota_span_is(rota_name_span(&d.product), "sensor"));
	}
}

static const struct file_edit bad[] = {
	{ "another kind of file", "\"revocations\"", "\"retirements\"", ROTA_ERR_ROLE },
	{ "another format", "\"format\":1", "\"format\":2", ROTA_ERR_UNSUPPORTED },
	{ "a release twice", D2, D1, ROTA_ERR_FORMAT },
	{ "releases that fall", D1, D3, ROTA_ERR_FORMAT },
	{ "a digest that is none", D1, "11", ROTA_ERR_FORMAT },
	{ "a tag twice", TAG2, TAG1, ROTA_ERR_FORMAT },
	{ "tags that fall", TAG2, "00000000000000000000000000000001", ROTA_ERR_FORMAT },
	{ "a tag that is a digest", TAG1, D1, ROTA_ERR_FORMAT },
	{ "sequence 0", "\"sequence\":5", "\"sequence\":0", ROTA_ERR_FORMAT },
	{ "no list of releases", ",\"withdrawn\":[\"" D1 "\",\"" D2 "\"]", "", ROTA_ERR_FORMAT },
	{ "no product", "\"product\":\"sensor\",", "", ROTA_ERR_FORMAT },
	{ "cut short", "\"]}", "\"]", ROTA_ERR_SPELLING },
};

TEST(what_is_not_of_the_form_is_refused)
{
	static char room[sizeof(good) + 128];

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		CHECK_EQ(decode(file_edited(good, &bad[i], room, sizeof(room)), sizeof(room)),
			bad[i].err);
	}
	ROW(NULL);
}

TEST(a_file_that_is_too_long_is_refused)
{
	static uint8_t names[ROTA_REVOCATIONS_NAMES_ROOM], value[ROTA_REVOCATIONS_VALUE_ROOM];
	static const uint8_t piece[4096] = { '{' };

	rota_revocations_begin(&d, ROTA_BUF(names), ROTA_BUF(value));
	d.fed = ROTA_REVOCATIONS_MAX - sizeof(piece) + 1;
	CHECK_EQ(rota_revocations_feed(&d, ROTA_SPAN(piece)), ROTA_ERR_LIMIT);
}

TESTS(T(what_was_asked_for_is_answered), T(what_is_not_of_the_form_is_refused),
	T(a_file_that_is_too_long_is_refused))
