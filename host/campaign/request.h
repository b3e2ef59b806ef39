/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/request.h -- what somebody asks for when new data keys are to be handed out (SPEC 32.1), and the campaign
 * that stands in the role's file for it (SPEC 32.2).
 *
 * A request is the body of an ask (host/notary/ask.h). The digest of the whole ask is what officers approve and is the
 * campaign's id, with which devices draw and locators begin: so nothing of it is changed behind an approval. In the role's
 * file all of it stands again but what devices have no use for, and the trees that were sealed for it.
 */
#ifndef HOST_CAMPAIGN_REQUEST_H
#define HOST_CAMPAIGN_REQUEST_H

#include "host/base/json.h"
#include "rota/codec/keys.h"

#define ROTA_KEY_DEVICES_MAX 256 /* bytes of a query */

struct rota_key_request {
	char name[ROTA_NAME_MAX + 1], product[ROTA_NAME_MAX + 1];
	char devices[ROTA_KEY_DEVICES_MAX + 1]; /* the query that chose them */
	uint8_t export_sha256[ROTA_SHA256_LEN]; /* of tree 0's export */
	uint32_t expected, most; /* devices: when it was asked, and in all trees together */
	/* What a device sees: all members but id and state. purpose, suite and cipher are known ones. */
	struct rota_key_campaign campaign;
};

/* `body` has exactly the members of 32.1, each in its range. ROTA_ERR_FORMAT: the sentence names the member. */
ROTA_MUST_USE enum rota_err rota_key_request_read(
	const json_t *body, struct rota_key_request *out, struct rota_fail *why);

/* The body; the caller decrefs. What read would refuse is the caller's mistake. */
json_t *rota_key_request_write(const struct rota_key_request *r);

/* ---- the role's file ---- */

struct rota_key_tree {
	uint8_t number;
	uint32_t size;
	uint8_t root[ROTA_SHA256_LEN];
};

/* One campaign of it, with state, id and `count` trees; the caller decrefs. */
json_t *rota_key_campaign_write(
	const struct rota_key_campaign *c, const struct rota_key_tree *tree, size_t count);

/* Whether two campaigns say the same but for `state`: what is listed never changes but in that. */
bool rota_key_campaign_same(const struct rota_key_campaign *a, const struct rota_key_campaign *b);

#endif
