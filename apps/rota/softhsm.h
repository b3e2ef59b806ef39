/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/softhsm.h -- `rota init --softhsm`: tokens made of files, for development and tests.
 *
 * Every person of the trust table gets a token with a configuration and a store of its own below DIR/tokens, so
 * that a process that was given the online token's configuration cannot see another. Names in rota.ini are
 * relative, so the directory may be moved.
 */
#ifndef APPS_ROTA_SOFTHSM_H
#define APPS_ROTA_SOFTHSM_H

#include "host/base/file.h"

struct softhsm_plan {
	const char *product;
	const char *module; /* NULL: where Debian puts it */
	const char *host; /* of the server, for the addresses that devices are given */
	bool at_hand; /* verbs open the online token themselves: there is no signing daemon */
};

/* Write DIR/rota.ini for these tokens, and the tokens. */
ROTA_MUST_USE enum rota_err softhsm_make(
	const struct softhsm_plan *plan, const char *dir, struct rota_fail *why);

#endif
