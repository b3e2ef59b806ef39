/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/crypto/wrapped.h"
#include "rota/base/mem.h"

#define NONCE_AT 1
#define TEXT_AT (NONCE_AT + ROTA_AEAD_NONCE_LEN)
#define TAG_AT (TEXT_AT + ROTA_ROT_SECRET_LEN)

enum rota_err rota_wrapped_seal(const struct rota_wrapper *w,
	const uint8_t key[static ROTA_WRAP_KEY_LEN], enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN])
{
	struct rota_aead_key k;
	enum rota_err err;

	ROTA_TRY(w->random->fill(w->random->ctx, rota_buf(&out[NONCE_AT], ROTA_AEAD_NONCE_LEN)));
	ROTA_TRY(w->aead->begin(&k, rota_span(key, ROTA_WRAP_KEY_LEN)));
	out[0] = (uint8_t)place;
	memcpy(&out[TEXT_AT], secret, ROTA_ROT_SECRET_LEN);
	err = w->aead->seal(&k, &out[NONCE_AT], aad, rota_buf(&out[TEXT_AT], ROTA_ROT_SECRET_LEN),
		&out[TAG_AT]);
	w->aead->end(&k);
	if (err != ROTA_OK) /* not even in part */
		rota_wipe(out, ROTA_WRAPPED_LEN);
	return err;
}

enum rota_err rota_wrapped_place(
	const uint8_t in[static ROTA_WRAPPED_LEN], enum rota_rot_wrap *place)
{
	if (in[0] >= ROTA_ROT_WRAPS)
		return ROTA_ERR_FORMAT;
	*place = (enum rota_rot_wrap)in[0];
	return ROTA_OK;
}

enum rota_err rota_wrapped_open(const struct rota_wrapper *w,
	const uint8_t key[static ROTA_WRAP_KEY_LEN], struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN])
{
	struct rota_aead_key k;
	enum rota_err err;

	ROTA_TRY(w->aead->begin(&k, rota_span(key, ROTA_WRAP_KEY_LEN)));
	memcpy(secret, &in[TEXT_AT], ROTA_ROT_SECRET_LEN);
	err = w->aead->open(
		&k, &in[NONCE_AT], aad, rota_buf(secret, ROTA_ROT_SECRET_LEN), &in[TAG_AT]);
	w->aead->end(&k);
	if (err != ROTA_OK)
		rota_wipe(secret, ROTA_ROT_SECRET_LEN);
	return err;
}
