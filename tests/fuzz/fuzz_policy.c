/* SPDX-License-Identifier: Apache-2.0 */
/* Rollout policies, down to a device's turn: more `open` stages never take a turn away (SPEC 8.3), and a
 * later hour never lowers a ceiling (SPEC 8.6). */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/trust/campaign.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_campaign_device me = { .product = ROTA_STR("sensor"),
		.channel = ROTA_STR("stable"),
		.group = ROTA_STR("lab"),
		.region = ROTA_STR("eu"),
		.spki = ROTA_STR("spki") };
	struct rota_ceilings c = { .canary = 2, .first_ppm = 10, .growth = 7, .soak_s = 60 };
	uint8_t names[ROTA_POLICY_NAMES_ROOM], value[ROTA_POLICY_VALUE_ROOM];
	struct rota_campaign_finder f;
	uint32_t draw, now = (uint32_t)len, low, high;

	rota_campaign_begin(&f, &rota_crypto_openssl, &me, ROTA_BUF(names), ROTA_BUF(value));
	if (rota_campaign_feed(&f, rota_span(data, len)) != ROTA_OK ||
		rota_campaign_end(&f) != ROTA_OK)
		return 0;
	draw = rota_rollout_draw(
		&rota_crypto_openssl, f.campaign.sha256, f.campaign.attempt, me.spki);
	low = rota_rollout_ceiling(&c, 60, now);
	high = rota_rollout_ceiling(&c, 60, (uint64_t)now + 60);
	if (draw >= ROTA_PPM || high < low || high > ROTA_PPM)
		abort();
	if (rota_rollout_turn(&f.facts, &c, draw, low) >
		rota_rollout_turn(&f.facts, &c, draw, high))
		abort();
	return 0;
}
