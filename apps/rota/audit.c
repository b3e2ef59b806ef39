/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/audit.h"
#include "apps/rota/verb.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <stdlib.h>

enum rota_err audit_open(
	struct audit_place *place, const char *folder, const char *policy, struct rota_fail *why)
{
	char *path =
		policy ? rota_text("%s", policy) : rota_text("%s/trust/log-policy", verb_dir());
	enum rota_err err = rota_log_policy_load(&rota_crypto_openssl, path, &place->policy, why);

	place->folder = folder ? rota_text("%s", folder) : rota_text("%s/repo/log", verb_dir());
	place->files = rota_tiles_in(place->folder);
	free(path);
	return err;
}

void audit_close(struct audit_place *place)
{
	free(place->folder);
}
