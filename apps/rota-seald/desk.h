/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-seald/desk.h -- an authority whose roles keys-link and keys-store get their next lists.
 *
 * The signing daemon signs what is online; no token is opened here. While it is open nobody else publishes.
 */
#ifndef APPS_ROTA_SEALD_DESK_H
#define APPS_ROTA_SEALD_DESK_H

#include "apps/rota-seald/config.h"
#include "host/notary/proxy.h"
#include "host/repo/keylist.h"

#define DESK_ROLES 2

struct desk {
	struct rota_authdir dir;
	struct rota_tokens tokens; /* none of which opens */
	struct rota_proxy proxy;
	struct rota_notary notary;
	struct rota_desk desk;
	int lock;
	struct rota_ledger list[DESK_ROLES];
	bool changed[DESK_ROLES];
	size_t lists; /* that are open */
};

/* What was asked of the daemon before is brought to an end first. ROTA_ERR_PRODUCT: of another product; ROTA_ERR_BUSY: somebody
 * else publishes, for 20 s. Do not move it. On failure nothing is open. */
ROTA_MUST_USE enum rota_err desk_open(
	struct desk *d, const struct config *c, struct rota_fail *why);
void desk_close(struct desk *d);

/* Place of the role's list; DESK_ROLES: no such role. */
size_t desk_role(const char *role);

struct desk_done {
	const char *role;
	uint64_t sequence;
	uint64_t version; /* of the role; 0: it waits for the role's people */
};

/* Have a list that changed signed and staged. ROTA_ERR_BUSY: its request waits for officers, or what was listed before it for the
 * role's people. */
ROTA_MUST_USE enum rota_err desk_sign(
	struct desk *d, size_t role, struct desk_done *out, struct rota_fail *why);

#endif
