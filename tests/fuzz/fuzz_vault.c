/* SPDX-License-Identifier: Apache-2.0 */
/* A vault on flash that holds anything at all. Whatever is found, a record that is put is there, also after the next open. */
#include "rota/store/vault.h"
#include "tests/unit/flash_mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct flash_mem mem;
static struct rota_vault_place index_room[32];
static struct rota_vault_turn turns[3];
static uint8_t record[ROTA_VAULT_ROOM(40)], room[64];

/* A hash that mixes nothing and a cipher that hides nothing: what is tried is the log. */
static void hash_init(struct rota_sha256 *h)
{
	memset(h, 0, sizeof(*h));
}

static void hash_update(struct rota_sha256 *h, struct rota_span data)
{
	for (size_t i = 0; i < data.len; i++)
		h->opaque[i % 4] = h->opaque[i % 4] * 31 + data.p[i];
}

static void hash_final(const struct rota_sha256 *h, uint8_t out[static ROTA_SHA256_LEN])
{
	memcpy(out, h->opaque, ROTA_SHA256_LEN);
}

static const struct rota_crypto crypto = {
	.sha256_init = hash_init, .sha256_update = hash_update, .sha256_final = hash_final
};

static enum rota_err begin(struct rota_aead_key *k, struct rota_span key)
{
	memcpy(k->opaque, key.p, sizeof(uint64_t));
	return ROTA_OK;
}

static void end(struct rota_aead_key *k)
{
	(void)k;
}

static enum rota_err seal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	(void)k, (void)nonce, (void)aad, (void)data;
	memset(tag, 0xA5, ROTA_AEAD_TAG_LEN);
	return ROTA_OK;
}

static enum rota_err unseal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	(void)k, (void)nonce, (void)aad, (void)data;
	return tag[0] == 0xA5 ? ROTA_OK : ROTA_ERR_SIGNATURE;
}

static const struct rota_aead aead = { begin, end, seal, unseal };

static enum rota_err key(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	static const uint8_t device[32], bytes[16];
	struct rota_datakey of = { 3, 1, generation, device };

	(void)ctx, (void)seals;
	if (generation > 9)
		return ROTA_ERR_NOT_FOUND;
	return rota_record_key_begin(
		out, &crypto, &aead, ROTA_SPAN(bytes), &of, ROTA_USE_RECORD, epoch);
}

static uint32_t active(void *ctx)
{
	(void)ctx;
	return 9;
}

static const struct rota_vault_keys keys = { NULL, key, active, NULL };

static void use(const struct rota_vault_config *c, const struct rota_record_opening *o)
{
	struct rota_vault v;
	struct rota_span got;
	uint32_t left;

	if (rota_vault_open(&v, c, o) != ROTA_OK)
		return; /* more than this one takes */
	(void)!rota_vault_step(&v, 500, &left);
	if (rota_vault_put(&v, 7, ROTA_STR("new")) == ROTA_OK) {
		rota_vault_close(&v);
		if (rota_vault_open(&v, c, o) != ROTA_OK ||
			rota_vault_get(&v, 7, ROTA_BUF(room), &got) != ROTA_OK ||
			!rota_span_eq(got, ROTA_STR("new")))
			abort();
	}
	if (rota_vault_remove(&v, 7) == ROTA_OK &&
		rota_vault_get(&v, 7, ROTA_BUF(room), &got) != ROTA_ERR_NOT_FOUND)
		abort();
	rota_vault_close(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct rota_vault_config c = { .flash = &mem.port,
		.crypto = &crypto,
		.aead = &aead,
		.keys = &keys,
		.index = index_room,
		.index_len = 32,
		.turns = len % 3 == 0 ? NULL : turns,
		.record = ROTA_BUF(record) };
	const struct rota_record_opening o = { { 1 }, 1, 0 };

	flash_mem_init(&mem, 512, 3, len % 2 == 0 ? 4 : 1, 0xFF);
	memcpy(mem.bytes, data, len < 1536 ? len : 1536);
	use(&c, &o);
	return 0;
}
