/* SPDX-License-Identifier: Apache-2.0 */
/* host/keys/guard.h -- tokens sign with no key whose life is over (SPEC 25.7).
 *
 * It stands in rota_tokens and looks a key up, in DIR/keys and what is published, when it is first to sign. A compromised key
 * of a machine's goes on until its successor counts, since nothing could be published else; one of people's does not. Keys
 * of images, which stand in ROM, are not judged for being compromised: a rollover needs the old one's signature, too.
 */
#ifndef HOST_KEYS_GUARD_H
#define HOST_KEYS_GUARD_H

#include "host/keys/keys.h"

struct rota_key_guard {
	const struct rota_authdir *dir;
	struct rota_keys *keys; /* NULL: not looked at yet */
};

/* Begin; both stay in use and are not moved. */
void rota_key_guard_init(
	struct rota_key_guard *g, const struct rota_authdir *dir, struct rota_tokens *tokens);
void rota_key_guard_close(struct rota_key_guard *g);

#endif
