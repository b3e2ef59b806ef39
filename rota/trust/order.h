/* SPDX-License-Identifier: Apache-2.0 */
/* rota/trust/order.h -- whether a recovery order counts, and for whom (SPEC 15.3). Pure functions.
 *
 * The one decision that needs no TUF, no clock, no certificate and no network. Agent and boot stage ask the same
 * questions in the same order: is it signed by the anchor, is it meant for this device as it is now, is it
 * newer than what this device has burnt. Boot asks them again at every boot.
 */
#ifndef ROTA_TRUST_ORDER_H
#define ROTA_TRUST_ORDER_H

#include "rota/codec/recovery.h"
#include "rota/codec/rom.h"

/* ROTA_OK when the signatures of as many distinct keys of the record as its threshold says verify. `set` was
 * believed by its digest, `r` was read to its end. ROTA_ERR_THRESHOLD: too few. */
ROTA_MUST_USE enum rota_err rota_order_signed(const struct rota_order_reader *r,
	const struct rota_keyset *set, const struct rota_crypto *crypto);

/* What the device is now. */
struct rota_order_facts {
	struct rota_span product;
	struct rota_span hardware;
	/* Digests of the images that run or are confirmed, for `running`; the order's own image counts too. */
	const uint8_t (*running)[ROTA_SHA256_LEN];
	uint8_t running_count;
	uint32_t epoch; /* the highest that was stored; 0: none */
	/* Of the order that was stored at it, or NULL: at its own epoch that order alone is resumed. */
	const uint8_t *stored;
};

/* Whether it applies. The reader was begun with the device's id.
 *
 * ROTA_ERR_PRODUCT   for another product
 * ROTA_ERR_HARDWARE  for other hardware
 * ROTA_ERR_DENIED    for other devices
 * ROTA_ERR_STATE     for devices that run something else
 * ROTA_ERR_VERSION   an epoch that was stored already, with another order */
ROTA_MUST_USE enum rota_err rota_order_applies(
	const struct rota_order_reader *r, const struct rota_order_facts *facts);

/* The first ROM image key that is left once the order's retirements are burnt: 0 or 1. The order is refused
 * whole where it would leave none (ROTA_ERR_DENIED): it names the ROM's last key. Keys that this ROM does not
 * have are no concern of this device. */
ROTA_MUST_USE enum rota_err rota_order_key_floor(
	const struct rota_order *order, const struct rota_rom *rom, uint8_t *floor);

/* SHA-256 of the SubjectPublicKeyInfo DER of a raw P-256 key: what TLV 0x01 names a key by (SPEC 6.4). */
void rota_order_key_hash(const struct rota_crypto *crypto,
	const uint8_t raw[static ROTA_P256_KEY_LEN], uint8_t out[static ROTA_SHA256_LEN]);

#endif
