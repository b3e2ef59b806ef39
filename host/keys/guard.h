/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/guard.h -- tokens sign with no key whose life is over (SPEC 25.7).
 *
 * It stands in rota_tokens and looks a key up, in DIR/keys and what is published, when it is first to sign. A compromised key
 * of a machine's goes on until its successor counts, since nothing could be published else; one of people's does not. Keys
 * of images, which stand in ROM, are not judged for being compromised: a rollover needs the old one's signature, too.
 *
 * A command looks once. The daemon, which stays, asks rota_key_guard_renew() before each look: an fstat(2) or a few, and all is read
 * anew when one of them tells of a change. What happened to a key stands in DIR/keys; the folders change with what is published.
 */
#ifndef HOST_KEYS_GUARD_H
#define HOST_KEYS_GUARD_H

#include "host/keys/keys.h"

/* What a look rests on: what is watched, DIR/keys, and the folders of metadata, of trust and of certificates. */
#define ROTA_KEY_GUARD_FILES 5

struct rota_key_stamp {
	uint64_t inode, len, changed_ns; /* all 0: not there */
};

struct rota_key_guard {
	const struct rota_authdir *dir;
	struct rota_keys *keys; /* NULL: not looked at yet */
	struct rota_key_stamp stamp[ROTA_KEY_GUARD_FILES]; /* of renew() */
	bool absent; /* renew() saw no DIR/keys */
	int watched; /* renew()'s: DIR/keys, open, or DIR where there is none; 0: not yet */
};

/* Begin; both stay in use and are not moved. */
void rota_key_guard_init(
	struct rota_key_guard *g, const struct rota_authdir *dir, struct rota_tokens *tokens);

/* Forget what was looked at, if it may have changed since the last call: by DIR/keys alone, which is asked without a path being walked,
 * or by the folders too, and by another DIR/keys in the place of the last one. */
void rota_key_guard_renew(struct rota_key_guard *g, bool folders);

/* Whether the key may sign for that seat. ROTA_ERR_STATE: its life is over. Other errors: it cannot be looked at. */
ROTA_MUST_USE enum rota_err rota_key_guard_look(struct rota_key_guard *g,
	const struct rota_seat *seat, const uint8_t point[static ROTA_P256_KEY_LEN],
	struct rota_fail *why);

void rota_key_guard_close(struct rota_key_guard *g);

#endif
