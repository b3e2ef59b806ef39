/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/keyring.h"
#include "rota/base/mem.h"

void rota_keyring_keep(struct rota_keyring *ring, uint8_t marks)
{
	uint16_t count = 0;

	for (uint16_t i = 0; i < ring->count; i++) {
		ring->key[i].marks &= marks;
		if (ring->key[i].marks != 0)
			count = (uint16_t)(i + 1);
	}
	ring->count = count;
}

void rota_keyring_mark(struct rota_keyring *ring, uint8_t among, uint8_t with)
{
	for (size_t i = 0; i < ring->count; i++) {
		if ((ring->key[i].marks & among) != 0)
			ring->key[i].marks |= with;
	}
}

struct rota_key *rota_keyring_find(const struct rota_keyring *ring,
	const struct rota_crypto *crypto, const struct rota_span *keyid, uint8_t marks)
{
	uint8_t id[ROTA_KEYID_TAG_LEN];

	rota_floor_tag(crypto, id, *keyid);
	for (size_t i = 0; i < ring->count; i++) {
		struct rota_key *key = &ring->key[i];

		if ((key->marks & marks) != 0 && memcmp(key->id, id, ROTA_KEYID_TAG_LEN) == 0)
			return key;
	}
	return NULL;
}

bool rota_keyring_first(const struct rota_keyring *ring, size_t at, uint8_t marks)
{
	if ((ring->key[at].marks & marks) == 0)
		return false;
	for (size_t i = 0; i < at; i++) {
		if ((ring->key[i].marks & marks) != 0 &&
			rota_key_same(&ring->key[i], &ring->key[at]))
			return false;
	}
	return true;
}

enum rota_err rota_keyring_add(struct rota_keyring *ring, const struct rota_crypto *crypto,
	const struct rota_tuf_event *e, uint8_t marks)
{
	const struct rota_scheme *const *list = ring->schemes;
	struct rota_key *key;
	enum rota_err err;
	size_t at = 0, len;

	while (*list != NULL && !rota_scheme_is(*list, e->keytype, e->scheme))
		list++;
	if (*list == NULL || (crypto->algs >> (*list)->alg & 1u) == 0)
		return ROTA_OK;
	while (at < ring->count && ring->key[at].marks != 0)
		at++;
	if (at == ring->max)
		return ROTA_ERR_LIMIT;
	key = &ring->key[at];
	key->raw = &ring->raw[at * ring->raw_max];
	err = rota_key_raw(*list, e->text, rota_buf(key->raw, ring->raw_max), &len);
	if (err == ROTA_ERR_UNSUPPORTED)
		return ROTA_OK; /* an RSA key of a length that nothing here verifies */
	ROTA_TRY(err);
	rota_floor_tag(crypto, key->id, e->id);
	key->scheme = (uint8_t)(list - ring->schemes);
	key->marks = marks;
	key->raw_len = (uint16_t)len;
	if (at == ring->count)
		ring->count++;
	return ROTA_OK;
}

bool rota_key_same(const struct rota_key *a, const struct rota_key *b)
{
	return a->scheme == b->scheme && a->raw_len == b->raw_len &&
		memcmp(a->raw, b->raw, a->raw_len) == 0;
}
