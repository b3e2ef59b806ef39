/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/keys.h"
#include "rota/base/mem.h"

#define AT(field) offsetof(struct rota_keys_decoder, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])
#define U53_MAX ((UINT64_C(1) << 53) - 1)

static struct rota_keys_decoder *decoder(void *ctx)
{
	return ctx;
}

/* ---- stages: times and shares rise, and the last one is for everybody ---- */

static enum rota_err end_stage(void *ctx, uint32_t seen)
{
	struct rota_keys_decoder *d = decoder(ctx);
	struct rota_key_campaign *c = &d->campaign;
	const struct rota_key_stage *last = &c->stage[c->stage_count - (c->stage_count > 0)];

	(void)seen;
	if (c->stage_count > 0 && (d->stage.from_s <= last->from_s || d->stage.ppm <= last->ppm))
		return ROTA_ERR_FORMAT;
	c->stage[c->stage_count++] = d->stage;
	return ROTA_OK;
}

static enum rota_err end_stages(void *ctx, uint32_t seen)
{
	const struct rota_key_campaign *c = &decoder(ctx)->campaign;

	(void)seen;
	if (c->stage[c->stage_count - 1].ppm != ROTA_KEYS_PPM)
		return ROTA_ERR_FORMAT;
	return c->emergency && c->stage_count > 1 ? ROTA_ERR_FORMAT : ROTA_OK;
}

static const struct rota_member stage_members[] = {
	{ .name = "from", .field = ROTA_FIELD_TIME, .at = AT(stage.from_s) },
	{ .name = "ppm",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = ROTA_KEYS_PPM,
		.at = AT(stage.ppm) },
};
static const struct rota_shape stage_shape = { MEMBERS(stage_members), .closed = true,
	.end = end_stage };
static const struct rota_member stage_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &stage_shape },
};
static const struct rota_shape stages_shape = { MEMBERS(stage_each), .least = 1,
	.most = ROTA_KEYS_STAGES_MAX, .end = end_stages };

/* ---- trees: the first is 0, and numbers rise ---- */

static enum rota_err end_tree(void *ctx, uint32_t seen)
{
	struct rota_keys_decoder *d = decoder(ctx);

	(void)seen;
	if (d->tree.number < d->tree.least || (d->tree.least == 0 && d->tree.number != 0))
		return ROTA_ERR_FORMAT;
	d->tree.least = (uint8_t)(d->tree.number + 1);
	return d->sink.tree(d->sink.ctx, d->tree.number, d->tree.size, d->tree.root);
}

static const struct rota_member tree_members[] = {
	{ .name = "root", .field = ROTA_FIELD_DIGEST, .at = AT(tree.root) },
	{ .name = "size",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = ROTA_KEYS_TREE_SIZE_MAX,
		.at = AT(tree.size) },
	{ .name = "tree",
		.field = ROTA_FIELD_U8,
		.most = ROTA_KEYS_TREES_MAX - 1,
		.at = AT(tree.number) },
};
static const struct rota_shape tree_shape = { MEMBERS(tree_members), .closed = true,
	.end = end_tree };
static const struct rota_member tree_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &tree_shape },
};
static const struct rota_shape trees_shape = { MEMBERS(tree_each), .least = 1,
	.most = ROTA_KEYS_TREES_MAX };

/* ---- campaigns, ascending by (purpose, generation) ---- */

#define BEFORE_TREES 0x3ffu /* all other members of the table below */

static const char *const state_words[] = { "active", "paused", "aborted", "done", NULL };

static enum rota_err begin_campaign(void *ctx, const struct rota_json_token *t)
{
	struct rota_keys_decoder *d = decoder(ctx);

	(void)t;
	memset(&d->campaign, 0, sizeof(d->campaign));
	d->tree.least = 0;
	return ROTA_OK;
}

/* After the one before it, and no third of its purpose. */
static enum rota_err in_order(struct rota_keys_decoder *d)
{
	int order = rota_span_cmp(rota_name_span(&d->last), rota_name_span(&d->purpose));

	if (order > 0 || (order == 0 && d->last_generation >= d->campaign.generation))
		return ROTA_ERR_FORMAT;
	d->of_purpose = (uint8_t)(order == 0 ? d->of_purpose + 1 : 1);
	d->last = d->purpose;
	d->last_generation = d->campaign.generation;
	return d->of_purpose > ROTA_KEYS_OF_PURPOSE_MAX ? ROTA_ERR_LIMIT : ROTA_OK;
}

