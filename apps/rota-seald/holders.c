/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/holders.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/pkcs11/sealer.h"
#include "rota/base/mem.h"
#include "rota/codec/purpose.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

enum rota_err holders_lock_memory(const struct config *c, struct rota_fail *why)
{
	if (!c->lock || mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return ROTA_OK;
	return rota_fail_errno(why, errno,
		"cannot keep memory out of the swap; run it with LimitMEMLOCK=infinity, or after "
		"`ulimit -l unlimited`");
}

static bool refused;

enum rota_err holders_saw(enum rota_err err)
{
	refused |= err == ROTA_ERR_DENIED;
	return err;
}

bool holders_refused(void)
{
	return refused;
}

enum rota_err holders_entropy(
	const struct config *c, struct rota_pkcs11_entropy **out, struct rota_fail *why)
{
	return holders_saw(rota_pkcs11_entropy_open(&c->token, out, why));
}

static enum rota_err open_one(
	const struct config *c, const char *key, struct rota_sealer *out, struct rota_fail *why)
{
	return holders_saw(rota_pkcs11_sealer_open(&c->token, key, out, why));
}

static void close_one(struct rota_sealer *hsm)
{
	if (hsm->close)
		hsm->close(hsm->ctx);
	hsm->close = NULL;
}

enum rota_err holders_copies(
	const struct config *c, uint8_t purpose, struct rota_sealer *out, struct rota_fail *why)
{
	char key[64];

	snprintf(key, sizeof(key), "copies-%s", rota_purpose_word(purpose));
	return open_one(c, key, out, why);
}

enum rota_err holders_open(
	const struct config *c, uint8_t purpose, struct holders *h, struct rota_fail *why)
{
	if (purpose != 0) {
		ROTA_TRY(holders_copies(c, purpose, &h->copies, why));
		ROTA_TRY(open_one(c, "book", &h->book, why));
	}
	return open_one(c, "registry", &h->registry, why);
}

void holders_close(struct holders *h)
{
	close_one(&h->book);
	close_one(&h->registry);
	close_one(&h->copies);
}

enum rota_err holders_registry(
	const struct config *c, struct holders *h, struct rota_hmac *out, struct rota_fail *why)
{
	uint8_t key[ROTA_KEYWRAP_KEY_LEN];
	char path[ROTA_FILE_PATH_MAX];

	config_wrapped(c, "registry", path);
	ROTA_TRY(rota_keywrap_load(path, &h->registry, ROTA_KEYWRAP_REGISTRY, key, why));
	close_one(&h->registry);
	rota_hmac_begin(out, &rota_crypto_openssl, ROTA_SPAN(key));
	rota_wipe(key, sizeof(key));
	return ROTA_OK;
}

enum rota_err holders_book(const struct config *c, struct holders *h,
	uint8_t key[static ROTA_KEYWRAP_KEY_LEN], struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	config_wrapped(c, "book", path);
	ROTA_TRY(rota_keywrap_load(path, &h->book, ROTA_KEYWRAP_BOOK, key, why));
	close_one(&h->book);
	return ROTA_OK;
}
