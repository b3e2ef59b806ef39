/* SPDX-License-Identifier: Apache-2.0 */
/* rota/store/orderplace.h -- where recovery orders lie in flash (SPEC 15.6).
 *
 * A region of two places, each half of its sectors. A place holds a key-set record and an order; which of the two
 * counts is for the boot state to say, so a new order goes where the boot state does not point, and the one that
 * counts is never touched. A place is erased, its parts are written and synced, and its head, with lengths and a
 * CRC over all, comes last. So what a cut leaves is a whole place or none, and a boot state never names a
 * place before it was read back.
 *
 *     head: magic "RO" (2), format 1 (u8), 0 (u8), length of the record (u32), of the order (u32), CRC-32
 *           (IEEE 802.3) of the 12 bytes before and both parts (u32)
 *     record, order: each from the next program unit on, padded with the erased byte
 *
 * The CRC finds damage; that an order counts is judged by its signatures, at every boot (boot/order.h).
 */
#ifndef ROTA_STORE_ORDERPLACE_H
#define ROTA_STORE_ORDERPLACE_H

#include "rota/port/flash.h"

#define ROTA_ORDERPLACE_HEAD_LEN 16
#define ROTA_ORDERPLACES 2

struct rota_orderplace {
	const struct rota_flash *flash;
	uint32_t at; /* of the place, in the region */
	uint32_t record_len, record_at; /* in the place */
	uint32_t order_len, order_at;
};

/* Bytes that a place of this region has for record and order together, their padding included; 0: the region is
 * none of two places. */
uint32_t rota_orderplace_room(const struct rota_flash *flash);

/* Write record and order to place 0 or 1, and read them back. On any error the place holds nothing that counts.
 *
 * ROTA_ERR_ARGUMENT  no such place, an empty part
 * ROTA_ERR_FULL      they do not fit
 * ROTA_ERR_IO        writing failed, or what was read back differs */
ROTA_MUST_USE enum rota_err rota_orderplace_write(const struct rota_flash *flash, uint8_t place,
	struct rota_span record, struct rota_span order);

/* What lies in a place. The whole is read once for its CRC.
 *
 * ROTA_ERR_NOT_FOUND  nothing: erased, or a write that was cut off
 * ROTA_ERR_CORRUPT    damaged
 * ROTA_ERR_ARGUMENT   no such place
 * ROTA_ERR_IO */
ROTA_MUST_USE enum rota_err rota_orderplace_open(
	struct rota_orderplace *p, const struct rota_flash *flash, uint8_t place);

/* Hand a part to `take` in pieces, until it says no. Errors are the flash's, and what take returned. */
ROTA_MUST_USE enum rota_err rota_orderplace_record(const struct rota_orderplace *p, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece));
ROTA_MUST_USE enum rota_err rota_orderplace_order(const struct rota_orderplace *p, void *ctx,
	enum rota_err (*take)(void *ctx, struct rota_span piece));

#endif
