/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sign/tokens.h"
#include "host/sign/p256.h"

void rota_tokens_init(
	struct rota_tokens *t, const struct rota_authdir *dir, struct rota_opener opener)
{
	*t = (struct rota_tokens){ .dir = dir, .opener = opener };
	for (size_t i = 0; i < ROTA_TOKENS_MAX; i++)
		t->state[i] = ROTA_ERR_STATE;
}

void rota_tokens_close(struct rota_tokens *t)
{
	for (size_t i = 0; i < ROTA_TOKENS_MAX; i++) {
		if (t->state[i] == ROTA_OK)
			t->signers[i].close(t->signers[i].ctx);
		t->state[i] = ROTA_ERR_STATE;
	}
}

static enum rota_err get(struct rota_tokens *t, const struct rota_token *token,
	struct rota_signer **out, struct rota_fail *why)
{
	size_t at = (size_t)(token - t->dir->tokens);

	*out = &t->signers[at];
	if (t->state[at] == ROTA_ERR_STATE)
		t->state[at] = t->opener.open(t->opener.ctx, token, *out, why);
	else if (t->state[at] != ROTA_OK) /* a wrong PIN is not tried again: tokens count tries */
		return rota_fail(why, t->state[at], "token %s did not open before", token->name);
	return t->state[at];
}

enum rota_err rota_tokens_public(struct rota_tokens *t, const struct rota_seat *seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct rota_signer *signer;

	ROTA_TRY(get(t, seat->token, &signer, why));
	return signer->public_key(signer->ctx, seat->key, out, why);
}

enum rota_err rota_tokens_ready(struct rota_tokens *t, const struct rota_seat *seat,
	uint8_t out[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	ROTA_TRY(rota_tokens_public(t, seat, out, why));
	return t->guard ? t->guard(t->guard_ctx, seat, out, why) : ROTA_OK;
}

enum rota_err rota_tokens_sign(struct rota_tokens *t, const struct rota_seat *seat,
	const uint8_t digest[static ROTA_SHA256_LEN], struct rota_seat_sig *out,
	struct rota_fail *why)
{
	struct rota_signer *signer;

	ROTA_TRY(rota_tokens_ready(t, seat, out->key, why));
	ROTA_TRY(get(t, seat->token, &signer, why));
	ROTA_TRY(signer->sign(signer->ctx, seat->key, digest, out->sig, why));
	if (rota_p256_verify(out->key, digest, out->sig))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_SIGNATURE,
		"token %s, key %s: the signature does not verify with the token's own public key",
		seat->token->name, seat->key);
}

enum rota_err rota_tokens_sign_party(struct rota_tokens *t, const struct rota_party *party,
	const uint8_t digest[static ROTA_SHA256_LEN],
	struct rota_seat_sig out[static ROTA_SIGNERS_MAX], struct rota_fail *why)
{
	struct rota_fail seat = { 0 };
	unsigned have = 0;

	*why = seat;
	for (size_t i = 0; i < party->seat_count && have < party->threshold; i++) {
		if (rota_tokens_sign(t, &party->seats[i], digest, &out[have], &seat) == ROTA_OK)
			have++;
		else
			*why = seat; /* who is there says nothing of who is not */
	}
	if (have == party->threshold)
		return ROTA_OK;
	why->err = ROTA_ERR_THRESHOLD;
	return rota_fail_in(why, "%s needs %u of %zu signatures, got %u", party->name,
		party->threshold, party->seat_count, have);
}
