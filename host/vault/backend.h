/* SPDX-License-Identifier: Apache-2.0 */
/* host/vault/backend.h -- within the vault: what keeps the records. */
#ifndef HOST_VAULT_BACKEND_H
#define HOST_VAULT_BACKEND_H

#include "host/vault/vault.h"

/* All but `settle` and `close` are called by one thread at a time; and but `get`, if it says so. */
struct rota_vault_backend {
	void *ctx;
	enum rota_err (*put)(void *ctx, uint32_t id, struct rota_span plain);
	enum rota_err (*get)(void *ctx, uint32_t id, struct rota_buf room, struct rota_span *plain);
	enum rota_err (*remove)(void *ctx, uint32_t id);
	/* Rewrite about so many records; *bytes: about as many as were written, 0: none. Not durable yet. *erases: what comes next may
	 * wait for the disk, unless all is settled before. */
	enum rota_err (*rewrite)(
		void *ctx, uint32_t records, uint32_t *bytes, uint32_t *left, bool *erases);
	uint32_t (*needs)(void *ctx);
	void (*progress)(void *ctx, struct rota_vault_progress *out);
	/* All that was written before this call is durable. Called without the vault held. */
	enum rota_err (*settle)(void *ctx);
	void (*close)(void *ctx);
	bool gets_beside; /* `get` may be called by any thread at any time */
};

/* Give the backend its lock and its thread. On an error the backend is closed. */
ROTA_MUST_USE enum rota_err rota_vault_store_begin(const struct rota_vault_backend *backend,
	const struct rota_vault_budget *budget, struct rota_vault_store **out,
	struct rota_fail *why);

#endif
