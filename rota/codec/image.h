/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/image.h -- MCUboot's image format, read as a stream (SPEC 6).
 *
 *     header (32) | payload | protected TLVs | TLVs
 *     `------- image digest (6.2) ---------'
 *     `---------------- file SHA-256 -------------'
 *
 * Bytes are fed in pieces of any size and never held: one running SHA-256 gives the image digest at the
 * end of the protected TLVs and goes on to the digest of the whole file. The parser accepts exactly the
 * images of SPEC 6 and checks that the digest in the image is the digest of the image. Whether a
 * device wants it (product, counter, signature) is boot/check.h's question.
 *
 * The first error sticks; rota_image.clause says which clause of SPEC 6 refused. No pointer into itself
 * or into the input is kept, so a copy is a snapshot.
 */
#ifndef ROTA_CODEC_IMAGE_H
#define ROTA_CODEC_IMAGE_H

#include "rota/codec/name.h"
#include "rota/port/crypto.h"

#define ROTA_IMAGE_HEADER_LEN 32
#define ROTA_IMAGE_HARDWARE_MAX 8 /* SPEC 6.3; eight names fill a quarter of the protected area */
#define ROTA_IMAGE_SIGNATURES_MAX 2 /* SPEC 6.4: the key that leaves and the key that comes */
/* Each TLV area with its own header (SPEC 6.3, 6.4): all allowed TLVs fit; a stream cannot stall here. */
#define ROTA_IMAGE_AREA_MAX 1024

/* TLV types. 0x01 to 0x50 are MCUboot's, 0xA0 and above its room for vendors. */
enum rota_image_tlv {
	ROTA_IMAGE_TLV_KEY_HASH = 0x01,
	ROTA_IMAGE_TLV_SHA256 = 0x10,
	ROTA_IMAGE_TLV_ECDSA_SIG = 0x22,
	ROTA_IMAGE_TLV_COUNTER = 0x50,
	ROTA_IMAGE_TLV_PRODUCT = 0xA0,
	ROTA_IMAGE_TLV_HARDWARE = 0xA1,
};

struct rota_image_signature {
	uint8_t key_hash[ROTA_SHA256_LEN]; /* of the signer's SubjectPublicKeyInfo DER */
	uint8_t raw[ROTA_P256_SIG_LEN]; /* r || s over the image digest */
};

/* What an image says of itself. Complete after rota_image_finish(); nothing of it is to be trusted
 * before a signature over `digest` was checked. */
struct rota_image_info {
	uint64_t version; /* SPEC 1.3 */
	uint32_t payload_len; /* bytes, at ROTA_IMAGE_HEADER_LEN of the file */
	uint32_t counter; /* security counter */
	uint64_t file_len; /* of the whole image */
	struct rota_name product;
	struct rota_name hardware[ROTA_IMAGE_HARDWARE_MAX];
	uint8_t hardware_count;
	uint8_t signature_count;
	struct rota_image_signature signature[ROTA_IMAGE_SIGNATURES_MAX];
	uint8_t digest[ROTA_SHA256_LEN]; /* SPEC 6.2 */
	uint8_t file_sha256[ROTA_SHA256_LEN];
};

struct rota_image {
	const struct rota_crypto *crypto;
	struct rota_image_info info;
	struct rota_sha256 hash;
	enum rota_err err; /* the first one */
	uint8_t clause; /* n of SPEC 6.n that `err` is about; 0 while there is none */
	uint8_t state; /* what the next bytes are */
	bool counter_seen;
	uint8_t tlv_count; /* TLVs of the unprotected area read: their order is fixed */
	uint16_t protected_len; /* as the header announces */
	uint16_t area_left; /* bytes of the TLV area at hand */
	uint16_t tlv_type;
	uint32_t payload_left;
	uint8_t want; /* bytes to gather before the next step */
	uint8_t have;
	uint8_t bytes[80]; /* the header (32), or one TLV's value: the longest is a signature, 72 */
};

void rota_image_begin(struct rota_image *im, const struct rota_crypto *crypto);

/* The next piece.
 *
 * ROTA_ERR_FORMAT       not the format; bytes after the end too
 * ROTA_ERR_LIMIT        an area or a count beyond its limit
 * ROTA_ERR_UNSUPPORTED  a flag, header size or TLV that SPEC 6 does not have
 * ROTA_ERR_HASH         the digest inside is not the image's (6.4): damaged */
ROTA_MUST_USE enum rota_err rota_image_update(struct rota_image *im, struct rota_span piece);

/* How many further bytes belong to the image for certain; 0 when it is complete. At least that many may
 * be read from a place that holds other bytes after the image. UINT64 arithmetic: never overflows. */
uint64_t rota_image_want(const struct rota_image *im);

/* No more bytes. ROTA_ERR_LENGTH when the image is not complete; else im->info is all there. */
ROTA_MUST_USE enum rota_err rota_image_finish(struct rota_image *im);

#endif
