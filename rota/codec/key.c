/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/key.h"
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/codec/der.h"

#define SPKI_MAX 91 /* P-256: 26 bytes of header, 65 of point */
#define DER_SIG_MAX (ROTA_SIG_TEXT_MAX / 2) /* 2 + 2 * (2 + 33) */
#define PEM_LINE 64 /* RFC 7468, 2 */
#define BASE64_MAX ((SPKI_MAX + 2) / 3 * 4)

/* SEQUENCE of id-ecPublicKey and secp256r1 (RFC 5480, 2.1.1). */
static const uint8_t p256_id[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
/* SEQUENCE of id-Ed25519 (RFC 8410, 3). */
static const uint8_t ed25519_id[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

struct scheme {
	size_t key_len;
	size_t sig_len;
	struct rota_span id; /* content of the AlgorithmIdentifier */
};

static bool scheme_of(enum rota_alg alg, struct scheme *out)
{
	if (alg == ROTA_ALG_ECDSA_P256)
		*out = (struct scheme){ ROTA_P256_KEY_LEN, ROTA_P256_SIG_LEN, ROTA_SPAN(p256_id) };
	else if (alg == ROTA_ALG_ED25519)
		*out = (struct scheme){ 32, 64, ROTA_SPAN(ed25519_id) };
	else
		return false;
	return true;
}

enum rota_alg rota_key_alg(struct rota_span keytype, struct rota_span scheme)
{
	bool ecdsa = rota_span_eq(keytype, ROTA_STR("ecdsa")) ||
		rota_span_eq(keytype, ROTA_STR("ecdsa-sha2-nistp256"));

	if (ecdsa && rota_span_eq(scheme, ROTA_STR("ecdsa-sha2-nistp256")))
		return ROTA_ALG_ECDSA_P256;
	if (rota_span_eq(keytype, ROTA_STR("ed25519")) && rota_span_eq(scheme, ROTA_STR("ed25519")))
		return ROTA_ALG_ED25519;
	return ROTA_ALG_NONE;
}

size_t rota_key_raw_len(enum rota_alg alg)
{
	struct scheme s;

	return scheme_of(alg, &s) ? s.key_len : 0;
}

/* The one check of a raw key that needs no curve: its length, and the mark of an uncompressed point. */
static enum rota_err take_key(
	enum rota_alg alg, struct rota_span raw, struct rota_buf room, size_t *len)
{
	size_t want = rota_key_raw_len(alg);

	if (raw.len != want || (alg == ROTA_ALG_ECDSA_P256 && raw.p[0] != 0x04))
		return ROTA_ERR_FORMAT;
	if (room.len < want)
		return ROTA_ERR_LIMIT;
	memcpy(room.p, raw.p, want);
	*len = want;
	return ROTA_OK;
}

enum rota_err rota_key_raw_spki(
	enum rota_alg alg, struct rota_span der, struct rota_buf room, size_t *len)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader inner = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_span id = rota_der_read(&inner, ROTA_DER_SEQUENCE);
	struct rota_span key = rota_der_read_bits(&inner);
	struct scheme s;

	if (!scheme_of(alg, &s))
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(rota_reader_end(&inner));
	ROTA_TRY(rota_reader_end(&outer));
	if (!rota_span_eq(id, s.id))
		return ROTA_ERR_FORMAT;
	return take_key(alg, key, room, len);
}

/* Take `part` off the front of *text. */
static bool take(struct rota_span *text, struct rota_span part)
{
	if (!rota_span_starts(*text, part))
		return false;
	*text = rota_span_skip(*text, part.len);
	return true;
}

/* Lines of base64 up to the END line, joined: all but the last have 64 characters. */
static enum rota_err join_lines(struct rota_span *text, struct rota_buf to, size_t *len)
{
	size_t line = PEM_LINE;

	*len = 0;
	while (!rota_span_starts(*text, ROTA_STR("-----END "))) {
		if (line != PEM_LINE)
			return ROTA_ERR_FORMAT; /* a short line that is not the last */
		line = 0;
		while (line < text->len && text->p[line] != '\n')
			line++;
		if (line == text->len || line == 0 || line > PEM_LINE || line > to.len - *len)
			return ROTA_ERR_FORMAT;
		memcpy(to.p + *len, text->p, line);
		*len += line;
		*text = rota_span_skip(*text, line + 1);
	}
	return ROTA_OK;
}

static enum rota_err key_of_pem(
	enum rota_alg alg, struct rota_span text, struct rota_buf room, size_t *len)
{
	uint8_t base64[BASE64_MAX];
	uint8_t der[SPKI_MAX];
	size_t base64_len = 0, der_len = 0;

	if (!take(&text, ROTA_STR("-----BEGIN PUBLIC KEY-----\n")))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(join_lines(&text, ROTA_BUF(base64), &base64_len));
	if (!take(&text, ROTA_STR("-----END PUBLIC KEY-----")))
		return ROTA_ERR_FORMAT;
	if (text.len != 0 && !rota_span_eq(text, ROTA_STR("\n")))
		return ROTA_ERR_FORMAT;
	if (rota_base64_decode(rota_span(base64, base64_len), ROTA_BUF(der), &der_len) != ROTA_OK)
		return ROTA_ERR_FORMAT; /* longer than any key of the table is malformed too */
	return rota_key_raw_spki(alg, rota_span(der, der_len), room, len);
}

enum rota_err rota_key_raw(
	enum rota_alg alg, struct rota_span public_text, struct rota_buf room, size_t *len)
{
	uint8_t raw[ROTA_KEY_RAW_MAX];
	size_t want = rota_key_raw_len(alg);

	if (want == 0)
		return ROTA_ERR_UNSUPPORTED;
	if (rota_span_starts(public_text, ROTA_STR("-----")))
		return key_of_pem(alg, public_text, room, len);
	ROTA_TRY(rota_hex_decode(public_text, rota_buf(raw, want)));
	return take_key(alg, rota_span(raw, want), room, len);
}

enum rota_err rota_sig_raw(
	enum rota_alg alg, struct rota_span hex_text, struct rota_buf room, size_t *len)
{
	uint8_t der[DER_SIG_MAX];
	struct scheme s;

	if (!scheme_of(alg, &s))
		return ROTA_ERR_UNSUPPORTED;
	if (room.len < s.sig_len)
		return ROTA_ERR_LIMIT;
	*len = s.sig_len;
	if (alg != ROTA_ALG_ECDSA_P256)
		return rota_hex_decode(hex_text, rota_buf(room.p, s.sig_len));
	if (hex_text.len > ROTA_SIG_TEXT_MAX)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_hex_decode(hex_text, rota_buf(der, hex_text.len / 2)));
	return rota_der_ecdsa_decode(rota_span(der, hex_text.len / 2), rota_buf(room.p, s.sig_len));
}
