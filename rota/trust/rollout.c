/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/rollout.h"
#include "rota/base/mem.h"
#include "rota/codec/time.h"

#define DAY_S 86400u

uint32_t rota_rollout_draw(const struct rota_crypto *crypto,
	const uint8_t release_sha256[static ROTA_SHA256_LEN], uint8_t attempt,
	struct rota_span device_id)
{
	struct rota_sha256 h;
	uint8_t digest[ROTA_SHA256_LEN];
	uint8_t head[3] = { attempt, (uint8_t)(device_id.len >> 8), (uint8_t)device_id.len };
	uint32_t draw = 0;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR("rota-draw-v1"));
	crypto->sha256_update(&h, rota_span(release_sha256, ROTA_SHA256_LEN));
	crypto->sha256_update(&h, ROTA_SPAN(head));
	crypto->sha256_update(&h, device_id);
	crypto->sha256_final(&h, digest);
	for (size_t i = 0; i < 8; i++) /* its first 8 bytes, big-endian, modulo ROTA_PPM */
		draw = (draw << 8 | digest[i]) % ROTA_PPM;
	return draw;
}

uint32_t rota_rollout_ceiling(const struct rota_ceilings *c, uint64_t issued_s, uint64_t now_s)
{
	uint64_t age_s = now_s > issued_s ? now_s - issued_s : 0;
	uint64_t ppm = c->first_ppm;

	if (c->growth < 2 || ppm == 0)
		return (uint32_t)(ppm < ROTA_PPM ? ppm : ROTA_PPM);
	/* for each whole period; at least doubled each time, so 20 rounds reach the top */
	for (; c->soak_s > 0 && age_s >= c->soak_s && ppm < ROTA_PPM; age_s -= c->soak_s)
		ppm *= c->growth;
	return (uint32_t)(ppm < ROTA_PPM ? ppm : ROTA_PPM);
}

enum rota_turn rota_rollout_turn(const struct rota_rollout_facts *facts,
	const struct rota_ceilings *c, uint32_t draw, uint32_t ceiling)
{
	bool ppm = draw < facts->ppm;

	if (facts->canary > 0 && facts->canary <= c->canary)
		return ROTA_TURN_YES;
	if (facts->group && c->group)
		return ROTA_TURN_YES;
	if ((ppm || facts->region || facts->everyone) && draw < ceiling)
		return ROTA_TURN_YES;
	if (facts->canary > 0 || facts->group || ppm || facts->region || facts->everyone)
		return ROTA_TURN_CEILING;
	return ROTA_TURN_NOT_YET;
}

uint32_t rota_window_wait_s(const struct rota_window *w, uint64_t now_s)
{
	uint32_t at = rota_time_in_day(now_s);

	if (rota_window_open(w, now_s))
		return 0;
	return at < w->from_s ? w->from_s - at : DAY_S - at + w->from_s;
}

bool rota_window_open(const struct rota_window *w, uint64_t now_s)
{
	uint32_t at = rota_time_in_day(now_s);

	if (!w->set)
		return true;
	if (w->from_s <= w->to_s)
		return w->from_s <= at && at < w->to_s;
	return w->from_s <= at || at < w->to_s;
}

bool rota_campaign_installs(uint8_t state)
{
	return state == ROTA_CAMPAIGN_ACTIVE || state == ROTA_CAMPAIGN_DONE;
}

bool rota_retry_allowed(
	const struct rota_retry *retry, uint32_t failures, uint64_t failed_s, uint64_t now_s)
{
	if (failures == 0)
		return true;
	if (failures > retry->max)
		return false;
	/* a clock that went back may not stretch the pause */
	return now_s < failed_s || now_s - failed_s >= retry->backoff_s;
}

enum rota_err rota_rollout_sequence(uint64_t kept,
	const uint8_t kept_sha256[static ROTA_SHA256_LEN], uint64_t sequence,
	const uint8_t sha256[static ROTA_SHA256_LEN])
{
	if (sequence < kept)
		return ROTA_ERR_VERSION;
	if (sequence == kept && memcmp(kept_sha256, sha256, ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_HASH;
	return ROTA_OK;
}
