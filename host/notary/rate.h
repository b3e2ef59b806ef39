/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/rate.h -- how often a client may ask: a token bucket for each rule (SPEC 19.4).
 *
 * A bucket begins full, so a publish run of ten requests is not slowed down. Time comes in from outside, from a clock that
 * does not jump; a refused request costs as much as a granted one.
 */
#ifndef HOST_NOTARY_RATE_H
#define HOST_NOTARY_RATE_H

#include "host/notary/policy.h"

/* Zeroed: full at its first use. A rule has one client, so a bucket for each rule is one for each client of it. */
struct rota_rate {
	uint64_t at_ms;
	uint64_t left; /* parts: rate_s * 1000 of them are one request, or one item */
	bool begun;
};

/* Take `count` requests out: one, or items of kind `rows`. Refused: rate; *wait_s is when to come again, 0: so many never pass. */
ROTA_MUST_USE enum rota_err rota_rate_take(struct rota_rate *b, const struct rota_rule *rule,
	size_t count, uint64_t now_ms, uint64_t *wait_s, struct rota_fail *why);

#endif
