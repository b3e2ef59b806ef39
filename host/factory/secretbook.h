/* SPDX-License-Identifier: Apache-2.0 */
/* host/factory/secretbook.h -- factory secrets of `enrolments` into book.factory (SPEC 37.4, 37.13).
 *
 * The file comes from the factory by way of others. Of a line count the certificate, which the device CA signed, and the
 * secret, which the key of that certificate signed; nothing else of it is believed. One line whose certificate is not in
 * order spoils the whole file, and the book stays as it was. A device whose secret is not for our point, or does not open, is
 * told and passed over: it alone is to blame, and the others wait for nobody. Of a device that stands there twice the last line
 * counts: it was cut off, or made anew, and drew another secret; where the last has none, none of it comes in.
 *
 * What is in the book already and not in the file stays. The same file once more changes nothing.
 */
#ifndef HOST_FACTORY_SECRETBOOK_H
#define HOST_FACTORY_SECRETBOOK_H

#include "host/campaign/book.h"
#include "host/factory/secret.h"

#include <openssl/x509.h>

struct rota_secretbook_plan {
	const char *enrolments; /* file */
	const char *product; /* whose devices they have to be */
	const X509 *device_ca;
	const char *book; /* path of book.factory */
	const struct rota_book_tools *tools;
	const struct rota_random *random; /* of the book's salt */
	const struct rota_hpke *hpke;
	const struct rota_agreement
		*own; /* the point that secrets are sealed to, and who has its private half */
	void (*tell)(const struct rota_fail *how); /* of each device that is passed over */
};

struct rota_secretbook_counts {
	uint32_t added, changed, same; /* devices with a secret */
	uint32_t without; /* lines of devices that have none */
	uint32_t passed; /* devices whose secret is not for our point, or does not open */
};

/* ROTA_ERR_SIGNATURE: a certificate that the device CA did not issue.
 * ROTA_ERR_PRODUCT: a device of another product. ROTA_ERR_FORMAT: a line that is none. `why` names line and device. Else as
 * the book, the file and the token say. */
ROTA_MUST_USE enum rota_err rota_secretbook_take(const struct rota_secretbook_plan *plan,
	struct rota_secretbook_counts *counts, struct rota_fail *why);

#endif
