/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/pack.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

void rota_pack_begin(struct rota_pack_reader *r, struct rota_pack_sink sink)
{
	*r = (struct rota_pack_reader){ .sink = sink };
}

/* Move bytes of the piece into the head until it has `want`; whether it has. */
static bool gather(struct rota_pack_reader *r, struct rota_span *piece, uint8_t want)
{
	size_t take = (size_t)(want - r->head_len);

	if (take > piece->len)
		take = piece->len;
	memcpy(&r->head[r->head_len], piece->p, take);
	r->head_len = (uint8_t)(r->head_len + take);
	*piece = rota_span_skip(*piece, take);
	return r->head_len == want;
}

static enum rota_err take_magic(struct rota_pack_reader *r)
{
	if (!rota_span_eq(ROTA_SPAN(r->head), ROTA_STR(ROTA_PACK_MAGIC)))
		return ROTA_ERR_FORMAT;
	r->magic = true;
	r->head_len = 0;
	return ROTA_OK;
}

static enum rota_err take_head(struct rota_pack_reader *r)
{
	struct rota_reader in = rota_reader(rota_span(r->head, ROTA_PACK_HEAD_LEN));
	uint8_t kind = rota_read_u8(&in);

	if (kind <= r->kind || kind > ROTA_PACK_IMAGE)
		return ROTA_ERR_FORMAT;
	if (r->kind == 0 && kind != ROTA_PACK_ORDER)
		return ROTA_ERR_FORMAT;
	r->kind = kind;
	r->left = rota_read_le32(&in);
	r->head_len = 0;
	return r->sink.part(r->sink.ctx, (enum rota_pack_kind)kind, r->left);
}

static enum rota_err take_bytes(struct rota_pack_reader *r, struct rota_span *piece)
{
	struct rota_span part = rota_span_slice(*piece, 0, r->left);

	r->left -= (uint32_t)part.len;
	*piece = rota_span_skip(*piece, part.len);
	return r->sink.bytes(r->sink.ctx, part);
}

enum rota_err rota_pack_feed(struct rota_pack_reader *r, struct rota_span piece)
{
	while (piece.len > 0) {
		if (!r->magic) {
			if (gather(r, &piece, ROTA_PACK_MAGIC_LEN))
				ROTA_TRY(take_magic(r));
		} else if (r->left > 0) {
			ROTA_TRY(take_bytes(r, &piece));
		} else if (gather(r, &piece, ROTA_PACK_HEAD_LEN)) {
			ROTA_TRY(take_head(r));
		}
	}
	return ROTA_OK;
}

enum rota_err rota_pack_end(const struct rota_pack_reader *r)
{
	return r->kind == 0 || r->left > 0 || r->head_len > 0 ? ROTA_ERR_LENGTH : ROTA_OK;
}

void rota_pack_head(enum rota_pack_kind kind, uint32_t len, uint8_t out[static ROTA_PACK_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_PACK_HEAD_LEN));

	rota_write_u8(&w, (uint8_t)kind);
	rota_write_le32(&w, len);
}
