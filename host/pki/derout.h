/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/derout.h -- DER, written (ITU-T X.690, 10.1): what host/pki signs, byte by byte its own.
 *
 * Bytes are appended; an element is closed behind its content, when its length is known:
 *
 *     size_t at = to->len;
 *     ... content ...
 *     rota_der_close(to, at, ROTA_DER_SEQUENCE);
 *
 * Nothing here fails: contents come from callers that bound them, to less than 16 MiB.
 */
#ifndef HOST_PKI_DEROUT_H
#define HOST_PKI_DEROUT_H

#include "host/base/bytes.h"
#include "rota/port/crypto.h"

/* Tags beside those of rota/codec/der.h. */
#define ROTA_DER_ENUMERATED 0x0A
#define ROTA_DER_IA5_STRING 0x16
#define ROTA_DER_UTC_TIME 0x17
#define ROTA_DER_GENERALIZED_TIME 0x18
#define ROTA_DER_EXPLICIT(n) ((uint8_t)(0xA0 + (n))) /* [n], constructed */
#define ROTA_DER_IMPLICIT(n) ((uint8_t)(0x80 + (n))) /* [n] of a primitive type */

/* What is behind `from` becomes the content of an element of this tag. */
void rota_der_close(struct rota_bytes *to, size_t from, uint8_t tag);

/* One element of this content. */
void rota_der_add(struct rota_bytes *to, uint8_t tag, struct rota_span content);

/* INTEGER of an unsigned number, big-endian, in its shortest form. */
void rota_der_add_uint(struct rota_bytes *to, struct rota_span number);
void rota_der_add_number(struct rota_bytes *to, uint64_t number);

/* RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime after; UINT64_MAX: 99991231235959Z. */
void rota_der_add_time(struct rota_bytes *to, uint64_t unix_s);

/* The same always as GeneralizedTime (RFC 6960, 4.2.2.1). */
void rota_der_add_general_time(struct rota_bytes *to, uint64_t unix_s);

/* BIT STRING with no unused bits. */
void rota_der_add_bits(struct rota_bytes *to, struct rota_span bits);

/* AlgorithmIdentifier ecdsa-with-SHA256 (RFC 5758, 3.2). */
void rota_der_add_ecdsa(struct rota_bytes *to);

/* tbs, ecdsa-with-SHA256, BIT STRING: what is signed and its signature, r || s; and as one SEQUENCE, as a certificate, a CRL and a
 * request are. */
void rota_der_add_proof(
	struct rota_bytes *to, struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN]);
void rota_der_add_signed(
	struct rota_bytes *to, struct rota_span tbs, const uint8_t sig[static ROTA_P256_SIG_LEN]);

#endif
