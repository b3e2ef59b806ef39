/* SPDX-License-Identifier: Apache-2.0 */
/* boot/order.h -- what the recovery order in force adds to the keys that boot knows (SPEC 15.6).
 *
 * At every boot the order that the boot state names is judged anew by the anchor in ROM, as it lies in flash. If it
 * holds, the image that it names needs no signature, and the image keys that it adds count, above every key floor.
 * If it does not, for whatever reason, the device boots as without it.
 *
 * Until its own image is confirmed, what is confirmed may stand on the order before it: that one's keys count too,
 * and its image, where it is a confirmed one.
 */
#ifndef BOOT_ORDER_H
#define BOOT_ORDER_H

#include "boot/check.h"
#include "rota/store/orderbook.h"

struct rota_boot_order {
	enum rota_err
		verdict; /* ROTA_OK: in force; ROTA_ERR_NOT_FOUND: there is none; else why it does not count */
	uint32_t epoch;
	bool has_image;
	uint8_t image[ROTA_SHA256_LEN];
	bool has_before;
	uint8_t before[ROTA_SHA256_LEN]; /* image of the order before, and a confirmed one */
	uint8_t key_count; /* of both */
	uint8_t raw[ROTA_BOOT_KEYS_ADDED_MAX][ROTA_P256_KEY_LEN];
	uint8_t hash[ROTA_BOOT_KEYS_ADDED_MAX][ROTA_SHA256_LEN];
};

/* Judge it. epoch: what hardware says, where there is some, else 0. Never fails: what does not count
 * is zero. */
void rota_boot_order_load(struct rota_boot_order *out, struct rota_order_desk *desk,
	const struct rota_flash *places, const struct rota_bootstate *state,
	const struct rota_rom *rom, const struct rota_crypto *crypto, uint32_t epoch);

/* Put it into a policy. `order` and `keys` (ROTA_BOOT_KEYS_ADDED_MAX) stay in use as long as the policy. */
void rota_boot_order_allow(const struct rota_boot_order *order, struct rota_rom_key *keys,
	struct rota_boot_policy *policy);

#endif
