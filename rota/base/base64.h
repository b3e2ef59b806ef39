/* SPDX-License-Identifier: Apache-2.0 */
/* rota/base/base64.h -- base64 (RFC 4648, 4), written and read strictly: bytes have one spelling.
 *
 * Padding is required, the bits under it are zero, and no byte outside the alphabet is skipped. Not
 * constant time: for public data only.
 */
#ifndef ROTA_BASE_BASE64_H
#define ROTA_BASE_BASE64_H

#include "rota/base/err.h"
#include "rota/base/span.h"

/* The bytes of `text` into `to`, their number into *len.
 * ROTA_ERR_FORMAT: not base64 in the sense above. ROTA_ERR_LIMIT: more bytes than `to` has room for.
 * After an error `to` and *len are meaningless. */
ROTA_MUST_USE enum rota_err rota_base64_decode(
	struct rota_span text, struct rota_buf to, size_t *len);

/* One group of four letters to `bytes` bytes, 1 to 3: the last letters are padding where it is fewer than 3.
 * ROTA_ERR_FORMAT as above. */
ROTA_MUST_USE enum rota_err rota_base64_group(
	const uint8_t letters[static 4], size_t bytes, uint8_t *to);

/* 4 letters for each 3 bytes begun, no NUL, into `to`; their number into *len. ROTA_ERR_LIMIT: no room; nothing is
 * written. */
ROTA_MUST_USE enum rota_err rota_base64_encode(
	struct rota_span bytes, struct rota_buf to, size_t *len);

#endif
