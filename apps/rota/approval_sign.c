/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/approval_sign.h"
#include "host/sign/p256.h"

#include <string.h>

static enum rota_err find_seat(struct session *s, const char *token, const struct rota_seat **seat,
	uint8_t id[static ROTA_DIGEST_LEN])
{
	const struct rota_party *party = rota_authdir_party(&s->dir, "approval");
	uint8_t point[ROTA_P256_KEY_LEN];
	char hex[ROTA_DIGEST_HEX];

	(void)rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
		"%s has no [keys approval] with a token %s; make a key (rota keys make --use "
		"approval) and name it there",
		s->dir.ini.path, token ? token : "at all");
	for (size_t i = 0; party && i < party->seat_count; i++) {
		*seat = &party->seats[i];
		if ((token && strcmp(token, (*seat)->token->name) != 0) ||
			rota_tokens_public(&s->tokens, *seat, point, &s->why) != ROTA_OK)
			continue;
		rota_p256_key_id(point, hex);
		if (rota_unhex(hex, rota_buf(id, ROTA_DIGEST_LEN)))
			return ROTA_OK;
	}
	return s->why.err;
}

enum rota_err approval_sign(struct session *s, const char *token, struct rota_approval *out)
{
	const struct rota_seat *seat = NULL;
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_seat_sig sig;

	ROTA_TRY(find_seat(s, token, &seat, out->key));
	rota_approval_digest(out, digest);
	ROTA_TRY(rota_tokens_sign(&s->tokens, seat, digest, &sig, &s->why));
	memcpy(out->sig, sig.sig, sizeof(out->sig));
	return ROTA_OK;
}
