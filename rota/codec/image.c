/* SPDX-License-Identifier: Apache-2.0 */
/* The stream is cut into steps: a state gathers a known number of bytes and then acts on them. Only the
 * payload is passed over without being gathered. */
#include "rota/codec/image.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/codec/der.h"

#define MAGIC 0x96F3B83D
#define MAGIC_PROTECTED 0x6908
#define MAGIC_TLV 0x6907
#define AREA_HEAD_LEN 4
#define TLV_HEAD_LEN 4

enum state {
	AT_HEADER,
	AT_PAYLOAD,
	AT_PROTECTED_HEAD,
	AT_PROTECTED_TYPE,
	AT_PROTECTED_VALUE,
	AT_HEAD,
	AT_TYPE,
	AT_VALUE,
	AT_END,
};

static enum rota_err refuse(struct rota_image *im, enum rota_err err, uint8_t clause)
{
	im->clause = clause;
	return err;
}

static void go(struct rota_image *im, enum state state, uint8_t want)
{
	im->state = (uint8_t)state;
	im->want = want;
	im->have = 0;
}

/* ---- steps: each has its bytes in im->bytes ---- */

static enum rota_err on_header(struct rota_image *im)
{
	struct rota_reader r = rota_reader(rota_span(im->bytes, ROTA_IMAGE_HEADER_LEN));
	uint32_t magic = rota_read_le32(&r), load = rota_read_le32(&r);
	uint16_t header_len = rota_read_le16(&r);
	uint64_t version;

	im->protected_len = rota_read_le16(&r);
	im->info.payload_len = rota_read_le32(&r);
	if (magic != MAGIC)
		return refuse(im, ROTA_ERR_FORMAT, 1);
	if (load != 0 || header_len != ROTA_IMAGE_HEADER_LEN || rota_read_le32(&r) != 0) /* flags */
		return refuse(im, ROTA_ERR_UNSUPPORTED, 1);
	version = (uint64_t)rota_read_u8(&r) << 56;
	version |= (uint64_t)rota_read_u8(&r) << 48;
	version |= (uint64_t)rota_read_le16(&r) << 32;
	im->info.version = version | rota_read_le32(&r);
	if (rota_read_le32(&r) != 0) /* pad */
		return refuse(im, ROTA_ERR_FORMAT, 1);
	if (im->protected_len > ROTA_IMAGE_AREA_MAX)
		return refuse(im, ROTA_ERR_LIMIT, 3);
	if (im->protected_len < AREA_HEAD_LEN)
		return refuse(im, ROTA_ERR_FORMAT, 3);
	im->payload_left = im->info.payload_len;
	im->info.file_len =
		(uint64_t)ROTA_IMAGE_HEADER_LEN + im->info.payload_len + im->protected_len;
	go(im, AT_PAYLOAD, 0);
	return ROTA_OK;
}

/* The head of a TLV area: its magic and its length, itself included. */
static enum rota_err read_area(
	struct rota_image *im, uint16_t magic, uint8_t clause, enum state next)
{
	struct rota_reader r = rota_reader(rota_span(im->bytes, AREA_HEAD_LEN));
	uint16_t found = rota_read_le16(&r), len = rota_read_le16(&r);

	if (found != magic || len < AREA_HEAD_LEN)
		return refuse(im, ROTA_ERR_FORMAT, clause);
	if (len > ROTA_IMAGE_AREA_MAX)
		return refuse(im, ROTA_ERR_LIMIT, clause);
	im->area_left = (uint16_t)(len - AREA_HEAD_LEN);
	go(im, next, TLV_HEAD_LEN);
	return ROTA_OK;
}

/* The head of one TLV. Its value must fit the area and the room; no TLV is empty. */
static enum rota_err read_tlv(struct rota_image *im, uint8_t clause, enum state next)
{
	struct rota_reader r = rota_reader(rota_span(im->bytes, TLV_HEAD_LEN));
	uint16_t len;

	im->tlv_type = rota_read_le16(&r);
	len = rota_read_le16(&r);
	if (im->area_left < TLV_HEAD_LEN || len > im->area_left - TLV_HEAD_LEN || len == 0)
		return refuse(im, ROTA_ERR_FORMAT, clause);
	if (len > sizeof(im->bytes))
		return refuse(im, ROTA_ERR_UNSUPPORTED, clause);
	im->area_left = (uint16_t)(im->area_left - TLV_HEAD_LEN - len);
	go(im, next, (uint8_t)len);
	return ROTA_OK;
}

