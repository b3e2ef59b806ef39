/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/release.h"
#include "rota/base/mem.h"

#define AT(field) offsetof(struct rota_release_decoder, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])
#define U53_MAX ((UINT64_C(1) << 53) - 1)

static struct rota_release_decoder *decoder(void *ctx)
{
	return ctx;
}

/* ---- members with a rule of their own ---- */

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("release")) ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err take_format(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err take_build(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	if (t->text.len == 0)
		return ROTA_ERR_FORMAT;
	return t->text.len > ROTA_RELEASE_BUILD_MAX ? ROTA_ERR_LIMIT : ROTA_OK;
}

static enum rota_err take_group(void *ctx, const struct rota_json_token *t)
{
	struct rota_release_decoder *d = decoder(ctx);

	if (rota_span_eq(t->text, d->want.group))
		d->release.ceilings.group = true;
	return ROTA_OK;
}

static enum rota_err take_hardware(void *ctx, const struct rota_json_token *t)
{
	struct rota_release_decoder *d = decoder(ctx);

	if (d->want.hardware.len == 0 || rota_span_eq(t->text, d->want.hardware))
		d->for_us = true;
	return ROTA_OK;
}

static enum rota_err take_revert_to(void *ctx, const struct rota_json_token *t)
{
	struct rota_release_decoder *d = decoder(ctx);

	(void)t;
	d->release.revert_to[d->release.revert_count++] = d->revert_to;
	return ROTA_OK;
}

/* ---- components ---- */

static enum rota_err begin_entry(void *ctx, const struct rota_json_token *t)
{
	struct rota_release_decoder *d = decoder(ctx);

	(void)t;
	memset(&d->entry, 0, sizeof(d->entry));
	d->for_us = false;
	return ROTA_OK;
}

static enum rota_err end_depend(void *ctx, uint32_t seen)
{
	struct rota_release_decoder *d = decoder(ctx);
	struct rota_component *c = &d->entry.component;

	(void)seen;
	c->depends[c->depend_count++] = d->depend;
	return ROTA_OK;
}

/* Keep the component where its order puts it, behind its equals. */
static void insert(struct rota_release_decoder *d)
{
	struct rota_component *all = d->want.components;
	uint8_t at = d->release.component_count++;

	while (at > 0 && all[at - 1].order > d->entry.component.order) {
		all[at] = all[at - 1];
		at--;
	}
	all[at] = d->entry.component;
}

static const struct rota_member depend_members[] = {
	{ .name = "min", .field = ROTA_FIELD_VERSION, .at = AT(depend.min) },
	{ .name = "name", .field = ROTA_FIELD_NAME, .at = AT(depend.name) },
};
static const struct rota_shape depend_shape = { MEMBERS(depend_members), .end = end_depend };
static const struct rota_member depend_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &depend_shape },
};
static const struct rota_shape depends_shape = { MEMBERS(depend_each),
	.most = ROTA_RELEASE_DEPENDS_MAX };

static const struct rota_member hardware_each[] = {
	{ .field = ROTA_FIELD_NAME, .take = take_hardware },
};
static const struct rota_shape hardware_shape = { MEMBERS(hardware_each), .least = 1,
	.most = ROTA_RELEASE_HARDWARE_MAX };

enum { COMPONENT_DIGEST = 2 }; /* its place in the table below */
static const struct rota_member component_members[] = {
	{ .name = "counter",
		.field = ROTA_FIELD_U32,
		.most = UINT32_MAX,
		.at = AT(entry.component.counter) },
	{ .name = "depends", .field = ROTA_FIELD_ARRAY, .shape = &depends_shape },
	{ .name = "digest",
		.field = ROTA_FIELD_DIGEST,
		.optional = true,
		.at = AT(entry.component.digest) },
	{ .name = "hardware", .field = ROTA_FIELD_ARRAY, .shape = &hardware_shape },
	{ .name = "length",
		.field = ROTA_FIELD_U64,
		.most = U53_MAX,
		.at = AT(entry.component.length) },
	{ .name = "name", .field = ROTA_FIELD_NAME, .at = AT(entry.component.name) },
	{ .name = "order",
		.field = ROTA_FIELD_U8,
		.most = UINT8_MAX,
		.at = AT(entry.component.order) },
	{ .name = "path", .field = ROTA_FIELD_PATH, .at = AT(entry.component.path) },
	{ .name = "sha256", .field = ROTA_FIELD_DIGEST, .at = AT(entry.component.sha256) },
	{ .name = "slot", .field = ROTA_FIELD_NAME, .at = AT(entry.component.slot) },
};

static enum rota_err end_component(void *ctx, uint32_t seen)
{
	struct rota_release_decoder *d = decoder(ctx);
	struct rota_component *c = &d->entry.component;

	c->has_digest = (seen & 1u << COMPONENT_DIGEST) != 0;
	if (!c->has_digest && c->counter != 0)
		return ROTA_ERR_FORMAT; /* only an image has a counter */
	if (!d->for_us)
		return ROTA_OK;
	if (d->release.component_count >= d->want.component_room)
		return ROTA_ERR_LIMIT;
	insert(d);
	return ROTA_OK;
}

static const struct rota_shape component_shape = { MEMBERS(component_members),
	.end = end_component };
static const struct rota_member component_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &component_shape, .take = begin_entry },
};
static const struct rota_shape components_shape = { MEMBERS(component_each), .least = 1,
	.most = ROTA_RELEASE_COMPONENTS_MAX };

/* ---- deltas ---- */

