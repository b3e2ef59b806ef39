/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity/nonce.h"
#include "rota/base/mem.h"
#include "rota/base/reader.h"

#include <string.h>

#define AT_LEN 8

static void write_at(uint64_t at_s, uint8_t out[static AT_LEN])
{
	for (size_t i = 0; i < AT_LEN; i++)
		out[i] = (uint8_t)(at_s >> (8 * i));
}

void rota_nonce_make(const struct rota_crypto *crypto, const struct rota_hmac *key,
	const char *what, const uint8_t device[static ROTA_SHA256_LEN], uint64_t at_s,
	uint8_t out[static ROTA_NONCE_LEN])
{
	struct rota_hmac h = *key;
	uint8_t mac[ROTA_HMAC_LEN];

	write_at(at_s, out);
	rota_hmac_update(&h, crypto, ROTA_STR("rota-nonce-v1"));
	rota_hmac_update(&h, crypto, rota_span_cstr(what));
	rota_hmac_update(&h, crypto, rota_span(device, ROTA_SHA256_LEN));
	rota_hmac_update(&h, crypto, rota_span(out, AT_LEN));
	rota_hmac_end(&h, crypto, mac);
	memcpy(out + AT_LEN, mac, ROTA_NONCE_LEN - AT_LEN);
}

enum rota_err rota_nonce_check(const struct rota_crypto *crypto, const struct rota_hmac *key,
	const char *what, const uint8_t device[static ROTA_SHA256_LEN], uint64_t now_s,
	const uint8_t nonce[static ROTA_NONCE_LEN])
{
	struct rota_reader r = rota_reader(rota_span(nonce, AT_LEN));
	uint64_t at_s = rota_read_le64(&r);
	uint8_t own[ROTA_NONCE_LEN];

	rota_nonce_make(crypto, key, what, device, at_s, own);
	if (!rota_mem_equal_ct(own, nonce, sizeof(own)))
		return ROTA_ERR_SIGNATURE;
	if (at_s > now_s ? at_s - now_s > ROTA_NONCE_AHEAD_S : now_s - at_s > ROTA_NONCE_LIFE_S)
		return ROTA_ERR_EXPIRED;
	return ROTA_OK;
}
