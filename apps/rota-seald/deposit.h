/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/deposit.h -- keys of a tree's devices in the token of a service that is at hand (SPEC 37.14). */
#ifndef APPS_ROTA_SEALD_DEPOSIT_H
#define APPS_ROTA_SEALD_DEPOSIT_H

#include "apps/rota-seald/services.h"
#include "host/campaign/backkeys.h"
#include "ports/pkcs11/deposit.h"

/* The service's token, open for the keys of a purpose and generation; it was asked for by its name. ROTA_ERR_NOT_FOUND: the
 * service has none. */
ROTA_MUST_USE enum rota_err deposit_open(const struct service *s, uint8_t purpose,
	uint32_t generation, struct rota_pkcs11_deposit **out, struct rota_fail *why);

/* All keys of the tree into it, by one question to the HSM. */
ROTA_MUST_USE enum rota_err deposit_tree(struct rota_pkcs11_deposit *d,
	const struct rota_backkeys *tree, const struct rota_sealer *copies, struct rota_fail *why);

#endif
