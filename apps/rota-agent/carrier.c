/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/carrier.h"
#include "apps/rota-agent/say.h"

#include <string.h>

void agent_carrier_begin(struct agent_carrier *c)
{
	struct rota_fail why;

	c->pack.fd = -1;
	if (c->path == NULL)
		return;
	if (rota_packfile_open(&c->pack, c->path, &why) == ROTA_OK || why.err == ROTA_ERR_NOT_FOUND)
		return;
	say("failed",
		(struct say_field[]){
			{ "step", "recovery" }, { "reason", why.text }, { NULL, NULL } });
}

void agent_carrier_end(struct agent_carrier *c)
{
	rota_packfile_close(&c->pack);
}

/* Its order, unless it was offered before. */
static bool offers(struct agent_carrier *c)
{
	uint8_t digest[ROTA_SHA256_LEN];

	if (!rota_packfile_digest(&c->pack, ROTA_PACK_ORDER, digest))
		return false;
	if (c->offered && memcmp(digest, c->order, sizeof(digest)) == 0)
		return false;
	c->offered = true;
	memcpy(c->order, digest, sizeof(digest));
	return true;
}

bool agent_carrier_has(struct agent_carrier *c, enum rota_pack_kind part, const uint8_t *sha256)
{
	if (c->pack.fd < 0)
		return false;
	return part == ROTA_PACK_ORDER ? offers(c) : rota_packfile_has(&c->pack, part, sha256);
}
