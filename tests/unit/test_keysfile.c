/* SPDX-License-Identifier: Apache-2.0 */
/* keys/link/PRODUCT.json and keys/store/PRODUCT.json (SPEC 32.2, 32.3), by hand from the text. */
#include "rota/codec/keys.h"
#include "tests/unit/file_edit.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ROOT1 "3333333333333333333333333333333333333333333333333333333333333333"
#define ROOT2 "4444444444444444444444444444444444444444444444444444444444444444"

#define FIRST                                                                                      \
	"{\"activation\":\"2026-12-01T00:00:00Z\",\"cipher\":2,\"emergency\":true,"                \
	"\"generation\":7,\"id\":\"" ID1 "\",\"overlap_s\":0,\"purpose\":\"link\","                \
	"\"stages\":[{\"from\":\"2026-11-30T00:00:00Z\",\"ppm\":1000000}],"                        \
	"\"state\":\"paused\",\"suite\":1,\"trees\":[{\"root\":\"" ROOT1                           \
	"\",\"size\":3,\"tree\":0}]}"
#define SECOND                                                                                     \
	"{\"activation\":\"2026-12-09T00:00:00Z\",\"cipher\":1,\"emergency\":false,"               \
	"\"generation\":8,\"id\":\"" ID2 "\",\"overlap_s\":604800,\"purpose\":\"link\","           \
	"\"stages\":[{\"from\":\"2026-12-02T00:00:00Z\",\"ppm\":10000},"                           \
	"{\"from\":\"2026-12-03T00:00:00Z\",\"ppm\":1000000}],"                                    \
	"\"state\":\"active\",\"suite\":9,\"trees\":[{\"root\":\"" ROOT1                           \
	"\",\"size\":16777216,\"tree\":0},{\"root\":\"" ROOT2 "\",\"size\":1,\"tree\":5}]}"

static const char good[] = "{\"_type\":\"keys\",\"campaigns\":[" FIRST "," SECOND
			   "],\"format\":1,\"product\":\"sensor\",\"sequence\":5}";

static struct rota_keys_decoder d;

/* What came out. */
static struct {
	struct rota_key_campaign campaign[ROTA_KEYS_CAMPAIGNS_MAX];
	uint32_t campaigns, trees, sizes;
	uint16_t tree;
	uint8_t root;
	enum rota_err answer;
} got;

static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *c)
{
	(void)ctx;
	got.campaign[got.campaigns++] = *c;
	return got.answer;
}

static enum rota_err on_tree(void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static 32])
{
	(void)ctx;
	got.trees++;
	got.sizes += size;
	got.tree = tree;
	got.root = root[31];
	return ROTA_OK;
}

static enum rota_err decode(struct rota_span file, size_t piece)
{
	static uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
	static const struct rota_keys_sink sink = { NULL, on_campaign, on_tree };
	enum rota_err answer = got.answer;

	memset(&got, 0, sizeof(got));
	got.answer = answer;
	rota_keys_begin(&d, sink, ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_keys_feed(&d, rota_span_slice(file, at, piece)));
	return rota_keys_end(&d);
}

TEST(campaigns_and_their_trees_come_out)
{
	const struct rota_key_campaign *c = &got.campaign[0];

	for (size_t piece = 1; piece < sizeof(good); piece += 41) {
		CHECK_OK(decode(rota_span_cstr(good), piece));
		CHECK_EQ(d.sequence, 5);
		CHECK(rota_span_is(rota_name_span(&d.product), "sensor"));
		CHECK_EQ(got.campaigns, 2);
		CHECK_EQ(got.trees, 3);
		CHECK_EQ(got.sizes, 3 + 16777216 + 1);
		CHECK_EQ(got.tree, 5);
		CHECK_EQ(got.root, 0x44);
	}
	CHECK_EQ(c->purpose, ROTA_PURPOSE_LINK);
	CHECK_EQ(c->cipher, 2);
	CHECK_EQ(c->suite, 1);
	CHECK_EQ(c->state, ROTA_CAMPAIGN_PAUSED);
	CHECK_EQ(c->generation, 7);
	CHECK_EQ(c->overlap_s, 0);
	CHECK_EQ(c->activation_s, 1796083200);
	CHECK_EQ(c->id[0], 0x11);
	CHECK(c->emergency);
	CHECK_EQ(c->stage_count, 1);
	c++;
	CHECK(!c->emergency);
	CHECK_EQ(c->suite, 9);
	CHECK_EQ(c->overlap_s, 604800);
	CHECK_EQ(c->stage_count, 2);
	CHECK_EQ(c->stage[0].ppm, 10000);
	CHECK_EQ(c->stage[1].ppm, 1000000);
	CHECK_EQ(c->stage[1].from_s - c->stage[0].from_s, 86400);
}

