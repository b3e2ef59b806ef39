/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/keybundle.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#define VERSION 1
#define ENC_LEN 65
#define TAG_LEN 16
#define HASH_LEN 32

enum rota_err rota_keybundle_decode(struct rota_span in, struct rota_keybundle *out)
{
	static const uint8_t none[ROTA_KEYBUNDLE_ID_LEN];
	struct rota_reader r = rota_reader(in);
	uint8_t version = rota_read_u8(&r);

	out->mode = rota_read_u8(&r);
	out->index = rota_read_le32(&r);
	out->locator = rota_read_span(&r, ROTA_KEYBUNDLE_LOCATOR_LEN);
	out->agree_id = rota_read_span(&r, ROTA_KEYBUNDLE_ID_LEN);
	out->psk_id = rota_read_span(&r, ROTA_KEYBUNDLE_ID_LEN);
	out->enc = rota_read_span(&r, ENC_LEN);
	out->sealed = rota_read_span(&r, ROTA_KEYBUNDLE_SEALED_LEN);
	out->tag = rota_read_span(&r, TAG_LEN);
	out->aad = rota_span_slice(in, 0, ROTA_KEYBUNDLE_AAD_LEN);
	ROTA_TRY(rota_reader_end(&r));
	if (version != VERSION || out->mode > ROTA_KEYBUNDLE_PSK)
		return ROTA_ERR_UNSUPPORTED;
	if (out->index >= ROTA_KEYBUNDLE_SIZE_MAX)
		return ROTA_ERR_FORMAT;
	if (out->mode == ROTA_KEYBUNDLE_BASE && !rota_span_eq(out->psk_id, ROTA_SPAN(none)))
		return ROTA_ERR_FORMAT;
	return ROTA_OK;
}

void rota_keybundle_aad(const struct rota_keybundle *b, uint8_t out[static ROTA_KEYBUNDLE_AAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_KEYBUNDLE_AAD_LEN));

	rota_write_u8(&w, VERSION);
	rota_write_u8(&w, b->mode);
	rota_write_le32(&w, b->index);
	rota_write_span(&w, b->locator);
	rota_write_span(&w, b->agree_id);
	rota_write_span(&w, b->psk_id);
}

void rota_keybundle_encode(const struct rota_keybundle *b, uint8_t out[static ROTA_KEYBUNDLE_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(
		&out[ROTA_KEYBUNDLE_AAD_LEN], ROTA_KEYBUNDLE_LEN - ROTA_KEYBUNDLE_AAD_LEN));

	rota_keybundle_aad(b, out);
	rota_write_span(&w, b->enc);
	rota_write_span(&w, b->sealed);
	rota_write_span(&w, b->tag);
}

void rota_keybundle_info(
	const struct rota_keybundle_terms *t, uint8_t out[static ROTA_KEYBUNDLE_INFO_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_KEYBUNDLE_INFO_LEN));

	rota_write_span(&w, ROTA_STR("rota-bundle-v1"));
	rota_write_u8(&w, t->suite);
	rota_write_u8(&w, t->purpose);
	rota_write_u8(&w, t->cipher);
	rota_write_le16(&w, t->tree);
	rota_write_span(&w, rota_span(t->campaign, HASH_LEN));
	rota_write_le32(&w, t->generation);
	rota_write_le64(&w, t->activation_s);
	rota_write_span(&w, rota_span(t->device, HASH_LEN));
}
