/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/pin.h -- a PIN, from a private file or from the terminal, and gone when wiped. */
#ifndef PORTS_PKCS11_PIN_H
#define PORTS_PKCS11_PIN_H

#include "host/base/fail.h"

#include <stddef.h>

/* PKCS#11 sets none; tokens take 4 to 255 bytes. */
#define PIN_MAX 255

struct pin {
	char text[PIN_MAX + 1];
	size_t len;
};

/* From `file` (a trailing newline does not count), or, when it is NULL or empty, from the terminal, which
 * shows `name`. The page is locked in memory where the limits allow. */
ROTA_MUST_USE enum rota_err pin_get(
	struct pin *pin, const char *file, const char *name, struct rota_fail *why);
void pin_wipe(struct pin *pin);

#endif
