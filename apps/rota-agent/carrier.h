/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota-agent/carrier.h -- where recovery orders come from: the server, a stick, a serial line.
 *
 * Nothing that carries an order is trusted, so all carriers are one: a part is asked for by its digest and taken from
 * wherever it is. Which order is looked at is a question of turns. A pack that lies there ([recovery] file, the folder
 * where a stick appears, or what rota-boot left) is offered once in the life of this process; from then on the
 * server's order is looked at, so that a forgotten stick hides nothing.
 */
#ifndef APPS_ROTA_AGENT_CARRIER_H
#define APPS_ROTA_AGENT_CARRIER_H

#include "host/recovery/packfile.h"
#include "rota/port/crypto.h"

struct agent_carrier {
	const char *path; /* of a pack or its folder; NULL: there is only the server */
	bool alone; /* nobody but that pack is asked: rota-agent recover */
	struct rota_packfile pack; /* while a cycle runs */
	bool offered; /* an order of the pack, its digest: */
	uint8_t order[ROTA_SHA256_LEN];
};

/* A cycle begins: see whether there is a pack. Not being there is no trouble. */
void agent_carrier_begin(struct agent_carrier *c);
void agent_carrier_end(struct agent_carrier *c);

/* Whether this part comes from the pack: the order, when it is its turn; any other by its digest. */
bool agent_carrier_has(struct agent_carrier *c, enum rota_pack_kind part, const uint8_t *sha256);

#endif
