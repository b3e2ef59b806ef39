/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/orderbook.h"
#include "rota/base/mem.h"

/* ---- reading ---- */

void rota_orderbook_begin_order(
	struct rota_order_desk *desk, const struct rota_crypto *crypto, const struct rota_rom *rom)
{
	rota_order_begin(
		&desk->order, crypto, rom->device_id, ROTA_BUF(desk->names), ROTA_BUF(desk->value));
}

void rota_orderbook_begin_record(struct rota_order_desk *desk, const struct rota_crypto *crypto)
{
	rota_keyset_begin(&desk->record, crypto, ROTA_BUF(desk->names), ROTA_BUF(desk->value));
}

static enum rota_err take_record(void *ctx, struct rota_span piece)
{
	struct rota_order_desk *desk = ctx;

	return rota_keyset_feed(&desk->record, piece);
}

static enum rota_err take_order(void *ctx, struct rota_span piece)
{
	struct rota_order_desk *desk = ctx;

	return rota_order_feed(&desk->order, piece);
}

static enum rota_err read_place(struct rota_order_desk *desk, const struct rota_flash *places,
	uint8_t place, const struct rota_rom *rom, const struct rota_crypto *crypto)
{
	struct rota_orderplace p;

	ROTA_TRY(rota_orderplace_open(&p, places, place));
	rota_orderbook_begin_record(desk, crypto);
	ROTA_TRY(rota_orderplace_record(&p, desk, take_record));
	ROTA_TRY(rota_keyset_end(&desk->record, rom->recovery_sha256.p));
	rota_orderbook_begin_order(desk, crypto, rom);
	ROTA_TRY(rota_orderplace_order(&p, desk, take_order));
	return rota_order_end(&desk->order);
}

/* ---- judging ---- */

