/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/rehearse.h -- what devices will make of a release, asked before anybody signs it. */
#ifndef HOST_REPO_REHEARSE_H
#define HOST_REPO_REHEARSE_H

#include "host/base/json.h"

/* The device's own decoder reads `text`, and for each hardware id that is listed there the parts fit together: names and
 * slots stand once, images have one security counter (SPEC 7.2, 16.5). */
ROTA_MUST_USE enum rota_err rota_rehearse_release(struct rota_span text, struct rota_fail *why);

#endif
