/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/retirements.h"
#include "rota/base/mem.h"

#define AT(field) offsetof(struct rota_retirements_decoder, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])
#define U53_MAX ((UINT64_C(1) << 53) - 1)

static struct rota_retirements_decoder *decoder(void *ctx)
{
	return ctx;
}

/* ---- lists, each ascending: one thing cannot stand twice ---- */

static enum rota_err end_floor(void *ctx, uint32_t seen)
{
	struct rota_retirements_decoder *d = decoder(ctx);

	(void)seen;
	if (rota_span_cmp(rota_name_span(&d->floor.last), rota_name_span(&d->floor.hardware)) >= 0)
		return ROTA_ERR_FORMAT;
	d->floor.last = d->floor.hardware;
	if (rota_span_eq(rota_name_span(&d->floor.hardware), d->hardware)) {
		d->has_floor = true;
		d->counter_floor = d->floor.counter;
	}
	return ROTA_OK;
}

static enum rota_err end_key(void *ctx, uint32_t seen)
{
	struct rota_retirements_decoder *d = decoder(ctx);
	int order = rota_span_cmp(rota_name_span(&d->key.last), rota_name_span(&d->key.purpose));

	(void)seen;
	if (order > 0 || (order == 0 && d->key.last_generation >= d->key.generation))
		return ROTA_ERR_FORMAT;
	d->key.last = d->key.purpose;
	d->key.last_generation = d->key.generation;
	if (d->pairs == NULL)
		return ROTA_OK;
	return d->pairs->pair(d->pairs->ctx, rota_name_span(&d->key.purpose), d->key.generation);
}

static enum rota_err take_ca(void *ctx, const struct rota_json_token *t)
{
	struct rota_retirements_decoder *d = decoder(ctx);

	(void)t;
	if (memcmp(d->last_ca, d->ca, sizeof(d->ca)) >= 0)
		return ROTA_ERR_FORMAT;
	memcpy(d->last_ca, d->ca, sizeof(d->ca));
	return ROTA_OK;
}

static const struct rota_member ca_each[] = {
	{ .field = ROTA_FIELD_DIGEST, .at = AT(ca), .take = take_ca },
};
static const struct rota_shape cas_shape = { MEMBERS(ca_each), .most = ROTA_RETIREMENTS_CAS_MAX };

static const struct rota_member floor_members[] = {
	{ .name = "counter",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = UINT32_MAX,
		.at = AT(floor.counter) },
	{ .name = "hardware", .field = ROTA_FIELD_NAME, .at = AT(floor.hardware) },
};
static const struct rota_shape floor_shape = { MEMBERS(floor_members), .end = end_floor };
static const struct rota_member floor_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &floor_shape },
};
static const struct rota_shape floors_shape = { MEMBERS(floor_each),
	.most = ROTA_RETIREMENTS_FLOORS_MAX };

static const struct rota_member key_members[] = {
	{ .name = "generation",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = UINT32_MAX,
		.at = AT(key.generation) },
	{ .name = "purpose", .field = ROTA_FIELD_NAME, .at = AT(key.purpose) },
};
static const struct rota_shape key_shape = { MEMBERS(key_members), .end = end_key };
static const struct rota_member key_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &key_shape },
};
static const struct rota_shape keys_shape = { MEMBERS(key_each),
	.most = ROTA_RETIREMENTS_KEYS_MAX };

/* ---- the file ---- */

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("retirements")) ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err take_format(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static const struct rota_member members[] = {
	{ .name = "_type", .field = ROTA_FIELD_STRING, .take = take_type },
	{ .name = "cas", .field = ROTA_FIELD_ARRAY, .shape = &cas_shape },
	{ .name = "counter_floor", .field = ROTA_FIELD_ARRAY, .shape = &floors_shape },
	{ .name = "format", .field = ROTA_FIELD_U64, .most = U53_MAX, .take = take_format },
	{ .name = "key_floor", .field = ROTA_FIELD_U8, .most = 1, .at = AT(key_floor) },
	{ .name = "keys", .field = ROTA_FIELD_ARRAY, .shape = &keys_shape },
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
	struct rota_retirements_decoder *d =
		ROTA_JSON_OWNER(j, struct rota_retirements_decoder, json);

	return rota_walk_token(&d->walk, rota_buf(d, sizeof(*d)), j);
}

void rota_retirements_begin(struct rota_retirements_decoder *d, struct rota_span hardware,
	struct rota_buf names, struct rota_buf value)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };

	memset(d, 0, sizeof(*d));
	d->hardware = hardware;
	rota_walk_init(&d->walk, &file_shape);
	rota_json_init(&d->json, &sink, &(struct rota_json_room){ value, names });
}

void rota_retirements_ask(
	struct rota_retirements_decoder *d, const struct rota_retired_pairs *pairs)
{
	d->pairs = pairs;
}

enum rota_err rota_retirements_feed(struct rota_retirements_decoder *d, struct rota_span piece)
{
	if (piece.len > ROTA_RETIREMENTS_MAX - d->fed)
		return ROTA_ERR_LIMIT;
	d->fed += (uint32_t)piece.len;
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_retirements_end(struct rota_retirements_decoder *d)
{
	return rota_json_end(&d->json);
}
