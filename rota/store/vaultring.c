/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/vaultring.h"
#include "rota/base/mem.h"

#define KEY_MAX 32

/* 0: that generation is not held. */
static uint8_t cipher_of(const struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	const struct rota_key_slot *slot = rota_keystate_generation(&k->state, purpose, generation);

	if (slot != NULL)
		return slot->cipher;
	for (uint8_t i = 0; i < k->archived_count; i++) {
		if (k->archived[i].purpose == purpose && k->archived[i].generation == generation)
			return k->archived[i].cipher;
	}
	return 0;
}

static enum rota_err key(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	const struct rota_vault_ring *ring = ctx;
	const struct rota_keyslots *k = ring->slots;
	const struct rota_datakey of = { ring->purpose, cipher_of(k, ring->purpose, generation),
		generation, k->device };
	uint8_t bytes[KEY_MAX];
	struct rota_buf room = rota_buf(bytes, rota_datakey_len(ROTA_USE_RECORD, of.cipher));
	enum rota_err err;

	if (of.cipher == 0)
		return ROTA_ERR_NOT_FOUND;
	err = rota_keyslots_key(k, ring->purpose, generation, ROTA_USE_RECORD, seals, room);
	if (err == ROTA_OK)
		err = rota_record_key_begin(out, k->crypto, ring->aead, rota_span(room.p, room.len),
			&of, ROTA_USE_RECORD, epoch);
	rota_wipe(bytes, sizeof(bytes));
	return err;
}

static uint32_t active(void *ctx)
{
	const struct rota_vault_ring *ring = ctx;
	struct rota_key_held held;

	rota_keyslots_held(ring->slots, ring->purpose, &held);
	return held.active;
}

static enum rota_err count(void *ctx, uint32_t generation)
{
	const struct rota_vault_ring *ring = ctx;
	bool renew; /* the next statement says so */

	(void)generation; /* no other one than the active seals */
	return rota_keyslots_used(ring->slots, ring->purpose, 1, &renew);
}

void rota_vault_ring(struct rota_vault_ring *ring, struct rota_keyslots *slots,
	const struct rota_aead *aead, uint8_t purpose)
{
	*ring = (struct rota_vault_ring){ .slots = slots,
		.aead = aead,
		.purpose = purpose,
		.keys = { ring, key, active, count } };
}
