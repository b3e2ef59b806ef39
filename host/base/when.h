/* SPDX-License-Identifier: Apache-2.0 */
/* host/base/when.h -- times as SPEC 1.4 spells them (rota/codec/time.h, for C strings), and durations as
 * configurations do. */
#ifndef HOST_BASE_WHEN_H
#define HOST_BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define ROTA_WHEN_LEN 21 /* "YYYY-MM-DDThh:mm:ssZ" and NUL */
#define ROTA_DURATION_LEN 24

/* Seconds since 1970, up to the end of the year 9999 (later times are cut to it). */
void rota_when_text(uint64_t unix_s, char out[static ROTA_WHEN_LEN]);
bool rota_when_parse(const char *text, uint64_t *unix_s);

/* The system's clock. */
uint64_t rota_when_now(void);

/* "90s", "10m", "24h", "365d", or plain seconds; at most 100 years. */
bool rota_duration_parse(const char *text, uint64_t *seconds);

/* The shortest of the forms above that is exact within its unit: "23h", "6d". */
void rota_duration_text(uint64_t seconds, char out[static ROTA_DURATION_LEN]);

#endif
