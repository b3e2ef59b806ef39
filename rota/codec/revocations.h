/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/revocations.h -- revocations/PRODUCT.json: what is not to be used now, and may be again (SPEC 16.2).
 *
 * Releases that are withdrawn, certificate revocation lists that count, devices that are quarantined. The lists may be
 * long, so nothing is collected: a caller says which releases it wants to know of. Nothing may be believed before the
 * file was verified to its last byte.
 */
#ifndef ROTA_CODEC_REVOCATIONS_H
#define ROTA_CODEC_REVOCATIONS_H

#include "rota/codec/name.h"
#include "rota/codec/shape.h"
#include "rota/port/crypto.h"

/* Maxima of SPEC 16.2. */
#define ROTA_REVOCATIONS_MAX (1u << 20) /* bytes of the file, nearly all of it tags */
#define ROTA_REVOCATIONS_CRLS_MAX 64
#define ROTA_REVOCATIONS_WITHDRAWN_MAX 4096
#define ROTA_REVOCATIONS_TAG_LEN 16

/* Room for the scanner, as in rota/codec/release.h. */
#define ROTA_REVOCATIONS_NAMES_ROOM 96
#define ROTA_REVOCATIONS_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

/* Releases that a caller wants to know of, by the digest of their release.json. */
#define ROTA_REVOCATIONS_ASKED_MAX                                                                 \
	5 /* what waits, what runs, and a campaign of keys of three purposes */

struct rota_revocations_decoder {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	uint32_t fed;
	uint8_t digest[ROTA_SHA256_LEN], last[ROTA_SHA256_LEN]; /* of the list at hand */
	uint8_t asked_count;
	uint8_t asked[ROTA_REVOCATIONS_ASKED_MAX][ROTA_SHA256_LEN]; /* ... to here */
	struct rota_name product; /* these are complete when the end returned ROTA_OK */
	uint64_t sequence;
	uint8_t withdrawn; /* bit i: the release that was asked for as the i-th one */
};

/* Begin a file; rooms and rules as in rota_retirements_begin(). */
void rota_revocations_begin(
	struct rota_revocations_decoder *d, struct rota_buf names, struct rota_buf value);

/* Ask for a release, at most ROTA_REVOCATIONS_ASKED_MAX, before the first piece. */
void rota_revocations_ask(
	struct rota_revocations_decoder *d, const uint8_t release[static ROTA_SHA256_LEN]);

/* The next piece of the file; errors as rota_retirements_feed(). */
ROTA_MUST_USE enum rota_err rota_revocations_feed(
	struct rota_revocations_decoder *d, struct rota_span piece);

/* The file is over; ROTA_OK when it was complete. */
ROTA_MUST_USE enum rota_err rota_revocations_end(struct rota_revocations_decoder *d);

#endif
