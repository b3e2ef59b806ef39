/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/horizon.h -- how long a role's file may live (SPEC 3.2, 4.5).
 *
 * A thief of an online key could sign a file that expires in ten years. The horizon bounds that from the
 * device's side: a file says when it was issued, and lives from then on no longer than its role may.
 */
#ifndef ROTA_TRUST_HORIZON_H
#define ROTA_TRUST_HORIZON_H

#include "rota/base/err.h"
#include "rota/base/span.h"
#include "rota/port/clock.h"

/* Seconds that a trusted clock and a signer's may differ. */
#define ROTA_HORIZON_SKEW_S 600u

/* Longest life of a file of `role` in seconds; that of an unknown role is the longest there is. */
uint32_t rota_horizon_lifetime_s(struct rota_span role);

/* Whether issued and expiry of a file of `role` are within its horizon.
 * issued_s 0: the file does not say, which is refused.
 * ROTA_ERR_TIME: outlives its role, expires before it was issued, or lies in the future of a trusted clock. */
ROTA_MUST_USE enum rota_err rota_horizon_check(
	struct rota_span role, rota_num issued_s, rota_num expires_s, struct rota_time now);

#endif
