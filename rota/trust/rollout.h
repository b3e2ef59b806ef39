/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/rollout.h -- is it this device's turn?
 *
 * A rollout's stages come from the policy, which an online key signs; the ceilings come from the release,
 * which offline keys sign. The policy is read first, so it is boiled down to facts: which open stages speak
 * of this device at all. When the release is there, rota_rollout_turn() weighs the facts against it.
 *
 * Pure functions; a device's answer never goes back from yes to no by time alone (SPEC 8.6 only rises), and
 * the caller keeps a yes (SPEC 8.8).
 */
#ifndef ROTA_TRUST_ROLLOUT_H
#define ROTA_TRUST_ROLLOUT_H

#include "rota/codec/policy.h"
#include "rota/codec/release.h"
#include "rota/port/crypto.h"

#define ROTA_PPM 1000000

/* What stages 0 to `open` say of one device. */
struct rota_rollout_facts {
	uint32_t
		canary; /* length of the shortest canary list that has the device's tag; 0: none has */
	uint32_t ppm; /* the greatest ppm stage */
	bool group; /* a group stage names the device's group */
	bool region; /* a region stage names the device's region */
	bool everyone;
};

enum rota_turn {
	ROTA_TURN_NOT_YET, /* no open stage speaks of the device */
	ROTA_TURN_CEILING, /* one does, and the release's signers do not allow it (yet) */
	ROTA_TURN_YES,
};

/* SPEC 8.4: 0 to ROTA_PPM - 1. device_id: its 64 hex digits. */
uint32_t rota_rollout_draw(const struct rota_crypto *crypto,
	const uint8_t release_sha256[static ROTA_SHA256_LEN], uint8_t attempt,
	struct rota_span device_id);

/* SPEC 8.6: 0 to ROTA_PPM. now_s: the trusted clock, else the time floor. */
uint32_t rota_rollout_ceiling(const struct rota_ceilings *c, uint64_t issued_s, uint64_t now_s);

/* SPEC 8.7. draw and ceiling from above. */
enum rota_turn rota_rollout_turn(const struct rota_rollout_facts *facts,
	const struct rota_ceilings *c, uint32_t draw, uint32_t ceiling);

/* SPEC 8.2: whether the window is open at now_s. */
bool rota_window_open(const struct rota_window *w, uint64_t now_s);

/* Seconds from now_s until the window is open; 0 when it is. For a caller that sleeps. */
uint32_t rota_window_wait_s(const struct rota_window *w, uint64_t now_s);

/* SPEC 8.2: whether a campaign in this state leads to an installation. */
bool rota_campaign_installs(uint8_t state);

/* SPEC 7.4: whether a release whose installation failed `failures` times in this attempt, last at
 * failed_s, may be installed at now_s. */
bool rota_retry_allowed(
	const struct rota_retry *retry, uint32_t failures, uint64_t failed_s, uint64_t now_s);

/* SPEC 8.9: the policy's sequence and digest against those kept in the journal; the caller leaves the check
 * out when the floor of `rollouts` fell.
 * ROTA_ERR_VERSION: it goes back. ROTA_ERR_HASH: the same sequence, and another policy. */
ROTA_MUST_USE enum rota_err rota_rollout_sequence(uint64_t kept,
	const uint8_t kept_sha256[static ROTA_SHA256_LEN], uint64_t sequence,
	const uint8_t sha256[static ROTA_SHA256_LEN]);

#endif
