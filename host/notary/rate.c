/* SPDX-License-Identifier: Apache-2.0 */
#include "host/notary/rate.h"
#include "host/notary/refusal.h"

enum rota_err rota_rate_take(struct rota_rate *b, const struct rota_rule *rule, size_t count,
	uint64_t now_ms, uint64_t *wait_s, struct rota_fail *why)
{
	uint64_t one = (uint64_t)rule->rate_s * 1000, full = one * rule->rate;
	uint64_t gone = b->begun && now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	*wait_s = 0;
	if (count > rule->rate)
		return rota_refuse(why, ROTA_REFUSED_RATE,
			"[rule %s] allows %u in %u s, and this is %zu at once", rule->name,
			rule->rate, rule->rate_s, count);
	if (!b->begun || gone >= one || b->left + gone * rule->rate > full)
		b->left = full; /* a whole span has gone by */
	else
		b->left += gone * rule->rate;
	b->begun = true;
	b->at_ms = now_ms > b->at_ms ? now_ms : b->at_ms;
	if (b->left >= one * count) {
		b->left -= one * count;
		return ROTA_OK;
	}
	*wait_s = ((one * count - b->left) / rule->rate + 999) / 1000;
	return rota_refuse(why, ROTA_REFUSED_RATE,
		"[rule %s] allows %u requests in %u s; come again in %llu s", rule->name,
		rule->rate, rule->rate_s, (unsigned long long)*wait_s);
}
