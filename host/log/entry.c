/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/entry.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <string.h>

#define PREFIX "rota-log-record-v1"

void rota_log_record_digest(const struct rota_crypto *crypto, struct rota_span salt,
	struct rota_span record, uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR(PREFIX));
	crypto->sha256_update(&h, salt);
	crypto->sha256_update(&h, record);
	crypto->sha256_final(&h, out);
}

enum rota_err rota_log_entry_write(
	const struct rota_log_entry *e, struct rota_buf room, struct rota_record *r)
{
	uint8_t bytes[ROTA_LEAF_MAX];
	struct rota_writer index = rota_writer(ROTA_BUF(r->device)), w = rota_writer(room);
	struct rota_span leaf;

	if (e->record.len > ROTA_LOG_PRIVATE_MAX || e->salt.len != ROTA_LOG_SALT_LEN)
		return ROTA_ERR_LIMIT;
	ROTA_TRY(rota_leaf_encode(&e->leaf, ROTA_BUF(bytes), &leaf));
	r->type = ROTA_RECORD_LOG;
	rota_write_le64(&index, e->index);
	rota_write_fill(&index, 0, sizeof(r->device) - sizeof(e->index));
	rota_write_le16(&w, (uint16_t)leaf.len);
	rota_write_span(&w, leaf);
	rota_write_span(&w, e->salt);
	rota_write_span(&w, e->record);
	return rota_writer_end(&w, &r->payload);
}

enum rota_err rota_log_entry_read(
	const struct rota_crypto *crypto, const struct rota_record *r, struct rota_log_entry *out)
{
	static const uint8_t zeros[ROTA_DEVICE_ID_LEN - sizeof(uint64_t)];
	struct rota_reader index = rota_reader(ROTA_SPAN(r->device)), in = rota_reader(r->payload);
	uint8_t digest[ROTA_SHA256_LEN];
	enum rota_err err;

	if (r->type != ROTA_RECORD_LOG)
		return ROTA_ERR_CORRUPT;
	out->index = rota_read_le64(&index);
	out->bytes = rota_read_span(&in, rota_read_le16(&in));
	out->salt = rota_read_span(&in, ROTA_LOG_SALT_LEN);
	out->record = rota_read_span(&in, in.rest.len);
	if (in.failed || out->record.len > ROTA_LOG_PRIVATE_MAX ||
		!rota_span_eq(index.rest, ROTA_SPAN(zeros)))
		return ROTA_ERR_CORRUPT;
	err = rota_leaf_decode(out->bytes, &out->leaf);
	if (err != ROTA_OK)
		return err == ROTA_ERR_UNSUPPORTED ? err : ROTA_ERR_CORRUPT;
	rota_log_record_digest(crypto, out->salt, out->record, digest);
	return memcmp(digest, out->leaf.record, sizeof(digest)) == 0 ? ROTA_OK : ROTA_ERR_CORRUPT;
}
