/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/mem.h -- the four functions that the library takes from its C library, and what it adds.
 *
 * A freestanding build has no <string.h>; the four are declared here, so that `nm -u` of the library
 * shows these names and compiler helpers only.
 */
#ifndef ROTA_BASE_MEM_H
#define ROTA_BASE_MEM_H

#include "rota/base/span.h"

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *at, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* Equal in time that depends on `len` only: for MACs, digests of secrets, proofs. */
bool rota_mem_equal_ct(const void *a, const void *b, size_t len);

/* Overwrite with zeros in a way that the compiler cannot drop. */
void rota_wipe(void *at, size_t len);

#endif
