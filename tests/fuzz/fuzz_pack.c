/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery packs: in one piece and byte by byte the same comes out, and put together again it is the input. */
#include "rota/codec/pack.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct out {
	uint8_t bytes[4096];
	size_t len;
};

static enum rota_err put(void *ctx, struct rota_span piece)
{
	struct out *o = ctx;

	if (piece.len > sizeof(o->bytes) - o->len)
		abort();
	memcpy(&o->bytes[o->len], piece.p, piece.len);
	o->len += piece.len;
	return ROTA_OK;
}

static enum rota_err part(void *ctx, enum rota_pack_kind kind, uint32_t len)
{
	uint8_t head[ROTA_PACK_HEAD_LEN];

	rota_pack_head(kind, len, head);
	return put(ctx, ROTA_SPAN(head));
}

static enum rota_err take(struct out *o, struct rota_span pack, size_t step)
{
	struct rota_pack_reader r;

	o->len = 0;
	(void)put(o, ROTA_STR(ROTA_PACK_MAGIC));
	rota_pack_begin(&r, (struct rota_pack_sink){ o, part, put });
	for (size_t at = 0; at < pack.len; at += step)
		ROTA_TRY(rota_pack_feed(&r, rota_span_slice(pack, at, step)));
	return rota_pack_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct out whole, pieces;
	enum rota_err err;

	if (len == 0 || len > 2048)
		return 0;
	err = take(&whole, rota_span(data, len), len);
	if (take(&pieces, rota_span(data, len), 1) != err)
		abort();
	if (err == ROTA_OK &&
		(whole.len != len || memcmp(whole.bytes, data, len) != 0 || pieces.len != len ||
			memcmp(pieces.bytes, data, len) != 0))
		abort();
	return 0;
}
