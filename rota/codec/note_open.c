/* SPDX-License-Identifier: Apache-2.0 */
/* What of notes needs cryptography: ids, and whether signatures verify. */
#include "rota/codec/note.h"
#include "rota/base/mem.h"

#define OWN_TYPE "\xFFrota.invalid/p256-v1"

/* SubjectPublicKeyInfo of a P-256 key, up to the point (RFC 5480, 2.1.1). */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE,
	0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00 };

/* What stands in the hash of an id between name and key. */
static struct rota_span id_type(enum rota_note_kind kind)
{
	if (kind == ROTA_NOTE_LOG_ED25519)
		return ROTA_STR("\n\x01");
	if (kind == ROTA_NOTE_WITNESS_ED25519)
		return ROTA_STR("\n\x04");
	return ROTA_STR("\n" OWN_TYPE);
}

void rota_note_key_id(const struct rota_crypto *crypto, struct rota_note_key *key)
{
	struct rota_sha256 h;
	uint8_t digest[ROTA_SHA256_LEN];

	crypto->sha256_init(&h);
	if (key->kind == ROTA_NOTE_LOG_P256) {
		crypto->sha256_update(&h, ROTA_SPAN(spki_head));
	} else {
		crypto->sha256_update(&h, key->name);
		crypto->sha256_update(&h, id_type(key->kind));
	}
	crypto->sha256_update(&h, key->raw);
	crypto->sha256_final(&h, digest);
	memcpy(key->id, digest, sizeof(key->id));
}

static enum rota_err verify(const struct rota_crypto *crypto, const struct rota_note_key *key,
	struct rota_span message, struct rota_span sig)
{
	uint8_t digest[ROTA_SHA256_LEN];
	struct rota_verify v;

	if (key->kind == ROTA_NOTE_LOG_P256 || key->kind == ROTA_NOTE_WITNESS_P256) {
		rota_sha256_of(crypto, message, digest);
		return crypto->verify_digest(
			crypto->ctx, ROTA_ALG_ECDSA_P256, key->raw, sig, digest);
	}
	if ((crypto->algs & 1u << ROTA_ALG_ED25519) == 0)
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(crypto->verify_begin(crypto->ctx, &v, ROTA_ALG_ED25519, key->raw, sig));
	crypto->verify_update(&v, message);
	return crypto->verify_finish(&v);
}

enum rota_err rota_note_verify(const struct rota_crypto *crypto, const struct rota_note_key *key,
	struct rota_span text, struct rota_span line, uint64_t *time_s)
{
	uint8_t room[ROTA_NOTE_TEXT_MAX], sig[ROTA_NOTE_SIG_LEN];
	struct rota_span message;

	ROTA_TRY(rota_note_line_read(key, line, time_s, sig));
	ROTA_TRY(rota_note_message(key, text, *time_s, ROTA_BUF(room), &message));
	return verify(crypto, key, message, ROTA_SPAN(sig));
}

/* A line is of none of the keys, or of some: each whose name and id it has. */
static enum rota_err judge_line(const struct rota_crypto *crypto, struct rota_span text,
	struct rota_span line, const struct rota_note_key *keys, size_t count, uint32_t *who)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t time_s;
		enum rota_err err = rota_note_verify(crypto, &keys[i], text, line, &time_s);

		if (err == ROTA_ERR_NOT_FOUND)
			continue;
		ROTA_TRY(err);
		*who |= 1u << i;
	}
	return ROTA_OK;
}

enum rota_err rota_note_open(const struct rota_crypto *crypto, struct rota_span note,
	const struct rota_note_key *keys, size_t count, struct rota_span *text, uint32_t *who)
{
	struct rota_span lines;

	*who = 0;
	if (count > 32)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(rota_note_split(note, text, &lines));
	for (unsigned n = 0; lines.len > 0; n++) {
		if (n == ROTA_NOTE_SIGS_MAX)
			return ROTA_ERR_LIMIT;
		ROTA_TRY(judge_line(crypto, *text, rota_note_next(&lines), keys, count, who));
	}
	return ROTA_OK;
}
