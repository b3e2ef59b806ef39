/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/record.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"
#include "rota/crypto/hkdf.h"

#define VERSION 1
#define HEAD_LEN ROTA_RECORD_HEAD_LEN_V1
#define AAD_MAX (HEAD_LEN + 1 + ROTA_DEVICE_LEN + ROTA_RECORD_CONTEXT_MAX)

static bool seals_records(unsigned use)
{
	return use == ROTA_USE_UP || use == ROTA_USE_DOWN || use == ROTA_USE_RECORD;
}

/* SPEC 36.2. A key of 16 bytes is what HMAC takes as one followed by zeros. */
static enum rota_err epoch_key(const struct rota_crypto *crypto, struct rota_span generation_key,
	struct rota_span epoch, struct rota_buf out)
{
	const struct rota_span info[] = { ROTA_STR("rota-record-v1"), epoch };
	uint8_t prk[ROTA_HKDF_PRK_LEN] = { 0 };
	enum rota_err err;

	memcpy(prk, generation_key.p, generation_key.len);
	err = rota_hkdf_expand(crypto, prk, info, sizeof(info) / sizeof(info[0]), out);
	rota_wipe(prk, sizeof(prk));
	return err;
}

enum rota_err rota_record_key_begin(struct rota_record_key *k, const struct rota_crypto *crypto,
	const struct rota_aead *aead, struct rota_span generation_key,
	const struct rota_datakey *of, enum rota_key_use use,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN])
{
	uint8_t key[32];
	enum rota_err err;

	if (!seals_records(use) || generation_key.len == 0 ||
		generation_key.len != rota_datakey_len(use, of->cipher))
		return ROTA_ERR_ARGUMENT;
	k->use = (uint8_t)use;
	k->purpose = of->purpose;
	k->generation = of->generation;
	memcpy(k->epoch, epoch, sizeof(k->epoch));
	memcpy(k->device, of->device, sizeof(k->device));
	err = epoch_key(
		crypto, generation_key, ROTA_SPAN(k->epoch), rota_buf(key, generation_key.len));
	if (err == ROTA_OK)
		err = aead->begin(&k->key, rota_span(key, generation_key.len));
	rota_wipe(key, sizeof(key));
	return err;
}

void rota_record_key_end(struct rota_record_key *k, const struct rota_aead *aead)
{
	aead->end(&k->key);
}

/* SPEC 36.1: the head, as it stands before the ciphertext. */
static void write_head(struct rota_writer *w, const struct rota_record_head *head)
{
	rota_write_u8(w, VERSION);
	rota_write_u8(w, head->use);
	rota_write_le16(w, 0);
	rota_write_le32(w, head->generation);
	rota_write_span(w, ROTA_SPAN(head->epoch));
	rota_write_span(w, ROTA_SPAN(head->nonce));
	rota_write_le32(w, head->length);
}

/* SPEC 36.1: what the tag covers beside the ciphertext. */
static struct rota_span bind(const struct rota_record_key *k, struct rota_span head,
	struct rota_span context, struct rota_buf room)
{
	struct rota_writer w = rota_writer(room);

	rota_write_span(&w, head);
	rota_write_u8(&w, k->purpose);
	rota_write_span(&w, ROTA_SPAN(k->device));
	rota_write_span(&w, context);
	return rota_writer_span(&w);
}

/* SPEC 36.3: one count, used up. */
static void draw_nonce(struct rota_record_opening *o, uint8_t nonce[static ROTA_AEAD_NONCE_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(nonce, ROTA_AEAD_NONCE_LEN));

	rota_write_be32(&w, o->opening);
	rota_write_be64(&w, o->count);
	o->count++;
}

enum rota_err rota_record_seal(const struct rota_record_key *k, const struct rota_aead *aead,
	struct rota_record_opening *o, struct rota_span context, struct rota_buf room,
	size_t plain_len)
{
	struct rota_record_head head = {
		.use = k->use, .generation = k->generation, .length = (uint32_t)plain_len
	};
	struct rota_writer w = rota_writer(room);
	uint8_t aad[AAD_MAX];

	if (plain_len > ROTA_RECORD_PLAIN_MAX || room.len < plain_len + ROTA_RECORD_OVERHEAD)
		return ROTA_ERR_LIMIT;
	if (context.len > ROTA_RECORD_CONTEXT_MAX ||
		memcmp(k->epoch, o->epoch, sizeof(o->epoch)) != 0)
		return ROTA_ERR_ARGUMENT;
	if (o->count >= ROTA_RECORD_SEALS_MAX)
		return ROTA_ERR_FULL;
	memcpy(head.epoch, k->epoch, sizeof(head.epoch));
	draw_nonce(o, head.nonce);
	write_head(&w, &head);
	return aead->seal(&k->key, head.nonce,
		bind(k, rota_writer_span(&w), context, ROTA_BUF(aad)),
		rota_buf(room.p + HEAD_LEN, plain_len), room.p + HEAD_LEN + plain_len);
}

enum rota_err rota_record_head(struct rota_span sealed, struct rota_record_head *out)
{
	struct rota_reader r = rota_reader(sealed);

	if (rota_read_u8(&r) != VERSION)
		return r.failed ? ROTA_ERR_FORMAT : ROTA_ERR_UNSUPPORTED;
	out->use = rota_read_u8(&r);
	if (rota_read_le16(&r) != 0 || !seals_records(out->use))
		rota_reader_fail(&r);
	out->generation = rota_read_le32(&r);
	if (out->generation == 0)
		rota_reader_fail(&r);
	rota_read_bytes(&r, ROTA_BUF(out->epoch));
	rota_read_bytes(&r, ROTA_BUF(out->nonce));
	out->length = rota_read_le32(&r);
	if (out->length > ROTA_RECORD_PLAIN_MAX)
		return ROTA_ERR_LIMIT;
	rota_read_span(&r, out->length);
	rota_read_span(&r, ROTA_AEAD_TAG_LEN);
	return rota_reader_end(&r);
}

enum rota_err rota_record_open(const struct rota_record_key *k, const struct rota_aead *aead,
	struct rota_span context, struct rota_buf sealed, struct rota_span *plain)
{
	struct rota_record_head head;
	uint8_t aad[AAD_MAX];
	struct rota_buf data;

	*plain = rota_span(NULL, 0);
	ROTA_TRY(rota_record_head(rota_span(sealed.p, sealed.len), &head));
	if (context.len > ROTA_RECORD_CONTEXT_MAX || head.use != k->use ||
		head.generation != k->generation ||
		memcmp(head.epoch, k->epoch, sizeof(head.epoch)) != 0)
		return ROTA_ERR_ARGUMENT;
	data = rota_buf(sealed.p + HEAD_LEN, head.length);
	ROTA_TRY(aead->open(&k->key, head.nonce,
		bind(k, rota_span(sealed.p, HEAD_LEN), context, ROTA_BUF(aad)), data,
		sealed.p + HEAD_LEN + head.length));
	*plain = rota_span(data.p, data.len);
	return ROTA_OK;
}
