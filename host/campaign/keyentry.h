/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/keyentry.h -- a campaign's place in the role's list: keys/link/PRODUCT.json, keys/store/PRODUCT.json (SPEC 32.2).
 *
 * The list is a jansson object as a device's decoder has read it (host/repo/keylist.h). A tree is entered once: what stands there
 * already is no change, so who was cut off comes again. Of a purpose at most two campaigns stand; the third one takes the place
 * of the oldest.
 */
#ifndef HOST_CAMPAIGN_KEYENTRY_H
#define HOST_CAMPAIGN_KEYENTRY_H

#include "host/campaign/request.h"

/* Enter a tree of the campaign `c`, which has its id, and is active where it is new; its trees together have at most `most` devices.
 * *changed: it was not there.
 * ROTA_ERR_CEILING  with this tree there would be more devices
 * ROTA_ERR_COUNTER  a campaign of this purpose is listed whose generation is not below: overtaken
 * ROTA_ERR_STATE    it was aborted or is done
 * ROTA_ERR_ARGUMENT its terms are listed otherwise; another tree stands under this number; or one before it is missing: trees ascend
 * ROTA_ERR_LIMIT    more campaigns than the list has room for */
ROTA_MUST_USE enum rota_err rota_keyentry_add(json_t *list, const struct rota_key_campaign *c,
	uint32_t most, const struct rota_key_tree *tree, bool *changed, struct rota_fail *why);

/* The campaign of this id in the list; borrowed. NULL: it does not stand there. */
json_t *rota_keyentry_find(const json_t *list, const uint8_t id[static ROTA_SHA256_LEN]);

#endif
