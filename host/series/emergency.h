/* SPDX-License-Identifier: Apache-2.0 */
/* host/series/emergency.h -- what officers approve so that a keeper gives all roots of a series before their hour (SPEC 23.9).
 *
 * A text in canonical JSON, which is approved by its SHA-256 (20.1).
 */
#ifndef HOST_SERIES_EMERGENCY_H
#define HOST_SERIES_EMERGENCY_H

#include "host/base/bytes.h"
#include "host/base/fail.h"

#include <stdint.h>

#define ROTA_EMERGENCY_MAX 1024
#define ROTA_EMERGENCY_REASON_MAX 256

struct rota_emergency {
	char product[33];
	uint64_t first, last; /* versions of roots */
	char reason[ROTA_EMERGENCY_REASON_MAX + 1];
};

/* The text, without newline. ROTA_ERR_FORMAT: a reason that is no UTF-8. */
ROTA_MUST_USE enum rota_err rota_emergency_write(
	const struct rota_emergency *e, struct rota_bytes *out, struct rota_fail *why);

/* ROTA_ERR_FORMAT; ROTA_ERR_LIMIT: more roots than two series have. */
ROTA_MUST_USE enum rota_err rota_emergency_read(
	struct rota_span text, struct rota_emergency *out, struct rota_fail *why);

#endif
