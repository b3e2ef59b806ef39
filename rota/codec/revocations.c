/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/revocations.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"

#define AT(field) offsetof(struct rota_revocations_decoder, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])
#define U53_MAX ((UINT64_C(1) << 53) - 1)

static struct rota_revocations_decoder *decoder(void *ctx)
{
	return ctx;
}

/* ---- lists, each ascending ---- */

static enum rota_err begin_list(void *ctx, const struct rota_json_token *t)
{
	(void)t;
	memset(decoder(ctx)->last, 0, sizeof(decoder(ctx)->last));
	return ROTA_OK;
}

/* The digest or tag at hand is above the one before. */
static enum rota_err ascends(struct rota_revocations_decoder *d, size_t len)
{
	if (memcmp(d->last, d->digest, len) >= 0)
		return ROTA_ERR_FORMAT;
	memcpy(d->last, d->digest, len);
	return ROTA_OK;
}

static enum rota_err take_crl(void *ctx, const struct rota_json_token *t)
{
	(void)t;
	return ascends(decoder(ctx), ROTA_SHA256_LEN);
}

static enum rota_err take_tag(void *ctx, const struct rota_json_token *t)
{
	struct rota_revocations_decoder *d = decoder(ctx);

	ROTA_TRY(rota_hex_decode(t->text, rota_buf(d->digest, ROTA_REVOCATIONS_TAG_LEN)));
	return ascends(d, ROTA_REVOCATIONS_TAG_LEN);
}

static enum rota_err take_withdrawn(void *ctx, const struct rota_json_token *t)
{
	struct rota_revocations_decoder *d = decoder(ctx);

	(void)t;
	ROTA_TRY(ascends(d, ROTA_SHA256_LEN));
	for (uint8_t i = 0; i < d->asked_count; i++) {
		if (memcmp(d->asked[i], d->digest, ROTA_SHA256_LEN) == 0)
			d->withdrawn |= (uint8_t)(1u << i);
	}
	return ROTA_OK;
}

static const struct rota_member crl_each[] = {
	{ .field = ROTA_FIELD_DIGEST, .at = AT(digest), .take = take_crl },
};
static const struct rota_shape crls_shape = { MEMBERS(crl_each),
	.most = ROTA_REVOCATIONS_CRLS_MAX };

static const struct rota_member tag_each[] = {
	{ .field = ROTA_FIELD_STRING, .take = take_tag },
};
static const struct rota_shape tags_shape = { MEMBERS(tag_each) };

static const struct rota_member withdrawn_each[] = {
	{ .field = ROTA_FIELD_DIGEST, .at = AT(digest), .take = take_withdrawn },
};
static const struct rota_shape withdrawn_shape = { MEMBERS(withdrawn_each),
	.most = ROTA_REVOCATIONS_WITHDRAWN_MAX };

/* ---- the file ---- */

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("revocations")) ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err take_format(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static const struct rota_member members[] = {
	{ .name = "_type", .field = ROTA_FIELD_STRING, .take = take_type },
	{ .name = "crls", .field = ROTA_FIELD_ARRAY, .shape = &crls_shape, .take = begin_list },
	{ .name = "format", .field = ROTA_FIELD_U64, .most = U53_MAX, .take = take_format },
	{ .name = "product", .field = ROTA_FIELD_NAME, .at = AT(product) },
	{ .name = "quarantined",
		.field = ROTA_FIELD_ARRAY,
		.shape = &tags_shape,
		.take = begin_list },
	{ .name = "sequence",
		.field = ROTA_FIELD_U64,
		.least = 1,
		.most = U53_MAX,
		.at = AT(sequence) },
	{ .name = "withdrawn",
		.field = ROTA_FIELD_ARRAY,
		.shape = &withdrawn_shape,
		.take = begin_list },
};
static const struct rota_shape file_shape = { MEMBERS(members) };

static enum rota_err on_token(struct rota_json *j)
{
	struct rota_revocations_decoder *d =
		ROTA_JSON_OWNER(j, struct rota_revocations_decoder, json);

	return rota_walk_token(&d->walk, rota_buf(d, sizeof(*d)), j);
}

void rota_revocations_begin(
	struct rota_revocations_decoder *d, struct rota_buf names, struct rota_buf value)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };

	memset(d, 0, sizeof(*d));
	rota_walk_init(&d->walk, &file_shape);
	rota_json_init(&d->json, &sink, &(struct rota_json_room){ value, names });
}

void rota_revocations_ask(
	struct rota_revocations_decoder *d, const uint8_t release[static ROTA_SHA256_LEN])
{
	if (d->asked_count < ROTA_REVOCATIONS_ASKED_MAX)
		memcpy(d->asked[d->asked_count++], release, ROTA_SHA256_LEN);
}

enum rota_err rota_revocations_feed(struct rota_revocations_decoder *d, struct rota_span piece)
{
	if (piece.len > ROTA_REVOCATIONS_MAX - d->fed)
		return ROTA_ERR_LIMIT;
	d->fed += (uint32_t)piece.len;
	return rota_json_feed(&d->json, piece);
}

enum rota_err rota_revocations_end(struct rota_revocations_decoder *d)
{
	return rota_json_end(&d->json);
}
