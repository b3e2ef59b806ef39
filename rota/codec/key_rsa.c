/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys and signatures differ in length: their PEM is read line by line and then as DER. */
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/der.h"
#include "rota/codec/key.h"

#define PEM_LINE 64 /* RFC 7468, 2 */
#define PEM_LINE_BYTES (PEM_LINE / 4 * 3)

/* SEQUENCE of rsaEncryption and NULL (RFC 3279, 2.3.1), which repositories use for PSS keys too. */
static const uint8_t rsa_id[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
	0x05, 0x00 };

/* Whether `der` is an RSAPublicKey (RFC 8017, A.1.1) with a modulus of the table's lengths, in whole bytes:
 * ROTA_ERR_UNSUPPORTED for one of another length. */
static enum rota_err check_key(struct rota_span der)
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

/* The key of the SubjectPublicKeyInfo `der`, which lies in *room, to its beginning. */
static enum rota_err key_of_der(struct rota_span der, struct rota_buf *room)
{
	struct rota_reader outer = rota_reader(der);
	struct rota_reader inner = rota_reader(rota_der_read(&outer, ROTA_DER_SEQUENCE));
	struct rota_span id = rota_der_read(&inner, ROTA_DER_SEQUENCE);
	struct rota_span key = rota_der_read_bits(&inner);

	ROTA_TRY(rota_reader_end(&inner));
	ROTA_TRY(rota_reader_end(&outer));
	if (!rota_span_eq(id, ROTA_SPAN(rsa_id)))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(check_key(key));
	memmove(room->p, key.p, key.len);
	room->len = key.len;
	return ROTA_OK;
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

static enum rota_err rsa_key(
	const struct rota_scheme *s, struct rota_buf *to, struct rota_span text)
{
	size_t der_len = 0;

	(void)s;
	if (!take(&text, ROTA_STR("-----BEGIN PUBLIC KEY-----\n")))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(decode_lines(&text, *to, &der_len));
	if (!take(&text, ROTA_STR("-----END PUBLIC KEY-----")))
		return ROTA_ERR_FORMAT;
	if (text.len != 0 && !rota_span_eq(text, ROTA_STR("\n")))
		return ROTA_ERR_FORMAT;
	return key_of_der(rota_span(to->p, der_len), to);
}

/* As many bytes as some modulus of the table has; the verifier holds it against the key's. */
static enum rota_err rsa_sig(const struct rota_scheme *s, struct rota_buf *to, struct rota_span hex)
{
	size_t len = hex.len / 2;

	(void)s;
	if (len < 256 || len > 512)
		return ROTA_ERR_FORMAT;
	if (to->len < len)
		return ROTA_ERR_LIMIT;
	to->len = len;
	return rota_hex_decode(hex, *to);
}

const struct rota_scheme rota_scheme_rsa_pss = {
	.keytype = "rsa",
	.name = "rsassa-pss-sha256",
	.alg = ROTA_ALG_RSA_PSS,
	.key = rsa_key,
	.sig = rsa_sig,
};

const struct rota_scheme *const rota_schemes_all[] = { &rota_scheme_p256, &rota_scheme_ed25519,
	&rota_scheme_rsa_pss, &rota_scheme_p384, NULL };
