/* SPDX-License-Identifier: Apache-2.0 */
/* Rollout policies: decoding (rota/codec/policy.h) and what they say of one device (rota/trust/campaign.h).
 * The bad files are one good file, written by hand from SPEC 8, with one place changed. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"
#include "rota/trust/campaign.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"
/* SHA-256("rota-tag-v1" || 0x0020 || 32 x 0x11 || "spki"), by Python's hashlib */
#define TAG "adc4da6c159660d16b18be7e3dbf7b17"
#define T0 "00000000000000000000000000000000"

static const char good[] =
	"{\"_type\":\"rollout\",\"campaigns\":["
	"{\"attempt\":0,\"channel\":\"beta\",\"id\":\"b-1\",\"open\":0,"
	"\"release\":{\"path\":\"releases/sensor/1.3.0/release.json\",\"sha256\":\"" D2 "\"},"
	"\"retry\":{\"backoff_s\":60,\"max\":0},\"stages\":[{\"kind\":\"everyone\"}],"
	"\"state\":\"active\"},"
	"{\"attempt\":3,\"channel\":\"stable\",\"id\":\"s-7\",\"open\":5,"
	"\"release\":{\"path\":\"releases/sensor/1.2.0/release.json\",\"sha256\":\"" D1 "\"},"
	"\"retry\":{\"backoff_s\":3600,\"max\":2},\"stages\":["
	"{\"kind\":\"canary\",\"tags\":[\"" T0 "\",\"" TAG "\",\"" T0 "\"]},"
	"{\"kind\":\"ppm\",\"ppm\":1000},{\"kind\":\"ppm\",\"ppm\":500},"
	"{\"kind\":\"group\",\"name\":\"lab\"},{\"kind\":\"region\",\"name\":\"eu\"},"
	"{\"kind\":\"everyone\"}],"
	"\"state\":\"done\",\"window\":{\"from_s\":79200,\"to_s\":7200}}],"
	"\"format\":1,\"product\":\"sensor\",\"sequence\":42}";

static struct rota_campaign_device device(void)
{
	return (struct rota_campaign_device){ .product = ROTA_STR("sensor"),
		.channel = ROTA_STR("stable"),
		.group = ROTA_STR("lab"),
		.region = ROTA_STR("eu"),
		.spki = ROTA_STR("spki") };
}

static uint8_t names[ROTA_POLICY_NAMES_ROOM], value[ROTA_POLICY_VALUE_ROOM];

static enum rota_err find(const struct rota_campaign_device *of, struct rota_span file,
	size_t piece, struct rota_campaign_finder *f)
{
	rota_campaign_begin(f, &rota_crypto_openssl, of, ROTA_BUF(names), ROTA_BUF(value));
	for (size_t at = 0; at < file.len; at += piece)
		ROTA_TRY(rota_campaign_feed(f, rota_span_slice(file, at, piece)));
	return rota_campaign_end(f);
}

/* `good` with its last `from` replaced by `to`: the second campaign is the device's. */
static struct rota_span edited(const char *from, const char *to)
{
	static char text[sizeof(good) + 8192];
	const char *at = NULL;

	for (const char *next = strstr(good, from); next != NULL; next = strstr(next + 1, from))
		at = next;
	if (at == NULL) {
		test_fail(__FILE__, __LINE__, "the row's text is not in the good file");
		return rota_span(NULL, 0);
	}
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	return rota_span_cstr(text);
}

