/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of one length. The header of their SubjectPublicKeyInfo is the same in each key, and its length a multiple
 * of three, so the PEM of a key is fixed letters and then the letters of the raw key: the strictest DER reader
 * would accept nothing else. */
#include "rota/codec/key.h"
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/base/mem.h"
#include "rota/codec/der.h"

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define PEM_LINE 64u /* RFC 7468, 2 */
#define HEAD_MAX 27 /* P-256: header of the SubjectPublicKeyInfo, with the 04 of the point */

bool rota_scheme_is(const struct rota_scheme *s, struct rota_span keytype, struct rota_span scheme)
{
	return rota_span_is(scheme, s->name) &&
		(rota_span_is(keytype, s->keytype) || (s->point && rota_span_is(keytype, s->name)));
}

/* The letters of a key from text.p[at] on, and the END line. Lines have 64 letters; the first has begun at `column`. */
static enum rota_err key_of_letters(
	struct rota_span text, size_t at, size_t column, struct rota_buf to)
{
	if (text.p[text.len - 1] == '\n')
		text.len--;
	for (size_t done = 0; done < to.len; done += 3, at += 4, column += 4) {
		size_t left = to.len - done;

		if (column == PEM_LINE) {
			if (at == text.len || text.p[at++] != '\n')
				return ROTA_ERR_FORMAT;
			column = 0;
		}
		if (text.len < at + 4)
			return ROTA_ERR_FORMAT;
		ROTA_TRY(rota_base64_group(&text.p[at], left < 3 ? left : 3, &to.p[done]));
	}
	return rota_span_is(rota_span_skip(text, at), "\n-----END PUBLIC KEY-----")
		? ROTA_OK
		: ROTA_ERR_FORMAT;
}

static enum rota_err give(struct rota_span raw, struct rota_buf room, size_t *len)
{
	if (room.len < raw.len)
		return ROTA_ERR_LIMIT;
	memcpy(room.p, raw.p, raw.len);
	*len = raw.len;
	return ROTA_OK;
}

/* Room for what is of one length. */
static enum rota_err take(struct rota_buf *to, size_t len)
{
	if (to->len < len)
		return ROTA_ERR_LIMIT;
	to->len = len;
	return ROTA_OK;
}

static enum rota_err fixed_key(
	const struct rota_scheme *s, struct rota_buf *to, struct rota_span text)
{
	struct rota_span head = rota_span_cstr(s->head);

	ROTA_TRY(take(to, s->key_len));
	to->p[0] = 0x04;
	if (rota_span_starts(text, head))
		return key_of_letters(text, head.len, head.len - (sizeof(PEM_BEGIN) - 1),
			rota_buf(&to->p[s->point], to->len - s->point));
	ROTA_TRY(rota_hex_decode(text, *to));
	return s->point && to->p[0] != 0x04 ? ROTA_ERR_FORMAT : ROTA_OK;
}

enum rota_err rota_key_raw_spki(
	const struct rota_scheme *s, struct rota_span der, struct rota_buf room, size_t *len)
{
	struct rota_span letters = rota_span_skip(rota_span_cstr(s->head), sizeof(PEM_BEGIN) - 1);
	uint8_t head[HEAD_MAX];
	size_t head_len = 0;

	ROTA_TRY(rota_base64_decode(letters, ROTA_BUF(head), &head_len));
	if (!rota_span_starts(der, rota_span(head, head_len)))
		return ROTA_ERR_FORMAT;
	der = rota_span_skip(der, head_len - s->point); /* which is the last of the fixed ones */
	return der.len == s->key_len ? give(der, room, len) : ROTA_ERR_FORMAT;
}

static enum rota_err ecdsa_sig(
	const struct rota_scheme *s, struct rota_buf *to, struct rota_span hex)
{
	uint8_t der[ROTA_DER_ECDSA_MAX];

	ROTA_TRY(take(to, s->sig_len));
	if (hex.len > 2 * sizeof(der))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_hex_decode(hex, rota_buf(der, hex.len / 2)));
	return rota_der_ecdsa_decode(rota_span(der, hex.len / 2), *to);
}

static enum rota_err plain_sig(
	const struct rota_scheme *s, struct rota_buf *to, struct rota_span hex)
{
	ROTA_TRY(take(to, s->sig_len));
	return rota_hex_decode(hex, *to);
}

/* Arrays, each of which a linker leaves out when nothing uses it; of literals it keeps all or none. */
static const char ecdsa[] = "ecdsa";
static const char p256[] = "ecdsa-sha2-nistp256";
static const char p384[] = "ecdsa-sha2-nistp384";
static const char ed25519[] = "ed25519";
static const char head_p256[] =
	PEM_BEGIN "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"; /* RFC 5480, 2.1.1 */
static const char head_p384[] =
	PEM_BEGIN "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE"; /* the same with secp384r1 */
static const char head_ed25519[] = PEM_BEGIN "MCowBQYDK2VwAyEA"; /* RFC 8410, 4 */

const struct rota_scheme rota_scheme_p256 = {
	.keytype = ecdsa,
	.name = p256,
	.head = head_p256,
	.alg = ROTA_ALG_ECDSA_P256,
	.key_len = ROTA_P256_KEY_LEN,
	.sig_len = ROTA_P256_SIG_LEN,
	.point = true,
	.key = fixed_key,
	.sig = ecdsa_sig,
};

const struct rota_scheme rota_scheme_p384 = {
	.keytype = ecdsa,
	.name = p384,
	.head = head_p384,
	.alg = ROTA_ALG_ECDSA_P384,
	.key_len = 97,
	.sig_len = 96,
	.point = true,
	.key = fixed_key,
	.sig = ecdsa_sig,
};

const struct rota_scheme rota_scheme_ed25519 = {
	.keytype = ed25519,
	.name = ed25519,
	.head = head_ed25519,
	.alg = ROTA_ALG_ED25519,
	.key_len = 32,
	.sig_len = 64,
	.key = fixed_key,
	.sig = plain_sig,
};

const struct rota_scheme *const rota_schemes_p256[] = { &rota_scheme_p256, NULL };
