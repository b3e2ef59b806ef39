/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/key_device.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <string.h>

#define K 1024U

const struct key_board key_boards[KEY_BOARDS] = {
	{ .name = "f4",
		.chip = { .runs = { { 4 * K, 8 } },
			.write_len = 4,
			.erased = 0xFF,
			.erase_steps = 8 },
		.sector_len = 4 * K },
	{ .name = "h7",
		.chip = { .runs = { { 8 * K, 8 } },
			.write_len = 32,
			.erased = 0xFF,
			.once = true,
			.ecc = true,
			.erase_steps = 8 },
		.sector_len = 8 * K },
	{ .name = "l0",
		.chip = { .runs = { { 256, 128 } }, .write_len = 4, .erase_steps = 1 },
		.sector_len = 4 * K },
	{ .name = "n",
		.chip = { .runs = { { 4 * K, 8 } },
			.write_len = 1,
			.erased = 0xFF,
			.erase_steps = 8 },
		.sector_len = 4 * K },
};

/* ---- numbers that device and boot journals carry ---- */

static enum rota_err write_number(struct key_device *d, enum key_place place, uint32_t number)
{
	uint8_t bytes[4];
	struct rota_writer w = rota_writer(ROTA_BUF(bytes));

	rota_write_le32(&w, number);
	ROTA_TRY(rota_journal_commit(&d->journal[place], ROTA_SPAN(bytes)));
	d->number[place] = number;
	return ROTA_OK;
}

static enum rota_err read_number(struct key_device *d, enum key_place place)
{
	enum rota_journal_kind kind = place == KEY_DEVICE ? ROTA_JOURNAL_DEVICE : ROTA_JOURNAL_BOOT;
	uint8_t bytes[4];
	struct rota_span payload;
	struct rota_reader r;

	ROTA_TRY(rota_journal_open(&d->journal[place], &d->place[place].port, kind));
	ROTA_TRY(rota_journal_load(&d->journal[place], ROTA_BUF(bytes), &payload));
	r = rota_reader(payload);
	d->number[place] = rota_read_le32(&r);
	return ROTA_OK;
}

static enum rota_err rise_begin(void *ctx, uint32_t *binding)
{
	struct key_device *d = ctx;
	uint32_t now;

	ROTA_TRY(d->counter.read(d->counter.ctx, ROTA_COUNTER_STATE, &now));
	*binding = now + 1;
	return d->number[KEY_DEVICE] == now + 1 ? ROTA_OK : write_number(d, KEY_DEVICE, now + 1);
}

static enum rota_err rise_end(void *ctx)
{
	struct key_device *d = ctx;
	uint32_t to = d->number[KEY_DEVICE];

	if (d->number[KEY_BOOT] != to)
		ROTA_TRY(write_number(d, KEY_BOOT, to));
	return d->counter.advance(d->counter.ctx, ROTA_COUNTER_STATE, to);
}

/* ---- a device ---- */

static enum rota_err draw(void *ctx, struct rota_buf room)
{
	struct key_device *d = ctx;
	struct rota_sim_supply dice = { .random = d->same_random ? 1 : ++d->draws };

	for (size_t i = 0; i < room.len; i++)
		room.p[i] = (uint8_t)rota_sim_supply_random(&dice);
	return ROTA_OK;
}

static enum rota_err make(struct key_device *d, const struct key_board *board)
{
	ROTA_TRY(rota_flash_sim_init(&d->chip, &board->chip, &d->supply));
	for (uint32_t i = 0; i < KEY_PLACES; i++)
		ROTA_TRY(rota_flash_sim_region(
			&d->place[i], &d->chip, i * 2 * board->sector_len, board->sector_len, 2));
	for (enum key_place i = KEY_DEVICE; i <= KEY_BOOT; i++) {
		ROTA_TRY(rota_journal_open(&d->journal[i], &d->place[i].port,
			i == KEY_DEVICE ? ROTA_JOURNAL_DEVICE : ROTA_JOURNAL_BOOT));
		ROTA_TRY(write_number(d, i, 0));
	}
	return ROTA_OK;
}

enum rota_err key_device_init(struct key_device *d, const struct key_board *board, bool counts)
{
	enum rota_err err;

	*d = (struct key_device){ .board = board };
	rota_sim_supply_init(&d->supply, 1);
	rota_counter_sim_init(&d->counters, &d->supply);
	d->counter = rota_counter_sim_port(&d->counters, counts ? 1u << ROTA_COUNTER_STATE : 0);
	rot_mem_init(&d->rot, &d->supply, &rota_crypto_openssl);
	d->rise = (struct rota_key_rise){ d, rise_begin, rise_end };
	d->random = (struct rota_random){ d, draw };
	memset(d->id, 0xD1, sizeof(d->id));
	d->keys = (struct rota_keyslots){ .rot = &d->rot.port,
		.crypto = &rota_crypto_openssl,
		.rise = counts ? &d->rise : NULL,
		.device = d->id,
		.scratch = ROTA_BUF(d->scratch) };
	err = make(d, board);
	if (err == ROTA_OK)
		err = key_device_on(d);
	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	key_device_free(d);
	return err == ROTA_OK ? ROTA_ERR_STATE : err;
}

