/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/hkdf.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"
#include "rota/crypto/hmac.h"

void rota_hkdf_extract(const struct rota_crypto *crypto, struct rota_span salt,
	struct rota_span ikm, uint8_t prk[static ROTA_HKDF_PRK_LEN])
{
	struct rota_hmac h;

	rota_hmac_begin(&h, crypto, salt);
	rota_hmac_update(&h, crypto, ikm);
	rota_hmac_end(&h, crypto, prk);
}

enum rota_err rota_hkdf_expand(const struct rota_crypto *crypto,
	const uint8_t prk[static ROTA_HKDF_PRK_LEN], const struct rota_span *info, size_t parts,
	struct rota_buf out)
{
	struct rota_writer w = rota_writer(out);
	struct rota_span before = rota_span(NULL, 0); /* T(0) */
	uint8_t block[ROTA_SHA256_LEN];

	if (out.len > ROTA_HKDF_OUT_MAX)
		return ROTA_ERR_ARGUMENT;
	for (uint8_t number = 1; w.used < out.len; number++) {
		struct rota_hmac h;

		rota_hmac_begin(&h, crypto, rota_span(prk, ROTA_HKDF_PRK_LEN));
		rota_hmac_update(&h, crypto, before);
		for (size_t i = 0; i < parts; i++)
			rota_hmac_update(&h, crypto, info[i]);
		rota_hmac_update(&h, crypto, rota_span(&number, 1));
		rota_hmac_end(&h, crypto, block);
		before = ROTA_SPAN(block);
		rota_write_span(&w, rota_span_slice(before, 0, out.len - w.used));
	}
	rota_wipe(block, sizeof(block));
	return ROTA_OK;
}
