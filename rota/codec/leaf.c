/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/leaf.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/codec/magic.h"

#define MAGIC "ROTALOG\x01" /* the last byte is the format */

static bool lengths_ok(const struct rota_leaf *l)
{
	return l->scope.len <= ROTA_LEAF_NAME_MAX && l->role.len <= ROTA_LEAF_NAME_MAX &&
		l->path.len <= ROTA_LEAF_PATH_MAX;
}

enum rota_err rota_leaf_decode(struct rota_span in, struct rota_leaf *out)
{
	struct rota_reader r = rota_reader(in);

	if (in.len > ROTA_LEAF_MAX)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_magic_read(&r, ROTA_STR(MAGIC)));
	out->kind = rota_read_u8(&r);
	out->at_s = rota_read_le64(&r);
	out->version = rota_read_le64(&r);
	rota_read_bytes(&r, ROTA_BUF(out->key));
	rota_read_bytes(&r, ROTA_BUF(out->message));
	rota_read_bytes(&r, ROTA_BUF(out->digest));
	rota_read_bytes(&r, ROTA_BUF(out->record));
	out->scope = rota_read_span(&r, rota_read_u8(&r));
	out->role = rota_read_span(&r, rota_read_u8(&r));
	out->path = rota_read_span(&r, rota_read_le16(&r));
	ROTA_TRY(rota_reader_end(&r));
	return lengths_ok(out) ? ROTA_OK : ROTA_ERR_LIMIT;
}

enum rota_err rota_leaf_encode(
	const struct rota_leaf *leaf, struct rota_buf room, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	*out = rota_span(NULL, 0);
	if (!lengths_ok(leaf))
		return ROTA_ERR_LIMIT;
	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, leaf->kind);
	rota_write_le64(&w, leaf->at_s);
	rota_write_le64(&w, leaf->version);
	rota_write_span(&w, ROTA_SPAN(leaf->key));
	rota_write_span(&w, ROTA_SPAN(leaf->message));
	rota_write_span(&w, ROTA_SPAN(leaf->digest));
	rota_write_span(&w, ROTA_SPAN(leaf->record));
	rota_write_u8(&w, (uint8_t)leaf->scope.len);
	rota_write_span(&w, leaf->scope);
	rota_write_u8(&w, (uint8_t)leaf->role.len);
	rota_write_span(&w, leaf->role);
	rota_write_le16(&w, (uint16_t)leaf->path.len);
	rota_write_span(&w, leaf->path);
	return rota_writer_end(&w, out);
}
