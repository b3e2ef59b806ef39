/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/device_cert.h -- a device's key as a file, and a certificate for it of a CA that nobody has. */
#ifndef TESTS_UNIT_DEVICE_CERT_H
#define TESTS_UNIT_DEVICE_CERT_H

#include "rota/base/span.h"

#include <openssl/evp.h>

struct device_cert {
	char key[64]; /* path */
	uint8_t der[4096];
	size_t der_len;
};

/* The key stays the caller's. */
void device_cert_make(struct device_cert *to, EVP_PKEY *key, const char *common_name);
void device_cert_drop(struct device_cert *c);

#endif
