/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/keys.h -- keys/link/PRODUCT.json and keys/store/PRODUCT.json: which data keys are handed out (SPEC 32.2).
 *
 * A campaign is a new generation of keys of one purpose. Canonical order puts all that is said of it before its trees, so
 * it comes out whole, then its trees one by one, and nothing is collected:
 *
 *     campaign, then for each of its trees: tree
 *
 * What it means for a device is for rota/trust/keybind.h. Nothing may be believed before the file was verified to its last
 * byte. Not to be taken for the campaigns of releases, rota/codec/policy.h.
 */
#ifndef ROTA_CODEC_KEYS_H
#define ROTA_CODEC_KEYS_H

#include "rota/codec/name.h"
#include "rota/codec/policy.h" /* enum rota_campaign_state */
#include "rota/codec/purpose.h"
#include "rota/codec/shape.h"
#include "rota/port/crypto.h"

/* Maxima of SPEC 32.2. */
#define ROTA_KEYS_MAX (256u * 1024) /* bytes of the file: 16 campaigns of 64 trees take 130 KB */
#define ROTA_KEYS_CAMPAIGNS_MAX 16
#define ROTA_KEYS_OF_PURPOSE_MAX 2
#define ROTA_KEYS_STAGES_MAX 8
#define ROTA_KEYS_TREES_MAX 64
#define ROTA_KEYS_TREE_SIZE_MAX (UINT32_C(1) << 24) /* ROTA_KEYBUNDLE_SIZE_MAX */
#define ROTA_KEYS_PPM 1000000

/* Room for the scanner, as in rota/codec/release.h. */
#define ROTA_KEYS_NAMES_ROOM 96
#define ROTA_KEYS_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

/* From from_s on devices take part whose draw is below ppm. */
struct rota_key_stage {
	uint64_t from_s;
	uint32_t ppm;
};

struct rota_key_campaign {
	uint8_t purpose; /* enum rota_purpose; 0: one that is not known here */
	uint8_t cipher; /* 1: AES-128, 2: AES-256, others are not known here */
	uint8_t suite; /* 1, others are not known here (SPEC 31.2) */
	uint8_t state; /* enum rota_campaign_state */
	uint8_t stage_count; /* from 1 */
	bool emergency;
	uint32_t generation; /* from 1 */
	uint32_t overlap_s;
	uint64_t activation_s;
	uint8_t id[ROTA_SHA256_LEN];
	struct rota_key_stage stage[ROTA_KEYS_STAGES_MAX];
};

/* Where they go; an error ends the file with it. Pointers are valid during the call. */
struct rota_keys_sink {
	void *ctx;
	enum rota_err (*campaign)(void *ctx, const struct rota_key_campaign *c);
	/* Of the campaign before it. */
	enum rota_err (*tree)(void *ctx, uint16_t tree, uint32_t size,
		const uint8_t root[static ROTA_SHA256_LEN]);
};

struct rota_keys_decoder {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	struct rota_keys_sink sink;
	uint32_t fed;
	uint8_t of_purpose; /* campaigns of the purpose at hand */
	struct rota_name purpose, last; /* its word, and that of the campaign before */
	uint32_t last_generation;
	struct {
		uint8_t number; /* of the tree in making */
		uint8_t least; /* which it may be */
		uint32_t size;
		uint8_t root[ROTA_SHA256_LEN];
	} tree;
	struct rota_key_stage stage; /* in making */
	struct rota_key_campaign campaign; /* in making, ... to here */
	struct rota_name product; /* these two are complete when the end returned ROTA_OK */
	uint64_t sequence;
};

/* Begin a file. names and value are the scanner's room, at least ROTA_KEYS_NAMES_ROOM and ROTA_KEYS_VALUE_ROOM bytes, in
 * use until the end. The decoder may not be moved meanwhile. */
void rota_keys_begin(struct rota_keys_decoder *d, struct rota_keys_sink sink, struct rota_buf names,
	struct rota_buf value);

/* The next piece of the file. Errors of the scanner and of the table, and what the sink returned; ROTA_ERR_LIMIT: longer
 * than ROTA_KEYS_MAX, or more of a list; ROTA_ERR_FORMAT: a list that does not ascend, a member that 32.2 does not list;
 * ROTA_ERR_ROLE: another kind of file. */
ROTA_MUST_USE enum rota_err rota_keys_feed(struct rota_keys_decoder *d, struct rota_span piece);

/* The file is over; ROTA_OK when it was complete. */
ROTA_MUST_USE enum rota_err rota_keys_end(struct rota_keys_decoder *d);

#endif
