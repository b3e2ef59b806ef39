/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/retirements.h -- retirements/PRODUCT.json: what is over for good (SPEC 16.1).
 *
 * Floors of the security counter, one for each hardware id; the first boot key that counts; generations of data keys
 * and certificate authorities that are retired. A device wants its own floor and the key floor, and, where it has data
 * keys, which generations; the others stream by, checked. Nothing may be believed before the file was verified to its
 * last byte.
 */
#ifndef ROTA_CODEC_RETIREMENTS_H
#define ROTA_CODEC_RETIREMENTS_H

#include "rota/codec/name.h"
#include "rota/codec/shape.h"
#include "rota/port/crypto.h"

/* Maxima of SPEC 16.1. */
#define ROTA_RETIREMENTS_MAX (1u << 16) /* bytes of the file: signers read all of it */
#define ROTA_RETIREMENTS_FLOORS_MAX 64 /* hardware ids of one product */
#define ROTA_RETIREMENTS_KEYS_MAX 256 /* pairs: 16 purposes, 16 generations each */
#define ROTA_RETIREMENTS_CAS_MAX 32

/* Room for the scanner, as in rota/codec/release.h. */
#define ROTA_RETIREMENTS_NAMES_ROOM 96
#define ROTA_RETIREMENTS_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

/* Where retired generations of data keys go, for who asks; an error ends the file with it. A pair retires its generation
 * and all below it (SPEC 38.1). purpose: the word, valid during the call. */
struct rota_retired_pairs {
	void *ctx;
	enum rota_err (*pair)(void *ctx, struct rota_span purpose, uint32_t generation);
};

struct rota_retirements_decoder {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	struct rota_span hardware; /* whose floor is wanted */
	const struct rota_retired_pairs *pairs; /* or NULL */
	uint32_t fed;
	struct { /* the entry in making */
		struct rota_name hardware, last;
		uint32_t counter;
	} floor;
	struct { /* likewise */
		struct rota_name purpose, last;
		uint32_t generation, last_generation;
	} key;
	uint8_t ca[ROTA_SHA256_LEN], last_ca[ROTA_SHA256_LEN]; /* ... to here */
	struct rota_name product; /* these are complete when the end returned ROTA_OK */
	uint64_t sequence;
	bool has_floor; /* the file lists `hardware` */
	uint32_t counter_floor; /* then: below it no image boots once it is burnt */
	uint8_t key_floor; /* first ROM image key that counts: 0 or 1 */
};

/* Begin a file. hardware (in use until the end): whose floor is wanted. names and value are the scanner's room, at
 * least ROTA_RETIREMENTS_NAMES_ROOM and ROTA_RETIREMENTS_VALUE_ROOM bytes, in use until the end. The decoder may not
 * be moved meanwhile. */
void rota_retirements_begin(struct rota_retirements_decoder *d, struct rota_span hardware,
	struct rota_buf names, struct rota_buf value);

/* Ask for the pairs, before the first piece; `pairs` is in use until the end. */
void rota_retirements_ask(
	struct rota_retirements_decoder *d, const struct rota_retired_pairs *pairs);

/* The next piece of the file. Errors of the scanner and of the table; ROTA_ERR_LIMIT: longer than
 * ROTA_RETIREMENTS_MAX; ROTA_ERR_FORMAT: a list that does not ascend; ROTA_ERR_ROLE: another kind of file. Else what
 * was asked to take a pair returned. */
ROTA_MUST_USE enum rota_err rota_retirements_feed(
	struct rota_retirements_decoder *d, struct rota_span piece);

/* The file is over; ROTA_OK when it was complete. */
ROTA_MUST_USE enum rota_err rota_retirements_end(struct rota_retirements_decoder *d);

#endif
