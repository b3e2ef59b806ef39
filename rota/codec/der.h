/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/der.h -- DER, read strictly, as far as keys, signatures and certificates need it.
 *
 * Works on a rota_reader, whose error sticks: walk straight down and check once with rota_reader_end().
 * Accepted are tags of one byte and definite lengths in their shortest form, up to 65,535 bytes of
 * content (ITU-T X.690, 10.1); everything else fails the reader.
 */
#ifndef ROTA_CODEC_DER_H
#define ROTA_CODEC_DER_H

#include "rota/base/reader.h"

enum rota_der_tag {
	ROTA_DER_BOOLEAN = 0x01,
	ROTA_DER_INTEGER = 0x02,
	ROTA_DER_BIT_STRING = 0x03,
	ROTA_DER_OCTET_STRING = 0x04,
	ROTA_DER_NULL = 0x05,
	ROTA_DER_OID = 0x06,
	ROTA_DER_UTF8_STRING = 0x0C,
	ROTA_DER_PRINTABLE_STRING = 0x13,
	ROTA_DER_SEQUENCE = 0x30,
	ROTA_DER_SET = 0x31,
};

/* Largest raw ECDSA signature that is converted here: r || s of P-384. */
#define ROTA_DER_ECDSA_RAW_MAX 96
/* Room for the DER form of any of them: two integers of 1 + 48 bytes, their headers, the sequence's. */
#define ROTA_DER_ECDSA_MAX 104

/* One element. */
struct rota_der {
	uint8_t tag; /* 0 after a failure */
	struct rota_span content;
	struct rota_span whole; /* with its tag and length: what a digest of the element covers */
};

/* The next element, whatever its tag. Spans point into the reader's input. */
struct rota_der rota_der_next(struct rota_reader *r);

/* The content of the next element, which must have the tag `tag`; else the reader fails. */
struct rota_span rota_der_read(struct rota_reader *r, uint8_t tag);

/* The tag of the next element without taking it; 0 at the end or after a failure. For OPTIONAL. */
uint8_t rota_der_peek(const struct rota_reader *r);

/* An INTEGER that is not negative, big-endian into all of `to`, left-padded with zeros. One that is too
 * large for `to`, negative or not in its shortest form fails the reader; `to` is then zeros. */
void rota_der_read_uint(struct rota_reader *r, struct rota_buf to);

/* The bytes of a BIT STRING with no unused bits. */
struct rota_span rota_der_read_bits(struct rota_reader *r);

/* DER Ecdsa-Sig-Value (RFC 3279, 2.2.3) to r || s. raw.len says the curve: 64 for P-256, 96 for P-384.
 *
 * ROTA_ERR_FORMAT    not the one DER form, or an integer longer than half of `raw`, which is of no use then
 * ROTA_ERR_ARGUMENT  raw.len is odd, 0 or above ROTA_DER_ECDSA_RAW_MAX
 * Whether r and s are in range is the verifier's to say. */
ROTA_MUST_USE enum rota_err rota_der_ecdsa_decode(struct rota_span der, struct rota_buf raw);

/* r || s to its DER form in `room` (ROTA_DER_ECDSA_MAX is enough); *out is the part used.
 * ROTA_ERR_LIMIT: no room. ROTA_ERR_ARGUMENT as above. */
ROTA_MUST_USE enum rota_err rota_der_ecdsa_encode(
	struct rota_span raw, struct rota_buf room, struct rota_span *out);

#endif
