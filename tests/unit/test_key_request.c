/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for (SPEC 32.1), and the campaign that is listed for it (32.2). */
#include "host/campaign/request.h"
#include "tests/unit/file_edit.h"
#include "tests/unit/test.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define EXPORT "3333333333333333333333333333333333333333333333333333333333333333"

static const char good[] =
	"{\"activation\":\"2026-12-01T00:00:00Z\",\"cipher\":2,\"devices\":\"group=field\","
	"\"emergency\":false,\"expected\":900,\"export\":\"" EXPORT "\",\"generation\":7,"
	"\"most\":1000,\"name\":\"autumn\",\"overlap_s\":3600,\"product\":\"sensor\","
	"\"purpose\":\"storage\",\"stages\":[{\"from\":\"2026-11-30T00:00:00Z\",\"ppm\":10000},"
	"{\"from\":\"2026-12-01T00:00:00Z\",\"ppm\":1000000}],\"suite\":1}";

static struct rota_fail why;

static enum rota_err read_text(struct rota_span text, struct rota_key_request *out)
{
	json_t *body;
	enum rota_err err = rota_json_parse_strict(text, &body, &why);

	if (err != ROTA_OK)
		return err;
	err = rota_key_request_read(body, out, &why);
	json_decref(body);
	return err;
}

TEST(a_request_is_read_and_written)
{
	struct rota_key_request r;
	struct rota_bytes text = { 0 };
	json_t *body;

	CHECK_OK(read_text(rota_span_cstr(good), &r));
	CHECK(strcmp(r.name, "autumn") == 0 && strcmp(r.product, "sensor") == 0);
	CHECK(strcmp(r.devices, "group=field") == 0);
	CHECK_EQ(r.export_sha256[31], 0x33);
	CHECK_EQ(r.expected, 900);
	CHECK_EQ(r.most, 1000);
	CHECK_EQ(r.campaign.purpose, ROTA_PURPOSE_STORAGE);
	CHECK_EQ(r.campaign.generation, 7);
	CHECK_EQ(r.campaign.stage_count, 2);
	CHECK_EQ(r.campaign.stage[1].ppm, 1000000);
	body = rota_key_request_write(&r);
	CHECK_OK(rota_json_encode(body, ROTA_JSON_FILE, &text, &why));
	json_decref(body);
	CHECK(rota_span_eq(rota_bytes_span(&text), rota_span_cstr(good)));
	rota_bytes_free(&text);
}

static const struct file_edit bad[] = {
	{ "a member more", "\"suite\":1", "\"suite\":1,\"urgent\":1", ROTA_ERR_FORMAT },
	{ "a member less", "\"cipher\":2,", "", ROTA_ERR_FORMAT },
	{ "a purpose that is not known", "storage", "watermark", ROTA_ERR_FORMAT },
	{ "a suite that is not known", "\"suite\":1", "\"suite\":2", ROTA_ERR_FORMAT },
	{ "a cipher that is not known", "\"cipher\":2", "\"cipher\":3", ROTA_ERR_FORMAT },
	{ "generation 0", "\"generation\":7", "\"generation\":0", ROTA_ERR_FORMAT },
	{ "a generation beyond 32 bits", "\"generation\":7", "\"generation\":4294967296",
		ROTA_ERR_FORMAT },
	{ "a negative overlap", "\"overlap_s\":3600", "\"overlap_s\":-1", ROTA_ERR_FORMAT },
	{ "an overlap as text", "\"overlap_s\":3600", "\"overlap_s\":\"1\"", ROTA_ERR_FORMAT },
	{ "more expected than at most", "\"expected\":900", "\"expected\":1001", ROTA_ERR_FORMAT },
	{ "more expected than a tree has",
		"\"expected\":900,\"export\":\"" EXPORT "\",\"generation\":7,\"most\":1000",
		"\"expected\":16777217,\"export\":\"" EXPORT
		"\",\"generation\":7,\"most\":16777217",
		ROTA_ERR_FORMAT },
	{ "nobody expected", "\"expected\":900", "\"expected\":0", ROTA_ERR_FORMAT },
	{ "an empty query", "group=field", "", ROTA_ERR_FORMAT },
	{ "a query that writes to a terminal", "group=field", "group=\\u001b[2J", ROTA_ERR_FORMAT },
	{ "an export that is no digest", EXPORT, "33", ROTA_ERR_FORMAT },
	{ "a name that is none", "autumn", "Autumn 2026", ROTA_ERR_FORMAT },
	{ "a product that is none", "sensor", "../etc", ROTA_ERR_FORMAT },
	{ "emergency that is no boolean", "false", "0", ROTA_ERR_FORMAT },
	{ "an emergency in stages", "false", "true", ROTA_ERR_FORMAT },
	{ "a time that is none", "\"activation\":\"2026-12-01T", "\"activation\":\"2026-13-01T",
		ROTA_ERR_FORMAT },
	{ "stages that do not rise", "2026-11-30", "2026-12-30", ROTA_ERR_FORMAT },
	{ "shares that do not rise", "\"ppm\":10000}", "\"ppm\":1000000}", ROTA_ERR_FORMAT },
	{ "a last stage that is not for everybody", "\"ppm\":1000000", "\"ppm\":999999",
		ROTA_ERR_FORMAT },
	{ "a stage with more to it", "\"ppm\":10000}", "\"ppm\":10000,\"x\":1}", ROTA_ERR_FORMAT },
	{ "stages that are no list",
		"\"stages\":[{\"from\":\"2026-11-30T00:00:00Z\",\"ppm\":10000},"
		"{\"from\":\"2026-12-01T00:00:00Z\",\"ppm\":1000000}]",
		"\"stages\":{}", ROTA_ERR_FORMAT },
};

