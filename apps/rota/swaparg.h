/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/swaparg.h -- a value of --replace, ID=FILE: a key gives way to another. */
#ifndef APPS_ROTA_SWAPARG_H
#define APPS_ROTA_SWAPARG_H

#include "host/keys/keys.h"
#include "host/repo/bundle_keys.h"

/* Fill `swap` from the key of `k` whose id begins with ID, which is *old as well, and the public key in FILE (PEM).
 * ROTA_ERR_ARGUMENT: no such value. Else as rota_keys_find() and rota_bundle_key_load(). */
ROTA_MUST_USE enum rota_err swaparg(const struct rota_keys *k, const char *text,
	struct rota_bundle_swap *swap, const struct rota_key_info **old, struct rota_fail *why);

#endif
