/* SPDX-License-Identifier: Apache-2.0 */
/* Key-set records: what is accepted has a threshold that its keys can meet, and no key twice. */
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/codec/keyset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t names[ROTA_KEYSET_NAMES_ROOM], value[ROTA_KEYSET_VALUE_ROOM], sha256[32];
	struct rota_keyset_reader r;
	const struct rota_keyset *set = &r.keyset;

	rota_sha256_of(&rota_crypto_openssl, rota_span(data, len), sha256);
	rota_keyset_begin(&r, &rota_crypto_openssl, ROTA_BUF(names), ROTA_BUF(value));
	if (rota_keyset_feed(&r, rota_span(data, len)) != ROTA_OK ||
		rota_keyset_end(&r, sha256) != ROTA_OK)
		return 0;
	if (set->threshold == 0 || set->count > ROTA_KEYSET_KEYS_MAX ||
		set->threshold > set->count + r.lms)
		abort();
	for (uint8_t i = 1; i < set->count; i++)
		if (set->key[i].alg != ROTA_ALG_NONE &&
			memcmp(&set->key[i - 1], &set->key[i], sizeof(set->key[0])) == 0)
			abort();
	return 0;
}
