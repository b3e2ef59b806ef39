/* SPDX-License-Identifier: Apache-2.0 */
/* host/pki/burn.h -- the ROM record of a device (SPEC 12.1), of what its authority knows. */
#ifndef HOST_PKI_BURN_H
#define HOST_PKI_BURN_H

#include "host/pki/enrol.h"

/* *rom has what is the device's own: device_id, idevid_spki, and where they apply nv, rot and rot_name; and the digests of the
 * root and of the recovery key-set record that it gets. Product, hardware id, image keys, counter, watchdog and demand
 * are filled in from `plan`. Image keys are the production ones; of channel ci the ci key and the first production key,
 * so that a promoted build boots there too. The record into `room`. */
ROTA_MUST_USE enum rota_err rota_burn(struct rota_desk *desk, const struct rota_enrol_plan *plan,
	const struct rota_rom *rom, struct rota_buf room, struct rota_span *out,
	struct rota_fail *why);

/* The newest root that verifies from the anchor; the caller frees. */
ROTA_MUST_USE enum rota_err rota_burn_root(
	const struct rota_authdir *dir, struct rota_bytes *root, struct rota_fail *why);

#endif
