/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures as text, and signatures as DER. The first byte says which; what comes out has the raw length of
 * its scheme, and a signature has one DER form. */
#include "rota/codec/der.h"
#include "rota/codec/key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Whether `got` is a length that a key or signature of `s` has. */
static void check(enum rota_err err, const struct rota_scheme *s, const size_t *got, size_t fixed)
{
	if (err != ROTA_OK)
		return;
	if (s == &rota_scheme_rsa_pss ? *got < 256 || *got > ROTA_KEY_RAW_MAX : *got != fixed)
		abort();
}

/* Raw bytes as a signature's DER, and back; DER as raw bytes, and back. `half` is the length of r. */
static void both_ways(struct rota_span in, size_t half)
{
	uint8_t raw[ROTA_DER_ECDSA_RAW_MAX], der[ROTA_DER_ECDSA_MAX];
	struct rota_span out;

	if (in.len >= 2 * half &&
		rota_der_ecdsa_encode(rota_span_slice(in, 0, 2 * half), ROTA_BUF(der), &out) ==
			ROTA_OK &&
		(rota_der_ecdsa_decode(out, rota_buf(raw, 2 * half)) != ROTA_OK ||
			memcmp(raw, in.p, 2 * half) != 0))
		abort();
	if (rota_der_ecdsa_decode(in, rota_buf(raw, 2 * half)) == ROTA_OK &&
		(rota_der_ecdsa_encode(rota_span(raw, 2 * half), ROTA_BUF(der), &out) != ROTA_OK ||
			!rota_span_eq(out, in)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span text = rota_span_skip(rota_span(data, len), 1);
	const struct rota_scheme *s = rota_schemes_all[len > 0 ? data[0] & 3 : 0];
	uint8_t raw[ROTA_KEY_SPKI_MAX];
	size_t got = 0;

	check(rota_key_raw(s, text, ROTA_BUF(raw), &got), s, &got, s->key_len);
	check(rota_sig_raw(s, text, ROTA_BUF(raw), &got), s, &got, s->sig_len);
	if (len > 0)
		both_ways(text, (data[0] & 4) != 0 ? 32 : 48);
	if (s->key_len != 0)
		check(rota_key_raw_spki(s, text, ROTA_BUF(raw), &got), s, &got, s->key_len);
	return 0;
}
