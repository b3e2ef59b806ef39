/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/recovery.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/key.h"

#define AT(field) offsetof(struct rota_order_reader, field)
#define MEMBERS(table) .members = (table), .count = sizeof(table) / sizeof((table)[0])
#define U53_MAX ((UINT64_C(1) << 53) - 1)

static struct rota_order_reader *reader(void *ctx)
{
	return ctx;
}

/* ---- signatures ---- */

static enum rota_err take_key(void *ctx, const struct rota_json_token *t)
{
	struct rota_order_reader *r = reader(ctx);

	if (r->any_signature && t->integer <= r->last_key)
		return ROTA_ERR_FORMAT;
	r->any_signature = true;
	r->last_key = (uint8_t)t->integer;
	return ROTA_OK;
}

/* A malformed one counts as none: who may not sign could spoil the order otherwise. */
static enum rota_err take_sig(void *ctx, const struct rota_json_token *t)
{
	struct rota_order_reader *r = reader(ctx);
	struct rota_order_signature *to;
	size_t len;

	if (r->last_key >= ROTA_KEYSET_KEYS_MAX)
		return ROTA_OK; /* no key of the record, or LMS, which is not verified here */
	to = &r->signature[r->signature_count]; /* they ascend: no more than keys */
	if (rota_sig_raw(&rota_scheme_p256, t->text, ROTA_BUF(to->raw), &len) != ROTA_OK)
		return ROTA_OK;
	to->key = r->last_key;
	r->signature_count++;
	return ROTA_OK;
}

static const struct rota_member signature_members[] = {
	{ .name = "key", .field = ROTA_FIELD_U8, .most = ROTA_ORDER_LMS, .take = take_key },
	{ .name = "sig", .field = ROTA_FIELD_STRING, .any_length = true, .take = take_sig },
};
static const struct rota_shape signature_shape = { MEMBERS(signature_members), .closed = true };
static const struct rota_member signature_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &signature_shape },
};
static const struct rota_shape signatures_shape = { MEMBERS(signature_each),
	.most = ROTA_KEYSET_KEYS_MAX + 1 };

/* ---- lists ---- */

static enum rota_err take_hardware(void *ctx, const struct rota_json_token *t)
{
	struct rota_order *o = &reader(ctx)->order;
	struct rota_name *to = &o->hardware[o->hardware_count++];

	if (!rota_name_valid(t->text))
		return ROTA_ERR_FORMAT;
	to->len = (uint8_t)t->text.len;
	memcpy(to->text, t->text.p, t->text.len);
	return ROTA_OK;
}

static enum rota_err take_device(void *ctx, const struct rota_json_token *t)
{
	struct rota_order_reader *r = reader(ctx);
	uint8_t id[ROTA_SHA256_LEN];

	ROTA_TRY(rota_hex_decode(t->text, ROTA_BUF(id)));
	r->order.device_count++;
	r->order.names_device = r->order.names_device || rota_span_eq(t->text, r->device_id);
	return ROTA_OK;
}

static enum rota_err take_running(void *ctx, const struct rota_json_token *t)
{
	struct rota_order *o = &reader(ctx)->order;

	return rota_hex_decode(t->text, ROTA_BUF(o->running[o->running_count++]));
}

static enum rota_err take_retire(void *ctx, const struct rota_json_token *t)
{
	struct rota_order *o = &reader(ctx)->order;

	return rota_hex_decode(t->text, ROTA_BUF(o->retire[o->retire_count++]));
}

