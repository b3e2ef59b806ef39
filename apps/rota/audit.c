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

enum rota_err audit_demand(
	const char *policy, struct rota_buf room, struct rota_span *out, struct rota_fail *why)
{
	struct rota_log_policy p;
	struct rota_log_demand demand;
	enum rota_err err;

	ROTA_TRY(rota_log_policy_load(&rota_crypto_openssl, policy, &p, why));
	if (rota_log_policy_demand(&p, &demand, why) != ROTA_OK)
		return rota_fail_in(why, "%s", policy);
	err = rota_log_demand_write(&rota_crypto_openssl, &demand, room, out);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "%s: not what a device can hold", policy);
}
