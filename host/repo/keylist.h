/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/keylist.h -- keys/link/PRODUCT.json and keys/store/PRODUCT.json (SPEC 32.2), as their signers read them: as a device does. */
#ifndef HOST_REPO_KEYLIST_H
#define HOST_REPO_KEYLIST_H

#include "host/base/json.h"
#include "host/repo/ledger.h"
#include "rota/codec/keys.h"

/* What a device says of a list that `role` signs; its product into *product. Errors of the decoder; ROTA_ERR_ROLE: of a purpose of
 * the other role. ROTA_ERR_UNSUPPORTED: of a purpose, suite or cipher that there is not. */
ROTA_MUST_USE enum rota_err rota_keylist_read(
	struct rota_span text, const char *role, struct rota_name *product);

/* The list of a role, keys-link or keys-store, for rota_ledger_open(); NULL: another role. */
const struct rota_ledger_kind *rota_keylist_kind(const char *role);

/* Say another `state` of the campaign with this id. A campaign that was aborted stays so: ROTA_ERR_STATE, as where it is so
 * already. ROTA_ERR_NOT_FOUND: it is not listed. */
ROTA_MUST_USE enum rota_err rota_keylist_set_state(json_t *list,
	const uint8_t id[static ROTA_SHA256_LEN], const char *state, struct rota_fail *why);

#endif
