/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/num.h -- what versions and lengths of metadata, and seconds since 1970, are counted in.
 *
 * Metadata may say numbers up to 2^53 - 1 (SPEC 2.1), and years up to 9999. A microcontroller counts in 32 bits: a
 * known member with a greater number is beyond its limits, ROTA_ERR_LIMIT (SPEC 4.8), and a later time than it can
 * count is the last one (rota/codec/time.h). What is kept in flash or sent has 64 bits everywhere.
 *
 * ROTA_NUM_BITS, 32 or 64, chooses otherwise for a whole program.
 */
#ifndef ROTA_BASE_NUM_H
#define ROTA_BASE_NUM_H

#include <stdint.h>

#ifndef ROTA_NUM_BITS
#if UINTPTR_MAX == UINT32_MAX && !defined(__linux__)
#define ROTA_NUM_BITS 32
#else
#define ROTA_NUM_BITS 64
#endif
#endif

#if ROTA_NUM_BITS == 32
typedef uint32_t rota_num;
#define ROTA_NUM_MAX INT64_C(0xFFFFFFFF)
#else
typedef uint64_t rota_num;
#define ROTA_NUM_MAX ((INT64_C(1) << 53) - 1)
#endif

/* Of a number that may be too great: the nearest one. */
static inline rota_num rota_num_nearest(uint64_t n)
{
	return n > (uint64_t)ROTA_NUM_MAX ? (rota_num)ROTA_NUM_MAX : (rota_num)n;
}

#endif
