/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/crc32.h -- CRC-32 (IEEE 802.3; reflected polynomial 0xEDB88320): finds accidents, not attacks.
 *
 * Sixteen table entries, two steps a byte: small where flash is, and journals are short.
 */
#ifndef ROTA_BASE_CRC32_H
#define ROTA_BASE_CRC32_H

#include "rota/base/span.h"

/* CRC of what gave `crc` followed by `data`. Begin with 0; the value is the finished one each time. */
uint32_t rota_crc32(uint32_t crc, struct rota_span data);

#endif
