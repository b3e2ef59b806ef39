/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/keywrap.h"
#include "host/base/file.h"
#include "rota/base/mem.h"

#include <string.h>

enum rota_err rota_keywrap_seal(const struct rota_sealer *hsm, struct rota_span aad,
	const uint8_t key[static ROTA_KEYWRAP_KEY_LEN], uint8_t form[static ROTA_KEYWRAP_FORM_LEN],
	struct rota_fail *why)
{
	struct rota_bytes out = { 0 };
	enum rota_err err = ROTA_OK;

	ROTA_TRY(hsm->seal(hsm->ctx, aad, rota_span(key, ROTA_KEYWRAP_KEY_LEN), &out, why));
	if (out.len == ROTA_KEYWRAP_FORM_LEN)
		memcpy(form, out.p, out.len);
	else
		err = rota_fail(why, ROTA_ERR_FORMAT, "the token made %zu bytes of a key", out.len);
	rota_bytes_free(&out);
	return err;
}

enum rota_err rota_keywrap_open(const struct rota_sealer *hsm, struct rota_span aad,
	const uint8_t form[static ROTA_KEYWRAP_FORM_LEN], uint8_t key[static ROTA_KEYWRAP_KEY_LEN],
	struct rota_fail *why)
{
	struct rota_bytes out = { 0 };
	enum rota_err err = ROTA_OK;

	ROTA_TRY(hsm->open(hsm->ctx, aad, rota_span(form, ROTA_KEYWRAP_FORM_LEN), &out, why));
	if (out.len == ROTA_KEYWRAP_KEY_LEN)
		memcpy(key, out.p, out.len);
	else
		err = rota_fail(why, ROTA_ERR_FORMAT, "a wrapped key of %zu bytes", out.len);
	rota_bytes_wipe(&out);
	return err;
}

enum rota_err rota_keywrap_make(const char *path, const struct rota_sealer *hsm,
	struct rota_span aad, const struct rota_random *random, struct rota_fail *why)
{
	uint8_t key[ROTA_KEYWRAP_KEY_LEN], form[ROTA_KEYWRAP_FORM_LEN];
	enum rota_err err;

	if (rota_file_exists(path))
		return rota_fail(why, ROTA_ERR_STATE, "%s is there already", path);
	if (random->fill(random->ctx, ROTA_BUF(key)) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_IO, "%s: no random bytes for it", path);
	err = rota_keywrap_seal(hsm, aad, key, form, why);
	rota_wipe(key, sizeof(key));
	if (err != ROTA_OK)
		return rota_fail_in(why, "%s", path);
	return rota_file_write(path, ROTA_SPAN(form), 0600, why);
}

enum rota_err rota_keywrap_load(const char *path, const struct rota_sealer *hsm,
	struct rota_span aad, uint8_t key[static ROTA_KEYWRAP_KEY_LEN], struct rota_fail *why)
{
	struct rota_bytes form;
	enum rota_err err;

	ROTA_TRY(rota_file_read(path, ROTA_KEYWRAP_FORM_LEN, &form, why));
	if (form.len != ROTA_KEYWRAP_FORM_LEN)
		err = rota_fail(
			why, ROTA_ERR_FORMAT, "%s: %zu bytes are no wrapped key", path, form.len);
	else if (rota_keywrap_open(hsm, aad, form.p, key, why) != ROTA_OK)
		err = rota_fail_in(why, "%s", path);
	else
		err = ROTA_OK;
	rota_bytes_free(&form);
	return err;
}
