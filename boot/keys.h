/* SPDX-License-Identifier: Apache-2.0 */
/* boot/keys.h -- which image keys count on this device, and how one is retired (SPEC 10.6).
 *
 * ROM holds one or two image keys, the second one cold. A *key floor* says which of them is the first that
 * counts: 0 in the factory, 1 once the first one is retired. It rises only, and only when every member of
 * the confirmed set is vouched for by what still counts then, so that no device loses what it runs.
 * Keys that a recovery order adds, and an order's own image, stand above every floor as long as the order is
 * the one in force.
 */
#ifndef BOOT_KEYS_H
#define BOOT_KEYS_H

#include "rota/codec/rom.h"

/* Who vouches for an image: bit numbers of a u8. 0 and 1 are the ROM's keys. */
enum rota_boot_key {
	ROTA_BOOT_KEY_ROM = 0,
	ROTA_BOOT_KEY_ADDED = 2, /* to 5: keys that the recovery orders in force add */
	ROTA_BOOT_KEY_ORDER = 7, /* such an order names the image's digest */
};
#define ROTA_BOOT_KEYS_ADDED_MAX 4 /* SPEC 15.2, of two orders (15.6) */

/* The highest floor under which the ROM still has a key that can vouch for an image. */
uint8_t rota_boot_key_floor_max(const struct rota_rom *rom);

/* The floor in force when `floor` is what journal and hardware say: never one that leaves no usable key, since
 * such a device could boot nothing, whatever put that number there. */
uint8_t rota_boot_key_floor(const struct rota_rom *rom, uint8_t floor);

/* The highest floor under which an image still boots that `keys` vouch for, UINT8_MAX when every one. */
uint8_t rota_boot_key_reach(uint8_t keys);

#endif
