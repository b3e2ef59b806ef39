/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/vaultring.h -- the keys of a vault (rota/store/vault.h) are a device's data keys (rota/store/keyslots.h).
 *
 *     rota_vault_ring(&ring, &slots, aead, ROTA_PURPOSE_STORAGE);
 *     rota_keyslots_opening(&slots, random, uptime_s, &opening);
 *     rota_vault_open(&vault, &(struct rota_vault_config){ ..., .keys = &ring.keys }, &opening);
 *
 * New records are sealed with the active generation, for use 3; older ones open as long as their generation is held. Each seal
 * is counted (rota_keyslots_used()), so that a vault stops before its key has made all it may, and the device asks for another
 * in time (SPEC 31.7). The caller gives rota_vault_needs() to rota_keyslots_tick(). A vault that is open sees a switch at its
 * next call.
 */
#ifndef ROTA_STORE_VAULTRING_H
#define ROTA_STORE_VAULTRING_H

#include "rota/store/keyslots.h"
#include "rota/store/vault.h"

struct rota_vault_ring {
	struct rota_keyslots *slots;
	const struct rota_aead *aead;
	uint8_t purpose;
	struct rota_vault_keys keys; /* its ctx is this struct: do not move it while it is in use */
};

/* All of it stays in use as long as the ring. */
void rota_vault_ring(struct rota_vault_ring *ring, struct rota_keyslots *slots,
	const struct rota_aead *aead, uint8_t purpose);

#endif
