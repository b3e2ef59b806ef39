/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures as text. The first byte says which; what comes out has the raw length of its
 * scheme. */
#include "rota/codec/key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Whether `got` is a length that a key or signature of `s` has. */
static void check(enum rota_err err, const struct rota_scheme *s, const size_t *got, size_t fixed)
{
	if (err != ROTA_OK)
		return;
	if (s == &rota_scheme_rsa_pss ? *got < 256 || *got > ROTA_KEY_RAW_MAX : *got != fixed)
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
	if (s->key_len != 0)
		check(rota_key_raw_spki(s, text, ROTA_BUF(raw), &got), s, &got, s->key_len);
	return 0;
}
