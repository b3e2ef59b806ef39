/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/codec/key.h"
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"
#include "rota/codec/der.h"

#define SPKI_CURVE_MAX 120 /* P-384: 23 bytes of header, 97 of point */
#define PEM_LINE 64 /* RFC 7468, 2 */
#define PEM_LINE_BYTES (PEM_LINE / 4 * 3)

/* SEQUENCE of id-ecPublicKey and secp256r1 (RFC 5480, 2.1.1). */
static const uint8_t p256_id[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
/* The same with secp384r1. */
static const uint8_t p384_id[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
	0x2b, 0x81, 0x04, 0x00, 0x22 };
/* SEQUENCE of id-Ed25519 (RFC 8410, 3). */
static const uint8_t ed25519_id[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
/* SEQUENCE of rsaEncryption and NULL (RFC 3279, 2.3.1), which repositories use for PSS keys too. */
static const uint8_t rsa_id[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
	0x05, 0x00 };

struct scheme {
	const char *keytype; /* besides the scheme's own name */
	const char *name;
	const uint8_t *id; /* content of the AlgorithmIdentifier */
	uint8_t id_len;
	uint8_t key_len; /* 0: differs */
	uint8_t sig_len; /* 0: differs */
	bool point; /* of two coordinates; signatures are pairs of integers */
};

static const struct scheme schemes[] = {
	[ROTA_ALG_ECDSA_P256] = { "ecdsa", "ecdsa-sha2-nistp256", p256_id, sizeof(p256_id),
		ROTA_P256_KEY_LEN, ROTA_P256_SIG_LEN, true },
	[ROTA_ALG_ED25519] = { "ed25519", "ed25519", ed25519_id, sizeof(ed25519_id), 32, 64,
		false },
	[ROTA_ALG_RSA_PSS] = { "rsa", "rsassa-pss-sha256", rsa_id, sizeof(rsa_id), 0, 0, false },
	[ROTA_ALG_ECDSA_P384] = { "ecdsa", "ecdsa-sha2-nistp384", p384_id, sizeof(p384_id), 97, 96,
		true },
};
#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static const struct scheme *scheme_of(enum rota_alg alg)
{
	return (unsigned)alg < SCHEMES && schemes[alg].id_len != 0 ? &schemes[alg] : NULL;
}

/* The key type is the family's, or, for ECDSA, the name of the scheme again. */
enum rota_alg rota_key_alg(struct rota_span keytype, struct rota_span scheme)
{
	for (size_t i = 1; i < SCHEMES; i++) {
		const struct scheme *s = &schemes[i];
		struct rota_span name = rota_span_cstr(s->name);

		if (!rota_span_eq(scheme, name))
			continue;
		if (rota_span_eq(keytype, rota_span_cstr(s->keytype)) ||
			(s->point && rota_span_eq(keytype, name)))
			return (enum rota_alg)i;
	}
	return ROTA_ALG_NONE;
}

size_t rota_key_raw_len(enum rota_alg alg)
{
	const struct scheme *s = scheme_of(alg);

	return s != NULL ? s->key_len : 0;
}

/* Whether `der` is an RSAPublicKey (RFC 8017, A.1.1) with a modulus of the table's lengths, in whole bytes:
 * ROTA_ERR_UNSUPPORTED for one of another length. */
static enum rota_err check_rsa(struct rota_span der)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader inner = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_span modulus = rota_der_read(&inner, ROTA_DER_INTEGER);
	uint8_t exponent[4];

	rota_der_read_uint(&inner, ROTA_BUF(exponent));
	ROTA_TRY(rota_reader_end(&inner));
	ROTA_TRY(rota_reader_end(&outer));
	if (modulus.len < 2 || (exponent[3] & 1) == 0)
		return ROTA_ERR_FORMAT;
	if (modulus.p[0] != 0) /* the first bit is set, so a positive one begins with a zero byte */
		return (modulus.p[0] & 0x80) != 0 ? ROTA_ERR_FORMAT : ROTA_ERR_UNSUPPORTED;
	if ((modulus.p[1] & 0x80) == 0)
		return ROTA_ERR_FORMAT;
	return modulus.len < 1 + 256 || modulus.len > 1 + 512 ? ROTA_ERR_UNSUPPORTED : ROTA_OK;
}

/* The checks of a raw key that need no curve: its form and length. `raw` may lie in `room`. */
static enum rota_err take_key(
	const struct scheme *s, struct rota_span raw, struct rota_buf room, size_t *len)
{
	if (s->key_len == 0)
		ROTA_TRY(check_rsa(raw));
	else if (raw.len != s->key_len || (s->point && raw.p[0] != 0x04))
		return ROTA_ERR_FORMAT;
	if (room.len < raw.len)
		return ROTA_ERR_LIMIT;
	memmove(room.p, raw.p, raw.len);
	*len = raw.len;
	return ROTA_OK;
}

enum rota_err rota_key_raw_spki(
	enum rota_alg alg, struct rota_span der, struct rota_buf room, size_t *len)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader inner = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_span id = rota_der_read(&inner, ROTA_DER_SEQUENCE);
	struct rota_span key = rota_der_read_bits(&inner);
	const struct scheme *s = scheme_of(alg);

	if (s == NULL)
		return ROTA_ERR_UNSUPPORTED;
	ROTA_TRY(rota_reader_end(&inner));
	ROTA_TRY(rota_reader_end(&outer));
	if (!rota_span_eq(id, rota_span(s->id, s->id_len)))
		return ROTA_ERR_FORMAT;
	return take_key(s, key, room, len);
}

