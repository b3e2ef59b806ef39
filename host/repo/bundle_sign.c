/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/bundle_sign.h"
#include "host/repo/bundle_record.h"
#include "host/sign/envelope.h"
#include "host/sign/p256.h"

#include <string.h>

static bool is_picked(const struct rota_bundle_hand *hand, const struct rota_token *token)
{
	if (hand->online_only && !token->online)
		return false;
	for (size_t i = 0; i < hand->token_count; i++)
		if (strcmp(hand->tokens[i], token->name) == 0)
			return true;
	return !hand->tokens;
}

/* One seat. *added grows when it signed; a token that is not there, or whose key's life is over, is passed over. */
static enum rota_err sign_seat(struct rota_desk *desk, struct rota_bundle_view *view,
	struct rota_bundle_item *item, const struct rota_seat *seat,
	const struct rota_bundle_hand *hand, unsigned *added, struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	struct rota_seat_sig sig;
	char id[ROTA_DIGEST_HEX];

	if (rota_tokens_ready(desk->tokens, seat, point, why) != ROTA_OK)
		return ROTA_OK;
	rota_p256_key_id(point, id);
	if (!rota_bundle_may_sign(item, id) || rota_bundle_has_signed(item, id))
		return ROTA_OK;
	if (!hand->online_only)
		ROTA_TRY(rota_bundle_record_add(desk->dir, view, item, desk->now, why));
	ROTA_TRY(rota_tokens_sign(desk->tokens, seat, item->digest, &sig, why));
	json_array_append_new(item->signatures, rota_envelope_signature(&sig));
	++*added;
	return ROTA_OK;
}

enum rota_err rota_bundle_sign(struct rota_desk *desk, struct rota_bundle_view *view,
	const struct rota_bundle_hand *hand, unsigned *added, struct rota_fail *why)
{
	*added = 0;
	*why = (struct rota_fail){ 0 };
	for (size_t i = 0; i < view->count; i++) {
		struct rota_bundle_item *item = &view->items[i];
		const struct rota_party *party = rota_authdir_party(desk->dir, item->duty->name);

		for (size_t k = 0; k < party->seat_count && !rota_bundle_complete(item); k++)
			if (is_picked(hand, party->seats[k].token))
				ROTA_TRY(sign_seat(
					desk, view, item, &party->seats[k], hand, added, why));
	}
	return ROTA_OK;
}
