/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/row.h"
#include "host/sign/p256.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/codec/magic.h"

#define ROW_MAGIC "ROTAROW\x01" /* the last byte is the format */
#define EXPORT_MAGIC "ROTAEXP\x01"
#define BODY_LEN (ROTA_ROW_LEN - ROTA_HMAC_LEN)

static const uint8_t zeros[12];

/* ---- bytes ---- */

void rota_row_product(const struct rota_crypto *crypto, struct rota_span product,
	uint8_t out[static ROTA_ROW_PRODUCT_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_sha256_of(crypto, product, digest);
	memcpy(out, digest, ROTA_ROW_PRODUCT_LEN);
}

static void authenticate(const struct rota_crypto *crypto, const struct rota_hmac *key,
	const uint8_t *body, uint8_t out[static ROTA_HMAC_LEN])
{
	struct rota_hmac h = *key;

	rota_hmac_update(&h, crypto, ROTA_STR("rota-row-v1"));
	rota_hmac_update(&h, crypto, rota_span(body, BODY_LEN));
	rota_hmac_end(&h, crypto, out);
}

void rota_row_encode(const struct rota_row *r, const struct rota_crypto *crypto,
	const struct rota_hmac *key, uint8_t out[static ROTA_ROW_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, BODY_LEN));

	rota_write_span(&w, ROTA_STR(ROW_MAGIC));
	rota_write_span(&w, ROTA_SPAN(r->product));
	rota_write_span(&w, ROTA_SPAN(r->device));
	rota_write_span(&w, ROTA_SPAN(r->identity));
	rota_write_span(&w, ROTA_SPAN(r->agree));
	rota_write_le32(&w, r->counter);
	rota_write_u8(&w, r->flags);
	rota_write_u8(&w, 0);
	for (int i = 0; i < ROTA_PURPOSES_MAX; i++)
		rota_write_le32(&w, r->proved[i]);
	rota_write_fill(&w, 0, 8);
	authenticate(crypto, key, out, &out[BODY_LEN]);
}

enum rota_err rota_row_read(const uint8_t in[static ROTA_ROW_LEN], struct rota_row *out)
{
	struct rota_reader r = rota_reader(rota_span(in, BODY_LEN));
	uint8_t zero;

	ROTA_TRY(rota_magic_read(&r, ROTA_STR(ROW_MAGIC)));
	rota_read_bytes(&r, ROTA_BUF(out->product));
	rota_read_bytes(&r, ROTA_BUF(out->device));
	rota_read_bytes(&r, ROTA_BUF(out->identity));
	rota_read_bytes(&r, ROTA_BUF(out->agree));
	out->counter = rota_read_le32(&r);
	out->flags = rota_read_u8(&r);
	zero = rota_read_u8(&r);
	for (int i = 0; i < ROTA_PURPOSES_MAX; i++)
		out->proved[i] = rota_read_le32(&r);
	if (zero != 0 || out->counter == 0 || (out->flags & ~ROTA_ROW_GONE) != 0 ||
		!rota_span_eq(rota_read_span(&r, 8), rota_span(zeros, 8)))
		return ROTA_ERR_FORMAT;
	return rota_reader_end(&r);
}

enum rota_err rota_row_decode(const uint8_t in[static ROTA_ROW_LEN],
	const struct rota_crypto *crypto, const struct rota_hmac *key, struct rota_row *out)
{
	uint8_t mac[ROTA_HMAC_LEN];

	authenticate(crypto, key, in, mac);
	if (!rota_mem_equal_ct(mac, &in[BODY_LEN], sizeof(mac)))
		return ROTA_ERR_SIGNATURE;
	return rota_row_read(in, out);
}

/* ---- from one to the next ---- */

/* An agree key of the device's own: on the curve, and not its identity, which never does ECDH (SPEC 28.2). */
static bool is_agree_key(const uint8_t point[static ROTA_P256_KEY_LEN],
	const uint8_t identity[static ROTA_P256_KEY_LEN])
{
	EVP_PKEY *key = rota_p256_pkey(point);
	bool good = key != NULL && memcmp(point, identity, ROTA_P256_KEY_LEN) != 0;

	EVP_PKEY_free(key);
	return good;
}

