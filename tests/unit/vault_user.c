/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/vault_user.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "tests/unit/tempdir.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Atomic uint32_t user_generation = 1, user_gone;
char user_path[400];
uint32_t user_records, user_len;
enum rota_err (*user_opener)(const char *path, const struct rota_vault_plan *plan,
	struct rota_vault_store **out, struct rota_fail *why) = rota_vault_file_open;
const struct rota_vault_budget user_still = { 0, 0, 0 };

static enum rota_err key_of(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	static const uint8_t device[32] = { 7 };
	struct rota_datakey of = { .purpose = ROTA_PURPOSE_STORAGE,
		.cipher = 1,
		.generation = generation,
		.device = device };
	uint8_t key[16] = { 0 };

	(void)ctx, (void)seals;
	if (generation <= user_gone)
		return ROTA_ERR_NOT_FOUND;
	memcpy(key, &generation, sizeof(generation));
	return rota_record_key_begin(out, &rota_crypto_openssl, &rota_aead_openssl, ROTA_SPAN(key),
		&of, ROTA_USE_RECORD, epoch);
}

static uint32_t active_of(void *ctx)
{
	(void)ctx;
	return user_generation;
}

static const struct rota_vault_keys keys = { NULL, key_of, active_of, NULL };

enum rota_err user_open(
	struct rota_vault_store **s, struct rota_vault_budget budget, struct rota_fail *why)
{
	static uint32_t openings;
	struct rota_vault_plan plan = { .crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.keys = &keys,
		.opening = { .opening = ++openings },
		.budget = budget,
		.records = user_records,
		.plain_max = user_len };
	uint64_t pid = (uint64_t)getpid();

	memcpy(plan.opening.epoch, &pid, sizeof(pid));
	return user_opener(user_path, &plan, s, why);
}

/* Bytes of a version; its number stands first. */
static void fill(uint8_t *room, uint32_t id, uint32_t version)
{
	memset(room, (int)(id + version), user_len);
	memcpy(room, &version, sizeof(version));
}

enum rota_err user_put(struct rota_vault_store *s, uint32_t id, uint32_t version)
{
	uint8_t plain[USER_LEN_MAX];

	fill(plain, id, version);
	return rota_vault_store_put(s, id, rota_span(plain, user_len));
}

uint32_t user_reads(struct rota_vault_store *s, uint32_t id)
{
	uint8_t room[USER_LEN_MAX], want[USER_LEN_MAX];
	struct rota_span got;
	uint32_t version;
	enum rota_err err = rota_vault_store_get(s, id, rota_buf(room, user_len), &got);

	if (err == ROTA_ERR_NOT_FOUND)
		return 0;
	if (err != ROTA_OK || got.len != user_len)
		return UINT32_MAX;
	memcpy(&version, room, sizeof(version));
	fill(want, id, version);
	return memcmp(want, room, user_len) == 0 ? version : UINT32_MAX;
}

void user_begin(void)
{
	(void)tempdir_fresh();
	(void)snprintf(user_path, sizeof(user_path), "%s", tempdir_path("vault"));
	user_generation = 1;
	user_gone = 0;
	user_records = 1000;
	user_len = 200;
}
