/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/time.h -- times as metadata spells them (SPEC 1.4), to seconds since 1970 and back.
 *
 * `YYYY-MM-DDThh:mm:ssZ`, proleptic Gregorian, years 1970 to 9999; one spelling for each second.
 */
#ifndef ROTA_CODEC_TIME_H
#define ROTA_CODEC_TIME_H

#include "rota/base/err.h"
#include "rota/base/num.h"
#include "rota/base/span.h"

#define ROTA_TIME_TEXT_LEN 20
/* The last second of the last year that a rota_num counts to the end, and that has a spelling. */
#if ROTA_NUM_BITS == 32
#define ROTA_TIME_YEAR_MAX 2105u
#define ROTA_TIME_MAX UINT32_C(4291747199)
#else
#define ROTA_TIME_YEAR_MAX 9999u
#define ROTA_TIME_MAX UINT64_C(253402300799)
#endif

/* A time past ROTA_TIME_MAX comes out as ROTA_TIME_MAX.
 * ROTA_ERR_FORMAT: not that spelling, or no such day or second (a leap second is none). */
ROTA_MUST_USE enum rota_err rota_time_parse(struct rota_span text, rota_num *unix_s);

/* Days since 1970, and seconds since midnight; a time past ROTA_TIME_MAX counts as that. 86,400 is 128 times 675, so
 * that neither takes a 64-bit division, which a microcontroller has no instruction for. */
static inline uint32_t rota_time_days(uint64_t unix_s)
{
	uint64_t s = unix_s < ROTA_TIME_MAX ? unix_s : ROTA_TIME_MAX;

	return (uint32_t)(s >> 7) / 675;
}

static inline uint32_t rota_time_in_day(uint64_t unix_s)
{
	uint64_t s = unix_s < ROTA_TIME_MAX ? unix_s : ROTA_TIME_MAX;

	return (uint32_t)s - rota_time_days(s) * 86400; /* right modulo 2^32, and below it */
}

/* The spelling of `unix_s`, no NUL. A time past ROTA_TIME_MAX comes out as ROTA_TIME_MAX. */
void rota_time_format(uint64_t unix_s, uint8_t text[static ROTA_TIME_TEXT_LEN]);

#endif