TEST(a_purpose_of_tomorrow_does_not_hide_the_others)
{
	static const char file[] = "{\"_type\":\"keys\",\"campaigns\":[" FIRST "," SECOND
				   "],\"format\":1,\"product\":\"sensor\",\"sequence\":5}";
	static const struct file_edit edit = { "",
		"\"purpose\":\"link\",\"stages\":[{\"from\":\"2026-12",
		"\"purpose\":\"watermark\",\"stages\":[{\"from\":\"2026-12", ROTA_OK };
	static char room[sizeof(file) + 64];

	CHECK_OK(decode(file_edited(file, &edit, room, sizeof(room)), 100));
	CHECK_EQ(got.campaign[0].purpose, ROTA_PURPOSE_LINK);
	CHECK_EQ(got.campaign[1].purpose, 0);
}

static const struct file_edit bad[] = {
	{ "another kind of file", "\"_type\":\"keys\"", "\"_type\":\"rollout\"", ROTA_ERR_ROLE },
	{ "another format", "\"format\":1", "\"format\":2", ROTA_ERR_UNSUPPORTED },
	{ "sequence 0", "\"sequence\":5", "\"sequence\":0", ROTA_ERR_FORMAT },
	{ "no product", "\"product\":\"sensor\",", "", ROTA_ERR_FORMAT },
	{ "a generation twice", "\"generation\":8", "\"generation\":7", ROTA_ERR_FORMAT },
	{ "generations that fall", "\"generation\":8", "\"generation\":6", ROTA_ERR_FORMAT },
	{ "generation 0", "\"generation\":7", "\"generation\":0", ROTA_ERR_FORMAT },
	{ "purposes that fall", "\"purpose\":\"link\",\"stages\":[{\"from\":\"2026-12",
		"\"purpose\":\"auth\",\"stages\":[{\"from\":\"2026-12", ROTA_ERR_FORMAT },
	{ "a member that is not listed", "\"overlap_s\":0,", "\"overlap_s\":0,\"priority\":1,",
		ROTA_ERR_FORMAT },
	{ "emergency as a number", "\"emergency\":true", "\"emergency\":1", ROTA_ERR_FORMAT },
	{ "emergency as null", "\"emergency\":true", "\"emergency\":null", ROTA_ERR_FORMAT },
	{ "a boolean where a number belongs", "\"overlap_s\":0", "\"overlap_s\":false",
		ROTA_ERR_FORMAT },
	{ "an emergency in stages", "\"emergency\":false", "\"emergency\":true", ROTA_ERR_FORMAT },
	{ "no emergency member", "\"emergency\":true,", "", ROTA_ERR_FORMAT },
	{ "suite 0", "\"suite\":9", "\"suite\":0", ROTA_ERR_FORMAT },
	{ "a state that is none", "\"paused\"", "\"resting\"", ROTA_ERR_UNSUPPORTED },
	{ "an id that is none", ID1, "11", ROTA_ERR_FORMAT },
	{ "no stages", "\"stages\":[{\"from\":\"2026-11-30T00:00:00Z\",\"ppm\":1000000}]",
		"\"stages\":[]", ROTA_ERR_FORMAT },
	{ "a stage without a share", "{\"from\":\"2026-12-02T00:00:00Z\",\"ppm\":10000}",
		"{\"from\":\"2026-12-02T00:00:00Z\"}", ROTA_ERR_FORMAT },
	{ "a stage of nobody", "\"ppm\":10000}", "\"ppm\":0}", ROTA_ERR_FORMAT },
	{ "more than everybody", "\"ppm\":1000000}]", "\"ppm\":1000001}]", ROTA_ERR_LIMIT },
	{ "a share that does not rise", "\"ppm\":10000}", "\"ppm\":1000000}", ROTA_ERR_FORMAT },
	{ "a time that does not rise", "2026-12-03T00", "2026-12-02T00", ROTA_ERR_FORMAT },
	{ "a last stage that is not for everybody",
		"{\"from\":\"2026-12-03T00:00:00Z\",\"ppm\":1000000}",
		"{\"from\":\"2026-12-03T00:00:00Z\",\"ppm\":999999}", ROTA_ERR_FORMAT },
	{ "a stage with more to it", "\"ppm\":10000}", "\"ppm\":10000,\"x\":1}", ROTA_ERR_FORMAT },
	{ "no trees", "\"trees\":[{\"root\":\"" ROOT1 "\",\"size\":3,\"tree\":0}]", "\"trees\":[]",
		ROTA_ERR_FORMAT },
	{ "a first tree that is not 0", "\"size\":3,\"tree\":0", "\"size\":3,\"tree\":1",
		ROTA_ERR_FORMAT },
	{ "a tree twice", "\"tree\":5", "\"tree\":0", ROTA_ERR_FORMAT },
	{ "a tree beyond all", "\"tree\":5", "\"tree\":64", ROTA_ERR_LIMIT },
	{ "an empty tree", "\"size\":3", "\"size\":0", ROTA_ERR_FORMAT },
	{ "a tree that is too large", "\"size\":16777216", "\"size\":16777217", ROTA_ERR_LIMIT },
	{ "a tree with more to it", "\"tree\":5}", "\"tree\":5,\"x\":1}", ROTA_ERR_FORMAT },
	{ "cut short", "\"sequence\":5}", "\"sequence\":5", ROTA_ERR_SPELLING },
};

