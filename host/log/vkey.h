/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/vkey.h -- keys of logs and witnesses as people pass them on: one line of text (C2SP signed-note).
 *
 *     NAME+HEX of id (4)+BASE64 of type || key
 *
 * type || key is 02 and a SubjectPublicKeyInfo for a log's P-256 key, 01 and 32 bytes for Ed25519, 04 and 32 bytes for a
 * witness's Ed25519, and ff "rota.invalid/p256-v1" and the point for a witness's P-256 (SPEC 22.1).
 */
#ifndef HOST_LOG_VKEY_H
#define HOST_LOG_VKEY_H

#include "host/base/bytes.h"
#include "host/base/fail.h"
#include "rota/codec/note.h"

#define ROTA_VKEY_TEXT_MAX                                                                         \
	320 /* name, eight digits, base64 of 92 bytes, two plus signs, NUL: 262 at most */

struct rota_vkey {
	enum rota_note_kind kind;
	char name[ROTA_NOTE_NAME_MAX + 1];
	uint8_t raw[ROTA_P256_KEY_LEN];
	uint8_t raw_len;
	uint8_t id[ROTA_NOTE_ID_LEN];
};

/* ROTA_ERR_FORMAT: not such a line, or the id is not that of the key. ROTA_ERR_UNSUPPORTED: another type. */
ROTA_MUST_USE enum rota_err rota_vkey_read(const struct rota_crypto *crypto, struct rota_span text,
	struct rota_vkey *out, struct rota_fail *why);

/* A P-256 key of a log, or with `witness` of a witness. ROTA_ERR_ARGUMENT: no name for a key. */
ROTA_MUST_USE enum rota_err rota_vkey_make(const struct rota_crypto *crypto, const char *name,
	bool witness, const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_vkey *out,
	struct rota_fail *why);

/* The line, without newline. */
void rota_vkey_write(const struct rota_vkey *key, char out[static ROTA_VKEY_TEXT_MAX]);

/* The same for rota/codec/note.h; points into `key`. */
struct rota_note_key rota_vkey_note(const struct rota_vkey *key);

#endif
