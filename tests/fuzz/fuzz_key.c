/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures as text. The first byte says which; what comes out has the raw length of its
 * algorithm. */
#include "rota/codec/key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span text = rota_span_skip(rota_span(data, len), 1);
	enum rota_alg alg = len > 0 && (data[0] & 1) ? ROTA_ALG_ED25519 : ROTA_ALG_ECDSA_P256;
	uint8_t raw[ROTA_KEY_RAW_MAX];
	size_t got = 0;

	if (rota_key_raw(alg, text, ROTA_BUF(raw), &got) == ROTA_OK && got != rota_key_raw_len(alg))
		abort();
	if (rota_key_raw_spki(alg, text, ROTA_BUF(raw), &got) == ROTA_OK &&
		got != rota_key_raw_len(alg))
		abort();
	if (rota_sig_raw(alg, text, ROTA_BUF(raw), &got) == ROTA_OK && got != ROTA_SIG_RAW_MAX)
		abort();
	return 0;
}
