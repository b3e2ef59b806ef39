/* SPDX-License-Identifier: Apache-2.0 */
/* rota/crypto/datakey.h -- what follows from a secret that a campaign delivered (SPEC 31.4 to 31.6).
 *
 * A delivered secret is never used itself. Each use of each purpose has a key of its own, expanded from the secret with
 * the purpose, the use, the generation and the device, and none of them tells of another. So the confirmation keys can
 * be given to a server, and the psks be kept in a book, and neither opens a record.
 */
#ifndef ROTA_CRYPTO_DATAKEY_H
#define ROTA_CRYPTO_DATAKEY_H

#include "rota/codec/purpose.h"
#include "rota/crypto/hkdf.h"
#include "rota/port/crypto.h"

/* Numbers of SPEC 31.6: they stand in formats and are never reused. */
enum rota_key_use {
	ROTA_USE_CONFIRM = 0, /* HMAC: the device proves that it has the secret (SPEC 35.3) */
	ROTA_USE_UP = 1, /* records from device to server */
	ROTA_USE_DOWN = 2, /* records from server to device */
	ROTA_USE_RECORD = 3, /* records that stay where they were made */
	ROTA_USE_WRAP = 4, /* wraps content keys of firmware */
	ROTA_USE_AUTH = 5, /* HMAC: the device authenticates itself to others */
	ROTA_USE_PSK = 6, /* the psk of the next bundle (SPEC 31.5) */
};

enum rota_cipher {
	ROTA_CIPHER_AES128_GCM = 1,
	ROTA_CIPHER_AES256_GCM = 2,
};

#define ROTA_SECRET_LEN 32
#define ROTA_DEVICE_LEN 32 /* the bytes of a device id (SPEC 1.1) */
#define ROTA_PSK_LEN 32
#define ROTA_KEY_ID_LEN 8

/* Which secret it is. */
struct rota_datakey {
	uint8_t purpose; /* enum rota_purpose */
	uint8_t cipher; /* enum rota_cipher */
	uint32_t generation; /* from 1 */
	const uint8_t *device; /* id, ROTA_DEVICE_LEN bytes */
};

/* Bytes of a key of this use: 16 or 32 by the cipher for UP, DOWN, RECORD and WRAP, else 32. 0: no such use, or no such
 * cipher. */
size_t rota_datakey_len(enum rota_key_use use, uint8_t cipher);

/* SPEC 31.6. ROTA_ERR_ARGUMENT: out is not rota_datakey_len() bytes; nothing is written. */
ROTA_MUST_USE enum rota_err rota_datakey_derive(const struct rota_crypto *crypto,
	const uint8_t secret[static ROTA_SECRET_LEN], const struct rota_datakey *of,
	enum rota_key_use use, struct rota_buf out);

/* The same in two steps, for who derives several keys of one secret: `prk` is as secret as that, and the caller's to wipe. */
void rota_datakey_begin(const struct rota_crypto *crypto,
	const uint8_t secret[static ROTA_SECRET_LEN], uint8_t prk[static ROTA_HKDF_PRK_LEN]);
ROTA_MUST_USE enum rota_err rota_datakey_expand(const struct rota_crypto *crypto,
	const uint8_t prk[static ROTA_HKDF_PRK_LEN], const struct rota_datakey *of,
	enum rota_key_use use, struct rota_buf out);

/* SPEC 31.5: the psk of a secret that the factory left, which has no purpose and no generation. */
void rota_psk_of_factory(const struct rota_crypto *crypto,
	const uint8_t secret[static ROTA_SECRET_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	uint8_t psk[static ROTA_PSK_LEN]);

/* SPEC 31.4: how a psk, and the public half of an agree key, are named in clear. */
void rota_psk_id(const struct rota_crypto *crypto, const uint8_t psk[static ROTA_PSK_LEN],
	uint8_t id[static ROTA_KEY_ID_LEN]);
void rota_agree_id(const struct rota_crypto *crypto, const uint8_t point[static ROTA_P256_KEY_LEN],
	uint8_t id[static ROTA_KEY_ID_LEN]);

#endif
