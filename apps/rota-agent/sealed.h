/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/sealed.h -- what lies sealed on this device, as its agent sees it: the vaults of [vault NAME] (SPEC 36.7).
 *
 *     STATE/vaults         paths of those that were there once, a line each
 *     STATE/vaults-lock    who changes it holds this: the agent, and `records`
 *
 * A key is destroyed by this, so what is not known counts as needed: a vault that cannot be looked at, that takes too long, or that
 * was there once and is not (its folder may not be mounted). One that was never there holds nothing. Who ends a vault takes it
 * out of the settings.
 *
 * Each is looked at once in a cycle, when somebody first asks.
 */
#ifndef APPS_ROTA_AGENT_SEALED_H
#define APPS_ROTA_AGENT_SEALED_H

#include "apps/rota-agent/config.h"
#include "host/vault/vault.h"

#define AGENT_SEALED_FILE "vaults"

struct agent_sealed {
	const struct agent_config *config;
	struct rota_fail
		why; /* of the first vault of this cycle that is not known; err ROTA_OK: all are */
	struct agent_sealed_vault {
		bool seen; /* it was there once, and that is durable */
		bool looked, known; /* in this cycle */
		struct rota_vault_status status;
	} vault[AGENT_VAULTS_MAX]; /* as in the settings */
};

/* Which were there before. Where that cannot be read, all were. `config` stays in use. */
void agent_sealed_open(struct agent_sealed *s, const struct agent_config *config);

/* Before a vault is opened that is made where there is none: ROTA_ERR_NOT_FOUND where it was there once and is not, and an empty one
 * in its place would tell the agent that nothing is needed; where it cannot be read which were there, that error. */
ROTA_MUST_USE enum rota_err agent_sealed_may_make(
	const struct agent_config *config, const struct agent_vault *v, struct rota_fail *why);

/* Durable: the vault at `path` was there. */
ROTA_MUST_USE enum rota_err agent_sealed_note(
	const struct agent_config *config, const char *path, struct rota_fail *why);

/* A cycle begins. */
void agent_sealed_begin(struct agent_sealed *s);

/* The least generation of a purpose that a record needs; 0: none; 1 where that is not known. */
uint32_t agent_sealed_needs(struct agent_sealed *s, uint8_t purpose);

/* Records of a purpose that wait to be sealed anew under `active`, of the vaults that are known. */
uint32_t agent_sealed_left(struct agent_sealed *s, uint8_t purpose, uint32_t active);

#endif
