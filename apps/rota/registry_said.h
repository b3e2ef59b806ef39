/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/registry_said.h -- which devices said themselves that they are over (SPEC 30.5; 35.1, kind 4).
 *
 * What the registry says of it, whoever broke into rotad can say of each device; a revocation is for ever. So what counts is the
 * statement as rotad's journal has it, signed by the device's identity. */
#ifndef APPS_ROTA_REGISTRY_SAID_H
#define APPS_ROTA_REGISTRY_SAID_H

#include "apps/rota/session.h"
#include "host/notary/digestset.h"
#include "host/port/regdb.h"

/* Of the devices in `who` those whose statement is there get a value that is not NULL. That the row's identity is the one of the
 * device's id the caller sees. ROTA_ERR_NOT_FOUND: nobody says where the journal is. Else it cannot be read. */
ROTA_MUST_USE enum rota_err registry_said(
	struct session *s, const struct rota_regdb *reg, struct digestset *who);

#endif
