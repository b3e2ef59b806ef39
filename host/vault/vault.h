/* SPDX-License-Identifier: Apache-2.0 */
/* host/vault/vault.h -- a vault for programs on Linux: records in a file, or in a SQLite database, and a thread that rewrites
 * them under the active key while they are used (SPEC 36.6).
 *
 * Installed as librota-vault, with a file for pkg-config; examples/gateway uses all of it.
 *
 * All functions may be called from several threads. The one that rewrites keeps to a budget: so many records and bytes a second,
 * and so much of a core; it holds the vault for one batch at a time and never over a sync of its own, so that who
 * reads or puts waits for a batch at most. What it wrote becomes durable with the next put, or after a second.
 *
 * The keys' functions are called with the vault held, also from the thread, and by one thread at a time: they must not call it.
 */
#ifndef HOST_VAULT_VAULT_H
#define HOST_VAULT_VAULT_H

#include "host/base/fail.h"
#include "rota/store/vault.h"

/* What rewriting may take; 0 in `records_s`: nothing is rewritten. */
struct rota_vault_budget {
	uint32_t records_s; /* a second */
	uint32_t cpu_ppm; /* of one core, in millionths */
	uint32_t bytes_s; /* a second */
};

/* A device that does this beside its work for a night. */
#define ROTA_VAULT_BUDGET ((struct rota_vault_budget){ 200, 50000, 1024 * 1024 })

/* 4 GiB - 1 is what the log's 32 bits reach. */
#define ROTA_VAULT_RECORDS_MAX (1u << 24)

struct rota_vault_plan {
	const struct rota_crypto *crypto;
	const struct rota_aead *aead;
	const struct rota_vault_keys *keys; /* outlive the vault, as the two above */
	struct rota_record_opening opening; /* new, and durable already (SPEC 36.3) */
	struct rota_vault_budget budget;
	uint32_t records, plain_max; /* of a new vault: how many there may be, how long each */
};

struct rota_vault_store; /* an open vault */

struct rota_vault_progress {
	uint32_t left; /* records that wait to be rewritten */
	uint32_t lost; /* that the disk could not give back */
	uint8_t generations;
	struct rota_vault_count count[ROTA_VAULT_GENERATIONS];
	enum rota_err trouble; /* that the rewriting met last; it tries again each second */
};

/* Open the vault in a file, which is made where there is none, long enough for the plan's records at a fourth of it free, and
 * locked for this process. A file that is there keeps its length.
 *
 * ROTA_ERR_BUSY      another process has it
 * ROTA_ERR_ARGUMENT  a plan for no record, or for more than ROTA_VAULT_RECORDS_MAX or 4 GiB
 * ROTA_ERR_LIMIT     the file holds more or longer records than the plan has room for
 * ROTA_ERR_CORRUPT   the file's length is none of a vault
 * else by errno. Whoever opened closes. */
ROTA_MUST_USE enum rota_err rota_vault_file_open(const char *path,
	const struct rota_vault_plan *plan, struct rota_vault_store **out, struct rota_fail *why);

/* The same in a SQLite database, which is made where there is none: table records(id, generation, sealed), in WAL mode. Others may read
 * it meanwhile; nobody else may write, for which a file beside it, PATH-lock, is locked. Only plan->plain_max limits it. Who puts
 * a record holds the vault over its commit; who reads has a connection of his own and waits for nobody.
 * ROTA_ERR_BUSY: another process writes. ROTA_ERR_LIMIT: longer records than the plan has room for, or more than ROTA_VAULT_GENERATIONS. */
ROTA_MUST_USE enum rota_err rota_vault_sqlite_open(const char *path,
	const struct rota_vault_plan *plan, struct rota_vault_store **out, struct rota_fail *why);

/* Ends the thread, makes durable what it wrote, wipes. NULL is nothing. */
void rota_vault_store_close(struct rota_vault_store *s);

/* As rota_vault_put(), get and remove. After a sync that failed nothing is put any more, ROTA_ERR_IO: what the kernel holds then
 * is not what the disk has. */
ROTA_MUST_USE enum rota_err rota_vault_store_put(
	struct rota_vault_store *s, uint32_t id, struct rota_span plain);
ROTA_MUST_USE enum rota_err rota_vault_store_get(
	struct rota_vault_store *s, uint32_t id, struct rota_buf room, struct rota_span *plain);
ROTA_MUST_USE enum rota_err rota_vault_store_remove(struct rota_vault_store *s, uint32_t id);

/* What the disk needs: the least generation of a record that can be opened, 0: none. Syncs. Where that fails, what was needed
 * when it last went well. */
uint32_t rota_vault_store_needs(struct rota_vault_store *s);

void rota_vault_store_progress(struct rota_vault_store *s, struct rota_vault_progress *out);

/* ---- from outside ---- */

/* What a vault holds, as one without its keys can tell. */
struct rota_vault_status {
	uint32_t records;
	uint8_t generations;
	struct rota_vault_count count[ROTA_VAULT_GENERATIONS]; /* ascending; `gone` says nothing */
};

/* Of the vault in the file or database at `path`, beside whoever has it open: nothing is locked, written or opened with a key. A
 * file is read wholly; of one that is written meanwhile, what it held a moment ago. Whatever its bytes are, it takes no longer than
 * SPEC 36.7 says: a file in the time of a reading or two, and ten seconds and one for each 8 MiB at most.
 *
 * ROTA_ERR_NOT_FOUND, ROTA_ERR_IO  by errno
 * ROTA_ERR_TIMEOUT   it took longer
 * ROTA_ERR_BUSY      it changed whenever it was looked at
 * ROTA_ERR_CORRUPT   no vault
 * ROTA_ERR_FORMAT    a database with a generated column, or a row whose generation is none (SPEC 36.1)
 * ROTA_ERR_LIMIT     more records than ROTA_VAULT_RECORDS_MAX, or more generations than ROTA_VAULT_GENERATIONS */
ROTA_MUST_USE enum rota_err rota_vault_status(
	const char *path, struct rota_vault_status *out, struct rota_fail *why);

/* How many of them wait to be rewritten where `active` seals: those of older generations. */
uint32_t rota_vault_status_left(const struct rota_vault_status *s, uint32_t active);

#endif
