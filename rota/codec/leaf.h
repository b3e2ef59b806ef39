/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/leaf.h -- one entry of the signing log, as everybody may read it (SPEC 21.2).
 *
 *     "ROTALOG" || 1 || kind (u8) || at (u64) || version (u64) || key (32) || message (32) || digest (32) ||
 *     record (32) || length (u8) scope || length (u8) role || length (u16) path
 *
 * A leaf says what happened: which key signed what, when, for which path. Who asked and why stands in a private record
 * beside the log, of which the leaf has a salted digest. Binary, since a device reads it with a rota_reader, and an
 * auditor a million of them in a second.
 */
#ifndef ROTA_CODEC_LEAF_H
#define ROTA_CODEC_LEAF_H

#include "rota/port/crypto.h"

#define ROTA_LEAF_FIXED_LEN 157 /* all but the bytes of the three names */
#define ROTA_LEAF_NAME_MAX                                                                         \
	48 /* of scope and role each: a product has 32, a hash bin some more than its role */
#define ROTA_LEAF_PATH_MAX 256 /* of a target: ROTA_PATH_MAX */
#define ROTA_LEAF_MAX 512 /* a device holds one in RAM; the longest is of 509 */

/* Numbers are never reused. */
enum rota_leaf_kind {
	ROTA_LEAF_OPENED = 1, /* a file that stood before the log did (SPEC 19.6) */
	ROTA_LEAF_ASKED, /* a request waits for approvals */
	ROTA_LEAF_APPROVED,
	ROTA_LEAF_GRANTED, /* a signature over `message` was handed out after this */
	ROTA_LEAF_FAILED, /* the token did not sign what `version`, an index, granted */
	ROTA_LEAF_REFUSED,
	ROTA_LEAF_CEREMONY,
	ROTA_LEAF_KEY,
	ROTA_LEAF_RELEASE, /* a release that offline keys signed: `path` and `digest` of its release.json */
	ROTA_LEAF_PROMOTION,
	ROTA_LEAF_SERIES,
	ROTA_LEAF_INCIDENT,
	ROTA_LEAF_RECONCILED,
	ROTA_LEAF_POLICY, /* who may ask for what changed: `digest` of signd.ini */
	ROTA_LEAF_BUILD,
	ROTA_LEAF_CAMPAIGN, /* keys may be made for devices: `digest` is the campaign's id (SPEC 32.1) */
	ROTA_LEAF_ISSUED, /* a certificate was signed: `digest` is the device's id, `message` of what was signed */
	ROTA_LEAF_UNWRAPPED, /* keys of devices were handed to a back end: `digest` is the campaign's id */
	ROTA_LEAF_ROWS, /* rows of the registry may be made: `version` of them, of items with the digest `message` */
	ROTA_LEAF_CRL, /* an authority's list of what is over was signed: its number is `version` */
	ROTA_LEAF_RESPONDER, /* a certificate of who answers OCSP was signed, until `version` */
	ROTA_LEAF_REVOKED, /* a certificate is over, and of device-ca its device, `digest`, is */
};

struct rota_leaf {
	uint8_t kind; /* enum rota_leaf_kind; others decode too: a log outlives releases */
	uint64_t at_s; /* Unix seconds of the clock of who keeps the log */
	uint64_t version; /* of the role's file; 0: none */
	/* zeros: none */
	uint8_t key[ROTA_SHA256_LEN]; /* the key id's bytes */
	uint8_t message[ROTA_SHA256_LEN]; /* SHA-256 of what was signed */
	uint8_t digest[ROTA_SHA256_LEN]; /* of the file at `path` */
	uint8_t record[ROTA_SHA256_LEN]; /* of the private record (SPEC 21.3) */
	/* may be empty */
	struct rota_span scope; /* the product */
	struct rota_span role; /* or set of keys */
	struct rota_span path; /* of a target */
};

/* Whether a signature by `key` over `message` was handed out after such an entry. */
static inline bool rota_leaf_is_signed(uint8_t kind)
{
	return kind == ROTA_LEAF_GRANTED || kind == ROTA_LEAF_ISSUED || kind == ROTA_LEAF_CRL ||
		kind == ROTA_LEAF_RESPONDER;
}

/* Spans point into `in`. ROTA_ERR_FORMAT: not the layout, or bytes behind it. ROTA_ERR_LIMIT: longer than
 * ROTA_LEAF_MAX, or a name longer than its limit. ROTA_ERR_UNSUPPORTED: a leaf of another format. */
ROTA_MUST_USE enum rota_err rota_leaf_decode(struct rota_span in, struct rota_leaf *out);

/* Into `room`, ROTA_LEAF_MAX is enough; *out is the part used. ROTA_ERR_LIMIT: a name longer than its limit, or no
 * room. */
ROTA_MUST_USE enum rota_err rota_leaf_encode(
	const struct rota_leaf *leaf, struct rota_buf room, struct rota_span *out);

#endif
