/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-signd/pending.h -- requests that wait for officers (SPEC 20.3).
 *
 * The request's bytes lie in STATE/pending/DIGEST, durable before its entry ASKED; who approved stands in the log. So a start
 * finds what waits: bytes without an entry were never accepted and go, an entry without bytes is closed. Here is what is
 * known of each; the bytes are read when somebody asks for them.
 */
#ifndef APPS_ROTA_SIGND_PENDING_H
#define APPS_ROTA_SIGND_PENDING_H

#include "host/base/file.h"
#include "host/notary/approval.h"
#include "rota/codec/leaf.h"

/* SPEC 20.3 */
#define PENDING_MAX 256
#define PENDING_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define PENDING_OF_ONE 2 /* of both, this part is one client's: he shuts nobody else out */
#define PENDING_AGE_S ((uint64_t)7 * 86400)
#define PENDING_NAME_MAX 64 /* of a client or a rule: a section of signd.ini */

struct pending_ask {
	uint8_t digest[ROTA_DIGEST_LEN];
	char scope[ROTA_LEAF_NAME_MAX + 1], role[ROTA_LEAF_NAME_MAX + 1];
	char client[PENDING_NAME_MAX], rule[PENDING_NAME_MAX];
	uint64_t entry, until_s;
	size_t len; /* of its bytes */
	struct rota_approval yes[ROTA_POLICY_APPROVALS_MAX];
	size_t count; /* of `yes`, each of another officer */
};

struct pending {
	char dir[ROTA_FILE_PATH_MAX];
	struct pending_ask asks[PENDING_MAX];
	size_t count;
};

/* `p` is zeroed; the folder is made. */
ROTA_MUST_USE enum rota_err pending_open(
	struct pending *p, const char *state, struct rota_fail *why);

/* Take in an entry of the log, in order. ROTA_ERR_FORMAT: a private record that is none of ours. */
ROTA_MUST_USE enum rota_err pending_entry(
	struct pending *p, uint64_t index, const struct rota_leaf *leaf, struct rota_span record);

/* After the last entry: bytes without an entry go. Entries whose bytes are gone have length 0. */
ROTA_MUST_USE enum rota_err pending_load(struct pending *p, struct rota_fail *why);

/* What its entry does not say of a request: how long it is, and until when it waits. */
void pending_learn(struct pending *p, const struct rota_ask *ask);

/* NULL: nothing of that digest waits. Valid until one is added or removed. */
struct pending_ask *pending_find(struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN]);

/* Make a client's request's bytes durable. Refused: rate, when too many wait, of him or of all. */
ROTA_MUST_USE enum rota_err pending_keep(
	struct pending *p, const char *client, const struct rota_ask *ask, struct rota_fail *why);

/* The request's bytes. ROTA_ERR_HASH: others. */
ROTA_MUST_USE enum rota_err pending_read(const struct pending *p,
	const uint8_t digest[static ROTA_DIGEST_LEN], struct rota_bytes *out,
	struct rota_fail *why);

/* Its bytes go; an entry of the log has said why. One that is not there is none to remove. */
void pending_remove(struct pending *p, const uint8_t digest[static ROTA_DIGEST_LEN]);

#endif