static enum rota_err take_alg(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == ROTA_ALG_ECDSA_P256 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err take_add(void *ctx, const struct rota_json_token *t)
{
	struct rota_order *o = &reader(ctx)->order;

	return rota_hex_decode(t->text, ROTA_BUF(o->add[o->add_count++]));
}

static const struct rota_member hardware_each[] = {
	{ .field = ROTA_FIELD_STRING, .take = take_hardware },
};
static const struct rota_shape hardware_shape = { MEMBERS(hardware_each), .least = 1,
	.most = ROTA_ORDER_HARDWARE_MAX };
static const struct rota_member device_each[] = {
	{ .field = ROTA_FIELD_STRING, .take = take_device },
};
static const struct rota_shape devices_shape = { MEMBERS(device_each),
	.most = ROTA_ORDER_DEVICES_MAX };
static const struct rota_member running_each[] = {
	{ .field = ROTA_FIELD_STRING, .take = take_running },
};
static const struct rota_shape running_shape = { MEMBERS(running_each),
	.most = ROTA_ORDER_RUNNING_MAX };
static const struct rota_member retire_each[] = {
	{ .field = ROTA_FIELD_STRING, .take = take_retire },
};
static const struct rota_shape retire_shape = { MEMBERS(retire_each), .most = ROTA_ORDER_KEYS_MAX };
static const struct rota_member add_members[] = {
	{ .name = "alg", .field = ROTA_FIELD_U8, .most = UINT8_MAX, .take = take_alg },
	{ .name = "public", .field = ROTA_FIELD_STRING, .take = take_add },
};
static const struct rota_shape add_shape = { MEMBERS(add_members), .closed = true };
static const struct rota_member add_each[] = {
	{ .field = ROTA_FIELD_OBJECT, .shape = &add_shape },
};
static const struct rota_shape adds_shape = { MEMBERS(add_each), .most = ROTA_ORDER_KEYS_MAX };

/* ---- image and root ---- */

static enum rota_err begin_image(void *ctx, const struct rota_json_token *t)
{
	(void)t;
	reader(ctx)->order.has_image = true;
	return ROTA_OK;
}

static enum rota_err begin_root(void *ctx, const struct rota_json_token *t)
{
	(void)t;
	reader(ctx)->order.has_root = true;
	return ROTA_OK;
}

static const struct rota_member image_members[] = {
	{ .name = "component", .field = ROTA_FIELD_NAME, .at = AT(order.image.component) },
	{ .name = "counter",
		.field = ROTA_FIELD_U32,
		.most = UINT32_MAX,
		.at = AT(order.image.counter) },
	{ .name = "digest", .field = ROTA_FIELD_DIGEST, .at = AT(order.image.digest) },
	{ .name = "length",
		.field = ROTA_FIELD_U64,
		.least = 1,
		.most = U53_MAX,
		.at = AT(order.image.length) },
	{ .name = "sha256", .field = ROTA_FIELD_DIGEST, .at = AT(order.image.sha256) },
	{ .name = "version", .field = ROTA_FIELD_VERSION, .at = AT(order.image.version) },
};
static const struct rota_shape image_shape = { MEMBERS(image_members), .closed = true };

static const struct rota_member root_members[] = {
	{ .name = "length",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = UINT32_MAX,
		.at = AT(order.root.length) },
	{ .name = "sha256", .field = ROTA_FIELD_DIGEST, .at = AT(order.root.sha256) },
	{ .name = "version",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = UINT32_MAX,
		.at = AT(order.root.version) },
};
static const struct rota_shape root_shape = { MEMBERS(root_members), .closed = true };

/* ---- the file ---- */

static enum rota_err take_type(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return rota_span_eq(t->text, ROTA_STR("recovery")) ? ROTA_OK : ROTA_ERR_ROLE;
}

static enum rota_err take_format(void *ctx, const struct rota_json_token *t)
{
	(void)ctx;
	return t->integer == 1 ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

/* The bracket of `signed` is at hand: what is signed begins with it. */
static enum rota_err begin_signed(void *ctx, const struct rota_json_token *t)
{
	struct rota_order_reader *r = reader(ctx);

	(void)t;
	rota_json_flush(&r->json, false);
	r->in_signed = true;
	return ROTA_OK;
}

static enum rota_err end_signed(void *ctx, uint32_t seen)
{
	struct rota_order_reader *r = reader(ctx);

	(void)seen;
	rota_json_flush(&r->json, true);
	r->in_signed = false;
	return ROTA_OK;
}

static const struct rota_member signed_members[] = {
	{ .name = "_type", .field = ROTA_FIELD_STRING, .take = take_type },
	{ .name = "add_keys", .field = ROTA_FIELD_ARRAY, .shape = &adds_shape },
	{ .name = "devices", .field = ROTA_FIELD_ARRAY, .shape = &devices_shape },
	{ .name = "epoch",
		.field = ROTA_FIELD_U32,
		.least = 1,
		.most = UINT32_MAX,
		.at = AT(order.epoch) },
	{ .name = "format", .field = ROTA_FIELD_U32, .most = UINT32_MAX, .take = take_format },
	{ .name = "hardware", .field = ROTA_FIELD_ARRAY, .shape = &hardware_shape },
	{ .name = "image",
		.field = ROTA_FIELD_OBJECT,
		.nullable = true,
		.shape = &image_shape,
		.take = begin_image },
	{ .name = "product", .field = ROTA_FIELD_NAME, .at = AT(order.product) },
	{ .name = "retire_keys", .field = ROTA_FIELD_ARRAY, .shape = &retire_shape },
	{ .name = "root",
		.field = ROTA_FIELD_OBJECT,
		.nullable = true,
		.shape = &root_shape,
		.take = begin_root },
	{ .name = "running", .field = ROTA_FIELD_ARRAY, .shape = &running_shape },
};
static const struct rota_shape signed_shape = { MEMBERS(signed_members), .closed = true,
	.end = end_signed };

static const struct rota_member members[] = {
	{ .name = "signatures", .field = ROTA_FIELD_ARRAY, .shape = &signatures_shape },
	{ .name = "signed",
		.field = ROTA_FIELD_OBJECT,
		.shape = &signed_shape,
		.take = begin_signed },
};
static const struct rota_shape file_shape = { MEMBERS(members), .closed = true };

static enum rota_err on_token(struct rota_json *j)
{
	struct rota_order_reader *r = ROTA_JSON_OWNER(j, struct rota_order_reader, json);

	return rota_walk_token(&r->walk, rota_buf(r, sizeof(*r)), j);
}

static void on_canonical(struct rota_json *j, struct rota_span bytes)
{
	struct rota_order_reader *r = ROTA_JSON_OWNER(j, struct rota_order_reader, json);

	if (r->in_signed)
		r->crypto->sha256_update(&r->canonical, bytes);
}

void rota_order_begin(struct rota_order_reader *r, const struct rota_crypto *crypto,
	struct rota_span device_id, struct rota_buf names, struct rota_buf value)
{
	static const struct rota_json_sink sink = { on_token, on_canonical };

	memset(r, 0, sizeof(*r));
	r->crypto = crypto;
	r->device_id = device_id;
	crypto->sha256_init(&r->file);
	crypto->sha256_init(&r->canonical);
	rota_walk_init(&r->walk, &file_shape);
	rota_json_init(&r->json, &sink, &(struct rota_json_room){ value, names });
}

enum rota_err rota_order_feed(struct rota_order_reader *r, struct rota_span piece)
{
	if (piece.len > (size_t)(ROTA_ORDER_MAX - r->fed))
		return ROTA_ERR_LIMIT;
	r->fed = (uint16_t)(r->fed + piece.len);
	r->crypto->sha256_update(&r->file, piece);
	return rota_json_feed(&r->json, piece);
}

enum rota_err rota_order_end(struct rota_order_reader *r)
{
	ROTA_TRY(rota_json_end(&r->json));
	r->crypto->sha256_final(&r->file, r->file_sha256);
	r->crypto->sha256_final(&r->canonical, r->digest);
	return ROTA_OK;
}
