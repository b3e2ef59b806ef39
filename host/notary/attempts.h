/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/attempts.h -- how far a rollout has come, as the log remembers it (SPEC 19.2).
 *
 * An attempt is one release in one attempt in one channel: what a device's draw goes by (SPEC 8.4). Every grant of a rollout
 * policy records one for each campaign, so that what was opened when, and what was aborted, outlives the policy.
 */
#ifndef HOST_NOTARY_ATTEMPTS_H
#define HOST_NOTARY_ATTEMPTS_H

#include "host/base/digest.h"
#include "host/base/json.h"

struct rota_attempt {
	uint8_t key[ROTA_DIGEST_LEN]; /* of scope, channel, release and attempt */
	uint8_t stages[ROTA_DIGEST_LEN]; /* of the stages up to `open` */
	uint64_t open;
	bool aborted;
};

/* Of a campaign (SPEC 8.2) that a device's decoder accepted. */
void rota_attempt_of(const char *scope, const json_t *campaign, struct rota_attempt *out);

/* Digest of its first `count` stages; false: it has fewer. */
bool rota_attempt_stages(
	const json_t *campaign, uint64_t count, uint8_t out[static ROTA_DIGEST_LEN]);

json_t *rota_attempt_json(const struct rota_attempt *t);
bool rota_attempt_of_json(const json_t *value, struct rota_attempt *out);

/* All attempts of a policy's text. */
json_t *rota_attempts_of_policy(const char *scope, const json_t *policy);

#endif
