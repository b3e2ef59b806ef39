/* SPDX-License-Identifier: Apache-2.0 */
/* host/log/policy.h -- whom an auditor believes: a file of lines (C2SP tlog-policy, the part of it that SPEC 22.7 has).
 *
 *     log VKEY
 *     witness NAME VKEY [URL]
 *     group NAME K WITNESS...      also `any` and `all`
 *     quorum NAME | none           which group, or witness, must have cosigned
 *
 * Empty lines and those that begin with # say nothing. Groups of groups are refused: nothing here needs them.
 */
#ifndef HOST_LOG_POLICY_H
#define HOST_LOG_POLICY_H

#include "host/log/vkey.h"
#include "rota/trust/logproof.h"

#define ROTA_LOG_KEYS_MAX 16 /* logs' keys and witnesses together: as many as a note has lines */
#define ROTA_LOG_URL_MAX 512
#define ROTA_LOG_POLICY_MAX 65536 /* bytes of the file */

struct rota_log_policy {
	struct rota_vkey key[ROTA_LOG_KEYS_MAX];
	struct rota_note_key note[ROTA_LOG_KEYS_MAX]; /* points into key[] */
	char url[ROTA_LOG_KEYS_MAX][ROTA_LOG_URL_MAX]; /* of a witness; "": none */
	size_t count;
	uint32_t logs; /* bit n: key n is of a log */
	uint32_t quorum; /* bit n: key n is of a witness that counts */
	unsigned need; /* so many of them */
};

/* *out points into itself: do not move it. ROTA_ERR_FORMAT, ROTA_ERR_LIMIT, ROTA_ERR_UNSUPPORTED, all with the line. */
ROTA_MUST_USE enum rota_err rota_log_policy_load(const struct rota_crypto *crypto, const char *path,
	struct rota_log_policy *out, struct rota_fail *why);

/* A checkpoint of a log of this policy, cosigned as it wants it; *out points into the note. *who as rota_note_open().
 * ROTA_ERR_SIGNATURE: no log's signature, or a bad one. ROTA_ERR_THRESHOLD: too few witnesses (where `witnessed`).
 * ROTA_ERR_ROLE: signed by a key of another name than its origin. ROTA_ERR_FORMAT, ROTA_ERR_LIMIT. */
ROTA_MUST_USE enum rota_err rota_log_policy_open(const struct rota_crypto *crypto,
	const struct rota_log_policy *policy, struct rota_span note, bool witnessed,
	struct rota_checkpoint *out, uint32_t *who, struct rota_fail *why);

/* What a device is to demand by this policy (SPEC 22.4); points into it. ROTA_ERR_UNSUPPORTED: not one P-256 key of a log,
 * no quorum, a witness in it without a P-256 key, or more than ROTA_WITNESSES_MAX. */
ROTA_MUST_USE enum rota_err rota_log_policy_demand(
	const struct rota_log_policy *policy, struct rota_log_demand *out, struct rota_fail *why);

#endif
