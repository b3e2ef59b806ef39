/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/records.h"
#include "apps/rota-agent/device.h"
#include "apps/rota-agent/pipe.h"
#include "apps/rota-agent/ring.h"
#include "apps/rota-agent/rot.h"
#include "apps/rota-agent/run.h"
#include "apps/rota-agent/sealed.h"
#include "host/vault/vault.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN_MAX (2 * AGENT_RECORD_MAX + 32) /* a verb, an id, bytes in hex */
#define PUTS_MAX 3 /* of one record, where the key changes meanwhile */

struct records {
	const struct agent_vault *vault;
	struct agent_device device;
	struct agent_rot rot;
	struct agent_ring ring;
	struct rota_vault_store *store;
	uint8_t plain[AGENT_RECORD_MAX];
	char line[LINE_LEN_MAX];
};

/* ---- the commands ---- */

/* The key may change between the look at the journals and the write, and the older one be destroyed behind it, as nothing showed yet
 * that somebody needs it: then it is sealed once more. */
static enum rota_err put(struct records *r, uint32_t id, struct rota_span plain)
{
	uint32_t before, after;
	enum rota_err err;

	for (int i = 0; i < PUTS_MAX; i++) {
		ROTA_TRY(agent_ring_active(&r->ring, &before));
		ROTA_TRY(rota_vault_store_put(r->store, id, plain));
		err = agent_ring_active(&r->ring, &after);
		if (err == ROTA_OK && before == after)
			return ROTA_OK;
	}
	return ROTA_ERR_BUSY;
}

static void on_put(struct records *r, uint32_t id, const char *hex)
{
	size_t len = strlen(hex) / 2;
	enum rota_err err = ROTA_ERR_FORMAT;

	if (len > r->vault->length)
		err = ROTA_ERR_LIMIT;
	else if (rota_unhex(hex, rota_buf(r->plain, len)))
		err = put(r, id, rota_span(r->plain, len));
	explicit_bzero(r->plain, sizeof(r->plain));
	agent_pipe_answer(err);
}

static void on_get(struct records *r, uint32_t id)
{
	struct rota_span plain;
	enum rota_err err = rota_vault_store_get(r->store, id, ROTA_BUF(r->plain), &plain);

	if (err == ROTA_OK)
		agent_pipe_answer_bytes(plain);
	else
		agent_pipe_answer(err);
	explicit_bzero(r->plain, sizeof(r->plain));
}

static void on_left(struct records *r)
{
	struct rota_vault_progress p;

	rota_vault_store_progress(r->store, &p);
	printf("ok %" PRIu32 "\n", p.left);
}

/* "ID" or "ID REST": digits without a sign, at most 32 bits. NULL: none. */
static const char *read_id(const char *text, uint32_t *id)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	value = strtoull(text, &end, 10);
	*id = (uint32_t)value;
	if (value > UINT32_MAX || end - text > 10 || (*end != '\0' && *end != ' '))
		return NULL;
	return *end == ' ' ? end + 1 : end;
}

static void obey(void *ctx, char *line)
{
	struct records *r = ctx;
	char *words = agent_pipe_split(line);
	uint32_t id = 0;
	const char *rest = read_id(words, &id);

	if (strcmp(line, "put") == 0 && rest)
		on_put(r, id, rest);
	else if (strcmp(line, "get") == 0 && rest && !*rest)
		on_get(r, id);
	else if (strcmp(line, "remove") == 0 && rest && !*rest)
		agent_pipe_answer(rota_vault_store_remove(r->store, id));
	else if (strcmp(line, "left") == 0 && !*words)
		on_left(r);
	else
		agent_pipe_answer(ROTA_ERR_FORMAT);
}

/* ---- opening ---- */

static enum rota_err open_store(
	struct records *r, const struct rota_record_opening *opening, struct rota_fail *why)
{
	const struct agent_vault *v = r->vault;
	const struct rota_vault_plan plan = { .crypto = &rota_crypto_openssl,
		.aead = &rota_aead_openssl,
		.keys = &r->ring.port,
		.opening = *opening,
		.budget = ROTA_VAULT_BUDGET,
		.records = v->records,
		.plain_max = v->length };

	ROTA_TRY(agent_sealed_may_make(r->device.config, v, why));
	ROTA_TRY(v->sqlite ? rota_vault_sqlite_open(v->path, &plan, &r->store, why)
			   : rota_vault_file_open(v->path, &plan, &r->store, why));
	return agent_sealed_note(r->device.config, v->path, why); /* before it holds anything */
}

static enum rota_err open_ring(
	struct records *r, struct rota_record_opening *opening, struct rota_fail *why)
{
	const struct agent_config *config = r->device.config;
	const struct rota_rom *rom = &r->device.rom;
	uint8_t device[ROTA_SHA256_LEN];

	ROTA_TRY(rota_hex_decode(rom->device_id, ROTA_BUF(device)));
	ROTA_TRY(agent_rot_open(&r->rot, config, rom->rot, rom->rot_name, why));
	return agent_ring_open(
		&r->ring, config, r->rot.port, device, r->vault->purpose, opening, why);
}

static enum rota_err run(struct records *r, struct rota_fail *why)
{
	const struct agent_pipe pipe = {
		.ctx = r, .obey = obey, .line = r->line, .room = sizeof(r->line)
	};
	struct rota_record_opening opening;
	enum rota_err err = open_ring(r, &opening, why);

	if (err == ROTA_OK) {
		err = open_store(r, &opening, why);
		if (err == ROTA_OK)
			agent_pipe_serve(&pipe);
		rota_vault_store_close(r->store);
		agent_ring_close(&r->ring);
	}
	agent_rot_close(&r->rot);
	return err;
}

static const struct agent_vault *find(const struct agent_config *config, const char *name)
{
	for (uint8_t i = 0; i < config->vault_count; i++)
		if (strcmp(config->vault[i].name, name) == 0)
			return &config->vault[i];
	return NULL;
}

int agent_records(const struct agent_config *config, const char *name)
{
	static struct records r;
	struct rota_fail why;
	enum rota_err err;

	r.vault = find(config, name);
	if (!r.vault) {
		fprintf(stderr, "rota-agent: %s has no [vault %s]\n", config->ini.path, name);
		return AGENT_EXIT_FAILED;
	}
	err = agent_device_open(&r.device, config, &why);
	if (err == ROTA_OK) {
		err = run(&r, &why);
		agent_device_close(&r.device);
	}
	if (err == ROTA_OK)
		return AGENT_EXIT_OK;
	fprintf(stderr, "rota-agent: [vault %s]: %s\n", name, why.text);
	return AGENT_EXIT_FAILED;
}