enum rota_err rota_row_enrol(const uint8_t product[static ROTA_ROW_PRODUCT_LEN],
	const uint8_t identity[static ROTA_P256_KEY_LEN], const struct rota_statement *s,
	struct rota_row *out)
{
	if (s->kind != ROTA_STATEMENT_ANEW)
		return ROTA_ERR_ARGUMENT;
	if (s->number != 1)
		return ROTA_ERR_COUNTER;
	if (s->count != 0)
		return ROTA_ERR_VERSION;
	if (!is_agree_key(s->point, identity))
		return ROTA_ERR_FORMAT;
	*out = (struct rota_row){ .counter = 1 };
	memcpy(out->product, product, sizeof(out->product));
	memcpy(out->device, s->device, sizeof(out->device));
	memcpy(out->identity, identity, sizeof(out->identity));
	memcpy(out->agree, s->point, sizeof(out->agree));
	return ROTA_OK;
}

/* A counter names one key for ever: the row's own comes with the row's own point, the next one with another. */
static enum rota_err take_point(
	const struct rota_row *was, const struct rota_statement *s, struct rota_row *out)
{
	bool same = memcmp(s->point, was->agree, sizeof(was->agree)) == 0;

	if (s->kind == ROTA_STATEMENT_PROVED && s->number == was->counter && same)
		return ROTA_OK;
	if (was->counter == UINT32_MAX || s->number != was->counter + 1 || same)
		return ROTA_ERR_COUNTER;
	if (!is_agree_key(s->point, was->identity))
		return ROTA_ERR_FORMAT;
	out->counter = s->number;
	memcpy(out->agree, s->point, sizeof(out->agree));
	return ROTA_OK;
}

/* Of what was proved a device has what it says that it still has; the rest is gone. */
static void keep_proved(
	const struct rota_row *was, const struct rota_statement *s, struct rota_row *out)
{
	memset(out->proved, 0, sizeof(out->proved));
	for (uint8_t i = 0; i < s->count; i++) {
		uint8_t at = (uint8_t)(s->holding[i].purpose - 1);

		if (s->holding[i].proved <= was->proved[at])
			out->proved[at] = s->holding[i].proved;
	}
}

enum rota_err rota_row_next(
	const struct rota_row *was, const struct rota_statement *s, struct rota_row *out)
{
	struct rota_row next = *was;

	if (memcmp(s->device, was->device, sizeof(was->device)) != 0)
		return ROTA_ERR_HARDWARE;
	if ((was->flags & ROTA_ROW_GONE) != 0)
		return ROTA_ERR_DENIED;
	if (s->kind == ROTA_STATEMENT_GONE) {
		next.flags |= ROTA_ROW_GONE;
	} else if (s->kind == ROTA_STATEMENT_PROVED) {
		ROTA_TRY(take_point(was, s, &next));
		if (s->generation < was->proved[s->purpose - 1])
			return ROTA_ERR_VERSION;
		next.proved[s->purpose - 1] = s->generation;
	} else if (s->kind == ROTA_STATEMENT_ANEW) {
		ROTA_TRY(take_point(was, s, &next));
		keep_proved(was, s, &next);
	} else {
		return ROTA_ERR_ARGUMENT;
	}
	*out = next;
	return ROTA_OK;
}

/* ---- the export ---- */

void rota_export_encode(const struct rota_export *e, uint8_t out[static ROTA_EXPORT_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_EXPORT_HEAD_LEN));

	rota_write_span(&w, ROTA_STR(EXPORT_MAGIC));
	rota_write_span(&w, ROTA_SPAN(e->product));
	rota_write_le32(&w, e->count);
	rota_write_fill(&w, 0, sizeof(zeros));
}

enum rota_err rota_export_decode(
	const uint8_t in[static ROTA_EXPORT_HEAD_LEN], struct rota_export *out)
{
	struct rota_reader r = rota_reader(rota_span(in, ROTA_EXPORT_HEAD_LEN));

	ROTA_TRY(rota_magic_read(&r, ROTA_STR(EXPORT_MAGIC)));
	rota_read_bytes(&r, ROTA_BUF(out->product));
	out->count = rota_read_le32(&r);
	if (!rota_span_eq(rota_read_span(&r, sizeof(zeros)), ROTA_SPAN(zeros)))
		return ROTA_ERR_FORMAT;
	return out->count > ROTA_EXPORT_ROWS_MAX ? ROTA_ERR_LIMIT : rota_reader_end(&r);
}

enum rota_err rota_export_take(const struct rota_export *e, const struct rota_row *r, bool first,
	uint8_t last[static ROTA_SHA256_LEN])
{
	if (memcmp(r->product, e->product, sizeof(e->product)) != 0)
		return ROTA_ERR_PRODUCT;
	if (!first && memcmp(r->device, last, ROTA_SHA256_LEN) <= 0)
		return ROTA_ERR_FORMAT;
	memcpy(last, r->device, ROTA_SHA256_LEN);
	return ROTA_OK;
}