static bool kept(const struct rota_release_decoder *d, const struct rota_name *component)
{
	for (uint8_t i = 0; i < d->release.component_count; i++)
		if (rota_span_eq(
			    rota_name_span(component), rota_name_span(&d->want.components[i].name)))
			return true;
	return false;
}

static enum rota_err end_delta(void *ctx, uint32_t seen)
{
	struct rota_release_decoder *d = decoder(ctx);

	(void)seen;
	if (d->release.delta_count < d->want.delta_room && kept(d, &d->entry.delta.component))
		d->want.deltas[d->release.delta_count++] = d->entry.delta;
	return ROTA_OK;
}

static const struct rota_member delta_members[] = {
	{ .name = "component", .field = ROTA_FIELD_NAME, .at = AT(entry.delta.component) },
	{ .name = "from", .field = ROTA_FIELD_DIGEST, .at = AT(entry.delta.from) },
	{ .name = "length",
		.field = ROTA_FIELD_U64,
		.most = U53_MAX,
		.at = AT(entry.delta.length) },
	{ .name = "path", .field = ROTA_FIELD_PATH, .at = AT(entry.delta.path) },
	{ .name = "sha256", .field = ROTA_FIELD_DIGEST, .at = AT(entry.delta.sha256) },
};
static const struct rota_shape delta_shape = { MEMBERS(delta_members), .end = end_delta };
static const struct rota_member delta_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &delta_shape, .take = begin_entry },
};
static const struct rota_shape deltas_shape = { MEMBERS(delta_each),
	.most = ROTA_RELEASE_DELTAS_MAX };

/* ---- ceilings ---- */

static const char *const everyone_words[] = { "human", "auto", NULL };

static const struct rota_member group_each[] = {
	{ .field = ROTA_FIELD_NAME, .take = take_group },
};
static const struct rota_shape groups_shape = { MEMBERS(group_each),
	.most = ROTA_RELEASE_GROUPS_MAX };

static const struct rota_member ceiling_members[] = {
	{ .name = "canary",
		.field = ROTA_FIELD_U32,
		.most = UINT32_MAX,
		.at = AT(release.ceilings.canary) },
	{ .name = "everyone",
		.field = ROTA_FIELD_WORD,
		.words = everyone_words,
		.at = AT(release.ceilings.everyone) },
	{ .name = "first_ppm",
		.field = ROTA_FIELD_U32,
		.most = 1000000,
		.at = AT(release.ceilings.first_ppm) },
	{ .name = "groups", .field = ROTA_FIELD_ARRAY, .shape = &groups_shape },
	{ .name = "growth",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = 1000,
		.at = AT(release.ceilings.growth) },
	{ .name = "soak_s",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = 31536000,
		.at = AT(release.ceilings.soak_s) },
};
static const struct rota_shape ceilings_shape = { MEMBERS(ceiling_members) };

/* ---- the file ---- */

static const char *const abort_words[] = { "revert", "pause", NULL };

static const struct rota_member revert_each[] = {
	{ .field = ROTA_FIELD_VERSION, .at = AT(revert_to), .take = take_revert_to },
};
static const struct rota_shape revert_shape = { MEMBERS(revert_each),
	.most = ROTA_RELEASE_REVERT_MAX };

static const struct rota_member members[] = {
	{ .name = "_type", .field = ROTA_FIELD_STRING, .take = take_type },
	{ .name = "abort",
		.field = ROTA_FIELD_WORD,
		.words = abort_words,
		.at = AT(release.abort) },
	{ .name = "build", .field = ROTA_FIELD_STRING, .take = take_build },
	{ .name = "ceilings", .field = ROTA_FIELD_OBJECT, .shape = &ceilings_shape },
	{ .name = "components", .field = ROTA_FIELD_ARRAY, .shape = &components_shape },
	{ .name = "deltas", .field = ROTA_FIELD_ARRAY, .shape = &deltas_shape },
	{ .name = "format", .field = ROTA_FIELD_U64, .most = U53_MAX, .take = take_format },
	{ .name = "issued", .field = ROTA_FIELD_TIME, .at = AT(release.issued_s) },
	{ .name = "minimum", .field = ROTA_FIELD_VERSION, .at = AT(release.minimum) },
	{ .name = "product", .field = ROTA_FIELD_NAME, .at = AT(release.product) },
	{ .name = "provenance", .field = ROTA_FIELD_PATH, .optional = true },
	{ .name = "revert_to", .field = ROTA_FIELD_ARRAY, .shape = &revert_shape },
	{ .name = "sbom", .field = ROTA_FIELD_PATH, .optional = true },
	{ .name = "version", .field = ROTA_FIELD_VERSION, .at = AT(release.version) },
};
static const struct rota_shape file_shape = { MEMBERS(members) };

static enum rota_err on_token(struct rota_json *j)
{
	struct rota_release_decoder *d = ROTA_JSON_OWNER(j, struct rota_release_decoder, json);

	return rota_walk_token(&d->walk, rota_buf(d, sizeof(*d)), j);
}

void rota_release_begin(struct rota_release_decoder *d, const struct rota_release_want *want,
	struct rota_buf names, struct rota_buf value)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };

	memset(d, 0, sizeof(*d));
	d->want = *want;
	rota_walk_init(&d->walk, &file_shape);
	rota_json_init(&d->json, &sink, &(struct rota_json_room){ value, names });
}

enum rota_err rota_release_feed(struct rota_release_decoder *d, struct rota_span piece)
{
	if (piece.len > ROTA_RELEASE_MAX - d->fed)
		return ROTA_ERR_LIMIT;
	d->fed += (uint32_t)piece.len;
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_release_end(struct rota_release_decoder *d)
{
	return rota_json_end(&d->json);
}