TEST(what_is_no_request_is_refused)
{
	static char room[2 * sizeof(good)];
	struct rota_key_request r;

	for (size_t i = 0; i < ROWS(bad); i++) {
		ROW(bad[i].reason);
		CHECK_EQ(read_text(file_edited(good, &bad[i], room, sizeof(room)), &r), bad[i].err);
	}
	ROW(NULL);
}

TEST(a_query_has_its_most)
{
	char query[ROTA_KEY_DEVICES_MAX + 2], room[2 * sizeof(good) + sizeof(query)];
	struct file_edit edit = { "", "group=field", query, ROTA_OK };
	struct rota_key_request r;

	memset(query, 'q', sizeof(query));
	query[ROTA_KEY_DEVICES_MAX + 1] = '\0';
	CHECK_EQ(read_text(file_edited(good, &edit, room, sizeof(room)), &r), ROTA_ERR_FORMAT);
	query[ROTA_KEY_DEVICES_MAX] = '\0';
	CHECK_OK(read_text(file_edited(good, &edit, room, sizeof(room)), &r));
}

/* ---- the role's file: what is written is what a device reads ---- */

static struct rota_key_campaign listed;
static struct rota_key_tree trees[ROTA_KEYS_TREES_MAX];
static size_t tree_count;

static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *c)
{
	(void)ctx;
	listed = *c;
	return ROTA_OK;
}

static enum rota_err on_tree(void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static 32])
{
	struct rota_key_tree *t = &trees[tree_count++];

	(void)ctx;
	t->number = (uint8_t)tree;
	t->size = size;
	memcpy(t->root, root, 32);
	return ROTA_OK;
}

static enum rota_err read_listed(json_t *campaign)
{
	static uint8_t names[ROTA_KEYS_NAMES_ROOM], value[ROTA_KEYS_VALUE_ROOM];
	static struct rota_keys_decoder d;
	struct rota_bytes text = { 0 };
	json_t *file = json_pack("{s:s,s:[o],s:i,s:s,s:i}", "_type", "keys", "campaigns", campaign,
		"format", 1, "product", "sensor", "sequence", 1);
	enum rota_err err = rota_json_encode(file, ROTA_JSON_FILE, &text, &why);

	json_decref(file);
	tree_count = 0;
	rota_keys_begin(&d, (struct rota_keys_sink){ NULL, on_campaign, on_tree }, ROTA_BUF(names),
		ROTA_BUF(value));
	if (err == ROTA_OK)
		err = rota_keys_feed(&d, rota_bytes_span(&text));
	rota_bytes_free(&text);
	return err == ROTA_OK ? rota_keys_end(&d) : err;
}

TEST(what_is_listed_is_what_was_asked_for)
{
	static const struct rota_key_tree made[] = { { 0, 900, { 1 } }, { 3, 5, { 2 } } };
	struct rota_key_request r;

	CHECK_OK(read_text(rota_span_cstr(good), &r));
	r.campaign.id[0] = 0x77;
	r.campaign.state = ROTA_CAMPAIGN_DONE;
	CHECK_OK(read_listed(rota_key_campaign_write(&r.campaign, made, 2)));
	CHECK(rota_key_campaign_same(&listed, &r.campaign));
	CHECK_EQ(listed.state, ROTA_CAMPAIGN_DONE);
	CHECK_EQ(tree_count, 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_EQ(trees[i].number, made[i].number);
		CHECK_EQ(trees[i].size, made[i].size);
		CHECK_MEM(trees[i].root, made[i].root, 32);
	}
}

TEST(nothing_listed_changes_but_its_state)
{
	struct rota_key_request r;
	struct rota_key_campaign c;

	CHECK_OK(read_text(rota_span_cstr(good), &r));
#define CHANGED(member)                                                                            \
	do {                                                                                       \
		c = r.campaign;                                                                    \
		c.member++;                                                                        \
		CHECK(!rota_key_campaign_same(&c, &r.campaign));                                   \
	} while (0)
	CHANGED(purpose);
	CHANGED(cipher);
	CHANGED(suite);
	CHANGED(generation);
	CHANGED(overlap_s);
	CHANGED(activation_s);
	CHANGED(stage_count);
	CHANGED(id[31]);
	CHANGED(stage[1].from_s);
	CHANGED(stage[0].ppm);
	c = r.campaign;
	c.emergency = !c.emergency;
	CHECK(!rota_key_campaign_same(&c, &r.campaign));
	c = r.campaign;
	c.state = ROTA_CAMPAIGN_ABORTED;
	CHECK(rota_key_campaign_same(&c, &r.campaign));
}

TESTS(T(a_request_is_read_and_written), T(what_is_no_request_is_refused), T(a_query_has_its_most),
	T(what_is_listed_is_what_was_asked_for), T(nothing_listed_changes_but_its_state))