/* Take `part` off the front of *text. */
static bool take(struct rota_span *text, struct rota_span part)
{
	if (!rota_span_starts(*text, part))
		return false;
	*text = rota_span_skip(*text, part.len);
	return true;
}

/* Lines of base64 up to the END line: all but the last have 64 characters, so each is decoded by itself.
 * More bytes than there is room for are ROTA_ERR_LIMIT. */
static enum rota_err decode_lines(struct rota_span *text, struct rota_buf to, size_t *len)
{
	size_t line = PEM_LINE, got = PEM_LINE_BYTES;

	*len = 0;
	while (!rota_span_starts(*text, ROTA_STR("-----END "))) {
		if (line != PEM_LINE || got != PEM_LINE_BYTES)
			return ROTA_ERR_FORMAT; /* a short line, or padding, that is not the last */
		line = 0;
		while (line < text->len && text->p[line] != '\n')
			line++;
		if (line == text->len || line == 0 || line > PEM_LINE)
			return ROTA_ERR_FORMAT;
		ROTA_TRY(rota_base64_decode(rota_span_slice(*text, 0, line),
			rota_buf(to.p + *len, to.len - *len), &got));
		*len += got;
		*text = rota_span_skip(*text, line + 1);
	}
	return ROTA_OK;
}

/* An RSA key has room for its DER where the raw key goes, a point on the stack. */
static enum rota_err key_of_pem(
	enum rota_alg alg, struct rota_span text, struct rota_buf room, size_t *len)
{
	bool differs = rota_key_raw_len(alg) == 0;
	uint8_t curve[SPKI_CURVE_MAX];
	struct rota_buf der = differs ? room : ROTA_BUF(curve);
	size_t der_len = 0;
	enum rota_err err;

	if (!take(&text, ROTA_STR("-----BEGIN PUBLIC KEY-----\n")))
		return ROTA_ERR_FORMAT;
	err = decode_lines(&text, der, &der_len);
	if (err == ROTA_ERR_LIMIT && !differs)
		return ROTA_ERR_FORMAT; /* longer than any key of the algorithm */
	ROTA_TRY(err);
	if (!take(&text, ROTA_STR("-----END PUBLIC KEY-----")))
		return ROTA_ERR_FORMAT;
	if (text.len != 0 && !rota_span_eq(text, ROTA_STR("\n")))
		return ROTA_ERR_FORMAT;
	return rota_key_raw_spki(alg, rota_span(der.p, der_len), room, len);
}

enum rota_err rota_key_raw(
	enum rota_alg alg, struct rota_span public_text, struct rota_buf room, size_t *len)
{
	uint8_t raw[SPKI_CURVE_MAX];
	const struct scheme *s = scheme_of(alg);

	if (s == NULL)
		return ROTA_ERR_UNSUPPORTED;
	if (rota_span_starts(public_text, ROTA_STR("-----")))
		return key_of_pem(alg, public_text, room, len);
	if (s->key_len == 0)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_hex_decode(public_text, rota_buf(raw, s->key_len)));
	return take_key(s, rota_span(raw, s->key_len), room, len);
}

/* RSA: as many bytes as some modulus of the table has; the verifier holds it against the key's. */
static enum rota_err sig_of_rsa(struct rota_span hex, struct rota_buf room, size_t *len)
{
	*len = hex.len / 2;
	if (*len < 256 || *len > 512)
		return ROTA_ERR_FORMAT;
	if (room.len < *len)
		return ROTA_ERR_LIMIT;
	return rota_hex_decode(hex, rota_buf(room.p, *len));
}

enum rota_err rota_sig_raw(
	enum rota_alg alg, struct rota_span hex_text, struct rota_buf room, size_t *len)
{
	uint8_t der[ROTA_DER_ECDSA_MAX];
	const struct scheme *s = scheme_of(alg);

	if (s == NULL)
		return ROTA_ERR_UNSUPPORTED;
	if (s->sig_len == 0)
		return sig_of_rsa(hex_text, room, len);
	if (room.len < s->sig_len)
		return ROTA_ERR_LIMIT;
	*len = s->sig_len;
	if (!s->point)
		return rota_hex_decode(hex_text, rota_buf(room.p, s->sig_len));
	if (hex_text.len > 2 * sizeof(der))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_hex_decode(hex_text, rota_buf(der, hex_text.len / 2)));
	return rota_der_ecdsa_decode(
		rota_span(der, hex_text.len / 2), rota_buf(room.p, s->sig_len));
}
