/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/holders.h"
#include "apps/rota-seald/verbs.h"
#include "host/campaign/keywrap.h"
#include "ports/pkcs11/sealer.h"
#include "rota/codec/purpose.h"

#include <stdio.h>

static enum rota_err make_in_token(const struct config *c, const char *key, struct rota_fail *why)
{
	enum rota_err err = holders_saw(
		rota_pkcs11_sealer_make(&c->token, c->so_pin_file ? c->so_pin_file : "", key, why));

	if (err == ROTA_ERR_STATE)
		return ROTA_OK;
	if (err == ROTA_OK)
		printf("rota-seald: key %s is made in token %s\n", key, c->token.label);
	return err;
}

static enum rota_err make_wrapped(const struct config *c, const char *name, struct rota_span aad,
	const struct rota_random *random, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_sealer hsm;
	enum rota_err err;

	config_wrapped(c, name, path);
	if (rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(holders_saw(rota_pkcs11_sealer_open(&c->token, name, &hsm, why)));
	err = rota_keywrap_make(path, &hsm, aad, random, why);
	hsm.close(hsm.ctx);
	if (err == ROTA_OK)
		printf("rota-seald: %s is made, wrapped by the token\n", path);
	return err;
}

static enum rota_err make_both(const struct config *c, struct rota_fail *why)
{
	struct rota_pkcs11_entropy *entropy;
	struct rota_random random;
	enum rota_err err;

	ROTA_TRY(holders_entropy(c, &entropy, why));
	random = rota_pkcs11_entropy_random(entropy);
	err = make_wrapped(c, "book", ROTA_KEYWRAP_BOOK, &random, why);
	if (err == ROTA_OK)
		err = make_wrapped(c, "registry", ROTA_KEYWRAP_REGISTRY, &random, why);
	rota_pkcs11_entropy_close(entropy);
	return err;
}

/* A token without agreement seals campaigns all the same; its devices have no factory secrets. */
static enum rota_err tell_point(const struct config *c, struct rota_fail *why)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char hex[2 * ROTA_P256_KEY_LEN + 1];
	enum rota_err err = secrets_point(c, true, point, why);

	if (err == ROTA_ERR_UNSUPPORTED) {
		printf("rota-seald: token %s agrees on nothing: no factory secrets\n",
			c->token.label);
		return ROTA_OK;
	}
	ROTA_TRY(err);
	rota_hex(ROTA_SPAN(point), hex);
	printf("rota-seald: factory secrets are sealed to %s\n", hex);
	return ROTA_OK;
}

enum rota_err verb_make(const struct config *c, const struct arguments *a, struct rota_fail *why)
{
	(void)a;
	ROTA_TRY(rota_file_mkdirs(c->state, 0700, why));
	ROTA_TRY(make_in_token(c, "book", why));
	ROTA_TRY(make_in_token(c, "registry", why));
	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		char key[64];

		if (!rota_purpose_word(purpose))
			continue;
		snprintf(key, sizeof(key), "copies-%s", rota_purpose_word(purpose));
		ROTA_TRY(make_in_token(c, key, why));
	}
	ROTA_TRY(make_both(c, why));
	return tell_point(c, why);
}
