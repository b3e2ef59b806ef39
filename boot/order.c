/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/order.h"
#include "rota/base/mem.h"

_Static_assert(ROTA_BOOT_KEYS_ADDED_MAX == 2 * ROTA_ORDER_KEYS_MAX, "of two orders");

static void take_keys(struct rota_boot_order *out, const struct rota_order *order,
	const struct rota_crypto *crypto)
{
	for (uint8_t i = 0; i < order->add_count; i++) {
		memcpy(out->raw[out->key_count], order->add[i], ROTA_P256_KEY_LEN);
		rota_order_key_hash(crypto, order->add[i], out->hash[out->key_count++]);
	}
}

void rota_boot_order_load(struct rota_boot_order *out, struct rota_order_desk *desk,
	const struct rota_flash *places, const struct rota_bootstate *state,
	const struct rota_rom *rom, const struct rota_crypto *crypto, uint32_t epoch)
{
	const struct rota_order *order = &desk->order.order;

	memset(out, 0, sizeof(*out));
	out->verdict = rota_orderbook_judge(desk, places, state, rom, crypto, epoch);
	if (out->verdict == ROTA_OK) {
		out->epoch = order->epoch;
		out->has_image = order->has_image;
		memcpy(out->image, order->image.digest, ROTA_SHA256_LEN);
		take_keys(out, order, crypto);
	}
	if (rota_orderbook_before(desk, places, state, rom, crypto, epoch) != ROTA_OK)
		return;
	out->has_before = rota_orderbook_confirmed(state, order);
	memcpy(out->before, order->image.digest, ROTA_SHA256_LEN);
	take_keys(out, order, crypto);
}

void rota_boot_order_allow(const struct rota_boot_order *order, struct rota_rom_key *keys,
	struct rota_boot_policy *policy)
{
	for (uint8_t i = 0; i < order->key_count; i++)
		keys[i] = (struct rota_rom_key){ .alg = ROTA_ALG_ECDSA_P256,
			.hash = ROTA_SPAN(order->hash[i]),
			.raw = ROTA_SPAN(order->raw[i]) };
	policy->added = keys;
	policy->added_count = order->key_count;
	policy->order = order->has_image ? order->image : NULL;
	policy->before = order->has_before ? order->before : NULL;
}
