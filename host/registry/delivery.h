/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/delivery.h -- a report as the journal keeps it: who brought it, and what it says.
 *
 *     length of the certificate (u16) || certificate, DER || body of POST /api/v1/report
 *
 * The certificate is that of the connection; the body is as it came. So what a device signed (SPEC 13.6) can be judged
 * anew from the journal alone.
 */
#ifndef HOST_REGISTRY_DELIVERY_H
#define HOST_REGISTRY_DELIVERY_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_DELIVERY_HEAD_LEN 2

struct rota_delivery { /* spans point into what was read */
	struct rota_span certificate, body;
};

/* Everything but the body into `room`; *len bytes. ROTA_ERR_LIMIT: no room. */
ROTA_MUST_USE enum rota_err rota_delivery_begin(
	struct rota_span certificate, struct rota_buf room, size_t *len);

/* ROTA_ERR_FORMAT: it ends in the certificate, or before. */
ROTA_MUST_USE enum rota_err rota_delivery_read(struct rota_span in, struct rota_delivery *out);

#endif
