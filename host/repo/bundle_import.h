/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_import.h -- signed bundles back into the repository (SPEC 14.7).
 *
 * Copies of one bundle are merged; then everything is verified again from this machine's own repository, not from
 * what the bundle says of it, and published as any other change: roles staged, root put in its place, then snapshot
 * and timestamp by the online keys. An import that was cut off is completed by importing again.
 */
#ifndef HOST_REPO_BUNDLE_IMPORT_H
#define HOST_REPO_BUNDLE_IMPORT_H

#include "host/repo/bundle.h"
#include "host/repo/publish.h"

/* Import copies[0], into which the others are merged. ROTA_ERR_VERSION: the repository moved on since the export.
 * ROTA_ERR_THRESHOLD: signatures are missing still. ROTA_ERR_NOT_FOUND: an artifact is gone. Else as merge, view and
 * publish. */
ROTA_MUST_USE enum rota_err rota_bundle_import(struct rota_desk *desk, struct rota_bundle *copies,
	size_t count, struct rota_publish_role done[static ROTA_DUTY_COUNT], struct rota_fail *why);

#endif
