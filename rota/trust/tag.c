/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/tag.h"
#include "rota/base/mem.h"

void rota_tag(const struct rota_crypto *crypto, struct rota_span label, struct rota_span spki,
	uint8_t tag[static ROTA_TAG_LEN])
{
	struct rota_sha256 h;
	uint8_t digest[ROTA_SHA256_LEN];
	uint8_t len[2] = { (uint8_t)(label.len >> 8), (uint8_t)label.len };

	crypto->sha256_init(&h);
	crypto->sha256_update(&h, ROTA_STR("rota-tag-v1"));
	crypto->sha256_update(&h, ROTA_SPAN(len));
	crypto->sha256_update(&h, label);
	crypto->sha256_update(&h, spki);
	crypto->sha256_final(&h, digest);
	memcpy(tag, digest, ROTA_TAG_LEN);
}
