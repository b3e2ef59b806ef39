/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/sealed.h -- ID.TREE.sealed: what came of a sealing, written once all of it is in its place.
 *
 * Canonical JSON with exactly `_type` "sealed", `again`, `base`, `bytes`, `campaign`, `format` 2, `root`, `size`, `skipped` (an object
 * of the words of index.h) and `tree`. Whoever publishes goes by it: without it nothing of a campaign is whole.
 */
#ifndef HOST_CAMPAIGN_SEALED_H
#define HOST_CAMPAIGN_SEALED_H

#include "host/campaign/seal.h"

ROTA_MUST_USE enum rota_err rota_sealed_write(const char *path, const uint8_t campaign[static 32],
	uint16_t tree, const struct rota_seal_result *result, struct rota_fail *why);

/* All devices count as kept. ROTA_ERR_FORMAT: not what write() makes, or of another campaign or tree. */
ROTA_MUST_USE enum rota_err rota_sealed_read(const char *path, const uint8_t campaign[static 32],
	uint16_t tree, struct rota_seal_result *out, struct rota_fail *why);

#endif
