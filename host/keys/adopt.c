/* SPDX-License-Identifier: Apache-2.0 */
/* Which token holds which key: what only an open token can say. */
#include "host/keys/keys.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>

static const struct rota_key_info *known(const struct rota_keys *k, const char *id)
{
	for (size_t i = 0; i < rota_keys_count(k); i++)
		if (strcmp(rota_keys_at(k, i)->id, id) == 0)
			return rota_keys_at(k, i);
	return NULL;
}

static enum rota_err adopt_seat(struct rota_keys *k, struct rota_desk *desk,
	const struct rota_party *party, const struct rota_seat *seat, struct rota_fail *why)
{
	struct rota_key_event e = { .what = ROTA_KEY_MADE, .at_s = desk->now };
	const struct rota_key_info *key;
	uint8_t point[ROTA_P256_KEY_LEN];

	if (rota_tokens_public(desk->tokens, seat, point, why) != ROTA_OK)
		return ROTA_OK;
	rota_p256_key_id(point, e.id);
	key = known(k, e.id);
	if (key && strcmp(key->token, seat->token->name) == 0 && strcmp(key->label, seat->key) == 0)
		return ROTA_OK;
	if (key)
		e.what = ROTA_KEY_DESCRIBED;
	else
		snprintf(e.uses, sizeof(e.uses), "%s", party->name);
	snprintf(e.token, sizeof(e.token), "%s", seat->token->name);
	snprintf(e.label, sizeof(e.label), "%s", seat->key);
	if (!key || !key->owner[0])
		snprintf(e.owner, sizeof(e.owner), "%s", seat->token->owner);
	return rota_keys_note(k, &e, why);
}

enum rota_err rota_keys_adopt(struct rota_keys *k, struct rota_desk *desk, struct rota_fail *why)
{
	for (size_t i = 0; i < desk->dir->party_count; i++) {
		const struct rota_party *party = &desk->dir->parties[i];

		for (size_t n = 0; n < party->seat_count; n++)
			ROTA_TRY(adopt_seat(k, desk, party, &party->seats[n], why));
	}
	return ROTA_OK;
}
