/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/import.h -- an export of the registry on its way to whoever seals (SPEC 37.9).
 *
 * Exports come from where the network reaches. One is taken in whole or not at all: it is copied first, so that nobody
 * changes it behind the look, and what is looked at is the copy: its digest, where an officer has approved one, and each
 * row's HMAC. What was taken in is looked at again when it is sealed (index.h); this is to hear early that it is none.
 */
#ifndef HOST_CAMPAIGN_IMPORT_H
#define HOST_CAMPAIGN_IMPORT_H

#include "host/base/feed.h"
#include "host/campaign/row.h"

struct rota_import_plan {
	const char *from, *to; /* `to` is made, or replaced, mode 0600 */
	const uint8_t
		*sha256; /* 32 bytes that the request names; NULL: a supplement's, which has none */
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	uint32_t most; /* rows: devices that were approved */
	const struct rota_crypto *crypto;
	const struct rota_hmac *registry; /* begun */
	const struct rota_progress *progress; /* bytes; or NULL */
};

/* *rows of it. ROTA_ERR_HASH: not the export that the request names. ROTA_ERR_SIGNATURE: a row that the registry did not
 * make. ROTA_ERR_FORMAT, ROTA_ERR_PRODUCT, ROTA_ERR_CEILING: no export, of another product, of more devices than were
 * approved. Nothing of it is kept then. */
ROTA_MUST_USE enum rota_err rota_import(
	const struct rota_import_plan *plan, uint32_t *rows, struct rota_fail *why);

#endif