void key_device_free(struct key_device *d)
{
	rota_flash_sim_free(&d->chip);
}

/* ---- on ---- */

static enum rota_binding judge(struct key_device *d, bool has_keys)
{
	struct rota_binding_facts f = { .device = d->number[KEY_DEVICE],
		.has_boot = true,
		.boot = d->number[KEY_BOOT],
		.has_keys = has_keys,
		.keys = d->keys.state.binding };

	f.counts = rota_counter_has(&d->counter, ROTA_COUNTER_STATE);
	if (f.counts)
		f.read = d->counter.read(d->counter.ctx, ROTA_COUNTER_STATE, &f.counter);
	return rota_binding_judge(&f);
}

static enum rota_err finish_rise(struct key_device *d, bool has_keys)
{
	uint32_t to;

	ROTA_TRY(rise_begin(d, &to));
	if (has_keys)
		ROTA_TRY(rota_keyslots_bind(&d->keys, to));
	return rise_end(d);
}

enum rota_err key_device_on(struct key_device *d)
{
	bool has_keys;
	enum rota_err err;

	rota_sim_supply_on(&d->supply);
	ROTA_TRY(read_number(d, KEY_DEVICE));
	ROTA_TRY(read_number(d, KEY_BOOT));
	err = rota_keyslots_open(&d->keys, &d->place[KEY_KEYS].port, &d->place[KEY_ARCHIVE].port);
	has_keys = err == ROTA_OK;
	if (!has_keys && d->keys.phase != ROTA_KEYSLOTS_BLANK)
		return err;
	d->verdict = judge(d, has_keys);
	if (d->verdict == ROTA_BINDING_CUT)
		ROTA_TRY(finish_rise(d, has_keys));
	if (!has_keys || rota_binding_restored(d->verdict))
		return err;
	return rota_keyslots_settle(&d->keys);
}

/* ---- images ---- */

enum rota_err key_device_save(struct key_device *d, struct key_image *image)
{
	image->rot = d->rot.has;
	image->counter = d->counters.value[ROTA_COUNTER_STATE];
	return rota_flash_sim_save(&d->chip, &image->chip);
}

void key_device_restore(struct key_device *d, const struct key_image *image)
{
	rota_flash_sim_restore(&d->chip, &image->chip);
	d->rot.has = image->rot;
	d->counters.value[ROTA_COUNTER_STATE] = image->counter;
}

enum rota_err key_device_put_back(
	struct key_device *d, const struct key_image *image, enum key_place place)
{
	uint32_t len = 2 * d->board->sector_len, at = (uint32_t)place * len;
	uint32_t unit = d->board->chip.write_len;
	struct rota_flash_sim chip; /* a second one, so that this one keeps the rest */
	uint8_t bytes[ROTA_FLASH_WRITE_MAX], blank[ROTA_FLASH_WRITE_MAX];
	enum rota_err err;

	memset(blank, d->board->chip.erased, sizeof(blank));
	ROTA_TRY(rota_flash_sim_init(&chip, &d->board->chip, &d->supply));
	rota_flash_sim_restore(&chip, &image->chip);
	err = rota_flash_sim_erase(&d->chip, at, len);
	for (uint32_t i = 0; i < len && err == ROTA_OK; i += unit) {
		err = rota_flash_sim_read(&chip, at + i, rota_buf(bytes, unit));
		if (err == ROTA_OK && memcmp(bytes, blank, unit) != 0)
			err = rota_flash_sim_write(&d->chip, at + i, rota_span(bytes, unit));
	}
	if (err == ROTA_OK)
		err = rota_flash_sim_sync(&d->chip);
	rota_flash_sim_free(&chip);
	return err;
}

void key_image_free(struct key_image *image)
{
	rota_flash_sim_image_free(&image->chip);
}

/* ---- keys ---- */

void key_secret(uint8_t purpose, uint32_t generation, uint8_t secret[static ROTA_SECRET_LEN])
{
	memset(secret, purpose, ROTA_SECRET_LEN);
	memcpy(secret, &generation, sizeof(generation));
}

struct rota_key_slot key_offer(uint8_t purpose, uint32_t generation, uint64_t at)
{
	struct rota_key_slot offer = { .purpose = purpose,
		.cipher = ROTA_CIPHER_AES256_GCM,
		.generation = generation,
		.activation_s = at,
		.until_s = at + KEY_DAY };

	memset(offer.campaign, (int)(0x40 + generation), sizeof(offer.campaign));
	return offer;
}

bool key_opens(
	const struct key_device *d, uint8_t purpose, uint32_t generation, enum rota_key_use use)
{
	const struct rota_datakey of = { purpose, ROTA_CIPHER_AES256_GCM, generation, d->id };
	uint8_t secret[ROTA_SECRET_LEN], want[32], got[32];

	key_secret(purpose, generation, secret);
	if (rota_datakey_derive(&rota_crypto_openssl, secret, &of, use, ROTA_BUF(want)) !=
			ROTA_OK ||
		rota_keyslots_key(&d->keys, purpose, generation, use, false, ROTA_BUF(got)) !=
			ROTA_OK)
		return false;
	return memcmp(want, got, sizeof(want)) == 0;
}
