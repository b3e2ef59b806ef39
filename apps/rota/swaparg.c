/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/swaparg.h"

#include <stdio.h>
#include <string.h>

enum rota_err swaparg(const struct rota_keys *k, const char *text, struct rota_bundle_swap *swap,
	const struct rota_key_info **old, struct rota_fail *why)
{
	const char *equals = strchr(text, '=');
	char id[ROTA_DIGEST_HEX];

	if (!equals || (size_t)(equals - text) >= sizeof(id))
		return rota_fail(why, ROTA_ERR_ARGUMENT, "--replace %s is not ID=FILE", text);
	snprintf(id, sizeof(id), "%.*s", (int)(equals - text), text);
	ROTA_TRY(rota_keys_find(k, id, old, why));
	memcpy(swap->old, (*old)->id, sizeof(swap->old));
	return rota_bundle_key_load(equals + 1, swap->point, why);
}
