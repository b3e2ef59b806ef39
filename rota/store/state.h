/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/state.h -- everything that a device remembers between two cycles, as one journal payload.
 *
 * One struct, committed as a whole (rota/store/journal.h), so that what belongs together changes together.
 * The bytes are a format byte 1 and fields of (id, length, value), ids ascending (SPEC 11.1): a later release
 * may add fields, and one that does not know them keeps them if their id says so. Written by one release,
 * read by all later ones: tests hold payloads of every release as fixtures.
 *
 * Integers are little-endian; u64 unless said. A digest is 32 bytes, a tag the first 8 of a SHA-256
 * (rota/trust/floor.h): of a name or a raw public key. A field without anything to say is left out.
 *
 * | id   | length      | value                                                                            |
 * | ---- | ----------- | -------------------------------------------------------------------------------- |
 * | 0x01 | 48          | root: version, digest, time floor. Always there                                  |
 * | 0x02 | 73          | timestamp: version, expires, issued; of the snapshot it lists: version, length   |
 * |      |             | (0: none), whether it has a digest (u8), digest                                  |
 * | 0x03 | 40          | snapshot: version, digest                                                        |
 * | 0x04 | n (17 + 8k) | verified floors, at most 8: role tag, version, key count k (u8, at most 6), tags |
 * | 0x05 | 40          | rollout policy: sequence, digest                                                 |
 * | 0x06 | 33          | admission: release digest, attempt (u8)                                          |
 * | 0x07 | 49 + 8n     | installed release: digest, version, version before, n (u8, at most 8), revert_to |
 * | 0x08 | 16n         | components on the device, at most 8: name tag, version of the release            |
 * | 0x09 | 54 + 8n     | pending release: digest, version, attempt (u8), phase (u8), component (u8),      |
 * |      | + 48m       | offset, reboots (u8), n (u8), revert_to, m (u8, at most 8), components: name     |
 * |      |             | tag, slot tag (zeros: runs already), digest of image or file                     |
 * | 0x0A | 42          | release that failed last: digest, attempt (u8), tries (u8), time                 |
 * | 0x0B | 8           | sequence number of the next event. Always there                                  |
 * | 0x0C | 13          | binding (u32), restored (u8), since when                                         |
 * | 0x0D | 45          | retirements: sequence, digest, counter floor (u32), key floor (u8)               |
 * | 0x0E | 40          | revocations: sequence, digest                                                    |
 * | 0x0F | 40          | device log: entries so far, head of their chain                                  |
 * | 0x10 | 37          | recovery order: epoch (u32), digest, phase (u8)                                  |
 * | 0x80 | 8           | tag of the refusal that was reported last                                        |
 * | 0x81 | 1           | refreshes that the troubles told stand for, less those since (SPEC 11.3)         |
 * | 0x82 | 40          | largest checkpoint of the signing log seen: size, root (SPEC 22.5)               |
 */
#ifndef ROTA_STORE_STATE_H
#define ROTA_STORE_STATE_H

#include "rota/codec/tuf.h"
#include "rota/port/crypto.h"
#include "rota/trust/floor.h"
#include "rota/trust/logproof.h"

/* SPEC 7.1: versions that a release allows to go back to, and components that it has. */
#define ROTA_STATE_REVERT_MAX 8
#define ROTA_STATE_COMPONENTS_MAX 8

/* Fields of a later release that are kept for it, in bytes with their heads. More of them than this is
 * ROTA_ERR_UNSUPPORTED: a later release that needs more uses an id below 0x80. */
#define ROTA_STATE_UNKNOWN_MAX 128

/* How far the installation of `pending` has come. Each is committed before what it allows is done. */
enum rota_install_phase {
	ROTA_INSTALL_NONE,
	ROTA_INSTALL_WRITING, /* components before `component` are finished; that one has `offset` bytes */
	ROTA_INSTALL_WRITTEN, /* all are finished; trials are being asked for */
	ROTA_INSTALL_TRIAL, /* all trials were asked for: a reboot decides */
	ROTA_INSTALL_BOOTED, /* the trial runs; whether it is well is not known yet */
	ROTA_INSTALL_CONFIRM, /* it is well: slots are being confirmed */
	ROTA_INSTALL_REVERT, /* it is given up: slots are being reverted, a reboot ends it */
};

struct rota_installed_component {
	uint8_t name[ROTA_FLOOR_TAG_LEN];
	uint64_t version; /* of the release that it came with */
};

struct rota_installed_release {
	uint8_t release
		[ROTA_SHA256_LEN]; /* digest of its release.json; zeros: as it left the factory */
	uint64_t version; /* rota/codec/version.h; 0: unknown */
	uint64_t previous_version; /* confirmed before it; 0: none */
	uint8_t revert_to_count;
	uint64_t revert_to[ROTA_STATE_REVERT_MAX];
	/* What is known to be on the device: components that came with a release, not the factory's. */
	uint8_t component_count;
	struct rota_installed_component component[ROTA_STATE_COMPONENTS_MAX];
};

struct rota_pending_component {
	uint8_t name[ROTA_FLOOR_TAG_LEN];
	uint8_t slot[ROTA_FLOOR_TAG_LEN]; /* zeros: it runs already, nothing is to be written */
	uint8_t digest
		[ROTA_SHA256_LEN]; /* of the image, or of the file when that is none of SPEC 6 */
};

