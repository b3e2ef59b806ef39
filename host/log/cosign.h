/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/cosign.h -- ask the witnesses of a policy to cosign the checkpoint that is published (SPEC 22.6).
 *
 * Each witness is asked over HTTP (C2SP tlog-witness). What it cosigned last it says itself, and the proof from there is
 * made from the tiles. Its line counts when it verifies. All are asked at the same time: however many are away, it costs
 * ROTA_COSIGN_TIMEOUT_S for each of the two requests.
 */
#ifndef HOST_LOG_COSIGN_H
#define HOST_LOG_COSIGN_H

#include "host/log/policy.h"
#include "host/log/tiles.h"

#define ROTA_COSIGN_TIMEOUT_S 5 /* of a request: a witness writes one small file and signs */

/* One call for each witness that was asked and did not cosign: why. */
struct rota_cosign_watcher {
	void *ctx;
	void (*silent)(void *ctx, const char *name, const struct rota_fail *why);
};

/* `note` is a checkpoint of a log of the policy, of which `files` has the tiles. *out: the same note with the lines of all
 * witnesses that have a URL and did not sign it already, the caller's; *have: how many witnesses of the quorum stand on it.
 * The program called curl_global_init().
 * ROTA_ERR_THRESHOLD: fewer than the policy needs. ROTA_ERR_SIGNATURE, ROTA_ERR_FORMAT, ROTA_ERR_ROLE: of the note. */
ROTA_MUST_USE enum rota_err rota_log_cosign(const struct rota_crypto *crypto,
	const struct rota_tiles *files, const struct rota_log_policy *policy, struct rota_span note,
	const struct rota_cosign_watcher *watcher, struct rota_bytes *out, unsigned *have,
	struct rota_fail *why);

#endif
