/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/bundle_keys.h -- whose keys the next root or targets names.
 *
 * On the connected machine the online tokens are at hand and speak for themselves, so that a new online key only
 * needs rota.ini and an export. Keys of people stay what the metadata says, or come as a file of public keys that
 * they sent. Thresholds are rota.ini's.
 */
#ifndef HOST_REPO_BUNDLE_KEYS_H
#define HOST_REPO_BUNDLE_KEYS_H

#include "host/base/digest.h"
#include "host/repo/metadata.h"

/* New keys of an offline role: every one of them, PEM public keys one after the other in a file. */
struct rota_bundle_keyset {
	const char *role;
	const char *file;
};

/* One person's key that gives way to another. */
struct rota_bundle_swap {
	char old[ROTA_DIGEST_HEX]; /* id */
	uint8_t point[ROTA_P256_KEY_LEN];
};

struct rota_bundle_rekeying {
	const struct rota_bundle_keyset *sets;
	size_t set_count;
	const struct rota_bundle_swap *swaps;
	size_t swap_count;
};

/* The one public key of a file of PEM. ROTA_ERR_FORMAT: none, or several. */
ROTA_MUST_USE enum rota_err rota_bundle_key_load(
	const char *path, uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why);

/* Set keys, keyids and thresholds in `content`, a new root or targets. ROTA_ERR_ARGUMENT: a key set for a role that
 * `content` does not name, or whose keys are read from its tokens. */
ROTA_MUST_USE enum rota_err rota_bundle_rekey(struct rota_desk *desk, json_t *content,
	const struct rota_bundle_rekeying *how, struct rota_fail *why);

#endif
