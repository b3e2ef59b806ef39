/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/pin.h -- a PIN, from a private file, from the terminal or from a keeper, and gone when wiped. */
#ifndef PORTS_PKCS11_PIN_H
#define PORTS_PKCS11_PIN_H

#include "host/base/fail.h"
#include "rota/base/span.h"

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

/* Those of a token whose PINs a keeper has (handed.h). */
struct pin_pair {
	struct pin user, so;
};

/* The next frame of a keeper's connection: both, a line each. */
ROTA_MUST_USE enum rota_err pin_hear(struct pin_pair *pair, int keeper, struct rota_fail *why);
/* Of the text of such a frame, or of a file. */
ROTA_MUST_USE enum rota_err pin_pair_parse(
	struct rota_span text, struct pin_pair *pair, struct rota_fail *why);
void pin_pair_wipe(struct pin_pair *pair);

/* Who keeps them asks a token of its own. */
#define PIN_KEEPER_MS 30000

#endif
