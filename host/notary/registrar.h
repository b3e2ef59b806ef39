/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/registrar.h -- rows of the registry (SPEC 30.2), made of what devices say of themselves and of nothing else.
 *
 * Each item is checked by itself: the row before it is one that was made here, the statement is signed by the very identity
 * that this row, or the certificate of a new device, names, and says what may follow. So whoever brings items, and has the
 * server's database, chooses only which of them he brings.
 *
 *     item = (row || statement), or of a new device (statement || IDevID certificate)
 */
#ifndef HOST_NOTARY_REGISTRAR_H
#define HOST_NOTARY_REGISTRAR_H

#include "host/campaign/row.h"

#include <openssl/x509.h>

#define ROTA_REGISTRAR_ITEMS_MAX 1024 /* of a request */
#define ROTA_REGISTRAR_CERTIFICATE_MAX 2048
#define ROTA_REGISTRAR_ITEM_MAX (ROTA_ROW_LEN + ROTA_STATEMENT_MAX + ROTA_REGISTRAR_CERTIFICATE_MAX)

struct rota_registrar {
	const struct rota_crypto *crypto;
	struct rota_hmac key; /* begun with the registry key */
	uint8_t product[ROTA_ROW_PRODUCT_LEN];
	const X509 *device_ca; /* who issues certificates of new devices */
};

struct rota_registrar_item { /* spans point into what was read */
	struct rota_span was; /* row; empty: a new device */
	struct rota_span statement;
	struct rota_span certificate; /* of a new device, else empty */
};

/* Take one item apart. ROTA_ERR_FORMAT: neither of the two. */
ROTA_MUST_USE enum rota_err rota_registrar_read(
	struct rota_span in, struct rota_registrar_item *out);

/* The row that follows.
 * ROTA_ERR_SIGNATURE  the row before it was not made here; the statement is not signed by its identity; the certificate is
 *                     not the device CA's
 * ROTA_ERR_PRODUCT    a row of another product
 * Others as rota_statement_decode(), rota_row_enrol() and rota_row_next(). */
ROTA_MUST_USE enum rota_err rota_registrar_row(const struct rota_registrar *r,
	const struct rota_registrar_item *item, uint8_t row[static ROTA_ROW_LEN]);

#endif
