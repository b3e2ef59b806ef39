/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/ring.h -- the keys of a vault, out of the key journals of a device whose agent runs beside (SPEC 36.8).
 *
 * The agent changes the journals in its cycles, and holds their lock meanwhile (keys.h). A ring reads them again whenever they are
 * others than it has read, which takes that lock for a moment: so a vault sees a switch at its next call, and who waits for the
 * lock waits for a cycle at most. What the ring itself writes are two numbers, under the lock too: that of an opening, and
 * how many seals are reserved, those of records that are sealed anew among them.
 *
 * Functions may be called from several threads.
 */
#ifndef APPS_ROTA_AGENT_RING_H
#define APPS_ROTA_AGENT_RING_H

#include "apps/rota-agent/keys.h"
#include "rota/store/vault.h"

#include <pthread.h>

struct agent_ring {
	struct agent_keys keys;
	struct rota_vault_keys port; /* for the vault; its ctx is this struct: do not move it */
	uint8_t purpose;
	uint64_t left; /* seals that are reserved and not made, */
	uint32_t left_of; /* of this generation */
	uint32_t crc; /* of the journals as they were read */
	pthread_mutex_t use;
};

/* Open the journals and draw an opening, which is durable then; half a minute is waited for a cycle that runs. `rot` stays in use.
 * ROTA_ERR_BUSY: it runs still. ROTA_ERR_NOT_FOUND: no generation of the purpose is active. Else what `why` says. */
ROTA_MUST_USE enum rota_err agent_ring_open(struct agent_ring *r, const struct agent_config *config,
	const struct rota_rot *rot, const uint8_t device[static ROTA_SHA256_LEN], uint8_t purpose,
	struct rota_record_opening *opening, struct rota_fail *why);
void agent_ring_close(struct agent_ring *r);

/* The active generation, by what the journals say now. ROTA_ERR_BUSY: they changed, and a cycle holds them still.
 * ROTA_ERR_NOT_FOUND: none is active. */
ROTA_MUST_USE enum rota_err agent_ring_active(struct agent_ring *r, uint32_t *active);

/* Before each seal under that generation, which a vault counts itself (SPEC 31.7): it is durable, so many at a time. ROTA_ERR_FULL: the
 * key has sealed all that it may. ROTA_ERR_BUSY: another one seals by now, or a cycle holds the journals. */
ROTA_MUST_USE enum rota_err agent_ring_count(struct agent_ring *r, uint32_t active);

/* The key of a use, generation and epoch: use 1 to seal, 2 and 3 to open; the caller ends it. ROTA_ERR_NOT_FOUND: that generation is
 * gone. ROTA_ERR_BUSY: it is not held by what was read last, and a cycle has the journals now. */
ROTA_MUST_USE enum rota_err agent_ring_key(struct agent_ring *r, enum rota_key_use use,
	uint32_t generation, const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN],
	struct rota_record_key *out);

#endif
