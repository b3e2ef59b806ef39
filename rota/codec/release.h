/* SPDX-License-Identifier: Apache-2.0 */
/* rota/codec/release.h -- release.json: what a release consists of (SPEC 7.1), as it streams by.
 *
 * The decoder keeps what one device needs and checks the rest: components for other hardware are dropped,
 * of the groups that the ceilings list only the answer about the device's own is kept, build id, provenance
 * and SBOM are not kept at all. So the caller places room for the components of one device, not of a fleet.
 *
 * Nothing of it may be believed before the file's digest was checked against the policy's and the role's.
 * Sizes with 4-byte pointers: struct rota_component about 600 bytes, struct rota_delta about 370, the
 * decoder about 1,150; docs/footprint.md has them measured.
 */
#ifndef ROTA_CODEC_RELEASE_H
#define ROTA_CODEC_RELEASE_H

#include "rota/codec/name.h"
#include "rota/codec/shape.h"
#include "rota/port/crypto.h"

/* Maxima of SPEC 7.1. */
#define ROTA_RELEASE_MAX 65536 /* bytes of the file */
#define ROTA_RELEASE_COMPONENTS_MAX 8
#define ROTA_RELEASE_DEPENDS_MAX 4
#define ROTA_RELEASE_DELTAS_MAX 16
#define ROTA_RELEASE_REVERT_MAX 8
#define ROTA_RELEASE_GROUPS_MAX 16
#define ROTA_RELEASE_HARDWARE_MAX 8
#define ROTA_RELEASE_BUILD_MAX 128

/* Room for the scanner (rota_json_init): "components", "depends" and "name" are 21 bytes; the rest is left
 * to names that a later format adds. */
#define ROTA_RELEASE_NAMES_ROOM 96
#define ROTA_RELEASE_VALUE_ROOM ROTA_SHAPE_TEXT_MAX

enum rota_abort { ROTA_ABORT_REVERT, ROTA_ABORT_PAUSE };

/* What the offline release signers allow a rollout to do. */
struct rota_ceilings {
	uint32_t canary; /* largest canary list */
	uint32_t first_ppm;
	uint32_t growth;
	uint32_t soak_s;
	uint8_t everyone; /* enum rota_everyone */
	bool group; /* the device's group is listed */
};
enum rota_everyone { ROTA_EVERYONE_HUMAN, ROTA_EVERYONE_AUTO };

struct rota_depend {
	struct rota_name name;
	uint64_t min;
};

struct rota_component {
	struct rota_name name;
	struct rota_name slot;
	struct rota_path path;
	uint64_t length;
	uint32_t counter;
	uint8_t order;
	bool has_digest; /* the payload is an image of SPEC 6 */
	uint8_t digest[ROTA_SHA256_LEN];
	uint8_t sha256[ROTA_SHA256_LEN];
	uint8_t depend_count;
	struct rota_depend depends[ROTA_RELEASE_DEPENDS_MAX];
};

struct rota_delta {
	struct rota_name component;
	struct rota_path path;
	uint64_t length;
	uint8_t from[ROTA_SHA256_LEN];
	uint8_t sha256[ROTA_SHA256_LEN];
};

struct rota_release {
	struct rota_name product;
	uint64_t version;
	uint64_t minimum;
	uint64_t issued_s;
	uint8_t abort; /* enum rota_abort */
	struct rota_ceilings ceilings;
	uint8_t revert_count;
	uint64_t revert_to[ROTA_RELEASE_REVERT_MAX];
	uint8_t component_count; /* kept, in the caller's room, by ascending order */
	uint8_t delta_count;
};

/* What of a release is kept, and where. */
struct rota_release_want {
	struct rota_span hardware; /* the device's hardware id; empty: keep every component */
	struct rota_span group; /* the device's group, or empty */
	struct rota_component *components;
	uint8_t component_room; /* elements; fewer than the device's own is ROTA_ERR_LIMIT */
	struct rota_delta *deltas; /* of kept components; may be NULL */
	uint8_t delta_room; /* what does not fit is dropped: a delta is never needed */
};

struct rota_release_decoder {
	struct rota_json json; /* from here private ... */
	struct rota_walk walk;
	struct rota_release_want want;
	uint32_t fed;
	bool for_us; /* the component in making lists the device's hardware */
	union {
		struct rota_component component; /* in making */
		struct rota_delta delta;
	} entry;
	struct rota_depend depend;
	uint64_t revert_to;
	struct rota_release
		release; /* ... to here; this is complete when the end returned ROTA_OK */
};

/* Begin a file. names and value are the scanner's room, at least ROTA_RELEASE_NAMES_ROOM and
 * ROTA_RELEASE_VALUE_ROOM bytes; they and what `want` points to stay in use until the end. The decoder may not
 * be moved meanwhile. */
void rota_release_begin(struct rota_release_decoder *d, const struct rota_release_want *want,
	struct rota_buf names, struct rota_buf value);

/* The next piece of the file.
 * ROTA_ERR_SPELLING     not the spelling of SPEC 2
 * ROTA_ERR_FORMAT       a member missing, of a wrong type or malformed
 * ROTA_ERR_ROLE         `_type` says something else
 * ROTA_ERR_UNSUPPORTED  a format other than 1, or an unknown word
 * ROTA_ERR_LIMIT        beyond a maximum of SPEC 7.1, or more components than there is room for */
ROTA_MUST_USE enum rota_err rota_release_feed(
	struct rota_release_decoder *d, struct rota_span piece);

/* The file is over; ROTA_OK when it was complete. */
ROTA_MUST_USE enum rota_err rota_release_end(struct rota_release_decoder *d);

#endif
