/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/orderbook.h -- the recovery order that a device stored, and how far it is (SPEC 15.6, 15.7).
 *
 * The order lies in a place (orderplace.h); the boot state names the place, the order's digest and its phase, so
 * that one commit of the boot journal makes an order the device's:
 *
 *     none --put--> stored --> trial --confirm (bootstate.h)--> confirmed --> done
 *                     |          `--revert, or the last try---> failed
 *                     `--put, without an image--> confirmed
 *
 * A higher epoch is put at any phase. The place of an order that came to confirmed is kept until the image of a later
 * one is confirmed, since what runs may boot by that order alone. What lies in flash is never believed for lying
 * there: agent and boot stage judge it by the anchor each time they use it.
 */
#ifndef ROTA_STORE_ORDERBOOK_H
#define ROTA_STORE_ORDERBOOK_H

#include "rota/store/bootstate.h"
#include "rota/store/orderplace.h"
#include "rota/trust/order.h"

/* How far an order's epoch may be above the one before. A counter in hardware gets there one by one, before anything
 * boots: a hundred seconds at a tenth of one each. An epoch that is a date would take a TPM days, and wear it out. */
#define ROTA_ORDER_EPOCHS_AHEAD 1024

/* Room for reading a record and an order, 3 KB. The caller places it and does not move it. */
struct rota_order_desk {
	struct rota_keyset_reader record;
	struct rota_order_reader order;
	uint8_t names[ROTA_ORDER_NAMES_ROOM];
	uint8_t value[ROTA_ORDER_VALUE_ROOM];
};

_Static_assert(ROTA_KEYSET_NAMES_ROOM <= ROTA_ORDER_NAMES_ROOM, "one room for both");
_Static_assert(ROTA_KEYSET_VALUE_ROOM <= ROTA_ORDER_VALUE_ROOM, "one room for both");

/* Begin to read one or the other; both are begun with the desk's rooms. */
void rota_orderbook_begin_order(
	struct rota_order_desk *desk, const struct rota_crypto *crypto, const struct rota_rom *rom);
void rota_orderbook_begin_record(struct rota_order_desk *desk, const struct rota_crypto *crypto);

/* The least epoch that a new order must be above: of what was burnt, or is being burnt. */
uint32_t rota_orderbook_epoch(const struct rota_bootstate *state);

/* Judge the order that the boot state names, as it lies in flash: record by ROM's digest, signatures, product,
 * hardware, device, epoch, the digest that the boot state says, and that it leaves a usable key. On ROTA_OK
 * desk->order.order says what it orders.
 * epoch  what hardware says, where there is some; 0
 *
 * ROTA_ERR_NOT_FOUND  none is named, or nothing lies there
 * ROTA_ERR_HASH       another one lies there
 * else                the place's errors, the readers', and those of rota/trust/order.h */
ROTA_MUST_USE enum rota_err rota_orderbook_judge(struct rota_order_desk *desk,
	const struct rota_flash *places, const struct rota_bootstate *state,
	const struct rota_rom *rom, const struct rota_crypto *crypto, uint32_t epoch);

/* The same of the order before it, which lies in the other place: as long as the image of the one that is named is not
 * confirmed, and the epoch is not burnt. ROTA_ERR_NOT_FOUND: none stands beside it. */
ROTA_MUST_USE enum rota_err rota_orderbook_before(struct rota_order_desk *desk,
	const struct rota_flash *places, const struct rota_bootstate *state,
	const struct rota_rom *rom, const struct rota_crypto *crypto, uint32_t epoch);

/* Whether the order names an image that is a confirmed one. */
bool rota_orderbook_confirmed(const struct rota_bootstate *state, const struct rota_order *order);

/* What of a device rests on the orders that it holds. A new one without an image would end them at once: it is to
 * add these keys too, and where an image is needed there is no such order. */
struct rota_order_held {
	uint32_t epoch; /* the highest; 0: none is held */
	uint32_t epoch_due; /* of one whose image is confirmed, and what it retires: to be burnt */
	uint8_t key_floor_due;
	bool needs_image;
	uint8_t key_count;
	uint8_t key[ROTA_ORDER_KEYS_MAX][ROTA_P256_KEY_LEN];
};

/* What the order that is named, and was judged, has yet to ask for to be burnt. */
void rota_orderbook_due(const struct rota_bootstate *state, const struct rota_order *order,
	const struct rota_rom *rom, struct rota_order_held *held);

/* Judge both, the one that is named last: what it says is of that one. *held is set whatever it says. */
ROTA_MUST_USE enum rota_err rota_orderbook_look(struct rota_order_desk *desk,
	const struct rota_flash *places, const struct rota_bootstate *state,
	const struct rota_rom *rom, const struct rota_crypto *crypto, struct rota_order_held *held);

/* Whether what was read on the desk, record and order to their ends, may be put: signed by the anchor, for this
 * device as it is, it leaves a usable key, its epoch is not too far above (ROTA_ERR_LIMIT), and it takes nothing away that rests
 * on what is held (ROTA_ERR_STATE). */
ROTA_MUST_USE enum rota_err rota_orderbook_accepts(const struct rota_order_desk *desk,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_crypto *crypto, const struct rota_order_held *held);

/* The same without who signed: whether it is worth to ask for the record. */
ROTA_MUST_USE enum rota_err rota_orderbook_concerns(const struct rota_order_desk *desk,
	const struct rota_bootstate *state, const struct rota_rom *rom,
	const struct rota_order_held *held);

/* The place that a new order goes to: not the one that is named, unless that one's image is not confirmed. */
uint8_t rota_orderbook_place(const struct rota_bootstate *state);

/* Whether what was read on the desk is the very order that the boot state names, from confirmed on. Where its place was damaged it
 * may be written anew (SPEC 15.6): what runs may boot by it alone. */
bool rota_orderbook_again(const struct rota_order_desk *desk, const struct rota_bootstate *state);

/* Such a one lies at `place` now; how far it is stays. */
void rota_orderbook_move(struct rota_bootstate *state, uint8_t place);

/* The order that was read on the desk, and lies at `place`, becomes the device's. Without an image its epoch and
 * retirements begin to be burnt here; with one, once that is confirmed: rota_orderbook_burn(). What one that it takes the place of has
 * yet to burn (`held`) is not lost. */
void rota_orderbook_put(struct rota_bootstate *state, uint8_t place,
	const struct rota_order_reader *order, const struct rota_rom *rom,
	const struct rota_order_held *held);

/* Its image is to be written now, and tried (again). From stored and trial alone: ROTA_ERR_STATE. */
ROTA_MUST_USE enum rota_err rota_orderbook_try(struct rota_bootstate *state);

/* Its image is the confirmed one without a trial, as it ran before. Likewise. */
ROTA_MUST_USE enum rota_err rota_orderbook_keep(struct rota_bootstate *state);

/* From confirmed on: epoch and retirements are to be burnt (boot/burn.h does it), in one commit; and when that
 * is done, the phase is too. Whether the state changed. */
bool rota_orderbook_burn(
	struct rota_bootstate *state, const struct rota_order *order, const struct rota_rom *rom);

#endif
