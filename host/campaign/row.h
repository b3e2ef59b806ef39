/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/row.h -- what the registry knows of a device's keys, and nobody but the signing daemon can write (SPEC 30.2),
 * and the file in which rows go to whoever seals a campaign (SPEC 30.3).
 *
 * A row has the device's identity key, the agree key that bundles are sealed to, and the generations that it proved, under
 * an HMAC whose key the daemon's registrar and rota-seald have alone. So who has the server's database can keep rows
 * back, and can neither make, mix nor alter one. A row follows from the one before it and a statement of the device
 * (rota/codec/statement.h); the daemon keeps no table of devices.
 */
#ifndef HOST_CAMPAIGN_ROW_H
#define HOST_CAMPAIGN_ROW_H

#include "host/base/fail.h"
#include "rota/codec/statement.h"
#include "rota/crypto/hmac.h"

#define ROTA_ROW_LEN 256
#define ROTA_ROW_PRODUCT_LEN 8

/* Bit of `flags`: nothing is sealed to the device any more. */
#define ROTA_ROW_GONE 1

struct rota_row {
	uint8_t product[ROTA_ROW_PRODUCT_LEN]; /* rota_row_product() */
	uint8_t device[ROTA_SHA256_LEN];
	uint8_t identity[ROTA_P256_KEY_LEN];
	uint8_t agree[ROTA_P256_KEY_LEN];
	uint8_t flags;
	uint32_t counter; /* number of the agree key, from 1 */
	uint32_t proved[ROTA_PURPOSES_MAX]; /* [purpose - 1]: generation; 0: none */
};

/* How a row names its product: the first 8 bytes of SHA-256 of the name. */
void rota_row_product(const struct rota_crypto *crypto, struct rota_span product,
	uint8_t out[static ROTA_ROW_PRODUCT_LEN]);

/* `key`: an HMAC begun with the registry key, which is copied for each row. */
void rota_row_encode(const struct rota_row *r, const struct rota_crypto *crypto,
	const struct rota_hmac *key, uint8_t out[static ROTA_ROW_LEN]);

/* ROTA_ERR_SIGNATURE: the HMAC is not of that key. ROTA_ERR_FORMAT, ROTA_ERR_UNSUPPORTED: it is, and we never made it. */
ROTA_MUST_USE enum rota_err rota_row_decode(const uint8_t in[static ROTA_ROW_LEN],
	const struct rota_crypto *crypto, const struct rota_hmac *key, struct rota_row *out);

/* The same without a key, for who shows or stores rows that others judge: nothing of it is believed. */
ROTA_MUST_USE enum rota_err rota_row_read(
	const uint8_t in[static ROTA_ROW_LEN], struct rota_row *out);

/* The first row of a device: kind ANEW, counter 1. product and identity come from its certificate.
 * ROTA_ERR_ARGUMENT: another kind. ROTA_ERR_COUNTER: another counter. ROTA_ERR_FORMAT: the agree key is no point of
 * P-256, or is the identity's. */
ROTA_MUST_USE enum rota_err rota_row_enrol(const uint8_t product[static ROTA_ROW_PRODUCT_LEN],
	const uint8_t identity[static ROTA_P256_KEY_LEN], const struct rota_statement *s,
	struct rota_row *out);

/* The row that follows `was` by a statement, which the caller has verified under was->identity.
 * ROTA_ERR_ARGUMENT   a kind that changes no row
 * ROTA_ERR_HARDWARE   the statement of another device
 * ROTA_ERR_DENIED     the device is decommissioned
 * ROTA_ERR_COUNTER    neither the row's counter with its very point, nor the next one with another point
 * ROTA_ERR_VERSION    a generation that falls
 * ROTA_ERR_FORMAT     as above */
ROTA_MUST_USE enum rota_err rota_row_next(
	const struct rota_row *was, const struct rota_statement *s, struct rota_row *out);

/* ---- the export: a head, then rows, strictly ascending by device id ---- */

#define ROTA_EXPORT_HEAD_LEN 32
#define ROTA_EXPORT_ROWS_MAX (UINT32_C(1) << 24) /* ROTA_KEYBUNDLE_SIZE_MAX: a tree of them */

struct rota_export {
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	uint32_t count; /* rows */
};

void rota_export_encode(const struct rota_export *e, uint8_t out[static ROTA_EXPORT_HEAD_LEN]);

/* ROTA_ERR_FORMAT, ROTA_ERR_UNSUPPORTED, ROTA_ERR_LIMIT: more than ROTA_EXPORT_ROWS_MAX. That the file has
 * ROTA_EXPORT_HEAD_LEN + count * ROTA_ROW_LEN bytes the caller sees. */
ROTA_MUST_USE enum rota_err rota_export_decode(
	const uint8_t in[static ROTA_EXPORT_HEAD_LEN], struct rota_export *out);

/* The next row of an export: of its product, and above *last, which is the id of the row before (at first zeros with
 * `first`) and becomes this one's. ROTA_ERR_PRODUCT. ROTA_ERR_FORMAT: an id twice, or one that falls. */
ROTA_MUST_USE enum rota_err rota_export_take(const struct rota_export *e, const struct rota_row *r,
	bool first, uint8_t last[static ROTA_SHA256_LEN]);

#endif
