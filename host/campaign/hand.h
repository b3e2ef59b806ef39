/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/hand.h -- the keys of all devices of a tree, once, for the token of one back end (SPEC 37.12).
 *
 *     head (176 bytes) || chunks of up to 1,024 devices: device || up || down each, sealed, || tag
 *
 * The key of the file is drawn for it and sealed, by HPKE, to a point whose private half the back end's token has: so the file may
 * lie about and travel, and only that token opens it. Nothing but keys of uses 1 and 2 is in it.
 */
#ifndef HOST_CAMPAIGN_HAND_H
#define HOST_CAMPAIGN_HAND_H

#include "host/base/feed.h"
#include "host/campaign/backkeys.h"
#include "rota/crypto/hpke.h"
#include "rota/port/random.h"

#define ROTA_HAND_HEAD_LEN 176

struct rota_hand_plan {
	const struct rota_backkeys *tree;
	const struct rota_sealer *hsm; /* that wrapped the campaign key */
	const uint8_t *point; /* of the back end's token, ROTA_P256_KEY_LEN bytes */
	const struct rota_p256 *p256;
	const struct rota_random *entropy;
	const char *path; /* made, mode 0640 */
	const struct rota_progress *progress; /* devices; or NULL */
};

/* Whole, or not there. ROTA_ERR_STATE: it is there already. ROTA_ERR_DENIED: of a purpose that no back end gets. ROTA_ERR_FORMAT: the
 * point is none. Else the tree's, the HSM's, the disk's. */
ROTA_MUST_USE enum rota_err rota_hand_write(
	const struct rota_hand_plan *plan, struct rota_fail *why);

#endif
