/* SPDX-License-Identifier: Apache-2.0 */
/* The data keys of a simulated device: their journals and a soft root of trust, each change of which is told as that of any
 * other place. */
#include "host/sim/parts.h"
#include "rota/base/hex.h"

struct sim_area sim_area(const struct sim_device *d, enum sim_place_name place)
{
	const struct sim_board *board = d->fleet->board;
	uint32_t two = 2 * board->key_sector;
	uint32_t len = place == SIM_VAULT ? SIM_VAULT_SECTORS * board->key_sector : two;
	bool joined = board->keys.runs[0].sector_len != board->key_sector;

	if (place < SIM_PLACES)
		return board->area[place];
	if (d->fleet->keys == NULL)
		return (struct sim_area){ 0 };
	return (struct sim_area){ .chip = board->chips,
		.at = (uint32_t)(place - SIM_KEYS) * two,
		.len = len,
		.join = joined ? board->key_sector : 0 };
}

enum rota_err sim_random(void *ctx, struct rota_buf room)
{
	struct sim_device *d = ctx;

	for (size_t i = 0; i < room.len; i++)
		room.p[i] = (uint8_t)(rota_sim_supply_random(&d->supply) >> 32);
	return ROTA_OK;
}

void sim_keys_init(struct sim_device *d)
{
	const struct sim_key_parts *parts = d->fleet->keys;

	if (parts == NULL || rota_hex_decode(d->what.id, ROTA_BUF(d->key_device)) != ROTA_OK)
		return;
	d->random = (struct rota_random){ d, sim_random };
	rota_rot_soft_init(&d->rot,
		&(struct rota_rot_soft_parts){
			&d->place[SIM_ROT].port, parts->p256, parts->aead, &d->random });
	d->keys = (struct rota_keyslots){ .rot = &d->rot.port,
		.crypto = d->fleet->crypto,
		.device = d->key_device,
		.scratch = ROTA_BUF(d->key_scratch) };
}

static enum rota_err open_keys(struct sim_device *d)
{
	return rota_keyslots_open(&d->keys, &d->place[SIM_KEYS].port, &d->place[SIM_ARCHIVE].port);
}

enum rota_err sim_keys_factory(struct sim_device *d)
{
	struct rota_rot *rot = &d->rot.port;
	uint8_t point[ROTA_P256_KEY_LEN];

	if (d->fleet->keys == NULL)
		return ROTA_OK;
	ROTA_TRY(rot->key_make(rot->ctx, ROTA_ROT_IDENTITY, point));
	if (open_keys(d) != ROTA_ERR_NOT_FOUND)
		return ROTA_ERR_STATE;
	ROTA_TRY(rota_keyslots_factory(&d->keys, 0, point));
	return rota_keyslots_factory_secret(&d->keys, d->fleet->keys->factory);
}

void sim_keys_config(struct sim_device *d, struct rota_update_keys *out)
{
	const struct sim_key_parts *parts = d->fleet->keys;

	(void)!open_keys(d); /* what it said is for the cycle to judge */
	*out = (struct rota_update_keys){ .work = &rota_key_work,
		.desk = &d->key_desk,
		.slots = &d->keys,
		.aead = parts->aead,
		.vault_ctx = d,
		.needs = parts->needs };
}