static enum rota_err keep_name(struct rota_image *im, struct rota_name *to)
{
	struct rota_span text = rota_span(im->bytes, im->have);

	if (!rota_name_valid(text))
		return refuse(im, ROTA_ERR_FORMAT, 3);
	to->len = (uint8_t)text.len;
	memcpy(to->text, text.p, text.len);
	return ROTA_OK;
}

static enum rota_err keep_counter(struct rota_image *im)
{
	struct rota_reader r = rota_reader(rota_span(im->bytes, im->have));

	im->info.counter = rota_read_le32(&r);
	if (rota_reader_end(&r) != ROTA_OK || im->counter_seen)
		return refuse(im, ROTA_ERR_FORMAT, 3);
	im->counter_seen = true;
	return ROTA_OK;
}

static enum rota_err keep_protected(struct rota_image *im)
{
	struct rota_image_info *info = &im->info;

	switch (im->tlv_type) {
	case ROTA_IMAGE_TLV_COUNTER:
		return keep_counter(im);
	case ROTA_IMAGE_TLV_PRODUCT:
		if (info->product.len != 0)
			return refuse(im, ROTA_ERR_FORMAT, 3);
		return keep_name(im, &info->product);
	case ROTA_IMAGE_TLV_HARDWARE:
		if (info->hardware_count == ROTA_IMAGE_HARDWARE_MAX)
			return refuse(im, ROTA_ERR_LIMIT, 3);
		return keep_name(im, &info->hardware[info->hardware_count++]);
	default:
		return refuse(im, ROTA_ERR_UNSUPPORTED, 3);
	}
}

/* The protected area is complete: here the image digest ends (6.2). */
static enum rota_err end_protected(struct rota_image *im)
{
	if (!im->counter_seen || im->info.product.len == 0 || im->info.hardware_count == 0)
		return refuse(im, ROTA_ERR_FORMAT, 3);
	im->crypto->sha256_final(&im->hash, im->info.digest);
	go(im, AT_HEAD, AREA_HEAD_LEN);
	return ROTA_OK;
}

static enum rota_err on_protected_head(struct rota_image *im)
{
	ROTA_TRY(read_area(im, MAGIC_PROTECTED, 3, AT_PROTECTED_TYPE));
	if (im->area_left + AREA_HEAD_LEN != im->protected_len)
		return refuse(im, ROTA_ERR_FORMAT, 3);
	return im->area_left == 0 ? end_protected(im) : ROTA_OK;
}

static enum rota_err on_protected_type(struct rota_image *im)
{
	return read_tlv(im, 3, AT_PROTECTED_VALUE);
}

static enum rota_err on_protected_value(struct rota_image *im)
{
	ROTA_TRY(keep_protected(im));
	if (im->area_left == 0)
		return end_protected(im);
	go(im, AT_PROTECTED_TYPE, TLV_HEAD_LEN);
	return ROTA_OK;
}

static enum rota_err on_head(struct rota_image *im)
{
	ROTA_TRY(read_area(im, MAGIC_TLV, 4, AT_TYPE));
	im->info.file_len += (uint64_t)im->area_left + AREA_HEAD_LEN;
	if (im->area_left == 0)
		return refuse(im, ROTA_ERR_FORMAT, 4);
	return ROTA_OK;
}

/* SPEC 6.4: the digest, then key hash and signature by turns. */
static uint16_t tlv_due(uint8_t count)
{
	if (count == 0)
		return ROTA_IMAGE_TLV_SHA256;
	return count % 2 == 1 ? ROTA_IMAGE_TLV_KEY_HASH : ROTA_IMAGE_TLV_ECDSA_SIG;
}

static enum rota_err on_type(struct rota_image *im)
{
	ROTA_TRY(read_tlv(im, 4, AT_VALUE));
	if (im->tlv_type != tlv_due(im->tlv_count))
		return refuse(im, ROTA_ERR_UNSUPPORTED, 4);
	if (im->info.signature_count == ROTA_IMAGE_SIGNATURES_MAX)
		return refuse(im, ROTA_ERR_LIMIT, 4);
	return ROTA_OK;
}

