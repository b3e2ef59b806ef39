/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/pack.h -- a recovery order with all that it names, as one file (SPEC 15.4).
 *
 *     "ROTAREC1" (kind u8, length u32, bytes) ...     kinds ascend: order, key-set record, root, image
 *
 * What carries a pack (a stick, a serial line) adds nothing to it and can take nothing from it: each part is
 * believed by a digest alone, the record's by ROM, the others' by the order. So a reader only takes it apart.
 * It is read in pieces; a writer puts heads before the parts.
 */
#ifndef ROTA_CODEC_PACK_H
#define ROTA_CODEC_PACK_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_PACK_MAGIC "ROTAREC1"
#define ROTA_PACK_MAGIC_LEN 8
#define ROTA_PACK_HEAD_LEN 5

enum rota_pack_kind {
	ROTA_PACK_ORDER = 1,
	ROTA_PACK_RECORD = 2,
	ROTA_PACK_ROOT = 3,
	ROTA_PACK_IMAGE = 4,
};

struct rota_pack_sink {
	void *ctx;
	/* A part of `len` bytes begins; then all of them, in pieces. An error ends the pack with it. */
	enum rota_err (*part)(void *ctx, enum rota_pack_kind kind, uint32_t len);
	enum rota_err (*bytes)(void *ctx, struct rota_span piece);
};

struct rota_pack_reader { /* private */
	struct rota_pack_sink sink;
	uint8_t head[ROTA_PACK_MAGIC_LEN]; /* being gathered */
	uint8_t head_len;
	bool magic; /* was read */
	uint8_t kind; /* of the last part; 0: none */
	uint32_t left; /* bytes of it to come */
};

void rota_pack_begin(struct rota_pack_reader *r, struct rota_pack_sink sink);

/* The next piece. ROTA_ERR_FORMAT: no pack, an unknown kind, kinds that do not ascend, or the first is no
 * order. Else what the sink returned. */
ROTA_MUST_USE enum rota_err rota_pack_feed(struct rota_pack_reader *r, struct rota_span piece);

/* The pack is over. ROTA_ERR_LENGTH: in the middle of a part, or before the first. */
ROTA_MUST_USE enum rota_err rota_pack_end(const struct rota_pack_reader *r);

/* The head of a part. */
void rota_pack_head(enum rota_pack_kind kind, uint32_t len, uint8_t out[static ROTA_PACK_HEAD_LEN]);

#endif
