/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/registrar.h"
#include "host/pki/idevid.h"
#include "host/sign/p256.h"

#include <string.h>

/* A statement of kind ANEW, with its signature: its certificate follows. */
#define ANEW_LEN (8 + 1 + ROTA_SHA256_LEN + 4 + ROTA_P256_KEY_LEN + ROTA_P256_SIG_LEN)

enum rota_err rota_registrar_read(struct rota_span in, struct rota_registrar_item *out)
{
	*out = (struct rota_registrar_item){ 0 };
	if (in.len > ROTA_REGISTRAR_ITEM_MAX)
		return ROTA_ERR_FORMAT;
	if (rota_span_starts(in, ROTA_STR("ROTAROW\x01"))) {
		if (in.len <= ROTA_ROW_LEN)
			return ROTA_ERR_FORMAT;
		out->was = rota_span_slice(in, 0, ROTA_ROW_LEN);
		out->statement = rota_span_skip(in, ROTA_ROW_LEN);
		return ROTA_OK;
	}
	if (in.len <= ANEW_LEN)
		return ROTA_ERR_FORMAT;
	out->statement = rota_span_slice(in, 0, ANEW_LEN);
	out->certificate = rota_span_skip(in, ANEW_LEN);
	return ROTA_OK;
}

/* SPEC 30.2: who has the registry cannot put words into a device's mouth. */
static bool is_signed(const struct rota_registrar *r, const struct rota_statement *s,
	const uint8_t identity[static ROTA_P256_KEY_LEN])
{
	uint8_t digest[ROTA_SHA256_LEN];

	rota_statement_digest(r->crypto, s->body, digest);
	return rota_p256_verify(identity, digest, s->sig.p);
}

static enum rota_err enrol(const struct rota_registrar *r, const struct rota_registrar_item *item,
	const struct rota_statement *s, struct rota_row *out)
{
	struct rota_idevid device;
	struct rota_fail why;

	ROTA_TRY(rota_idevid_read(r->device_ca, item->certificate, &device, &why));
	if (memcmp(device.device, s->device, sizeof(device.device)) != 0)
		return ROTA_ERR_HARDWARE;
	if (!is_signed(r, s, device.point))
		return ROTA_ERR_SIGNATURE;
	return rota_row_enrol(r->product, device.point, s, out);
}

static enum rota_err follow(const struct rota_registrar *r, const struct rota_registrar_item *item,
	const struct rota_statement *s, struct rota_row *out)
{
	struct rota_row was;

	ROTA_TRY(rota_row_decode(item->was.p, r->crypto, &r->key, &was));
	if (memcmp(was.product, r->product, sizeof(was.product)) != 0)
		return ROTA_ERR_PRODUCT;
	if (!is_signed(r, s, was.identity))
		return ROTA_ERR_SIGNATURE;
	return rota_row_next(&was, s, out);
}

enum rota_err rota_registrar_row(const struct rota_registrar *r,
	const struct rota_registrar_item *item, uint8_t row[static ROTA_ROW_LEN])
{
	struct rota_statement s;
	struct rota_row next;

	ROTA_TRY(rota_statement_decode(item->statement, &s));
	ROTA_TRY(item->was.len > 0 ? follow(r, item, &s, &next) : enrol(r, item, &s, &next));
	rota_row_encode(&next, r->crypto, &r->key, row);
	return ROTA_OK;
}
