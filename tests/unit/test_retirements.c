/* SPDX-License-Identifier: Apache-2.0 */
/* retirements/PRODUCT.json (SPEC 16.1), by hand from the text. */
#include "rota/codec/retirements.h"
#include "tests/unit/file_edit.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define CA1 "1111111111111111111111111111111111111111111111111111111111111111"
#define CA2 "2222222222222222222222222222222222222222222222222222222222222222"
#define CA3 "3333333333333333333333333333333333333333333333333333333333333333"

static const char good[] =
	"{\"_type\":\"retirements\",\"cas\":[\"" CA1 "\",\"" CA2 "\"],"
	"\"counter_floor\":[{\"counter\":7,\"hardware\":\"rev-a\"},{\"counter\":9,\"hardware\":"
	"\"rev-b\"}],"
	"\"format\":1,\"key_floor\":1,\"keys\":[{\"generation\":2,\"purpose\":\"link\"},"
	"{\"generation\":3,\"purpose\":\"link\"},{\"generation\":1,\"purpose\":\"store\"}],"
	"\"product\":\"sensor\",\"sequence\":5}";

static struct rota_retirements_decoder d;

static enum rota_err decode(struct rota_span file, const char *hardware, size_t piece)
{
	static uint8_t names[ROTA_RETIREMENTS_NAMES_ROOM], value[ROTA_RETIREMENTS_VALUE_ROOM];

	rota_retirements_begin(&d, rota_span_cstr(hardware), ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_retirements_feed(&d, rota_span_slice(file, at, piece)));
	return rota_retirements_end(&d);
}

TEST(a_device_reads_its_own_floor)
{
	for (size_t piece = 1; piece < sizeof(good); piece += 37) {
		CHECK_OK(decode(rota_span_cstr(good), "rev-b", piece));
		CHECK_EQ(d.sequence, 5);
		CHECK_EQ(d.key_floor, 1);
		CHECK(d.has_floor);
		CHECK_EQ(d.counter_floor, 9);
		CHECK(rota_span_is(rota_name_span(&d.product), "sensor"));
	}
	CHECK_OK(decode(rota_span_cstr(good), "rev-a", sizeof(good)));
	CHECK_EQ(d.counter_floor, 7);
	CHECK_OK(decode(rota_span_cstr(good), "rev-c", sizeof(good)));
	CHECK(!d.has_floor);
}

/* Pairs that came out, as `link 2`, one behind the other. */
static char pairs[128];

static enum rota_err on_pair(void *ctx, struct rota_span purpose, uint32_t generation)
{
	size_t len = strlen(pairs);

	snprintf(pairs + len, sizeof(pairs) - len, "%.*s %u;", (int)purpose.len,
		(const char *)purpose.p, (unsigned)generation);
	return *(const enum rota_err *)ctx;
}

TEST(who_asks_gets_the_retired_generations)
{
	enum rota_err answer = ROTA_OK;
	struct rota_retired_pairs ask = { &answer, on_pair };
	static uint8_t names[ROTA_RETIREMENTS_NAMES_ROOM], value[ROTA_RETIREMENTS_VALUE_ROOM];

	pairs[0] = '\0';
	rota_retirements_begin(&d, ROTA_STR("rev-a"), ROTA_BUF(names), ROTA_BUF(value));
	rota_retirements_ask(&d, &ask);
	CHECK_OK(rota_retirements_feed(&d, rota_span_cstr(good)));
	CHECK_OK(rota_retirements_end(&d));
	CHECK(strcmp(pairs, "link 2;link 3;store 1;") == 0);
	answer = ROTA_ERR_FULL;
	rota_retirements_begin(&d, ROTA_STR("rev-a"), ROTA_BUF(names), ROTA_BUF(value));
	rota_retirements_ask(&d, &ask);
	CHECK_EQ(rota_retirements_feed(&d, rota_span_cstr(good)), ROTA_ERR_FULL);
}

static const struct file_edit bad[] = {
	{ "another kind of file", "\"retirements\"", "\"revocations\"", ROTA_ERR_ROLE },
	{ "another format", "\"format\":1", "\"format\":2", ROTA_ERR_UNSUPPORTED },
	{ "a CA twice", CA2, CA1, ROTA_ERR_FORMAT },
	{ "CAs that fall", CA1, CA3, ROTA_ERR_FORMAT },
	{ "a CA that is no digest", CA1, "11", ROTA_ERR_FORMAT },
	{ "a hardware id twice", "rev-b", "rev-a", ROTA_ERR_FORMAT },
	{ "hardware ids that fall", "rev-b", "rev-9", ROTA_ERR_FORMAT },
	{ "a hardware id that is none", "rev-b", "REV", ROTA_ERR_FORMAT },
	{ "a floor of 0", "\"counter\":7", "\"counter\":0", ROTA_ERR_FORMAT },
	{ "a floor beyond 32 bits", "\"counter\":7", "\"counter\":4294967296", ROTA_ERR_LIMIT },
	{ "a floor without a hardware id", ",\"hardware\":\"rev-a\"", "", ROTA_ERR_FORMAT },
	{ "a key floor that no ROM has", "\"key_floor\":1", "\"key_floor\":2", ROTA_ERR_LIMIT },
	{ "no key floor", "\"key_floor\":1,", "", ROTA_ERR_FORMAT },
	{ "a generation twice", "\"generation\":3", "\"generation\":2", ROTA_ERR_FORMAT },
	{ "purposes that fall", "\"store\"", "\"a\"", ROTA_ERR_FORMAT },
	{ "generation 0", "\"generation\":2", "\"generation\":0", ROTA_ERR_FORMAT },
	{ "sequence 0", "\"sequence\":5", "\"sequence\":0", ROTA_ERR_FORMAT },
	{ "no product", "\"product\":\"sensor\",", "", ROTA_ERR_FORMAT },
	{ "a list that is none", "\"cas\":[", "\"cas\":{", ROTA_ERR_FORMAT },
	{ "cut short", "\"sequence\":5}", "\"sequence\":5", ROTA_ERR_SPELLING },
	{ "a blank", "\"format\":1", "\"format\": 1", ROTA_ERR_SPELLING },
};

TEST(what_is_not_of_the_form_is_refused)
{
	static char room[sizeof(good) + 128];

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		CHECK_EQ(decode(file_edited(good, &bad[i], room, sizeof(room)), "rev-a",
				 sizeof(room)),
			bad[i].err);
	}
	ROW(NULL);
}

TEST(a_file_that_is_too_long_is_refused)
{
	static const uint8_t blank[ROTA_RETIREMENTS_MAX + 1] = { '{' };
	static uint8_t names[ROTA_RETIREMENTS_NAMES_ROOM], value[ROTA_RETIREMENTS_VALUE_ROOM];

	rota_retirements_begin(&d, ROTA_STR("rev-a"), ROTA_BUF(names), ROTA_BUF(value));
	CHECK_EQ(rota_retirements_feed(&d, ROTA_SPAN(blank)), ROTA_ERR_LIMIT);
}

TESTS(T(a_device_reads_its_own_floor), T(who_asks_gets_the_retired_generations),
	T(what_is_not_of_the_form_is_refused), T(a_file_that_is_too_long_is_refused))
