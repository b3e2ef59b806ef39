/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/vkey.h"
#include "rota/base/base64.h"

#include <stdio.h>
#include <string.h>

#define BLOB_MAX 96 /* of the longest type and key, 92 */

/* SubjectPublicKeyInfo of a P-256 key up to the point (RFC 5480, 2.1.1), after the type. */
static const uint8_t log_p256[] = { 0x02, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
	0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00 };

/* What stands before the raw key, by enum rota_note_kind. */
static const struct {
	struct rota_span head;
	uint8_t raw_len;
} types[] = {
	[ROTA_NOTE_LOG_P256] = { { log_p256, sizeof(log_p256) }, ROTA_P256_KEY_LEN },
	[ROTA_NOTE_LOG_ED25519] = { { (const uint8_t *)"\x01", 1 }, 32 },
	[ROTA_NOTE_WITNESS_ED25519] = { { (const uint8_t *)"\x04", 1 }, 32 },
	[ROTA_NOTE_WITNESS_P256] = { { (const uint8_t *)"\xFFrota.invalid/p256-v1", 21 },
		ROTA_P256_KEY_LEN },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

struct rota_note_key rota_vkey_note(const struct rota_vkey *key)
{
	struct rota_note_key out = { .kind = key->kind,
		.name = rota_span_cstr(key->name),
		.raw = rota_span(key->raw, key->raw_len) };

	memcpy(out.id, key->id, sizeof(out.id));
	return out;
}

static void make_id(const struct rota_crypto *crypto, struct rota_vkey *key)
{
	struct rota_note_key note = rota_vkey_note(key);

	rota_note_key_id(crypto, &note);
	memcpy(key->id, note.id, sizeof(key->id));
}

static enum rota_err set_name(struct rota_vkey *key, struct rota_span name)
{
	if (!rota_note_name_valid(name))
		return ROTA_ERR_ARGUMENT;
	memcpy(key->name, name.p, name.len);
	key->name[name.len] = 0;
	return ROTA_OK;
}

static enum rota_err set_key(struct rota_vkey *key, struct rota_span blob)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (blob.len != types[i].head.len + types[i].raw_len ||
			!rota_span_starts(blob, types[i].head))
			continue;
		key->kind = (enum rota_note_kind)i;
		key->raw_len = types[i].raw_len;
		memcpy(key->raw, blob.p + types[i].head.len, types[i].raw_len);
		return ROTA_OK;
	}
	return ROTA_ERR_UNSUPPORTED;
}

/* What stands before the next `+`, taken off `rest`; all where there is none. */
static struct rota_span part(struct rota_span *rest)
{
	const uint8_t *plus = rest->len > 0 ? memchr(rest->p, '+', rest->len) : NULL;
	struct rota_span out =
		rota_span_slice(*rest, 0, plus ? (size_t)(plus - rest->p) : rest->len);

	*rest = rota_span_skip(*rest, out.len + (plus != NULL));
	return out;
}

enum rota_err rota_vkey_read(const struct rota_crypto *crypto, struct rota_span text,
	struct rota_vkey *out, struct rota_fail *why)
{
	struct rota_span rest = text, name = part(&rest), id = part(&rest), blob;
	uint8_t room[BLOB_MAX];
	char digits[2 * ROTA_NOTE_ID_LEN + 1];

	memset(out, 0, sizeof(*out));
	blob.p = room;
	/* what follows is base64, in which a plus sign is a letter */
	if (set_name(out, name) != ROTA_OK || id.len != sizeof(digits) - 1 ||
		rota_base64_decode(rest, ROTA_BUF(room), &blob.len) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"'%.*s' is no key of a log or witness: NAME+ID+KEY is wanted",
			(int)(text.len > 200 ? 200 : text.len), (const char *)text.p);
	if (set_key(out, blob) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_UNSUPPORTED, "key of %s: its type is not known here",
			out->name);
	make_id(crypto, out);
	rota_hex(ROTA_SPAN(out->id), digits);
	if (memcmp(digits, id.p, id.len) != 0)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"key of %s: its id is %s, not %.8s; copy the line anew", out->name, digits,
			(const char *)id.p);
	return ROTA_OK;
}

enum rota_err rota_vkey_make(const struct rota_crypto *crypto, const char *name, bool witness,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_vkey *out, struct rota_fail *why)
{
	memset(out, 0, sizeof(*out));
	if (set_name(out, rota_span_cstr(name)) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_ARGUMENT,
			"'%s' is no name for a key: at most %d printable characters without blank "
			"and +",
			name, ROTA_NOTE_NAME_MAX);
	out->kind = witness ? ROTA_NOTE_WITNESS_P256 : ROTA_NOTE_LOG_P256;
	out->raw_len = ROTA_P256_KEY_LEN;
	memcpy(out->raw, point, ROTA_P256_KEY_LEN);
	make_id(crypto, out);
	return ROTA_OK;
}

void rota_vkey_write(const struct rota_vkey *key, char out[static ROTA_VKEY_TEXT_MAX])
{
	uint8_t blob[BLOB_MAX], letters[BLOB_MAX / 3 * 4];
	char digits[2 * ROTA_NOTE_ID_LEN + 1];
	struct rota_span head = types[key->kind].head;
	size_t len = 0;

	memcpy(blob, head.p, head.len);
	memcpy(blob + head.len, key->raw, key->raw_len);
	rota_hex(ROTA_SPAN(key->id), digits);
	/* there is room: BLOB_MAX is more than any of the types has */
	(void)!rota_base64_encode(
		rota_span(blob, head.len + key->raw_len), ROTA_BUF(letters), &len);
	snprintf(out, ROTA_VKEY_TEXT_MAX, "%s+%s+%.*s", key->name, digits, (int)len,
		(const char *)letters);
}
