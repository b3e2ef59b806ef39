/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/copies.h"
#include "rota/base/crc32.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/crypto/hkdf.h"

#define MAGIC "ROTACPY"
#define VERSION 1
#define LABEL "rota-copies-v1"

void rota_copies_encode(const struct rota_copies *c, uint8_t out[static ROTA_COPIES_HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, ROTA_COPIES_HEAD_LEN));

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_u8(&w, VERSION);
	rota_write_span(&w, ROTA_SPAN(c->campaign));
	rota_write_le16(&w, c->tree);
	rota_write_u8(&w, c->purpose);
	rota_write_u8(&w, c->cipher);
	rota_write_le32(&w, c->generation);
	rota_write_le32(&w, c->size);
	rota_write_le64(&w, c->activation_s);
	rota_write_span(&w, ROTA_SPAN(c->salt));
	rota_write_span(&w, ROTA_SPAN(c->wrapped));
	rota_write_le32(&w, rota_crc32(0, rota_writer_span(&w)));
}

enum rota_err rota_copies_decode(
	const uint8_t in[static ROTA_COPIES_HEAD_LEN], struct rota_copies *out)
{
	struct rota_reader r = rota_reader(rota_span(in, ROTA_COPIES_HEAD_LEN));

	if (!rota_span_eq(rota_read_span(&r, sizeof(MAGIC) - 1), ROTA_STR(MAGIC)))
		return ROTA_ERR_FORMAT;
	if (rota_read_u8(&r) != VERSION)
		return ROTA_ERR_UNSUPPORTED;
	rota_read_bytes(&r, ROTA_BUF(out->campaign));
	out->tree = rota_read_le16(&r);
	out->purpose = rota_read_u8(&r);
	out->cipher = rota_read_u8(&r);
	out->generation = rota_read_le32(&r);
	out->size = rota_read_le32(&r);
	out->activation_s = rota_read_le64(&r);
	rota_read_bytes(&r, ROTA_BUF(out->salt));
	rota_read_bytes(&r, ROTA_BUF(out->wrapped));
	if (rota_read_le32(&r) != rota_crc32(0, rota_span(in, ROTA_COPIES_HEAD_LEN - 4)))
		return ROTA_ERR_FORMAT;
	return rota_reader_end(&r);
}

uint32_t rota_copies_chunks(uint32_t size)
{
	return size / ROTA_COPIES_CHUNK + (size % ROTA_COPIES_CHUNK != 0);
}

uint32_t rota_copies_devices(uint32_t size, uint32_t chunk)
{
	uint32_t left = size - chunk * ROTA_COPIES_CHUNK;

	return left < ROTA_COPIES_CHUNK ? left : ROTA_COPIES_CHUNK;
}

uint64_t rota_copies_at(uint32_t chunk)
{
	return ROTA_COPIES_HEAD_LEN + (uint64_t)chunk * ROTA_COPIES_CHUNK_LEN;
}

uint64_t rota_copies_len(uint32_t size)
{
	return ROTA_COPIES_HEAD_LEN + (uint64_t)size * ROTA_SECRET_LEN +
		(uint64_t)rota_copies_chunks(size) * ROTA_COPIES_OVERHEAD;
}

/* SPEC 37.2: HKDF-Expand(campaign key, label || salt || attempt salt || chunk). */
static enum rota_err begin(const struct rota_copies_key *k, uint32_t chunk,
	struct rota_span attempt, struct rota_aead_key *out)
{
	enum { SALT_AT = 60 };
	uint8_t number[4], key[32];
	struct rota_writer w = rota_writer(ROTA_BUF(number));
	const struct rota_span info[] = { ROTA_STR(LABEL),
		rota_span(k->head + SALT_AT, ROTA_COPIES_SALT_LEN), attempt, ROTA_SPAN(number) };
	enum rota_err err;

	rota_write_le32(&w, chunk);
	err = rota_hkdf_expand(k->crypto, k->key, info, 4, ROTA_BUF(key));
	if (err == ROTA_OK)
		err = k->aead->begin(out, ROTA_SPAN(key));
	rota_wipe(key, sizeof(key));
	return err;
}

static const uint8_t zeros[ROTA_AEAD_NONCE_LEN];

enum rota_err rota_copies_seal(
	const struct rota_copies_key *k, uint32_t chunk, struct rota_buf chunk_bytes)
{
	struct rota_buf secrets;
	struct rota_aead_key key;
	enum rota_err err;

	if (chunk_bytes.len <= ROTA_COPIES_OVERHEAD)
		return ROTA_ERR_FORMAT;
	secrets = rota_buf(
		chunk_bytes.p + ROTA_COPIES_SALT_LEN, chunk_bytes.len - ROTA_COPIES_OVERHEAD);
	ROTA_TRY(begin(k, chunk, rota_span(chunk_bytes.p, ROTA_COPIES_SALT_LEN), &key));
	err = k->aead->seal(&key, zeros, ROTA_SPAN(k->head), secrets, secrets.p + secrets.len);
	k->aead->end(&key);
	return err;
}

enum rota_err rota_copies_open(
	const struct rota_copies_key *k, uint32_t chunk, struct rota_buf chunk_bytes)
{
	struct rota_buf secrets;
	struct rota_aead_key key;
	enum rota_err err;

	if (chunk_bytes.len <= ROTA_COPIES_OVERHEAD)
		return ROTA_ERR_FORMAT;
	secrets = rota_buf(
		chunk_bytes.p + ROTA_COPIES_SALT_LEN, chunk_bytes.len - ROTA_COPIES_OVERHEAD);
	ROTA_TRY(begin(k, chunk, rota_span(chunk_bytes.p, ROTA_COPIES_SALT_LEN), &key));
	err = k->aead->open(&key, zeros, ROTA_SPAN(k->head), secrets, secrets.p + secrets.len);
	k->aead->end(&key);
	return err;
}

/* SPEC 37.1. */
void rota_copies_aad(const uint8_t campaign[static 32], uint8_t out[static ROTA_COPIES_AAD_LEN])
{
	memcpy(out, LABEL, sizeof(LABEL) - 1);
	memcpy(out + sizeof(LABEL) - 1, campaign, 32);
}
