/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/policy.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"

#define AT(field) offsetof(struct rota_policy_decoder, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])
#define U53_MAX ((UINT64_C(1) << 53) - 1)
#define DAY_S 86400

static struct rota_policy_decoder *decoder(void *ctx)
{
	return ctx;
}

static enum rota_err send(
	struct rota_policy_decoder *d, enum rota_policy_event_kind kind, const uint8_t *tag)
{
	struct rota_policy_event e = {
		.kind = kind, .campaign = &d->campaign, .stage = &d->stage, .tag = tag
	};

	return d->sink.event(d->sink.ctx, &e);
}

/* ---- stages ---- */

/* Members of a stage, in the order of the table below. */
enum { STAGE_KIND, STAGE_NAME, STAGE_PPM, STAGE_TAGS };

static const char *const kind_words[] = { "canary", "ppm", "group", "region", "everyone", NULL };

/* What a stage of each kind has, no more and no less. */
static const uint8_t members_of_kind[] = {
	[ROTA_STAGE_CANARY] = 1 << STAGE_KIND | 1 << STAGE_TAGS,
	[ROTA_STAGE_PPM] = 1 << STAGE_KIND | 1 << STAGE_PPM,
	[ROTA_STAGE_GROUP] = 1 << STAGE_KIND | 1 << STAGE_NAME,
	[ROTA_STAGE_REGION] = 1 << STAGE_KIND | 1 << STAGE_NAME,
	[ROTA_STAGE_EVERYONE] = 1 << STAGE_KIND,
};

static enum rota_err begin_stage(void *ctx, const struct rota_json_token *t)
{
	struct rota_policy_decoder *d = decoder(ctx);

	(void)t;
	memset(&d->stage, 0, sizeof(d->stage));
	d->stage.kind = ROTA_STAGE_EVERYONE; /* until said: the one kind that has no tags */
	d->stage.index = d->stage_count++;
	return ROTA_OK;
}

static enum rota_err take_tag(void *ctx, const struct rota_json_token *t)
{
	struct rota_policy_decoder *d = decoder(ctx);
	uint8_t tag[ROTA_POLICY_TAG_LEN];

	if (d->stage.kind != ROTA_STAGE_CANARY) /* `kind` comes before `tags` */
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_hex_decode(t->text, ROTA_BUF(tag)));
	d->stage.tag_count++;
	return send(d, ROTA_POLICY_TAG, tag);
}

static enum rota_err end_stage(void *ctx, uint32_t seen)
{
	struct rota_policy_decoder *d = decoder(ctx);

	if (seen != members_of_kind[d->stage.kind])
		return ROTA_ERR_FORMAT;
	return send(d, ROTA_POLICY_STAGE, NULL);
}

static const struct rota_member tag_each[] = {
	{ .field = ROTA_FIELD_STRING, .take = take_tag },
};
static const struct rota_shape tags_shape = { MEMBERS(tag_each) };

static const struct rota_member stage_members[] = {
	[STAGE_KIND] = { .name = "kind",
		.field = ROTA_FIELD_WORD,
		.words = kind_words,
		.at = AT(stage.kind) },
	[STAGE_NAME] = { .name = "name",
		.field = ROTA_FIELD_NAME,
		.optional = true,
		.at = AT(stage.name) },
	[STAGE_PPM] = { .name = "ppm",
		.field = ROTA_FIELD_U32,
		.most = 1000000,
		.optional = true,
		.at = AT(stage.ppm) },
	[STAGE_TAGS] = { .name = "tags",
		.field = ROTA_FIELD_ARRAY,
		.optional = true,
		.shape = &tags_shape },
};
static const struct rota_shape stage_shape = { MEMBERS(stage_members), .end = end_stage };
static const struct rota_member stage_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &stage_shape, .take = begin_stage },
};
static const struct rota_shape stages_shape = { MEMBERS(stage_each), .least = 1,
	.most = ROTA_POLICY_STAGES_MAX };

/* ---- campaigns ---- */

enum { CAMPAIGN_WINDOW = 8 }; /* its place in the table below; all before `stages` are required */
#define BEFORE_STAGES 0x3fu

static const char *const state_words[] = { "active", "paused", "aborted", "done", NULL };

static enum rota_err begin_campaign(void *ctx, const struct rota_json_token *t)
{
	struct rota_policy_decoder *d = decoder(ctx);

	(void)t;
	memset(&d->campaign, 0, sizeof(d->campaign));
	d->stage_count = 0;
	return ROTA_OK;
}

static enum rota_err take_id(void *ctx, const struct rota_json_token *t)
{
	struct rota_policy_decoder *d = decoder(ctx);

	if (t->text.len == 0)
		return ROTA_ERR_FORMAT;
	if (t->text.len > ROTA_POLICY_ID_MAX)
		return ROTA_ERR_LIMIT;
	for (size_t i = 0; i < t->text.len; i++)
		if (t->text.p[i] <= ' ' || t->text.p[i] > '~')
			return ROTA_ERR_FORMAT; /* it ends in logs and reports */
	memcpy(d->campaign.id, t->text.p, t->text.len);
	d->campaign.id_len = (uint8_t)t->text.len;
	return ROTA_OK;
}

