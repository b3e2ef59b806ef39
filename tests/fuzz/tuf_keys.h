/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/tuf_keys.h -- the keys of the fuzzed repository, always the same ones, and their signatures.
 *
 * Cryptography is real, but remembered: a signature over the same bytes is made once, what was just signed is known to
 * verify (each key shows so at the start), and a verdict is looked up by all of key, signature and digest when it comes
 * again. All else goes to libcrypto.
 */
#ifndef TESTS_FUZZ_TUF_KEYS_H
#define TESTS_FUZZ_TUF_KEYS_H

#include "rota/port/crypto.h"

#define TUF_SIG_ROOM 80 /* bytes: a DER signature of P-256 is at most 72 */

/* The key object, as JSON. */
const char *tuf_key_object(int key);

/* Returns the length of the signature in `out`. */
size_t tuf_key_sign(int key, struct rota_span bytes, uint8_t out[static TUF_SIG_ROOM]);

/* libcrypto's port that remembers verdicts. */
const struct rota_crypto *tuf_crypto(void);

#endif
