/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/possession.h"
#include "rota/base/writer.h"
#include "rota/crypto/hmac.h"

void rota_possession(const struct rota_crypto *crypto, struct rota_span confirm,
	const struct rota_statement *s, uint8_t proof[static ROTA_SHA256_LEN])
{
	struct rota_hmac h;
	uint8_t what[1 + 4];
	struct rota_writer w = rota_writer(ROTA_BUF(what));

	rota_write_u8(&w, s->purpose);
	rota_write_le32(&w, s->generation);
	rota_hmac_begin(&h, crypto, confirm);
	rota_hmac_update(&h, crypto, ROTA_STR("rota-proof-v1"));
	rota_hmac_update(&h, crypto, ROTA_SPAN(s->nonce));
	rota_hmac_update(&h, crypto, ROTA_SPAN(s->device));
	rota_hmac_update(&h, crypto, ROTA_SPAN(what));
	rota_hmac_update(&h, crypto, ROTA_SPAN(s->campaign));
	rota_hmac_update(&h, crypto, ROTA_SPAN(s->point));
	rota_hmac_end(&h, crypto, proof);
}
