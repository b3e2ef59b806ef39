/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/keyring.h"
#include "rota/base/mem.h"

void rota_keyring_mark(struct rota_keyring *ring, uint8_t keep, uint8_t among, uint8_t with)
{
	struct rota_key *key = ring->key;

	for (size_t left = ring->limits->keys; left > 0; left--, key++) {
		uint8_t was = key->marks;

		key->marks = (was & keep) | ((was & among) != 0 ? with : 0);
	}
}

struct rota_key *rota_keyring_find(
	const struct rota_keyring *ring, uint8_t marks, struct rota_span keyid)
{
	uint8_t id[ROTA_KEYID_TAG_LEN];
	struct rota_key *key = ring->key;

	rota_floor_tag(ring->crypto, id, keyid);
	for (size_t left = ring->limits->keys; left > 0; left--, key++) {
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

enum rota_err rota_keyring_add(
	struct rota_keyring *ring, const struct rota_tuf_event *e, uint8_t marks)
{
	const struct rota_limits *l = ring->limits;
	const struct rota_scheme *scheme;
	struct rota_key *key = ring->key;
	size_t which = 0, at = 0, len;
	enum rota_err err;

	while ((scheme = l->schemes[which]) != NULL &&
		!rota_scheme_is(scheme, e->keytype, e->scheme))
		which++;
	if (scheme == NULL || (ring->crypto->algs >> scheme->alg & 1u) == 0)
		return ROTA_OK;
	for (;; key++, at++) {
		if (at == l->keys)
			return ROTA_ERR_LIMIT;
		if (key->marks == 0)
			break;
	}
	key->raw = &ring->raw[at * l->key_len];
	err = rota_key_raw(scheme, e->text, rota_buf(key->raw, l->key_len), &len);
	if (err == ROTA_ERR_UNSUPPORTED)
		return ROTA_OK; /* an RSA key of a length that nothing here verifies */
	ROTA_TRY(err);
	rota_floor_tag(ring->crypto, key->id, e->id);
	key->scheme = (uint8_t)which;
	key->marks = marks;
	key->raw_len = (uint16_t)len;
	return ROTA_OK;
}

bool rota_key_same(const struct rota_key *a, const struct rota_key *b)
{
	return a->scheme == b->scheme && a->raw_len == b->raw_len &&
		memcmp(a->raw, b->raw, a->raw_len) == 0;
}