struct rota_pending_install {
	uint8_t phase; /* enum rota_install_phase */
	uint8_t release[ROTA_SHA256_LEN];
	uint8_t attempt;
	uint8_t component; /* index in the release's order of installation */
	uint64_t offset; /* bytes of it that are durable in the inactive slot */
	uint64_t version;
	uint8_t reboots; /* asked for in the hope that the trial starts */
	uint8_t revert_to_count;
	uint64_t revert_to[ROTA_STATE_REVERT_MAX];
	uint8_t component_count;
	struct rota_pending_component components[ROTA_STATE_COMPONENTS_MAX];
};

/* The release that failed last: not tried again beyond its campaign's retries (SPEC 7.4). */
struct rota_failed_install {
	uint8_t release[ROTA_SHA256_LEN]; /* zeros: none */
	uint8_t attempt;
	uint8_t tries; /* stays at 255 */
	uint64_t at_s; /* present of the session in which it failed; 0: unknown */
};

/* Who was drawn stays in (SPEC 8.8). */
struct rota_admission {
	uint8_t release[ROTA_SHA256_LEN]; /* zeros: none */
	uint8_t attempt;
};

/* TUF's own part: see rota/update/session.h, which works on it. */
struct rota_trusted {
	struct rota_tuf_file root; /* version and digest, which it always has */
	rota_num time_floor_s; /* SPEC 5.2 */

	/* The newest verified timestamp, and what it says of snapshot. version 0: none. */
	rota_num timestamp_version;
	rota_num timestamp_expires_s;
	rota_num timestamp_issued_s;
	struct rota_tuf_file listed;

	/* The newest verified snapshot. version 0: none. */
	struct rota_tuf_file snapshot; /* version and digest */
};

/* Whether this journal is the device's newest (SPEC 9.6). */
struct rota_bound {
	uint32_t binding; /* state counter that it was written under */
	bool restored; /* an older one was found: floors are lower bounds, only orders install */
	uint64_t since_s; /* when that was found; 0: unknown, or not restored */
};

/* The newest verified retirements and revocations, sequences that only rise. sequence 0: none seen. */
struct rota_retired {
	uint64_t sequence;
	uint8_t sha256[ROTA_SHA256_LEN];
	uint32_t counter_floor; /* of this device's hardware id; 0: none */
	uint8_t key_floor; /* first ROM image key that counts: 0 or 1 */
};

struct rota_revoked {
	uint64_t sequence;
	uint8_t sha256[ROTA_SHA256_LEN];
};

/* Where the device log ends (rota/store/devlog.h). */
struct rota_logged {
	uint64_t count;
	uint8_t head[ROTA_SHA256_LEN];
};

/* The recovery order that the agent acts on, or acted on last (SPEC 15). epoch 0: none. */
struct rota_ordered {
	uint32_t epoch;
	uint8_t sha256[ROTA_SHA256_LEN];
	uint8_t phase;
};

struct rota_state {
	struct rota_trusted trusted;
	struct rota_floors floors; /* of the device profile */
	uint64_t policy_sequence; /* SPEC 8.9; 0: none seen */
	uint8_t policy_sha256[ROTA_SHA256_LEN];
	struct rota_admission admission;
	struct rota_installed_release installed;
	struct rota_pending_install pending;
	struct rota_failed_install failed;
	uint64_t next_seq; /* of the next event to report (SPEC 13.2); 1: there was none yet */
	struct rota_bound bound;
	struct rota_retired retired;
	struct rota_revoked revoked;
	struct rota_logged logged;
	struct rota_ordered ordered;
	uint8_t refused
		[ROTA_FLOOR_TAG_LEN]; /* tag of the refusal that was reported last; zeros: none */
	uint8_t told; /* refreshes that the troubles told stand for, less those since */
	struct rota_log_seen seen; /* of the signing log, by proofs */
	uint16_t unknown_len;
	uint8_t unknown[ROTA_STATE_UNKNOWN_MAX]; /* fields of a later release, as they were */
};

/* Longest payload: every list full and every byte of `unknown` in use is 1,957 bytes. */
#define ROTA_STATE_LEN_MAX 2048

/* The state of a device that left the factory with this root.
 * time_floor_s: the root's x-rota-not-before, or 0. version: of the image that the factory wrote; 0: unknown. */
void rota_state_factory(struct rota_state *s, rota_num root_version,
	const uint8_t root_sha256[static ROTA_SHA256_LEN], rota_num time_floor_s, uint64_t version);

/* The payload of `s` into `room` (ROTA_STATE_LEN_MAX bytes suffice); *out is the part used. */
ROTA_MUST_USE enum rota_err rota_state_encode(
	const struct rota_state *s, struct rota_buf room, struct rota_span *out);

/* ROTA_ERR_CORRUPT: not a payload of this kind, a field of the wrong length, ids out of order, or no root.
 * ROTA_ERR_UNSUPPORTED: format byte or a mandatory field (id below 0x80) of a later release. */
ROTA_MUST_USE enum rota_err rota_state_decode(struct rota_span in, struct rota_state *out);

#endif
