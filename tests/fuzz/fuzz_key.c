/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures as text. The first byte says which; what comes out has the raw length of its
 * algorithm. */
#include "rota/codec/key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Whether `got` is a length that a key or signature of `alg` has. */
static void check(enum rota_err err, enum rota_alg alg, const size_t *got, size_t fixed)
{
	if (err != ROTA_OK)
		return;
	if (alg == ROTA_ALG_RSA_PSS ? *got < 256 || *got > ROTA_KEY_RAW_MAX : *got != fixed)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum rota_alg algs[] = { ROTA_ALG_ECDSA_P256, ROTA_ALG_ED25519,
		ROTA_ALG_RSA_PSS, ROTA_ALG_ECDSA_P384 };
	struct rota_span text = rota_span_skip(rota_span(data, len), 1);
	enum rota_alg alg = algs[len > 0 ? data[0] & 3 : 0];
	uint8_t raw[ROTA_KEY_SPKI_MAX];
	size_t got = 0;

	check(rota_key_raw(alg, text, ROTA_BUF(raw), &got), alg, &got, rota_key_raw_len(alg));
	check(rota_key_raw_spki(alg, text, ROTA_BUF(raw), &got), alg, &got, rota_key_raw_len(alg));
	check(rota_sig_raw(alg, text, ROTA_BUF(raw), &got), alg, &got,
		alg == ROTA_ALG_ECDSA_P384 ? 96 : 64);
	return 0;
}
