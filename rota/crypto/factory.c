/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/factory.h"

void rota_factory_digest(const struct rota_crypto *crypto, struct rota_span said,
	uint8_t out[static ROTA_SHA256_LEN])
{
	struct rota_sha256 h;

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR(ROTA_FACTORY_PREFIX));
	crypto->sha256_update(&h, said);
	crypto->sha256_final(&h, out);
}