/* All that stands before the stages is there: the release digest, which tags and draws need, is known. */
static enum rota_err begin_stages(void *ctx, const struct rota_json_token *t)
{
	struct rota_policy_decoder *d = decoder(ctx);

	if ((d->walk.seen[t->depth - 1] & BEFORE_STAGES) != BEFORE_STAGES)
		return ROTA_ERR_FORMAT;
	return send(d, ROTA_POLICY_CAMPAIGN, NULL);
}

static enum rota_err end_campaign(void *ctx, uint32_t seen)
{
	struct rota_policy_decoder *d = decoder(ctx);
	struct rota_window *w = &d->campaign.window;

	w->set = (seen & 1u << CAMPAIGN_WINDOW) != 0;
	if (w->set && w->from_s == w->to_s)
		return ROTA_ERR_FORMAT; /* never, or always? */
	if (d->campaign.open >= d->stage_count)
		return ROTA_ERR_FORMAT;
	return send(d, ROTA_POLICY_CAMPAIGN_END, NULL);
}

static const struct rota_member release_members[] = {
	{ .name = "path", .field = ROTA_FIELD_PATH, .at = AT(campaign.release) },
	{ .name = "sha256", .field = ROTA_FIELD_DIGEST, .at = AT(campaign.sha256) },
};
static const struct rota_shape release_shape = { MEMBERS(release_members) };

static const struct rota_member retry_members[] = {
	{ .name = "backoff_s",
		.field = ROTA_FIELD_U32,
		.most = ROTA_POLICY_BACKOFF_MAX,
		.at = AT(campaign.retry.backoff_s) },
	{ .name = "max",
		.field = ROTA_FIELD_U8,
		.most = ROTA_POLICY_RETRY_MAX,
		.at = AT(campaign.retry.max) },
};
static const struct rota_shape retry_shape = { MEMBERS(retry_members) };

static const struct rota_member window_members[] = {
	{ .name = "from_s",
		.field = ROTA_FIELD_U32,
		.most = DAY_S - 1,
		.at = AT(campaign.window.from_s) },
	{ .name = "to_s",
		.field = ROTA_FIELD_U32,
		.most = DAY_S - 1,
		.at = AT(campaign.window.to_s) },
};
static const struct rota_shape window_shape = { MEMBERS(window_members) };

static const struct rota_member campaign_members[] = {
	{ .name = "attempt",
		.field = ROTA_FIELD_U8,
		.most = ROTA_POLICY_ATTEMPT_MAX,
		.at = AT(campaign.attempt) },
	{ .name = "channel", .field = ROTA_FIELD_NAME, .at = AT(campaign.channel) },
	{ .name = "id", .field = ROTA_FIELD_STRING, .take = take_id },
	{ .name = "open",
		.field = ROTA_FIELD_U8,
		.most = ROTA_POLICY_STAGES_MAX - 1,
		.at = AT(campaign.open) },
	{ .name = "release", .field = ROTA_FIELD_OBJECT, .shape = &release_shape },
	{ .name = "retry", .field = ROTA_FIELD_OBJECT, .shape = &retry_shape },
	{ .name = "stages",
		.field = ROTA_FIELD_ARRAY,
		.shape = &stages_shape,
		.take = begin_stages },
	{ .name = "state",
		.field = ROTA_FIELD_WORD,
		.words = state_words,
		.at = AT(campaign.state) },
	[CAMPAIGN_WINDOW] = { .name = "window",
		.field = ROTA_FIELD_OBJECT,
		.optional = true,
		.shape = &window_shape },
};
static const struct rota_shape campaign_shape = { MEMBERS(campaign_members), .end = end_campaign };
static const struct rota_member campaign_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &campaign_shape, .take = begin_campaign },
};
static const struct rota_shape campaigns_shape = { MEMBERS(campaign_each),
	.most = ROTA_POLICY_CAMPAIGNS_MAX };

/* ---- the file ---- */

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("rollout")) ? ROTA_OK : ROTA_ERR_ROLE;
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
	{ .name = "sequence", .field = ROTA_FIELD_U64, .most = U53_MAX, .at = AT(sequence) },
};
static const struct rota_shape file_shape = { MEMBERS(members) };

static enum rota_err on_token(struct rota_json *j)
{
	struct rota_policy_decoder *d = ROTA_JSON_OWNER(j, struct rota_policy_decoder, json);

	return rota_walk_token(&d->walk, rota_buf(d, sizeof(*d)), j);
}

void rota_policy_begin(struct rota_policy_decoder *d, struct rota_policy_sink sink,
	struct rota_buf names, struct rota_buf value)
{
	static const struct rota_json_sink json_sink = { on_token, rota_json_drop };

	memset(d, 0, sizeof(*d));
	d->sink = sink;
	rota_walk_init(&d->walk, &file_shape);
	rota_json_init(&d->json, &json_sink, &(struct rota_json_room){ value, names });
}

enum rota_err rota_policy_feed(struct rota_policy_decoder *d, struct rota_span piece)
{
	if (piece.len > ROTA_POLICY_MAX - d->fed)
		return ROTA_ERR_LIMIT;
	d->fed += (uint32_t)piece.len;
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_policy_end(struct rota_policy_decoder *d)
{
	return rota_json_end(&d->json);
}
