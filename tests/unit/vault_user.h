/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/vault_user.h -- a vault of host/vault in a folder of the test's own, and records whose bytes tell their version.
 *
 * Keys follow from the generation; those up to user_gone are gone. user_begin() sets all of this back.
 */
#ifndef TESTS_UNIT_VAULT_USER_H
#define TESTS_UNIT_VAULT_USER_H

#include "host/vault/vault.h"

#define USER_LEN_MAX 60000

extern _Atomic uint32_t user_generation, user_gone;
extern char user_path[400];
extern uint32_t user_records, user_len; /* how many fit, and how long each is: 1,000 of 200 bytes */

/* What is tried: a file, or a database. */
extern enum rota_err (*user_opener)(const char *path, const struct rota_vault_plan *plan,
	struct rota_vault_store **out, struct rota_fail *why);

/* No thread. */
extern const struct rota_vault_budget user_still;

void user_begin(void);
enum rota_err user_open(
	struct rota_vault_store **s, struct rota_vault_budget budget, struct rota_fail *why);
enum rota_err user_put(struct rota_vault_store *s, uint32_t id, uint32_t version);

/* The version that is there; 0 none; UINT32_MAX: an error, or another's bytes. */
uint32_t user_reads(struct rota_vault_store *s, uint32_t id);

#endif
