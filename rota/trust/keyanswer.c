/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/keyanswer.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/codec/magic.h"

#define MAGIC "ROTABNR\x01" /* the last byte is the format */
#define BUNDLE_END (ROTA_KEYANSWER_HEAD_LEN + ROTA_KEYBUNDLE_LEN)

void rota_keyanswer_head_encode(
	const struct rota_keyanswer_head *h, uint8_t out[static ROTA_KEYANSWER_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_KEYANSWER_HEAD_LEN));

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_le16(&w, h->tree);
	rota_write_u8(&w, h->count);
	rota_write_u8(&w, 0);
	rota_write_le32(&w, h->size);
	rota_write_span(&w, ROTA_SPAN(h->nonce));
}

/* ---- what is whole ---- */

static enum rota_err take_head(struct rota_keyanswer *a)
{
	struct rota_reader r = rota_reader(ROTA_SPAN(a->raw));
	uint8_t zero;

	ROTA_TRY(rota_magic_read(&r, ROTA_STR(MAGIC)));
	a->head.tree = rota_read_le16(&r);
	a->head.count = rota_read_u8(&r);
	zero = rota_read_u8(&r);
	a->head.size = rota_read_le32(&r);
	rota_read_bytes(&r, ROTA_BUF(a->head.nonce));
	ROTA_TRY(rota_reader_end(&r));
	return zero == 0 && a->head.count <= ROTA_KEYBUNDLE_PROOF_MAX &&
			a->head.size <= ROTA_KEYBUNDLE_SIZE_MAX
		? ROTA_OK
		: ROTA_ERR_FORMAT;
}

static enum rota_err take_bundle(struct rota_keyanswer *a)
{
	uint8_t leaf[ROTA_SHA256_LEN];
	struct rota_keybundle b;

	ROTA_TRY(rota_keybundle_decode(ROTA_SPAN(a->bundle), &b));
	rota_merkle_leaf(a->crypto, ROTA_SPAN(a->bundle), leaf);
	rota_merkle_walk(&a->walk, b.index, a->head.size, leaf);
	return ROTA_OK;
}

static enum rota_err take_hash(struct rota_keyanswer *a)
{
	rota_merkle_step(&a->walk, a->crypto, a->raw);
	return ROTA_OK;
}

/* ---- pieces ---- */

/* What is being gathered: where it goes, how much of it there is, and who takes it when it is whole. */
struct part {
	struct rota_buf room;
	size_t have;
	enum rota_err (*take)(struct rota_keyanswer *a);
};

static size_t whole_len(const struct rota_keyanswer *a)
{
	return BUNDLE_END + (size_t)a->head.count * ROTA_SHA256_LEN;
}

static struct part part_at(struct rota_keyanswer *a)
{
	if (a->got < ROTA_KEYANSWER_HEAD_LEN)
		return (struct part){ ROTA_BUF(a->raw), a->got, take_head };
	if (a->got < BUNDLE_END)
		return (struct part){ ROTA_BUF(a->bundle), a->got - ROTA_KEYANSWER_HEAD_LEN,
			take_bundle };
	return (struct part){ rota_buf(a->raw, ROTA_SHA256_LEN),
		(a->got - BUNDLE_END) % ROTA_SHA256_LEN, take_hash };
}

void rota_keyanswer_begin(struct rota_keyanswer *a, const struct rota_crypto *crypto)
{
	memset(a, 0, sizeof(*a));
	a->crypto = crypto;
}

static enum rota_err feed(struct rota_keyanswer *a, struct rota_span piece)
{
	while (piece.len > 0) {
		struct part part = part_at(a);
		struct rota_span in = rota_span_slice(piece, 0, part.room.len - part.have);

		if (a->got >= BUNDLE_END && a->got == whole_len(a))
			return ROTA_ERR_FORMAT; /* more than was said */
		memcpy(&part.room.p[part.have], in.p, in.len);
		a->got += (uint32_t)in.len;
		piece = rota_span_skip(piece, in.len);
		if (part.have + in.len == part.room.len)
			ROTA_TRY(part.take(a));
	}
	return ROTA_OK;
}

enum rota_err rota_keyanswer_feed(struct rota_keyanswer *a, struct rota_span piece)
{
	if (a->err == ROTA_OK)
		a->err = feed(a, piece);
	return a->err;
}

enum rota_err rota_keyanswer_end(
	const struct rota_keyanswer *a, uint8_t root[static ROTA_SHA256_LEN])
{
	ROTA_TRY(a->err);
	if (a->got < BUNDLE_END || a->got != whole_len(a))
		return ROTA_ERR_FORMAT;
	return rota_merkle_arrive(&a->walk, root);
}
