/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/crc.h -- the same CRC-32 as rota/base/crc32.h, eight bytes at a step: a log of a million entries is half a
 * gigabyte, and each byte of it is counted when it is written and whenever it is read.
 *
 * Eight tables of 256, built when the first is wanted; any thread may ask.
 */
#ifndef HOST_BASE_CRC_H
#define HOST_BASE_CRC_H

#include "rota/base/span.h"

/* As rota_crc32(): of what gave `crc`, followed by `data`. */
uint32_t rota_crc32_fast(uint32_t crc, struct rota_span data);

#endif
