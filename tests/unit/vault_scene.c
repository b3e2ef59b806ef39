/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/vault_scene.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"

#include <stdlib.h>
#include <string.h>

#define WEAR 60000 /* erases that a sector bears where some are worn: more than a life takes */
#define TAG_AT 31 /* word of a prepared key that the port leaves alone */

const struct vault_board vault_boards[VAULT_BOARDS] = {
	{ .name = "nor",
		.like = "NOR, 4 x 1024, unit 4, 0xFF",
		.chip = { .runs = { { 1024, 4 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 4 },
		.sector_len = 1024,
		.sectors = 4 },
	{ .name = "ecc8",
		.like = "ECC, 5 x 768, unit 8, 0xFF",
		.chip = { .runs = { { 256, 15 } },
			.write_len = 8,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 2 },
		.sector_len = 768,
		.sectors = 5 },
	{ .name = "ecc",
		.like = "ECC, 3 x 1536, unit 32, 0xFF",
		.chip = { .runs = { { 1536, 3 } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 4 },
		.sector_len = 1536,
		.sectors = 3 },
	{ .name = "once",
		.like = "once, 4 x 1024, unit 4, 0x00",
		.chip = { .runs = { { 1024, 4 } },
			.write_len = 4,
			.erased = 0x00,
			.once = true,
			.erase_steps = 4 },
		.sector_len = 1024,
		.sectors = 4 },
	{ .name = "worn",
		.like = "ECC, 5 x 1024 of which 1 worn, unit 16, 0xFF",
		.chip = { .runs = { { 1024, 5 } },
			.write_len = 16,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 4,
			.erase_limit = WEAR },
		.sector_len = 1024,
		.sectors = 5,
		.worn = 1 },
};

struct vault_scene scene;
struct rota_sim_supply supply;
struct rota_flash_sim sim;
struct rota_flash_sim_region region;
uint32_t vault_repeats;
bool vault_stale_random, vault_branches;

static uint8_t record[ROTA_VAULT_ROOM(VAULT_PLAIN_MAX)];
static uint64_t stream = 1;

/* ---- nonces that were seen ---- */

static struct {
	uint64_t *seen; /* 0: free */
	size_t room, used;
} nonces;

static bool insert(uint64_t mark)
{
	size_t i = mark & (nonces.room - 1);

	while (nonces.seen[i] != 0 && nonces.seen[i] != mark)
		i = (i + 1) & (nonces.room - 1);
	if (nonces.seen[i] == mark)
		return false;
	nonces.seen[i] = mark;
	nonces.used++;
	return true;
}

static void grow(void)
{
	uint64_t *old = nonces.seen;
	size_t n = nonces.room;

	nonces.room = n == 0 ? 4096 : 2 * n;
	nonces.seen = calloc(nonces.room, sizeof(uint64_t));
	if (nonces.seen == NULL)
		abort();
	nonces.used = 0;
	for (size_t i = 0; i < n; i++) {
		if (old[i] != 0)
			(void)insert(old[i]);
	}
	free(old);
}

/* The first half of a digest stands for key and nonce. */
static void see(uint64_t key, const uint8_t nonce[static ROTA_AEAD_NONCE_LEN])
{
	uint8_t both[8 + ROTA_AEAD_NONCE_LEN], digest[ROTA_SHA256_LEN];
	uint64_t mark;

	if (vault_branches)
		return;
	memcpy(both, &key, 8);
	memcpy(both + 8, nonce, ROTA_AEAD_NONCE_LEN);
	rota_sha256_of(&rota_crypto_openssl, ROTA_SPAN(both), digest);
	memcpy(&mark, digest, sizeof(mark));
	if (2 * nonces.used >= nonces.room)
		grow();
	vault_repeats += !insert(mark | 1);
}

void vault_forget(void)
{
	free(nonces.seen);
	memset(&nonces, 0, sizeof(nonces));
	vault_repeats = 0;
}

/* ---- keys ---- */

static enum rota_err aead_begin(struct rota_aead_key *k, struct rota_span key)
{
	ROTA_TRY(rota_aead_openssl.begin(k, key));
	memcpy(&k->opaque[TAG_AT], key.p, sizeof(uint64_t));
	return ROTA_OK;
}

static void aead_end(struct rota_aead_key *k)
{
	rota_aead_openssl.end(k);
}

static enum rota_err aead_seal(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	see(k->opaque[TAG_AT], nonce);
	return rota_aead_openssl.seal(k, nonce, aad, data, tag);
}

static enum rota_err aead_open(const struct rota_aead_key *k,
	const uint8_t nonce[static ROTA_AEAD_NONCE_LEN], struct rota_span aad, struct rota_buf data,
	const uint8_t tag[static ROTA_AEAD_TAG_LEN])
{
	return rota_aead_openssl.open(k, nonce, aad, data, tag);
}

static const struct rota_aead aead = { aead_begin, aead_end, aead_seal, aead_open };

static enum rota_err key_of(void *ctx, uint32_t generation,
	const uint8_t epoch[static ROTA_RECORD_EPOCH_LEN], bool seals, struct rota_record_key *out)
{
	static const uint8_t device[32] = { 7 };
	struct rota_datakey of = { .purpose = ROTA_PURPOSE_STORAGE,
		.cipher = 1,
		.generation = generation,
		.device = device };
	uint8_t key[16] = { 0 };

	(void)ctx;
	if (generation > scene.active || (seals && generation != scene.active))
		return ROTA_ERR_DENIED;
	if (generation < 32 && (scene.gone >> generation & 1) != 0)
		return ROTA_ERR_NOT_FOUND;
	memcpy(key, &generation, sizeof(generation));
	return rota_record_key_begin(
		out, &rota_crypto_openssl, &aead, ROTA_SPAN(key), &of, ROTA_USE_RECORD, epoch);
}

static uint32_t active_of(void *ctx)
{
	(void)ctx;
	return scene.active;
}

static const struct rota_vault_keys keys = { NULL, key_of, active_of, NULL };

/* ---- the vault ---- */

enum rota_err vault_born(const struct vault_board *b)
{
	rota_flash_sim_free(&sim);
	rota_sim_supply_init(&supply, 1);
	memset(&scene, 0, sizeof(scene));
	scene.active = 1;
	ROTA_TRY(rota_flash_sim_init(&sim, &b->chip, &supply));
	ROTA_TRY(rota_flash_sim_region(&region, &sim, 0, b->sector_len, b->sectors));
	for (uint32_t i = 0; i < b->worn; i++) {
		for (int k = 0; k < WEAR; k++)
			ROTA_TRY(rota_flash_sim_erase(&sim, i * b->sector_len, b->sector_len));
	}
	return ROTA_OK;
}

enum rota_err vault_open(void)
{
	const struct rota_vault_config c = { .flash = &region.port,
		.crypto = &rota_crypto_openssl,
		.aead = &aead,
		.keys = &keys,
		.index = scene.index,
		.index_len = VAULT_INDEX,
		.record = ROTA_BUF(record) };
	struct rota_record_opening opening = { .opening = ++scene.opening };

	stream = stream * 6364136223846793005u + 1442695040888963407u;
	if (!vault_stale_random)
		memcpy(opening.epoch, &stream, sizeof(stream));
	return rota_vault_open(&scene.v, &c, &opening);
}

void vault_rest(void)
{
	if (scene.v.sealing.held)
		rota_record_key_end(&scene.v.sealing.key, &aead);
	if (scene.v.unsealing.held)
		rota_record_key_end(&scene.v.unsealing.key, &aead);
	scene.v.sealing.held = false;
	scene.v.unsealing.held = false;
}

void vault_stop(void)
{
	rota_vault_close(&scene.v);
}

/* Ids that fall onto each other's homes, some of them. */
static uint32_t id_of(uint32_t n)
{
	return n % 3 == 0 ? n : n * 0x10000001u;
}

static struct rota_span content(uint32_t id, uint32_t version, uint8_t room[static VAULT_PLAIN_MAX])
{
	size_t len = version % 11 == 5 ? 0 : 8 + (id * 7 + version * 13) % (VAULT_PLAIN_MAX - 7);

	for (size_t i = 0; i < len; i++)
		room[i] = (uint8_t)(id * 31 + version * 17 + i);
	if (len > 0)
		memcpy(room, &version, sizeof(version));
	return rota_span(room, len);
}

enum rota_err vault_put(uint32_t id)
{
	uint8_t room[VAULT_PLAIN_MAX];
	uint32_t version = ++scene.last;

	ROTA_TRY(rota_vault_put(&scene.v, id_of(id), content(id, version, room)));
	scene.version[id] = version;
	return ROTA_OK;
}

enum rota_err vault_remove(uint32_t id)
{
	ROTA_TRY(rota_vault_remove(&scene.v, id_of(id)));
	scene.version[id] = 0;
	return ROTA_OK;
}

enum rota_err vault_rewrite(uint32_t bytes)
{
	uint32_t left = 1;

	for (unsigned turns = 0; left > 0; turns++) {
		if (turns > 1000)
			return ROTA_ERR_STATE;
		ROTA_TRY(rota_vault_step(&scene.v, bytes, &left));
	}
	return ROTA_OK;
}

/* Whether an id reads as this version. */
static bool is_version(uint32_t id, uint32_t version, enum rota_err err, struct rota_span got)
{
	uint8_t room[VAULT_PLAIN_MAX];

	if (version == 0)
		return err == ROTA_ERR_NOT_FOUND;
	return err == ROTA_OK && rota_span_eq(got, content(id, version, room));
}

uint32_t vault_reads(uint32_t id)
{
	uint8_t room[VAULT_PLAIN_MAX];
	struct rota_span got;
	enum rota_err err = rota_vault_get(&scene.v, id_of(id), ROTA_BUF(room), &got);

	if (is_version(id, 0, err, got))
		return 0;
	return is_version(id, scene.version[id], err, got) ? scene.version[id] : UINT32_MAX;
}

bool vault_holds(uint32_t but, uint32_t other)
{
	for (uint32_t id = 0; id < VAULT_IDS; id++) {
		uint8_t room[VAULT_PLAIN_MAX];
		struct rota_span got;
		enum rota_err err = rota_vault_get(&scene.v, id_of(id), ROTA_BUF(room), &got);

		if (is_version(id, scene.version[id], err, got))
			continue;
		if (id != but || !is_version(id, other, err, got))
			return false;
		scene.version[id] = other;
	}
	return true;
}