/* All that stands before the trees is there. */
static enum rota_err begin_trees(void *ctx, const struct rota_json_token *t)
{
	struct rota_keys_decoder *d = decoder(ctx);

	if ((d->walk.seen[t->depth - 1] & BEFORE_TREES) != BEFORE_TREES)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(in_order(d));
	d->campaign.purpose = rota_purpose_of(rota_name_span(&d->purpose));
	return d->sink.campaign(d->sink.ctx, &d->campaign);
}

static const struct rota_member campaign_members[] = {
	{ .name = "activation", .field = ROTA_FIELD_TIME, .at = AT(campaign.activation_s) },
	{ .name = "cipher",
		.field = ROTA_FIELD_U8,
		.least = 1,
		.most = UINT8_MAX,
		.at = AT(campaign.cipher) },
	{ .name = "emergency", .field = ROTA_FIELD_BOOL, .at = AT(campaign.emergency) },
	{ .name = "generation",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = UINT32_MAX,
		.at = AT(campaign.generation) },
	{ .name = "id", .field = ROTA_FIELD_DIGEST, .at = AT(campaign.id) },
	{ .name = "overlap_s",
		.field = ROTA_FIELD_U32,
		.most = UINT32_MAX,
		.at = AT(campaign.overlap_s) },
	{ .name = "purpose", .field = ROTA_FIELD_NAME, .at = AT(purpose) },
	{ .name = "stages", .field = ROTA_FIELD_ARRAY, .shape = &stages_shape },
	{ .name = "state",
		.field = ROTA_FIELD_WORD,
		.words = state_words,
		.at = AT(campaign.state) },
	{ .name = "suite",
		.field = ROTA_FIELD_U8,
		.least = 1,
		.most = UINT8_MAX,
		.at = AT(campaign.suite) },
	{ .name = "trees", .field = ROTA_FIELD_ARRAY, .shape = &trees_shape, .take = begin_trees },
};
static const struct rota_shape campaign_shape = { MEMBERS(campaign_members), .closed = true };
static const struct rota_member campaign_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &campaign_shape, .take = begin_campaign },
};
static const struct rota_shape campaigns_shape = { MEMBERS(campaign_each),
	.most = ROTA_KEYS_CAMPAIGNS_MAX };

/* ---- the file ---- */

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("keys")) ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err take_format(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static const struct rota_member members[] = {
	{ .name = "_type", .field = ROTA_FIELD_STRING, .take = take_type },
	{ .name = "campaigns", .field = ROTA_FIELD_ARRAY, .shape = &campaigns_shape },
	{ .name = "format", .field = ROTA_FIELD_U64, .most = U53_MAX, .take = take_format },
	{ .name = "product", .field = ROTA_FIELD_NAME, .at = AT(product) },
	{ .name = "sequence",
		.field = ROTA_FIELD_U64,
		.least = 1,
		.most = U53_MAX,
		.at = AT(sequence) },
};
static const struct rota_shape file_shape = { MEMBERS(members) };

static enum rota_err on_token(struct rota_json *j)
{
	struct rota_keys_decoder *d = ROTA_JSON_OWNER(j, struct rota_keys_decoder, json);

	return rota_walk_token(&d->walk, rota_buf(d, sizeof(*d)), j);
}

void rota_keys_begin(struct rota_keys_decoder *d, struct rota_keys_sink sink, struct rota_buf names,
	struct rota_buf value)
{
	static const struct rota_json_sink json_sink = { on_token, rota_json_drop };

	memset(d, 0, sizeof(*d));
	d->sink = sink;
	rota_walk_init(&d->walk, &file_shape);
	rota_json_init(&d->json, &json_sink, &(struct rota_json_room){ value, names });
}

enum rota_err rota_keys_feed(struct rota_keys_decoder *d, struct rota_span piece)
{
	if (piece.len > ROTA_KEYS_MAX - d->fed)
		return ROTA_ERR_LIMIT;
	d->fed += (uint32_t)piece.len;
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_keys_end(struct rota_keys_decoder *d)
{
	return rota_json_end(&d->json);
}
