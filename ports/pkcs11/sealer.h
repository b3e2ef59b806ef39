/* SPDX-License-Identifier: Apache-2.0 */
/* ports/pkcs11/sealer.h -- host/port/sealer.h over a PKCS#11 token, in a process of its own as every token is (pool.h).
 *
 * The token needs CKM_AES_GCM. Its key is sensitive, not extractable, and was made in it.
 */
#ifndef PORTS_PKCS11_SEALER_H
#define PORTS_PKCS11_SEALER_H

#include "host/port/sealer.h"
#include "ports/pkcs11/pkcs11.h"

/* Initialise an empty slot as this token, if there is none of its label, with the security officer's PIN from `so_pin_file`,
 * and make the AES key. ROTA_ERR_STATE: a key of that label is there. */
ROTA_MUST_USE enum rota_err rota_pkcs11_sealer_make(const struct rota_pkcs11_token *token,
	const char *so_pin_file, const char *key, struct rota_fail *why);

/* ROTA_ERR_NOT_FOUND: no such key. */
ROTA_MUST_USE enum rota_err rota_pkcs11_sealer_open(const struct rota_pkcs11_token *token,
	const char *key, struct rota_sealer *out, struct rota_fail *why);

#endif