TEST(good_file_gives_campaign_and_facts)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	for (size_t piece = 1; piece < sizeof(good); piece = piece * 5 + 2) {
		CHECK_OK(find(&me, rota_span_cstr(good), piece, &f));
		CHECK(f.found);
		CHECK_EQ(f.policy.sequence, 42);
		CHECK_EQ(f.campaign.attempt, 3);
		CHECK_EQ(f.campaign.open, 5);
		CHECK(rota_span_eq(rota_campaign_id(&f.campaign), ROTA_STR("s-7")));
		CHECK(rota_span_eq(rota_path_span(&f.campaign.release),
			ROTA_STR("releases/sensor/1.2.0/release.json")));
		CHECK_EQ(f.campaign.sha256[0], 0x11);
		CHECK_EQ(f.campaign.retry.backoff_s, 3600);
		CHECK_EQ(f.campaign.retry.max, 2);
		CHECK_EQ(f.campaign.state, ROTA_CAMPAIGN_DONE);
		CHECK(f.campaign.window.set);
		CHECK_EQ(f.campaign.window.from_s, 79200);
		CHECK_EQ(f.campaign.window.to_s, 7200);
		CHECK_EQ(f.facts.canary, 3);
		CHECK_EQ(f.facts.ppm, 1000);
		CHECK(f.facts.group && f.facts.region && f.facts.everyone);
	}
}

TEST(only_open_stages_count)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	for (int open = 0; open < 6; open++) {
		char text[16];

		snprintf(text, sizeof(text), "\"open\":%d", open);
		CHECK_OK(find(&me, edited("\"open\":5", text), 100, &f));
		CHECK_EQ(f.facts.canary, 3);
		CHECK_EQ(f.facts.ppm, open >= 1 ? 1000 : 0);
		CHECK_EQ(f.facts.group, open >= 3);
		CHECK_EQ(f.facts.region, open >= 4);
		CHECK_EQ(f.facts.everyone, open >= 5);
	}
}

TEST(facts_are_the_devices_own)
{
	struct rota_campaign_device other = device();
	struct rota_campaign_finder f;

	other.group = ROTA_STR("labs");
	other.region = rota_span(NULL, 0);
	other.spki = ROTA_STR("another");
	CHECK_OK(find(&other, rota_span_cstr(good), 100, &f));
	CHECK_EQ(f.facts.canary, 0);
	CHECK(!f.facts.group && !f.facts.region && f.facts.everyone);

	other.channel = ROTA_STR("beta");
	CHECK_OK(find(&other, rota_span_cstr(good), 100, &f));
	CHECK(f.found);
	CHECK_EQ(f.campaign.sha256[0], 0x22);
	CHECK_EQ(f.facts.ppm, 0);
	CHECK(!f.campaign.window.set);

	other.channel = ROTA_STR("ci");
	CHECK_OK(find(&other, rota_span_cstr(good), 100, &f));
	CHECK(!f.found);
	CHECK(!f.facts.everyone);

	other.product = ROTA_STR("pump");
	CHECK_EQ(find(&other, rota_span_cstr(good), 100, &f), ROTA_ERR_PRODUCT);
}

/* The tag is bound to the release: the same list under another digest speaks of nobody. */
TEST(canary_tags_are_bound_to_the_release)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	CHECK_OK(find(&me, edited(D1, D2), 100, &f));
	CHECK_EQ(f.facts.canary, 0);
}

/* Of two lists that have the tag the shorter counts; a list before or behind that has not, does not. */
TEST(shortest_list_with_the_tag_counts)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	CHECK_OK(find(&me,
		edited("{\"kind\":\"ppm\",\"ppm\":500}",
			"{\"kind\":\"canary\",\"tags\":[\"" TAG "\",\"" T0 "\"]}"),
		100, &f));
	CHECK_EQ(f.facts.canary, 2);
	CHECK_OK(find(&me,
		edited("{\"kind\":\"ppm\",\"ppm\":500}",
			"{\"kind\":\"canary\",\"tags\":[\"" T0 "\"]}"),
		100, &f));
	CHECK_EQ(f.facts.canary, 3);
	CHECK_OK(find(&me,
		edited("{\"kind\":\"ppm\",\"ppm\":500}", "{\"kind\":\"canary\",\"tags\":[]}"), 100,
		&f));
	CHECK_EQ(f.facts.canary, 3);
}

