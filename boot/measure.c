/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/measure.h"
#include "boot/keys.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

static void hash_text(
	const struct rota_crypto *crypto, struct rota_sha256 *h, struct rota_span text)
{
	const uint8_t len = (uint8_t)text.len; /* names are short (SPEC 1.2) */

	crypto->sha256_update(h, rota_span(&len, 1));
	crypto->sha256_update(h, text);
}

static void hash_numbers(
	const struct rota_crypto *crypto, struct rota_sha256 *h, const struct rota_rom *rom)
{
	uint8_t room[4 + 4 + 4 + 1];
	struct rota_writer w = rota_writer(ROTA_BUF(room));

	rota_write_le32(&w, rom->counter);
	rota_write_le32(&w, rom->watchdog.period_s);
	rota_write_le32(&w, rom->watchdog.bound_s);
	rota_write_u8(&w, rom->watchdog.updater);
	crypto->sha256_update(h, rota_writer_span(&w));
}

void rota_record_anchors(const struct rota_rom *rom, const struct rota_crypto *crypto,
	uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	hash_text(crypto, &h, rom->product);
	hash_text(crypto, &h, rom->hardware);
	crypto->sha256_update(&h, rota_span(&rom->key_count, 1));
	for (uint8_t i = 0; i < rom->key_count; i++) {
		const uint8_t alg = (uint8_t)rom->key[i].alg;

		crypto->sha256_update(&h, rota_span(&alg, 1));
		crypto->sha256_update(&h, rom->key[i].hash);
	}
	crypto->sha256_update(&h, rom->recovery_sha256);
	hash_numbers(crypto, &h, rom);
	crypto->sha256_final(&h, out);
}

void rota_record_numbers(struct rota_record *record, const struct rota_bootstate *state,
	const struct rota_burn_facts *facts)
{
	record->hardware = record->unreadable = 0;
	for (unsigned id = 0; id < ROTA_COUNTER_COUNT; id++) {
		enum rota_burn_source source = facts->number[id].source;
		uint8_t bit = (uint8_t)(1u << id);

		record->hardware |= source == ROTA_BURN_HARDWARE ? bit : 0;
		record->unreadable |= source == ROTA_BURN_UNREADABLE ? bit : 0;
	}
	record->counter = rota_burn_floor(state, facts, ROTA_COUNTER_SECURITY);
	record->key_floor = (uint8_t)rota_burn_floor(state, facts, ROTA_COUNTER_KEYS);
	record->epoch = rota_burn_floor(state, facts, ROTA_COUNTER_EPOCH);
	record->has_order = state->order_place != ROTA_ORDER_NONE;
	memset(record->order, 0, sizeof(record->order));
	if (record->has_order)
		memcpy(record->order, state->order, sizeof(record->order));
}

void rota_record_member(
	struct rota_record *record, uint8_t place, const struct rota_image_info *info, uint8_t keys)
{
	struct rota_record_member *member = &record->member[record->count];

	if (record->count == ROTA_SET_MAX)
		return;
	record->count++;
	member->place = place;
	member->keys = keys;
	member->counter = info->counter;
	member->version = info->version;
	memcpy(member->digest, info->digest, sizeof(member->digest));
}
