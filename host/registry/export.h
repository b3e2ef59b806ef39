/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/export.h -- the rows of the devices that a campaign is for, in a file (SPEC 30.3; host/campaign/row.h has
 * the format).
 *
 * Rows are as signd made them, ascending by device id. Devices that left the fleet are in none. The file appears whole, or
 * not at all; memory does not grow with it.
 */
#ifndef HOST_REGISTRY_EXPORT_H
#define HOST_REGISTRY_EXPORT_H

#include "host/campaign/row.h"
#include "host/registry/query.h"

struct rota_export_plan {
	const uint8_t *product; /* rota_row_product(), ROTA_ROW_PRODUCT_LEN bytes */
	const struct rota_query *query;
	const char *path; /* made or replaced */
};

struct rota_exported {
	uint32_t count; /* rows */
	uint8_t sha256[ROTA_SHA256_LEN]; /* of the file: what a request names */
};

/* ROTA_ERR_NOT_FOUND: no device is meant, and no file is made. ROTA_ERR_LIMIT: more rows than a tree has leaves. */
ROTA_MUST_USE enum rota_err rota_export_write(const struct rota_regdb *reg,
	const struct rota_export_plan *plan, struct rota_exported *out, struct rota_fail *why);

#endif
