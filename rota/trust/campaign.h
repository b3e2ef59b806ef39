/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/campaign.h -- a rollout policy as one device sees it: the campaign of its channel, and what its
 * open stages say of the device.
 *
 * The policy streams through; canary lists are compared tag by tag with the device's own and counted.
 */
#ifndef ROTA_TRUST_CAMPAIGN_H
#define ROTA_TRUST_CAMPAIGN_H

#include "rota/codec/policy.h"
#include "rota/trust/rollout.h"
#include "rota/trust/tag.h"

/* Who asks. group and region may be empty: then no stage of that kind speaks of the device. */
struct rota_campaign_device {
	struct rota_span product;
	struct rota_span channel;
	struct rota_span group;
	struct rota_span region;
	struct rota_span spki; /* IDevID SubjectPublicKeyInfo, DER */
};

struct rota_campaign_finder {
	struct rota_policy_decoder policy; /* policy.sequence: complete after the end */
	const struct rota_crypto *crypto;
	struct rota_campaign_device device;
	uint8_t tag[ROTA_TAG_LEN]; /* the device's, under the campaign's release */
	bool tag_in_list; /* of the stage in making */
	/* complete after the end: */
	bool found; /* there is a campaign for the device's channel */
	struct rota_campaign campaign;
	struct rota_rollout_facts facts;
};

/* Begin a policy. What `device` points to, names and value (as rota_policy_begin()) stay in use until the
 * end; the finder may not be moved meanwhile. */
void rota_campaign_begin(struct rota_campaign_finder *f, const struct rota_crypto *crypto,
	const struct rota_campaign_device *device, struct rota_buf names, struct rota_buf value);

/* As rota_policy_feed(); a second campaign for the device's channel is ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err rota_campaign_feed(
	struct rota_campaign_finder *f, struct rota_span piece);

/* As rota_policy_end(), and ROTA_ERR_PRODUCT when the policy is another product's. */
ROTA_MUST_USE enum rota_err rota_campaign_end(struct rota_campaign_finder *f);

#endif
