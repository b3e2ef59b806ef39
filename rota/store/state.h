/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/state.h -- everything that a device remembers between two cycles, as one journal payload.
 *
 * One struct, committed as a whole (rota/store/journal.h), so that what belongs together changes together.
 * The bytes are fields of (id, length, value), ids ascending (SPEC 11.1): a later release may add fields,
 * and one that does not know them keeps them if their id says so. Written by one release, read by all later
 * ones: tests hold payloads of every release as fixtures.
 *

 */
#ifndef ROTA_STORE_STATE_H
#define ROTA_STORE_STATE_H

#include "rota/port/crypto.h"
#include "rota/trust/floor.h"

/* SPEC 7.1: versions that a release allows to go back to. */
#define ROTA_REVERT_TO_MAX 8

/* How far the installation of `pending` has come. */
enum rota_install_phase {
	ROTA_INSTALL_NONE,
	ROTA_INSTALL_WRITING, /* components before `component` are finished; `component` has `offset` bytes */
	ROTA_INSTALL_WRITTEN, /* all are finished; trials are being asked for */
	ROTA_INSTALL_TRIAL,   /* all trials were asked for: a reboot decides */
};

struct rota_installed {
	uint8_t release[ROTA_SHA256_LEN]; /* digest of its release.json; zeros: as it left the factory */
	uint64_t version;		  /* rota/codec/version.h; 0: unknown */
	uint64_t previous_version;	  /* confirmed before it; 0: none */
	uint8_t revert_to_count;
	uint64_t revert_to[ROTA_REVERT_TO_MAX];
};

struct rota_pending_install {
	uint8_t phase; /* enum rota_install_phase */
	uint8_t release[ROTA_SHA256_LEN];
	uint8_t attempt;
	uint8_t component; /* index in the release's order of installation */
	uint64_t offset;   /* bytes of it that are durable in the inactive slot */
	uint64_t version;
	uint8_t digest[ROTA_SHA256_LEN]; /* of the first component with an image; zeros: none has */
	uint8_t revert_to_count;
	uint64_t revert_to[ROTA_REVERT_TO_MAX];
};

/* The release that failed last: not tried again beyond its campaign's retries (SPEC 7.4). */
struct rota_failed_install {
	uint8_t release[ROTA_SHA256_LEN]; /* zeros: none */
	uint8_t attempt;
	uint8_t tries;
	uint64_t at_s; /* present of the session in which it failed; 0: unknown */
};

/* Who was drawn stays in (SPEC 8.8). */
struct rota_admission {
	uint8_t release[ROTA_SHA256_LEN]; /* zeros: none */
	uint8_t attempt;
};

/* TUF's own part: see rota/update/session.h, which works on it. */
struct rota_trusted {
	uint64_t root_version;
	uint8_t root_sha256[ROTA_SHA256_LEN];
	uint64_t time_floor_s; /* SPEC 5.2 */

	/* The newest verified timestamp, and what it says of snapshot. version 0: none. */
	uint64_t timestamp_version;
	uint64_t timestamp_expires_s;
	uint64_t timestamp_issued_s;
	uint64_t listed_version;
	uint64_t listed_length; /* 0: not listed */
	bool listed_has_sha256;
	uint8_t listed_sha256[ROTA_SHA256_LEN];

	/* The newest verified snapshot. version 0: none. */
	uint64_t snapshot_version;
	uint8_t snapshot_sha256[ROTA_SHA256_LEN];

	struct rota_floors floors;
};

struct rota_state {
	struct rota_trusted trusted;
	uint64_t policy_sequence; /* SPEC 8.9; 0: none seen */
	uint8_t policy_sha256[ROTA_SHA256_LEN];
	struct rota_admission admission;
	struct rota_installed installed;
	struct rota_pending_install pending;
	struct rota_failed_install failed;
	uint64_t next_seq; /* of the next event to report (SPEC 13.2); starts at 1 */
};

/* Longest payload: fits ROTA_JOURNAL_PAYLOAD_MAX. */
#define ROTA_STATE_LEN_MAX 2048

/* The state of a device that left the factory with this root. */
void rota_state_factory(struct rota_state *s, uint64_t root_version,
	const uint8_t root_sha256[static ROTA_SHA256_LEN], uint64_t time_floor_s, uint64_t version);

/* The payload of `s` into `room` (ROTA_STATE_LEN_MAX bytes suffice); *out is the part used. */
ROTA_MUST_USE enum rota_err rota_state_encode(const struct rota_state *s, struct rota_buf room,
	struct rota_span *out);

/* ROTA_ERR_CORRUPT: not a payload of this kind, a field of the wrong length, ids out of order, or no root.
 * ROTA_ERR_UNSUPPORTED: format byte or a mandatory field (id below 0x80) of a later release. */
ROTA_MUST_USE enum rota_err rota_state_decode(struct rota_span in, struct rota_state *out);

#endif
