/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/keyset.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"

#define AT(field) offsetof(struct rota_keyset_reader, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])

static struct rota_keyset_reader *reader(void *ctx)
{
	return ctx;
}

static enum rota_err begin_key(void *ctx, const struct rota_json_token *t)
{
	struct rota_keyset *set = &reader(ctx)->keyset;

	(void)t;
	memset(&set->key[set->count++], 0, sizeof(set->key[0])); /* the walk counts them */
	return ROTA_OK;
}

static enum rota_err take_alg(void *ctx, const struct rota_json_token *t)
{
	struct rota_keyset *set = &reader(ctx)->keyset;

	if (t->integer == ROTA_ALG_ECDSA_P256)
		set->key[set->count - 1].alg = ROTA_ALG_ECDSA_P256;
	return ROTA_OK;
}

static bool alike(const struct rota_keyset_key *a, const struct rota_keyset_key *b)
{
	return a->alg != ROTA_ALG_NONE && a->alg == b->alg &&
		memcmp(a->raw, b->raw, sizeof(a->raw)) == 0;
}

/* `alg` comes before `public`. */
static enum rota_err take_public(void *ctx, const struct rota_json_token *t)
{
	struct rota_keyset *set = &reader(ctx)->keyset;
	struct rota_keyset_key *key = &set->key[set->count - 1];

	if (key->alg == ROTA_ALG_NONE)
		return ROTA_OK;
	ROTA_TRY(rota_hex_decode(t->text, ROTA_BUF(key->raw)));
	for (uint8_t i = 0; i + 1 < set->count; i++) {
		if (alike(&set->key[i], key))
			return ROTA_ERR_FORMAT; /* one person would be two */
	}
	return ROTA_OK;
}

static enum rota_err begin_lms(void *ctx, const struct rota_json_token *t)
{
	(void)t;
	reader(ctx)->lms = true;
	return ROTA_OK;
}

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("recovery-keys")) ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err take_format(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static const struct rota_member key_members[] = {
	{ .name = "alg", .field = ROTA_FIELD_U8, .least = 1, .most = UINT8_MAX, .take = take_alg },
	{ .name = "public", .field = ROTA_FIELD_STRING, .any_length = true, .take = take_public },
};
static const struct rota_shape key_shape = { MEMBERS(key_members) };
static const struct rota_member key_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &key_shape, .take = begin_key },
};
static const struct rota_shape keys_shape = { MEMBERS(key_each), .least = 1,
	.most = ROTA_KEYSET_KEYS_MAX };

static const struct rota_member lms_members[] = {
	{ .name = "alg", .field = ROTA_FIELD_U8, .least = ROTA_ALG_LMS, .most = ROTA_ALG_LMS },
	{ .name = "public", .field = ROTA_FIELD_STRING, .any_length = true },
};
static const struct rota_shape lms_shape = { MEMBERS(lms_members) };

static const struct rota_member members[] = {
	{ .name = "_type", .field = ROTA_FIELD_STRING, .take = take_type },
	{ .name = "format", .field = ROTA_FIELD_U32, .most = UINT32_MAX, .take = take_format },
	{ .name = "keys", .field = ROTA_FIELD_ARRAY, .shape = &keys_shape },
	{ .name = "lms",
		.field = ROTA_FIELD_OBJECT,
		.nullable = true,
		.shape = &lms_shape,
		.take = begin_lms },
	{ .name = "threshold",
		.field = ROTA_FIELD_U8,
		.least = 1,
		.most = ROTA_KEYSET_KEYS_MAX + 1,
		.at = AT(keyset.threshold) },
};
static const struct rota_shape file_shape = { MEMBERS(members) };

static enum rota_err on_token(struct rota_json *j)
{
	struct rota_keyset_reader *r = ROTA_JSON_OWNER(j, struct rota_keyset_reader, json);

	return rota_walk_token(&r->walk, rota_buf(r, sizeof(*r)), j);
}

void rota_keyset_begin(struct rota_keyset_reader *r, const struct rota_crypto *crypto,
	struct rota_buf names, struct rota_buf value)
{
	static const struct rota_json_sink sink = { on_token, rota_json_drop };

	memset(r, 0, sizeof(*r));
	r->crypto = crypto;
	crypto->sha256_init(&r->hash);
	rota_walk_init(&r->walk, &file_shape);
	rota_json_init(&r->json, &sink, &(struct rota_json_room){ value, names });
}

enum rota_err rota_keyset_feed(struct rota_keyset_reader *r, struct rota_span piece)
{
	if (piece.len > (size_t)(ROTA_KEYSET_MAX - r->fed))
		return ROTA_ERR_LIMIT;
	r->fed = (uint16_t)(r->fed + piece.len);
	r->crypto->sha256_update(&r->hash, piece);
	return rota_json_feed(&r->json, piece);
}

enum rota_err rota_keyset_end(
	struct rota_keyset_reader *r, const uint8_t sha256[static ROTA_SHA256_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	ROTA_TRY(rota_json_end(&r->json));
	r->crypto->sha256_final(&r->hash, digest);
	if (memcmp(digest, sha256, sizeof(digest)) != 0)
		return ROTA_ERR_HASH;
	return r->keyset.threshold <= r->keyset.count + r->lms ? ROTA_OK : ROTA_ERR_FORMAT;
}
