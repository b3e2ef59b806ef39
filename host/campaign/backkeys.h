/* SPDX-License-Identifier: Apache-2.0 */
/* host/campaign/backkeys.h -- one tree's secrets again, for the back end of its purpose (SPEC 37.11).
 *
 *     device id -> row of the export -> locator -> place in the tree -> chunk of the copies -> secret
 *
 * The campaign key is unwrapped for each question, and wiped behind it: between two questions there is nothing to steal, and what
 * the HSM opened somebody has written down. Out of a secret come the keys of uses 1 and 2 and nothing else, so who gets them
 * knows no psk and no confirmation key.
 */
#ifndef HOST_CAMPAIGN_BACKKEYS_H
#define HOST_CAMPAIGN_BACKKEYS_H

#include "host/base/feed.h"
#include "host/campaign/bundlefile.h"
#include "host/campaign/copies.h"
#include "host/campaign/row.h"

struct rota_backkeys {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	int export_fd, keys_fd, copies_fd; /* -1: not open */
	struct rota_export rows;
	struct rota_keyfile tree;
	struct rota_copies head; /* purpose, cipher, generation, campaign */
	uint8_t head_bytes[ROTA_COPIES_HEAD_LEN];
	const char *name; /* in sentences: DIR/ID.TREE, the caller's */
};

/* The keys of a device, of so many bytes each by the campaign's cipher. Wipe it. */
struct rota_backkeys_keys {
	uint8_t up[32], down[32]; /* uses 1 and 2 */
	size_t len;
};

/* Open NAME.export, NAME.keys and NAME.copies, which are of one tree. Do not move it. ROTA_ERR_NOT_FOUND: one is missing;
 * ROTA_ERR_CORRUPT, ROTA_ERR_FORMAT: one is damaged, or of another tree. On failure nothing is open. */
ROTA_MUST_USE enum rota_err rota_backkeys_open(struct rota_backkeys *r, const char *name,
	const struct rota_crypto *crypto, const struct rota_aead *aead, struct rota_fail *why);
void rota_backkeys_close(struct rota_backkeys *r);

/* A device's place in the tree. ROTA_ERR_NOT_FOUND: it has none. */
ROTA_MUST_USE enum rota_err rota_backkeys_find(const struct rota_backkeys *r,
	const uint8_t device[static ROTA_DEVICE_LEN], uint32_t *index, struct rota_fail *why);

/* Whether keys of this purpose are for a back end: telemetry and link. */
bool rota_backkeys_for(uint8_t purpose);

/* The keys of the device in place `index`, by one question to the HSM. ROTA_ERR_DENIED: of a purpose that no back end gets. Else the
 * HSM's; ROTA_ERR_SIGNATURE: the copies are damaged. */
ROTA_MUST_USE enum rota_err rota_backkeys_keys(const struct rota_backkeys *r,
	const struct rota_sealer *hsm, const uint8_t device[static ROTA_DEVICE_LEN], uint32_t index,
	struct rota_backkeys_keys *out, struct rota_fail *why);

/* ---- a whole tree, for hand.h ---- */

/* The campaign key, by one question to the HSM. The caller wipes it. */
ROTA_MUST_USE enum rota_err rota_backkeys_unwrap(const struct rota_backkeys *r,
	const struct rota_sealer *hsm, uint8_t key[static ROTA_KEYWRAP_KEY_LEN],
	struct rota_fail *why);

/* A chunk of secrets, opened: `bytes` has ROTA_COPIES_CHUNK_LEN, and the secrets begin at ROTA_COPIES_SALT_LEN. *count of them. The
 * caller wipes it. */
ROTA_MUST_USE enum rota_err rota_backkeys_chunk(const struct rota_backkeys *r,
	const uint8_t key[static ROTA_KEYWRAP_KEY_LEN], uint32_t chunk, uint8_t *bytes,
	uint32_t *count, struct rota_fail *why);

/* What follows from the secret of a device. */
ROTA_MUST_USE enum rota_err rota_backkeys_derive(const struct rota_backkeys *r,
	const uint8_t secret[static ROTA_SECRET_LEN], const uint8_t device[static ROTA_DEVICE_LEN],
	struct rota_backkeys_keys *out);

/* What takes the keys of one device after another, and wipes what it made of them. */
typedef enum rota_err (*rota_backkeys_fn)(void *ctx, const uint8_t device[static ROTA_DEVICE_LEN],
	const struct rota_backkeys_keys *keys, struct rota_fail *why);

/* All of them, in the order of the tree, by one question to the HSM, up to the first that is not taken. ROTA_ERR_DENIED: of a purpose
 * that no back end gets. */
ROTA_MUST_USE enum rota_err rota_backkeys_each(const struct rota_backkeys *r,
	const struct rota_sealer *hsm, const struct rota_progress *progress, rota_backkeys_fn take,
	void *ctx, struct rota_fail *why);

/* The device in each place: r->tree.size ids of ROTA_DEVICE_LEN bytes. ROTA_ERR_CORRUPT: a place has none. */
ROTA_MUST_USE enum rota_err rota_backkeys_devices(
	const struct rota_backkeys *r, uint8_t (*devices)[ROTA_DEVICE_LEN], struct rota_fail *why);

#endif
