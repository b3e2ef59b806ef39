/* SPDX-License-Identifier: Apache-2.0 */
/* tests/powercut/chance.h -- chance from a seed, where the server's keys and signatures come from too.
 *
 * A cut is named by the number of its operation, and the number of operations depends on the length of
 * signatures: so that a name means the same tomorrow, OpenSSL draws from here. For tests alone. */
#ifndef TESTS_POWERCUT_CHANCE_H
#define TESTS_POWERCUT_CHANCE_H

#include <stdint.h>

/* OpenSSL's random bytes come from a stream that begins with `seed`. Ends the program when it does not take it. */
void chance_seed(uint64_t seed);

/* The next number of a stream of one's own (splitmix64). */
uint64_t chance_next(uint64_t *stream);

#endif
