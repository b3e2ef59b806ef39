/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/recovery.h -- a recovery order on the operator's side (SPEC 15): what its verbs share.
 *
 * The order is one file from the first verb to the last: made without signatures, signed by one token after the other,
 * packed, published or sent. Whether a device would take it is asked of the device's own reader each time.
 */
#ifndef APPS_ROTA_RECOVERY_H
#define APPS_ROTA_RECOVERY_H

#include "apps/rota/session.h"
#include "host/base/digest.h"
#include "rota/store/orderbook.h"

struct recovery_order {
	json_t *file;
	struct rota_bytes bytes; /* as it would be written */
	struct rota_order_desk desk; /* order and record, read */
	struct rota_bytes record; /* DIR/trust/recovery-keys.json */
	json_t *keys; /* its `keys` */
};

/* Read the order `path`, and the record of the authority. Errors name the file. */
ROTA_MUST_USE enum rota_err recovery_load(const struct rota_authdir *dir, const char *path,
	struct recovery_order *o, struct rota_fail *why);

/* The same of an order that is being made: takes `file`. */
ROTA_MUST_USE enum rota_err recovery_read(const struct rota_authdir *dir, json_t *file,
	struct recovery_order *o, struct rota_fail *why);
void recovery_free(struct recovery_order *o);

/* Whether the key at this place of the record signed it, and whether enough did. */
bool recovery_signed_by(const struct recovery_order *o, size_t place);
unsigned recovery_signatures(const struct recovery_order *o);
bool recovery_complete(const struct recovery_order *o);

/* ROTA_ERR_THRESHOLD, with who could still sign, unless it is complete. */
ROTA_MUST_USE enum rota_err recovery_need_complete(
	const struct recovery_order *o, struct rota_fail *why);

/* Which files an order names beside itself; NULL: none. */
struct recovery_parts {
	const char *image, *root;
};

/* Whether they are those that the order names, all of them and no others. */
ROTA_MUST_USE enum rota_err recovery_check_parts(
	const struct recovery_order *o, const struct recovery_parts *parts, struct rota_fail *why);

/* Print it for a person, or as JSON. */
void recovery_print(const struct recovery_order *o, bool json);

#endif
