/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/secrets.h -- the ports that hold keys, for tests that are linked once with each of them: secrets_PORT.c is
 * what differs. */
#ifndef TESTS_UNIT_SECRETS_H
#define TESTS_UNIT_SECRETS_H

#include "rota/port/aead.h"
#include "rota/port/crypto.h"
#include "rota/port/p256.h"

extern const struct rota_crypto *const test_crypto;
extern const struct rota_aead *const test_aead;
extern const bool test_signs_alike; /* the same signature for the same digest, as RFC 6979 has it */

const struct rota_p256 *test_p256(void);

#endif
