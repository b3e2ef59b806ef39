/* SPDX-License-Identifier: Apache-2.0 */
/* May keys be made for devices (SPEC 19.7, 32.1)? Nothing is signed: the entry lets a list of role keys-link or keys-store name
 * the campaign, whose id is the digest of this very request. */
#include "host/campaign/request.h"
#include "host/notary/judge_parts.h"
#include "host/notary/refusal.h"

#include <string.h>

#define AHEAD_S ((uint64_t)90 * 86400) /* SPEC 32.5: what devices take */

static enum rota_err judge_request(
	const struct trial *t, const struct rota_key_request *r, struct rota_fail *why)
{
	const char *role = rota_purpose_role(r->campaign.purpose);

	if (strcmp(role, t->ask->role) != 0)
		return rota_refuse(why, ROTA_REFUSED_ROLE, "keys of purpose %s are of role %s",
			rota_purpose_word(r->campaign.purpose), role);
	if (strcmp(r->product, t->ask->scope) != 0)
		return rota_refuse(
			why, ROTA_REFUSED_PRODUCT, "a campaign of product %s", r->product);
	if (r->campaign.activation_s > t->j->now + AHEAD_S)
		return rota_refuse(why, ROTA_REFUSED_TIME,
			"its activation is more than 90 days ahead (SPEC 32.5)");
	return ROTA_OK;
}

enum rota_err judge_key_campaign(struct trial *t, struct rota_grant *out, struct rota_fail *why)
{
	struct rota_key_request request;

	if (rota_records_campaign(t->j->records, t->ask->digest))
		return rota_refuse(why, ROTA_REFUSED_REPLAY, "the log has this campaign");
	/* beside them the entry could not hold the body as it is, which later judgements go by */
	if (json_object_size(t->ask->files) != 0)
		return rota_refuse(
			why, ROTA_REFUSED_MEMBER, "a request for a campaign brings no files");
	if (rota_key_request_read(t->ask->body, &request, why) != ROTA_OK)
		return rota_refuse_as(why, ROTA_REFUSED_MEMBER);
	ROTA_TRY(judge_request(t, &request, why));
	out->leaf.kind = ROTA_LEAF_CAMPAIGN;
	memcpy(out->leaf.digest, t->ask->digest, sizeof(out->leaf.digest));
	return ROTA_OK;
}
