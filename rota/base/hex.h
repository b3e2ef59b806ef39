/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/hex.h -- bytes as lower-case hex digits, the one spelling of digests, keys and signatures
 * (SPEC 1.5, 3.3, 3.4).
 *
 * Not constant time: for public data only.
 */
#ifndef ROTA_BASE_HEX_H
#define ROTA_BASE_HEX_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* Value of a digit, 16 when the byte is none. */
uint8_t rota_hex_digit(uint8_t byte);

/* Exactly to.len bytes from `text`. ROTA_ERR_FORMAT: not 2 * to.len digits, or a byte that is none (upper
 * case is none); `to` is then meaningless. */
ROTA_MUST_USE enum rota_err rota_hex_decode(struct rota_span text, struct rota_buf to);

/* 2 * bytes.len digits, no NUL, into `to`. ROTA_ERR_LIMIT: no room; nothing is written. */
ROTA_MUST_USE enum rota_err rota_hex_encode(struct rota_span bytes, struct rota_buf to);

#endif
