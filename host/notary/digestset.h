/* SPDX-License-Identifier: Apache-2.0 */
/* host/notary/digestset.h -- a set of SHA-256 digests, each with a pointer that its owner frees. */
#ifndef HOST_NOTARY_DIGESTSET_H
#define HOST_NOTARY_DIGESTSET_H

#include "host/base/digest.h"

struct digestset_slot {
	bool taken;
	uint8_t key[ROTA_DIGEST_LEN];
	void *value;
};

/* Zeroed: empty. */
struct digestset {
	struct digestset_slot *slots;
	size_t room, count; /* room: a power of two */
};

/* The slot of a digest, made with value NULL where it is new. Valid until the next one is added. */
struct digestset_slot *digestset_add(
	struct digestset *s, const uint8_t key[static ROTA_DIGEST_LEN]);

/* NULL: not there. */
const struct digestset_slot *digestset_find(
	const struct digestset *s, const uint8_t key[static ROTA_DIGEST_LEN]);

/* Each value is given to `drop`, NULL: there are none to free. */
void digestset_free(struct digestset *s, void (*drop)(void *value));

#endif
