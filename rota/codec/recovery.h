/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/recovery.h -- a recovery order (SPEC 15.1, 15.2), read in pieces.
 *
 *     {"signatures":[{"key":0,"sig":"3045..."},...],"signed":{...}}
 *
 * Canonical order puts the signatures first; they wait until the last byte of `signed` is hashed. What the
 * order says, and to whom, is kept in a struct; of `devices` only whether the device at hand is among them,
 * so that a list of 64 costs no room.
 *
 * Every byte may be an attacker's. Nothing of it may be believed before rota/trust/order.h has judged it.
 */
#ifndef ROTA_CODEC_RECOVERY_H
#define ROTA_CODEC_RECOVERY_H

#include "rota/codec/keyset.h"
#include "rota/codec/name.h"

/* Maxima of SPEC 15. */
#define ROTA_ORDER_MAX 8192 /* bytes of the file: 64 device ids and nine signatures are 6 KiB */
#define ROTA_ORDER_HARDWARE_MAX 8
#define ROTA_ORDER_DEVICES_MAX 64
#define ROTA_ORDER_RUNNING_MAX 8
#define ROTA_ORDER_KEYS_MAX 2
#define ROTA_ORDER_LMS 255 /* `key` of a signature by the record's LMS key */

/* Room for the scanner. */
#define ROTA_ORDER_NAMES_ROOM 48
#define ROTA_ORDER_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

/* One that may count: of a scheme that is verified here, in its raw form. */
struct rota_order_signature {
	uint8_t key; /* place in the key-set record */
	uint8_t raw[ROTA_P256_SIG_LEN];
};

/* The image that the device is to run; its digest stands for a signature TLV. */
struct rota_order_image {
	struct rota_name component; /* slot name, as releases use it */
	uint32_t counter; /* the image's security counter */
	uint64_t version; /* the image's: rota/codec/version.h */
	uint64_t length; /* of the file */
	uint8_t digest[ROTA_SHA256_LEN]; /* of the image (SPEC 6.2) */
	uint8_t sha256[ROTA_SHA256_LEN]; /* of the file */
};

/* The root of TUF that the device is to trust from now on. */
struct rota_order_root {
	uint32_t version;
	uint32_t length;
	uint8_t sha256[ROTA_SHA256_LEN];
};

struct rota_order {
	uint32_t epoch;
	struct rota_name product;
	uint8_t hardware_count;
	struct rota_name hardware[ROTA_ORDER_HARDWARE_MAX];
	uint8_t device_count; /* 0: for all */
	bool names_device; /* the one that the reader was begun with */
	uint8_t running_count; /* 0: whatever runs */
	uint8_t running[ROTA_ORDER_RUNNING_MAX][ROTA_SHA256_LEN];
	bool has_image, has_root;
	struct rota_order_image image;
	struct rota_order_root root;
	uint8_t add_count, retire_count;
	uint8_t add[ROTA_ORDER_KEYS_MAX][ROTA_P256_KEY_LEN]; /* raw P-256 image keys */
	uint8_t retire[ROTA_ORDER_KEYS_MAX][ROTA_SHA256_LEN]; /* SHA-256 of the keys' SPKI */
};

struct rota_order_reader {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	const struct rota_crypto *crypto;
	struct rota_sha256 file, canonical;
	struct rota_span device_id;
	bool in_signed, any_signature;
	uint16_t fed;
	uint8_t last_key; /* ... to here */
	uint8_t signature_count;
	struct rota_order_signature signature[ROTA_KEYSET_KEYS_MAX];
	uint8_t digest[ROTA_SHA256_LEN]; /* what is signed; these three are complete at the end */
	uint8_t file_sha256[ROTA_SHA256_LEN];
	struct rota_order order;
};

/* Begin a file. device_id: 64 hex digits; empty where nobody is asked about (a person's machine). It, and the
 * rooms for the scanner (ROTA_ORDER_NAMES_ROOM and ROTA_ORDER_VALUE_ROOM bytes), are in use until the end. The
 * reader may not be moved meanwhile. */
void rota_order_begin(struct rota_order_reader *r, const struct rota_crypto *crypto,
	struct rota_span device_id, struct rota_buf names, struct rota_buf value);

/* The next piece.
 * ROTA_ERR_SPELLING     not the one spelling of JSON
 * ROTA_ERR_FORMAT       a member missing or too many, of another type or range, signatures that do not ascend
 * ROTA_ERR_LIMIT        longer than ROTA_ORDER_MAX, or a list too long
 * ROTA_ERR_ROLE         another kind of file
 * ROTA_ERR_UNSUPPORTED  another format, or an image key of another algorithm */
ROTA_MUST_USE enum rota_err rota_order_feed(struct rota_order_reader *r, struct rota_span piece);

/* The file is over; ROTA_OK when it was complete. */
ROTA_MUST_USE enum rota_err rota_order_end(struct rota_order_reader *r);

#endif
