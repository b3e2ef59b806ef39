/* SPDX-License-Identifier: Apache-2.0 */
/* Length of a demand (u16), length of a piece (u8), the demand, and a proof: fed whole and in pieces it comes to the same
 * end. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/logproof.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum rota_err judge(const struct rota_log_demand *demand, struct rota_span text, size_t step,
	struct rota_log_seen *seen)
{
	static struct rota_logproof p;
	uint8_t digest[ROTA_SHA256_LEN];

	rota_sha256_of(&rota_crypto_openssl, ROTA_STR("release 1.2.0"), digest);
	rota_logproof_begin(&p, &rota_crypto_openssl, demand,
		ROTA_STR("releases/sensor/1.2.0/release.json"), digest);
	for (; text.len > 0; text = rota_span_skip(text, step < text.len ? step : text.len))
		(void)!rota_logproof_feed(&p, rota_span_slice(text, 0, step));
	return rota_logproof_end(&p, seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_span all = rota_span(data, len), rest = rota_span_skip(all, 3), again;
	size_t demand_len = len < 3 ? 0 : data[0] + 256u * data[1];
	struct rota_span part = rota_span_slice(rest, 0, demand_len);
	struct rota_log_seen whole = { 0 }, pieces = { 0 };
	struct rota_log_demand demand;
	uint8_t room[2048];

	if (len < 3 || rota_log_demand_read(&rota_crypto_openssl, part, &demand) != ROTA_OK)
		return 0;
	if (rota_log_demand_write(&rota_crypto_openssl, &demand, ROTA_BUF(room), &again) != 0 ||
		!rota_span_eq(again, part))
		abort();
	rest = rota_span_skip(rest, part.len);
	if (judge(&demand, rest, rest.len, &whole) != judge(&demand, rest, data[2] + 1u, &pieces) ||
		whole.size != pieces.size)
		abort();
	return 0;
}
