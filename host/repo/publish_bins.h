/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/publish_bins.h -- the part of publishing that is about bins (SPEC 3.7). */
#ifndef HOST_REPO_PUBLISH_BINS_H
#define HOST_REPO_PUBLISH_BINS_H

#include "host/repo/metadata.h"

/* Verify each staged bin of `role`, copy it into metadata/ and list it in `meta`; *count of them. All bins of the
 * role must be listed then: ROTA_ERR_NOT_FOUND names one that is not. Nothing to do for a role without bins. */
ROTA_MUST_USE enum rota_err rota_publish_bins(struct rota_desk *desk, const char *role,
	json_t *meta, unsigned *count, struct rota_fail *why);

#endif
