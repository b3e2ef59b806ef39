/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/approved.h -- the request of a campaign, and the id that it has: the digest of its very bytes (SPEC 32.1). */
#ifndef APPS_ROTA_SEALD_APPROVED_H
#define APPS_ROTA_SEALD_APPROVED_H

#include "apps/rota-seald/config.h"
#include "host/campaign/request.h"
#include "host/notary/client.h"

struct approved {
	uint8_t id[32];
	struct rota_key_request request; /* its campaign has the id, and is active */
	char state[ROTA_CLIENT_STATE_MAX]; /* as the daemon has it now; "": not listed */
};

/* As the signing daemon has it, which has none that was not approved. ROTA_ERR_NOT_FOUND: none of this id, 64 hex digits;
 * ROTA_ERR_PRODUCT: we seal for another product; ROTA_ERR_NET, ROTA_ERR_TIMEOUT: no daemon. */
ROTA_MUST_USE enum rota_err approved_load(
	const struct config *c, const char *id, struct approved *out, struct rota_fail *why);

/* Out of a file, for who rehearses. Whether it was approved nobody here can tell; the daemon, asked to sign, can. */
ROTA_MUST_USE enum rota_err approved_read(
	const struct config *c, const char *path, struct approved *out, struct rota_fail *why);

/* Whether it is over: no tree is made of it any more (SPEC 37.9). */
bool approved_is_over(const struct approved *a);

#endif