static enum rota_err keep_tlv(struct rota_image *im)
{
	struct rota_span value = rota_span(im->bytes, im->have);
	struct rota_image_signature *sig = &im->info.signature[im->info.signature_count];

	if (im->tlv_type == ROTA_IMAGE_TLV_ECDSA_SIG) {
		if (rota_der_ecdsa_decode(value, ROTA_BUF(sig->raw)) != ROTA_OK)
			return refuse(im, ROTA_ERR_FORMAT, 4);
		im->info.signature_count++;
		return ROTA_OK;
	}
	if (value.len != ROTA_SHA256_LEN)
		return refuse(im, ROTA_ERR_FORMAT, 4);
	if (im->tlv_type == ROTA_IMAGE_TLV_KEY_HASH)
		memcpy(sig->key_hash, value.p, ROTA_SHA256_LEN);
	else if (memcmp(value.p, im->info.digest, ROTA_SHA256_LEN) != 0)
		return refuse(im, ROTA_ERR_HASH, 4);
	return ROTA_OK;
}

static enum rota_err on_value(struct rota_image *im)
{
	ROTA_TRY(keep_tlv(im));
	im->tlv_count++;
	if (im->area_left > 0) {
		go(im, AT_TYPE, TLV_HEAD_LEN);
		return ROTA_OK;
	}
	if (im->info.signature_count == 0 || im->tlv_count % 2 == 0) /* no pair, or half of one */
		return refuse(im, ROTA_ERR_FORMAT, 4);
	go(im, AT_END, 0);
	return ROTA_OK;
}

static enum rota_err on_end(struct rota_image *im)
{
	return refuse(im, ROTA_ERR_FORMAT, 4); /* nothing follows */
}

static enum rota_err (*const steps[])(struct rota_image *im) = {
	[AT_HEADER] = on_header,
	[AT_PROTECTED_HEAD] = on_protected_head,
	[AT_PROTECTED_TYPE] = on_protected_type,
	[AT_PROTECTED_VALUE] = on_protected_value,
	[AT_HEAD] = on_head,
	[AT_TYPE] = on_type,
	[AT_VALUE] = on_value,
	[AT_END] = on_end,
};

/* ---- the stream ---- */

void rota_image_begin(struct rota_image *im, const struct rota_crypto *crypto)
{
	*im = (struct rota_image){ .crypto = crypto };
	crypto->sha256_init(&im->hash);
	go(im, AT_HEADER, ROTA_IMAGE_HEADER_LEN);
}

/* Take what the state at hand can use of `piece`, and hash it: at most to the end of a step, since a step
 * may have to look at the hash right there. */
static struct rota_span take(struct rota_image *im, struct rota_span piece)
{
	bool payload = im->state == AT_PAYLOAD;
	struct rota_span now =
		rota_span_slice(piece, 0, payload ? im->payload_left : (size_t)im->want - im->have);

	im->crypto->sha256_update(&im->hash, now);
	if (payload) {
		im->payload_left -= (uint32_t)now.len;
	} else if (now.len > 0) {
		memcpy(&im->bytes[im->have], now.p, now.len);
		im->have = (uint8_t)(im->have + now.len);
	}
	return rota_span_skip(piece, now.len);
}

enum rota_err rota_image_update(struct rota_image *im, struct rota_span piece)
{
	while (im->err == ROTA_OK && piece.len > 0) {
		piece = take(im, piece);
		if (im->state != AT_PAYLOAD && im->have == im->want)
			im->err = steps[im->state](im);
		if (im->state == AT_PAYLOAD && im->payload_left == 0)
			go(im, AT_PROTECTED_HEAD, AREA_HEAD_LEN);
	}
	return im->err;
}

uint64_t rota_image_want(const struct rota_image *im)
{
	if (im->err != ROTA_OK)
		return 0;
	if (im->state == AT_PAYLOAD)
		return (uint64_t)im->payload_left + im->protected_len + AREA_HEAD_LEN;
	return (uint64_t)im->want - im->have;
}

enum rota_err rota_image_finish(struct rota_image *im)
{
	if (im->err != ROTA_OK)
		return im->err;
	if (im->state != AT_END) {
		im->err = refuse(im, ROTA_ERR_LENGTH, 1);
		return im->err;
	}
	im->crypto->sha256_final(&im->hash, im->info.file_sha256);
	return ROTA_OK;
}