/* A list of 20,000 tags passes through in constant room; the ceiling then sees its length. */
TEST(long_canary_list)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;
	struct rota_ceilings c = { .canary = 20001 };
	const char *at = strstr(good, "\"" TAG "\"");

	rota_campaign_begin(&f, &rota_crypto_openssl, &me, ROTA_BUF(names), ROTA_BUF(value));
	CHECK_OK(rota_campaign_feed(&f, rota_span(good, (size_t)(at - good))));
	for (int i = 0; i < 19998; i++)
		CHECK_OK(rota_campaign_feed(&f, ROTA_STR("\"" T0 "\",")));
	CHECK_OK(rota_campaign_feed(&f, rota_span_cstr(at)));
	CHECK_OK(rota_campaign_end(&f));
	CHECK_EQ(f.facts.canary, 20001);
	f.facts = (struct rota_rollout_facts){ .canary = f.facts.canary };
	CHECK_EQ(rota_rollout_turn(&f.facts, &c, 0, 0), ROTA_TURN_YES);
	c.canary--;
	CHECK_EQ(rota_rollout_turn(&f.facts, &c, 0, 0), ROTA_TURN_CEILING);
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

TEST(edits_are_judged)
{
	static const struct {
		const char *reason, *from, *to;
		enum rota_err err;
	} rows[] = {
		{ "another type of file", "\"rollout\"", "\"release\"", ROTA_ERR_ROLE },
		{ "no type", "\"_type\":\"rollout\",", "", ROTA_ERR_FORMAT },
		{ "campaigns is an object", "\"campaigns\":[", "\"campaigns\":{", ROTA_ERR_FORMAT },
		{ "format 2", "\"format\":1", "\"format\":2", ROTA_ERR_UNSUPPORTED },
		{ "no format", "\"format\":1,", "", ROTA_ERR_FORMAT },
		{ "another product", "\"sensor\"", "\"pump\"", ROTA_ERR_PRODUCT },
		{ "product's name", "\"sensor\"", "\"\"", ROTA_ERR_FORMAT },
		{ "no product", "\"product\":\"sensor\",", "", ROTA_ERR_FORMAT },
		{ "negative sequence", "\"sequence\":42", "\"sequence\":-1", ROTA_ERR_FORMAT },
		{ "no sequence", ",\"sequence\":42", "", ROTA_ERR_FORMAT },
		{ "sequence is a string", ":42", ":\"42\"", ROTA_ERR_FORMAT },
		{ "attempt 7", "\"attempt\":3", "\"attempt\":7", ROTA_OK },
		{ "attempt 8", "\"attempt\":3", "\"attempt\":8", ROTA_ERR_LIMIT },
		{ "no attempt", "\"attempt\":3,", "", ROTA_ERR_FORMAT },
		{ "channel's name", "\"stable\"", "\"Stable\"", ROTA_ERR_FORMAT },
		{ "no channel", "\"channel\":\"stable\",", "", ROTA_ERR_FORMAT },
		{ "two campaigns for the channel", "\"channel\":\"stable\"", "\"channel\":\"beta\"",
			ROTA_OK }, /* not this device's */
		{ "empty id", "\"s-7\"", "\"\"", ROTA_ERR_FORMAT },
		{ "id with a newline", "\"s-7\"", "\"s\\n7\"", ROTA_ERR_FORMAT },
		{ "id with a blank", "\"s-7\"", "\"s 7\"", ROTA_ERR_FORMAT },
		{ "id beyond ASCII", "\"s-7\"", "\"\xc3\xa9\"", ROTA_ERR_FORMAT },
		{ "id of 64", "s-7", X64, ROTA_OK },
		{ "id of 65", "s-7", X64 "x", ROTA_ERR_LIMIT },
		{ "no id", "\"id\":\"s-7\",", "", ROTA_ERR_FORMAT },
		{ "open without a stage", "\"open\":5", "\"open\":6", ROTA_ERR_FORMAT },
		{ "open beyond all stages", "\"open\":5", "\"open\":32", ROTA_ERR_LIMIT },
		{ "no open", "\"open\":5,", "", ROTA_ERR_FORMAT },
		{ "release is a string", "\"release\":{\"path\"",
			"\"release\":\"x\",\"rel\":{\"path\"", ROTA_ERR_FORMAT },
		{ "release's path goes up", "releases/sensor/1.2.0/", "releases/../",
			ROTA_ERR_FORMAT },
		{ "release without a digest", ",\"sha256\":\"" D1 "\"", "", ROTA_ERR_FORMAT },
		{ "release without a path", "\"path\":\"releases/sensor/1.2.0/release.json\",", "",
			ROTA_ERR_FORMAT },
		{ "short digest", "\"sha256\":\"11", "\"sha256\":\"", ROTA_ERR_FORMAT },
		{ "back-off of two years", "3600", "63072000", ROTA_ERR_LIMIT },
		{ "9 retries", "\"max\":2", "\"max\":9", ROTA_ERR_LIMIT },
		{ "no retry", "\"retry\":{\"backoff_s\":3600,\"max\":2},", "", ROTA_ERR_FORMAT },
		{ "retry without max", ",\"max\":2", "", ROTA_ERR_FORMAT },
		{ "unknown kind", "\"kind\":\"everyone\"", "\"kind\":\"nobody\"",
			ROTA_ERR_UNSUPPORTED },
		{ "stage without a kind", "{\"kind\":\"everyone\"}", "{}", ROTA_ERR_FORMAT },
		{ "everyone with a name", "{\"kind\":\"everyone\"}",
			"{\"kind\":\"everyone\",\"name\":\"x\"}", ROTA_ERR_FORMAT },
		{ "ppm without a number", "{\"kind\":\"ppm\",\"ppm\":500}", "{\"kind\":\"ppm\"}",
			ROTA_ERR_FORMAT },
		{ "ppm beyond all", "\"ppm\":500", "\"ppm\":1000001", ROTA_ERR_LIMIT },
		{ "group without a name", ",\"name\":\"lab\"", "", ROTA_ERR_FORMAT },
		{ "group with ppm", "\"name\":\"lab\"", "\"name\":\"lab\",\"ppm\":1",
			ROTA_ERR_FORMAT },
		{ "region's name is a number", "\"name\":\"eu\"", "\"name\":3", ROTA_ERR_FORMAT },
		{ "canary without tags",
			"{\"kind\":\"canary\",\"tags\":[\"" T0 "\",\"" TAG "\",\"" T0 "\"]}",
			"{\"kind\":\"canary\"}", ROTA_ERR_FORMAT },
		{ "tags of another kind", "{\"kind\":\"everyone\"}",
			"{\"kind\":\"everyone\",\"tags\":[\"" T0 "\"]}", ROTA_ERR_FORMAT },
		{ "short tag", "\"" TAG "\"", "\"00\"", ROTA_ERR_FORMAT },
		{ "capital tag", "\"" TAG "\"", "\"AA000000000000000000000000000000\"",
			ROTA_ERR_FORMAT },
		{ "tag is a number", "\"" TAG "\"", "0", ROTA_ERR_FORMAT },
		{ "unknown state", "\"done\"", "\"resting\"", ROTA_ERR_UNSUPPORTED },
		{ "no state", "\"state\":\"done\",", "", ROTA_ERR_FORMAT },
		{ "no window", ",\"window\":{\"from_s\":79200,\"to_s\":7200}", "", ROTA_OK },
		{ "window past midnight", "\"to_s\":7200", "\"to_s\":86400", ROTA_ERR_LIMIT },
		{ "window of nothing", "\"to_s\":7200", "\"to_s\":79200", ROTA_ERR_FORMAT },
		{ "window without an end", ",\"to_s\":7200", "", ROTA_ERR_FORMAT },
		{ "window is null", "{\"from_s\":79200,\"to_s\":7200}", "null", ROTA_ERR_FORMAT },
		{ "unknown members", "\"state\":\"done\"",
			"\"state\":\"done\",\"weather\":{\"state\":[1,{\"kind\":null}]}", ROTA_OK },
		{ "cut off", "\"sequence\":42}", "\"sequence\":42", ROTA_ERR_SPELLING },
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct rota_campaign_device me = device();
		struct rota_campaign_finder f;

		ROW(rows[i].reason);
		CHECK_EQ(find(&me, edited(rows[i].from, rows[i].to), 100, &f), rows[i].err);
	}
}