static uint32_t greater(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

uint32_t rota_orderbook_epoch(const struct rota_bootstate *state)
{
	return greater(state->epoch, state->epoch_to);
}

/* Signed, for this device, and leaving a key. */
static enum rota_err weigh(const struct rota_order_desk *desk, const struct rota_order_facts *facts,
	const struct rota_rom *rom)
{
	uint8_t floor;

	ROTA_TRY(rota_order_applies(&desk->order, facts));
	return rota_order_key_floor(&desk->order.order, rom, &floor);
}

enum rota_err rota_orderbook_judge(struct rota_order_desk *desk, const struct rota_flash *places,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_crypto *crypto, uint32_t epoch)
{
	const struct rota_order_facts facts = {
		.product = rom->product,
		.hardware = rom->hardware,
		.epoch = greater(epoch, rota_orderbook_epoch(state)),
		.stored = state->order,
	};

	if (state->order_phase == ROTA_ORDER_NONE_YET)
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(read_place(desk, places, state->order_place, rom, crypto));
	if (memcmp(desk->order.file_sha256, state->order, ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_HASH;
	ROTA_TRY(rota_order_signed(&desk->order, &desk->record.keyset, crypto));
	return weigh(desk, &facts, rom);
}

/* ---- the order before ---- */

/* Its image is not confirmed: the order before may be what the confirmed one stands on. */
static bool unproved(const struct rota_bootstate *state)
{
	return state->order_phase == ROTA_ORDER_STORED || state->order_phase == ROTA_ORDER_TRIAL ||
		state->order_phase == ROTA_ORDER_FAILED;
}

enum rota_err rota_orderbook_before(struct rota_order_desk *desk, const struct rota_flash *places,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_crypto *crypto, uint32_t epoch)
{
	const struct rota_order_facts facts = {
		.product = rom->product,
		.hardware = rom->hardware,
		.epoch = greater(epoch, rota_orderbook_epoch(state)),
		.stored = desk->order.file_sha256, /* at its own epoch it stands still */
	};

	if (!unproved(state))
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(read_place(desk, places, state->order_place == 0 ? 1 : 0, rom, crypto));
	ROTA_TRY(rota_order_signed(&desk->order, &desk->record.keyset, crypto));
	return weigh(desk, &facts, rom);
}

bool rota_orderbook_confirmed(const struct rota_bootstate *state, const struct rota_order *order)
{
	for (uint8_t i = 0; order->has_image && i < state->count; i++) {
		if (memcmp(state->digest[i][rota_bootstate_confirmed(state, i)],
			    order->image.digest, ROTA_SHA256_LEN) == 0)
			return true;
	}
	return false;
}

static bool has_key(const uint8_t *keys, uint8_t count, const uint8_t *key)
{
	for (uint8_t i = 0; i < count; i++) {
		if (memcmp(&keys[i * ROTA_P256_KEY_LEN], key, ROTA_P256_KEY_LEN) == 0)
			return true;
	}
	return false;
}

static void hold(const struct rota_bootstate *state, const struct rota_order *order,
	struct rota_order_held *held)
{
	held->epoch = greater(held->epoch, order->epoch);
	held->needs_image = held->needs_image || rota_orderbook_confirmed(state, order);
	for (uint8_t i = 0; i < order->add_count; i++) {
		if (has_key(held->key[0], held->key_count, order->add[i]))
			continue;
		if (held->key_count == ROTA_ORDER_KEYS_MAX) /* more than an order can add */
			held->needs_image = true;
		else
			memcpy(held->key[held->key_count++], order->add[i], ROTA_P256_KEY_LEN);
	}
}

void rota_orderbook_due(const struct rota_bootstate *state, const struct rota_order *order,
	const struct rota_rom *rom, struct rota_order_held *held)
{
	if (state->order_phase != ROTA_ORDER_CONFIRMED)
		return;
	held->epoch_due = order->epoch;
	if (rota_order_key_floor(order, rom, &held->key_floor_due) != ROTA_OK)
		held->key_floor_due = 0;
}

enum rota_err rota_orderbook_look(struct rota_order_desk *desk, const struct rota_flash *places,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_crypto *crypto, struct rota_order_held *held)
{
	enum rota_err err;

	memset(held, 0, sizeof(*held));
	if (rota_orderbook_before(desk, places, state, rom, crypto, 0) == ROTA_OK)
		hold(state, &desk->order.order, held);
	err = rota_orderbook_judge(desk, places, state, rom, crypto, 0);
	if (err != ROTA_OK)
		return err;
	hold(state, &desk->order.order, held);
	rota_orderbook_due(state, &desk->order.order, rom, held);
	return ROTA_OK;
}

/* ---- a new one ---- */

static bool leaves_what_runs(const struct rota_order *order, const struct rota_order_held *held)
{
	if (order->has_image)
		return true; /* until that is confirmed both stand */
	for (uint8_t i = 0; i < held->key_count; i++) {
		if (!has_key(order->add[0], order->add_count, held->key[i]))
			return false;
	}
	return !held->needs_image;
}

bool rota_orderbook_again(const struct rota_order_desk *desk, const struct rota_bootstate *state)
{
	return (state->order_phase == ROTA_ORDER_CONFIRMED ||
		       state->order_phase == ROTA_ORDER_DONE) &&
		memcmp(desk->order.file_sha256, state->order, ROTA_SHA256_LEN) == 0;
}

enum rota_err rota_orderbook_concerns(const struct rota_order_desk *desk,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_order_held *held)
{
	uint8_t running[ROTA_SET_MAX][ROTA_SHA256_LEN];
	const struct rota_order_facts facts = {
		.product = rom->product,
		.hardware = rom->hardware,
		.running = (const uint8_t(*)[ROTA_SHA256_LEN])running,
		.running_count = state->count,
		.epoch = greater(held->epoch, rota_orderbook_epoch(state)),
		.stored = rota_orderbook_again(desk, state) ? state->order : NULL,
	};

	for (uint8_t i = 0; i < state->count; i++)
		memcpy(running[i], state->digest[i][rota_bootstate_confirmed(state, i)],
			ROTA_SHA256_LEN);
	ROTA_TRY(weigh(desk, &facts, rom));
	if (desk->order.order.epoch - facts.epoch > ROTA_ORDER_EPOCHS_AHEAD)
		return ROTA_ERR_LIMIT;
	return leaves_what_runs(&desk->order.order, held) ? ROTA_OK : ROTA_ERR_STATE;
}

enum rota_err rota_orderbook_accepts(const struct rota_order_desk *desk,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_crypto *crypto, const struct rota_order_held *held)
{
	ROTA_TRY(rota_order_signed(&desk->order, &desk->record.keyset, crypto));
	return rota_orderbook_concerns(desk, state, rom, held);
}

/* ---- the boot state ---- */

uint8_t rota_orderbook_place(const struct rota_bootstate *state)
{
	if (unproved(state))
		return state->order_place;
	return state->order_place == 0 ? 1 : 0;
}

/* One floor for both: what the order retires, and no floor falls. */
static void retire(
	struct rota_bootstate *state, const struct rota_order *order, const struct rota_rom *rom)
{
	uint8_t floor;

	if (rota_order_key_floor(order, rom, &floor) == ROTA_OK && floor > state->key_floor_to)
		state->key_floor_to = floor;
	state->epoch_to = greater(state->epoch_to, order->epoch);
}

void rota_orderbook_move(struct rota_bootstate *state, uint8_t place)
{
	state->order_place = place;
}

void rota_orderbook_put(struct rota_bootstate *state, uint8_t place,
	const struct rota_order_reader *order, const struct rota_rom *rom,
	const struct rota_order_held *held)
{
	state->epoch_to = greater(state->epoch_to, held->epoch_due);
	if (held->key_floor_due > state->key_floor_to)
		state->key_floor_to = held->key_floor_due;
	state->order_place = place;
	state->tries = 0;
	memcpy(state->order, order->file_sha256, ROTA_SHA256_LEN);
	state->order_phase = order->order.has_image ? ROTA_ORDER_STORED : ROTA_ORDER_CONFIRMED;
	if (!order->order.has_image)
		retire(state, &order->order, rom);
}

enum rota_err rota_orderbook_try(struct rota_bootstate *state)
{
	if (state->order_phase != ROTA_ORDER_STORED && state->order_phase != ROTA_ORDER_TRIAL)
		return ROTA_ERR_STATE;
	state->order_phase = ROTA_ORDER_TRIAL;
	return ROTA_OK;
}

enum rota_err rota_orderbook_keep(struct rota_bootstate *state)
{
	if (state->order_phase != ROTA_ORDER_STORED && state->order_phase != ROTA_ORDER_TRIAL)
		return ROTA_ERR_STATE;
	state->order_phase = ROTA_ORDER_CONFIRMED;
	return ROTA_OK;
}

bool rota_orderbook_burn(
	struct rota_bootstate *state, const struct rota_order *order, const struct rota_rom *rom)
{
	uint32_t epoch_to = state->epoch_to;
	uint8_t key_floor_to = state->key_floor_to;

	if (state->order_phase != ROTA_ORDER_CONFIRMED)
		return false;
	retire(state, order, rom);
	if (epoch_to != state->epoch_to || key_floor_to != state->key_floor_to)
		return true;
	if (state->epoch != state->epoch_to || state->key_floor != state->key_floor_to)
		return false; /* under way */
	state->order_phase = ROTA_ORDER_DONE;
	return true;
}
