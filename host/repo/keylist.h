/* SPDX-License-Identifier: Apache-2.0 */
/* host/repo/keylist.h -- keys/link/PRODUCT.json and keys/store/PRODUCT.json (SPEC 32.2), as their signers read them: as a device does. */
#ifndef HOST_REPO_KEYLIST_H
#define HOST_REPO_KEYLIST_H

#include "host/base/json.h"
#include "rota/codec/keys.h"

/* What a device says of a list that `role` signs; its product into *product. Errors of the decoder; ROTA_ERR_ROLE: of a purpose of
 * the other role. ROTA_ERR_UNSUPPORTED: of a purpose, suite or cipher that there is not. */
ROTA_MUST_USE enum rota_err rota_keylist_read(
	struct rota_span text, const char *role, struct rota_name *product);

#endif
