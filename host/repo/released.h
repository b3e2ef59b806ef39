/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/released.h -- the releases that count, or will with the next publish: each release.json that the newest file of
 * role `releases` lists, staged or published, and of a role with bins those that staged bins list. */
#ifndef HOST_REPO_RELEASED_H
#define HOST_REPO_RELEASED_H

#include "host/repo/metadata.h"
#include "host/repo/store.h"

struct rota_released_file {
	char *path; /* a target's */
	uint8_t sha256[ROTA_DIGEST_LEN];
};

struct rota_released {
	struct rota_released_file *at;
	size_t count;
};

/* All that is read is verified. The caller frees *out, also after an error. */
ROTA_MUST_USE enum rota_err rota_released_load(
	const struct rota_authdir *dir, struct rota_released *out, struct rota_fail *why);
void rota_released_free(struct rota_released *list);

/* Have the signing log take an entry RELEASE of each release that the next publish will list and what is published does not.
 * Which have theirs stands in DIR/recorded until they are published; a run that was cut off in between makes a second entry
 * of the same words. *least: entries that a checkpoint must cover to have them all; 0: none is new, or there is no log.
 * Errors are the notary's. */
ROTA_MUST_USE enum rota_err rota_released_record(
	struct rota_desk *desk, uint64_t *least, struct rota_fail *why);

#endif
