/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/logkey.h"
#include "host/log/vkey.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/pkcs11/pkcs11.h"

#include <stdio.h>

enum rota_err logkey_print(const struct plan *plan, struct rota_fail *why)
{
	const char *label = plan->log.keys[0].label;
	uint8_t point[ROTA_P256_KEY_LEN];
	char text[ROTA_VKEY_TEXT_MAX];
	struct rota_signer signer;
	struct rota_vkey key;
	enum rota_err err;

	ROTA_TRY(rota_pkcs11_open(&plan->log.port, &label, 1, &signer, why));
	err = signer.public_key(signer.ctx, label, point, why);
	signer.close(signer.ctx);
	ROTA_TRY(err);
	ROTA_TRY(rota_vkey_make(&rota_crypto_openssl, rota_policy_log(plan->policy)->origin, false,
		point, &key, why));
	rota_vkey_write(&key, text);
	printf("log %s\n", text);
	return ROTA_OK;
}
