/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/desk_parts.h"
#include "apps/rota-signd/offices.h"
#include "host/identity/nonce.h"

bool desk_nonce(const struct desk *d, const char *scope, const char *device, uint64_t now,
	struct rota_bytes *out)
{
	const struct rota_certify *c = offices_find(d->plan, scope);
	uint8_t id[ROTA_DIGEST_LEN], nonce[ROTA_NONCE_LEN];
	char hex[2 * ROTA_NONCE_LEN + 1];

	if (!c || !rota_unhex(device, ROTA_BUF(id)))
		return false;
	rota_nonce_make(c->crypto, c->nonce, "est", id, now, nonce);
	rota_hex(ROTA_SPAN(nonce), hex);
	rota_bytes_print(out, "{\"nonce\":\"%s\"}", hex);
	return true;
}