TEST(what_is_not_of_the_form_is_refused)
{
	static char room[2 * sizeof(good)];

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		CHECK_EQ(decode(file_edited(good, &bad[i], room, sizeof(room)), sizeof(room)),
			bad[i].err);
	}
	ROW(NULL);
}

/* Lists that are one longer than they may be, and those that are just not. */
#define HEAD "{\"_type\":\"keys\",\"campaigns\":["
#define TAIL "],\"format\":1,\"product\":\"sensor\",\"sequence\":5}"
#define TO_STAGES                                                                                  \
	"{\"activation\":\"2026-12-01T00:00:00Z\",\"cipher\":2,\"emergency\":false,"               \
	"\"generation\":7,\"id\":\"" ID1 "\",\"overlap_s\":0,\"purpose\":\"link\",\"stages\":["
#define TO_TREES "],\"state\":\"active\",\"suite\":1,\"trees\":["
#define STAGE_ALL "{\"from\":\"2027-01-01T00:00:00Z\",\"ppm\":1000000}"

static char text[16384];

static struct rota_span stages(int count)
{
	size_t len = (size_t)snprintf(text, sizeof(text), HEAD TO_STAGES);

	for (int i = 1; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"{\"from\":\"2026-12-0%dT00:00:00Z\",\"ppm\":%d},", i, i);
	len += (size_t)snprintf(text + len, sizeof(text) - len,
		STAGE_ALL TO_TREES "{\"root\":\"" ROOT1 "\",\"size\":1,\"tree\":0}]}" TAIL);
	return rota_span(text, len);
}

static struct rota_span trees(int count)
{
	size_t len = (size_t)snprintf(text, sizeof(text), HEAD TO_STAGES STAGE_ALL TO_TREES);

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s{\"root\":\"" ROOT1 "\",\"size\":%d,\"tree\":%d}", i ? "," : "", i + 1,
			i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "]}" TAIL);
	return rota_span(text, len);
}

TEST(lists_have_their_most)
{
	CHECK_OK(decode(stages(8), 999));
	CHECK_EQ(decode(stages(9), 999), ROTA_ERR_LIMIT);
	CHECK_OK(decode(trees(64), 999));
	CHECK_EQ(decode(trees(65), 999), ROTA_ERR_LIMIT);
}

/* `count` campaigns, `each` of one purpose. */
static struct rota_span campaigns(int count, int each)
{
	size_t len = (size_t)snprintf(text, sizeof(text), HEAD);

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s{\"activation\":\"2026-12-01T00:00:00Z\",\"cipher\":2,"
			"\"emergency\":false,\"generation\":%d,\"id\":\"" ID1
			"\",\"overlap_s\":0,\"purpose\":\"p%02d\",\"stages\":[" STAGE_ALL TO_TREES
			"{\"root\":\"" ROOT1 "\",\"size\":1,\"tree\":0}]}",
			i ? "," : "", i + 1, i / each);
	len += (size_t)snprintf(text + len, sizeof(text) - len, TAIL);
	return rota_span(text, len);
}

TEST(a_purpose_has_at_most_two_campaigns_and_a_file_sixteen)
{
	CHECK_OK(decode(campaigns(16, 2), 999));
	CHECK_OK(decode(campaigns(16, 1), 999));
	CHECK_EQ(decode(campaigns(17, 2), 999), ROTA_ERR_LIMIT);
	CHECK_EQ(decode(campaigns(3, 3), 999), ROTA_ERR_LIMIT);
	CHECK_OK(decode(campaigns(0, 1), 999));
}

TEST(what_the_taker_says_ends_the_file)
{
	got.answer = ROTA_ERR_FULL;
	CHECK_EQ(decode(rota_span_cstr(good), 50), ROTA_ERR_FULL);
	got.answer = ROTA_OK;
}

TEST(a_file_that_is_too_long_is_refused)
{
	static uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
	static const struct rota_keys_sink sink = { NULL, on_campaign, on_tree };

	rota_keys_begin(&d, sink, ROTA_BUF(names), ROTA_BUF(value));
	/* its length alone is looked at: a microcontroller has no room for one */
	CHECK_EQ(rota_keys_feed(&d, rota_span("{", ROTA_KEYS_MAX + 1)), ROTA_ERR_LIMIT);
}

TESTS(T(campaigns_and_their_trees_come_out), T(a_purpose_of_tomorrow_does_not_hide_the_others),
	T(what_is_not_of_the_form_is_refused), T(lists_have_their_most),
	T(a_purpose_has_at_most_two_campaigns_and_a_file_sixteen),
	T(what_the_taker_says_ends_the_file), T(a_file_that_is_too_long_is_refused))
