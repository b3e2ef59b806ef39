/* SPDX-License-Identifier: Apache-2.0 */
/* host/identity/subject.h -- the hardware's serial number in the subject of an IDevID (SPEC 28.10). */
#ifndef HOST_IDENTITY_SUBJECT_H
#define HOST_IDENTITY_SUBJECT_H

#include "rota/base/err.h"
#include "rota/base/span.h"

#define ROTA_SUBJECT_SERIAL_MAX 64 /* RFC 5280, ub-serial-number */

/* The value of serialNumber (2.5.4.5) of a Name, as rota_cert_read() gives it; *out points into it. Printable ASCII
 * without blanks, as it goes into lines and tables. ROTA_ERR_NOT_FOUND: it has none. ROTA_ERR_FORMAT: two, longer, other
 * bytes, or no Name. */
ROTA_MUST_USE enum rota_err rota_subject_serial(struct rota_span name, struct rota_span *out);

#endif