TEST(two_campaigns_for_the_devices_channel)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	me.channel = ROTA_STR("beta");
	CHECK_EQ(find(&me, edited("\"channel\":\"stable\"", "\"channel\":\"beta\""), 100, &f),
		ROTA_ERR_FORMAT);
}

/* A campaign whose stages begin before all that they rest on was said is told to nobody. */
TEST(no_stages_without_what_they_rest_on)
{
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	CHECK_EQ(find(&me, edited("\"id\":\"s-7\",", ""), 100, &f), ROTA_ERR_FORMAT);
	CHECK(!f.found);
}

TEST(file_has_a_maximum)
{
	static uint8_t text[ROTA_POLICY_MAX];
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	memset(text, 'x', sizeof(text));
	rota_campaign_begin(&f, &rota_crypto_openssl, &me, ROTA_BUF(names), ROTA_BUF(value));
	CHECK_OK(rota_campaign_feed(&f, ROTA_STR("{\"_\":\"")));
	CHECK_OK(rota_campaign_feed(&f, rota_span(text, ROTA_POLICY_MAX - 6)));
	CHECK_EQ(rota_campaign_feed(&f, ROTA_STR("\"")), ROTA_ERR_LIMIT);
}

/* 32 stages and 16 campaigns pass, one more does not. */
TEST(lists_have_maxima)
{
	static const char campaign[] =
		"{\"attempt\":0,\"channel\":\"c\",\"id\":\"i\",\"open\":0,"
		"\"release\":{\"path\":\"p\",\"sha256\":\"" D2 "\"},"
		"\"retry\":{\"backoff_s\":0,\"max\":0},\"stages\":[{\"kind\":\"everyone\"}],"
		"\"state\":\"paused\"},";
	static const char stage[] = ",{\"kind\":\"everyone\"}";
	struct rota_campaign_device me = device();
	struct rota_campaign_finder f;

	for (int more = 26; more <= 27; more++) {
		static char stages[40 * sizeof(stage)];
		int len = snprintf(stages, sizeof(stages), "{\"kind\":\"everyone\"}");

		for (int i = 0; i < more; i++)
			len += snprintf(stages + len, sizeof(stages) - (size_t)len, "%s", stage);
		CHECK_EQ(find(&me, edited("{\"kind\":\"everyone\"}", stages), 100, &f),
			more == 26 ? ROTA_OK : ROTA_ERR_LIMIT);
	}
	for (int more = 14; more <= 15; more++) {
		static char all[20 * sizeof(campaign)];
		int len = 0;

		for (int i = 0; i < more; i++)
			len += snprintf(all + len, sizeof(all) - (size_t)len, "%s", campaign);
		snprintf(all + len, sizeof(all) - (size_t)len, "{\"attempt\":3");
		CHECK_EQ(find(&me, edited("{\"attempt\":3", all), 100, &f),
			more == 14 ? ROTA_OK : ROTA_ERR_LIMIT);
	}
}

TESTS(T(good_file_gives_campaign_and_facts), T(only_open_stages_count),
	T(facts_are_the_devices_own), T(canary_tags_are_bound_to_the_release),
	T(shortest_list_with_the_tag_counts), T(long_canary_list), T(edits_are_judged),
	T(two_campaigns_for_the_devices_channel), T(lists_have_maxima),
	T(no_stages_without_what_they_rest_on), T(file_has_a_maximum))
