/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/keyed_device.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/crypto_openssl/secret.h"
#include "rota/base/hex.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR 4096u

struct keyed_parts keyed;
struct key_server keyserver;

static const struct rota_flash_sim_chip chip = {
	.runs = { { SECTOR, 4 } }, .write_len = 4, .erased = 0xFF, .erase_steps = 1
};

/* Nobody has to guess it. */
static enum rota_err fill(void *ctx, struct rota_buf room)
{
	struct keyed_parts *k = ctx;

	for (size_t i = 0; i < room.len; i++)
		room.p[i] = (uint8_t)(rota_sim_supply_random(&k->supply) >> 32);
	return ROTA_OK;
}

static const struct rota_random dice = { &keyed, fill };

static uint32_t needs(void *ctx, uint8_t purpose)
{
	return ((struct keyed_parts *)ctx)->needs[purpose - 1];
}

static uint32_t records(void *ctx, uint8_t purpose)
{
	return ((struct keyed_parts *)ctx)->records[purpose - 1];
}

/* ---- the wants ---- */

static void answer(struct world *w, struct rota_update *u, const struct rota_update_want *want)
{
	uint8_t room[ROTA_KEYANSWER_MAX + 1] = { 0 };
	size_t len = 0;
	enum rota_err err = key_server_answer(
		&keyserver, keyed.other_answer ? keyed.answer : want->sha256, room, &len);
	struct rota_span bytes = rota_span(room, len + keyed.too_long - keyed.cut_short);

	if (want->length != ROTA_KEYANSWER_MAX)
		w->broken = "an answer of another length is wanted";
	room[ROTA_KEYANSWER_HEAD_LEN + 110] ^= keyed.other_byte;
	while (err == ROTA_OK && bytes.len > 0) {
		err = rota_update_feed(u, rota_span_slice(bytes, 0, w->piece));
		bytes = rota_span_skip(bytes, w->piece);
	}
	rota_update_done(u, err);
}

static void statement(struct world *w, struct rota_update *u, const struct rota_update_want *want)
{
	uint32_t counter = 0;
	enum rota_err err = key_server_take(&keyserver, want->statement, &counter);

	(void)w;
	if (err == ROTA_ERR_VERSION)
		rota_update_out_of_turn(u, counter);
	else
		rota_update_done(u, err);
}

/* ---- the device ---- */

static void make_chip(void)
{
	rota_flash_sim_free(&keyed.chip);
	rota_flash_sim_free(&keyed.vault);
	memset(&keyed, 0, sizeof(keyed));
	rota_sim_supply_init(&keyed.supply, 1);
	if (rota_flash_sim_init(&keyed.chip, &chip, &keyed.supply) != ROTA_OK ||
		rota_flash_sim_init(&keyed.vault, &chip, &keyed.supply) != ROTA_OK ||
		rota_flash_sim_region(&keyed.keys, &keyed.chip, 0, SECTOR, 2) != ROTA_OK ||
		rota_flash_sim_region(&keyed.archive, &keyed.chip, 2 * SECTOR, SECTOR, 2) !=
			ROTA_OK ||
		rota_flash_sim_region(&keyed.page, &keyed.vault, 0, SECTOR, 2) != ROTA_OK)
		abort();
}

struct world *keyed_device(struct world *w)
{
	const struct rota_rot_soft_parts parts = { &keyed.page.port, &rota_p256_openssl,
		&rota_aead_openssl, &dice };
	struct rota_rot *rot = &keyed.soft.port;

	make_chip();
	rota_rot_soft_init(&keyed.soft, &parts);
	key_server_init(&keyserver, &w->m, w->m.role[MAKER_TARGETS].issued_s);
	if (rota_hex_decode(w->device.id, ROTA_BUF(keyed.id)) != ROTA_OK)
		abort();
	keyed.slots = (struct rota_keyslots){ .rot = rot,
		.crypto = &rota_crypto_openssl,
		.device = keyed.id,
		.scratch = ROTA_BUF(keyed.scratch) };
	keyed.config = (struct rota_update_keys){ .work = &rota_key_work,
		.desk = &keyed.desk,
		.slots = &keyed.slots,
		.aead = &rota_aead_openssl,
		.vault_ctx = &keyed,
		.needs = needs,
		.records = records };
	w->keys = &keyed.config;
	w->key_answer = answer;
	w->statement = statement;
	keyserver.spki = w->device.spki;
	memcpy(keyserver.device, keyed.id, sizeof(keyed.id));
	if (rot->key_make(rot->ctx, ROTA_ROT_IDENTITY, keyserver.identity) != ROTA_OK ||
		rota_keyslots_open(&keyed.slots, &keyed.keys.port, &keyed.archive.port) !=
			ROTA_ERR_NOT_FOUND ||
		rota_keyslots_factory(&keyed.slots, 0, keyserver.agree) != ROTA_OK)
		abort();
	if (keyed_cycle(w) != ROTA_UPDATE_IDLE)
		w->broken = "a device with data keys does not poll";
	return w;
}

enum rota_update_want_kind keyed_cycle(struct world *w)
{
	enum rota_update_want_kind end;
	uint64_t before;

	keyed.slots.rise = NULL;
	(void)!rota_keyslots_open(&keyed.slots, &keyed.keys.port, &keyed.archive.port);
	if (keyed.busy)
		keyed.slots.phase = ROTA_KEYSLOTS_CLOSED;
	keyed.slots.busy = keyed.busy;
	before = keyed.supply.ops;
	end = world_cycle(w);
	keyed.writes = keyed.supply.ops - before;
	return end;
}

enum rota_update_want_kind keyed_settle(struct world *w)
{
	enum rota_update_want_kind end = ROTA_UPDATE_REBOOT;

	for (int i = 0; i < 10 && end == ROTA_UPDATE_REBOOT; i++) {
		end = keyed_cycle(w);
		if (end == ROTA_UPDATE_REBOOT)
			world_boot(w);
	}
	return end;
}

static struct rota_flash_sim_image stolen;

void keyed_read_out(void)
{
	rota_flash_sim_image_free(&stolen);
	if (rota_flash_sim_save(&keyed.chip, &stolen) != ROTA_OK)
		abort();
}

void keyed_put_back(void)
{
	rota_flash_sim_restore(&keyed.chip, &stolen);
}

struct rota_key_held keyed_held(uint8_t purpose)
{
	struct rota_key_held held;

	rota_keyslots_held(&keyed.slots, purpose, &held);
	return held;
}

bool keyed_opens(uint8_t purpose, uint32_t generation, enum rota_key_use use)
{
	const struct key_campaign *c = NULL;
	struct rota_datakey of = { purpose, ROTA_CIPHER_AES256_GCM, generation, keyed.id };
	uint8_t want[32], got[32];

	for (int i = 0; i < keyserver.campaigns; i++) {
		if (keyserver.campaign[i].purpose == purpose &&
			keyserver.campaign[i].generation == generation)
			c = &keyserver.campaign[i];
	}
	return c != NULL &&
		rota_datakey_derive(&rota_crypto_openssl, c->secret, &of, use, ROTA_BUF(want)) ==
		ROTA_OK &&
		rota_keyslots_key(&keyed.slots, purpose, generation, use, false, ROTA_BUF(got)) ==
		ROTA_OK &&
		memcmp(want, got, sizeof(want)) == 0;
}
