/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made and destroyed in a token that is there, each in a process of its own. */
#include "ports/pkcs11/holder.h"
#include "ports/pkcs11/pkcs11.h"

#include <string.h>
#include <sys/socket.h>

struct deed {
	const struct rota_pkcs11_token *token;
	const char *key;
	bool destroy;
	bool (*is_it)(const void *ctx, const uint8_t *point); /* to be destroyed */
	const void *ctx;
};

static enum rota_err do_it(
	const struct deed *deed, struct module *m, struct module_key *key, struct rota_fail *why)
{
	if (!deed->destroy) {
		ROTA_TRY(module_generate(m, deed->key, why));
		return module_key(m, deed->key, key, why);
	}
	ROTA_TRY(module_key(m, deed->key, key, why));
	if (!deed->is_it(deed->ctx, key->point))
		return rota_fail(why, ROTA_ERR_HASH, "it is another one than is meant");
	return module_destroy(m, deed->key, why);
}

static enum rota_err begin_and_do(
	const struct deed *deed, struct module *m, struct module_key *key, struct rota_fail *why)
{
	ROTA_TRY(rota_apart("rota-token", NULL, false, why));
	ROTA_TRY(holder_load(m, deed->token, why));
	ROTA_TRY(holder_login(m, deed->token, 0, why));
	if (do_it(deed, m, key, why) != ROTA_OK)
		return rota_fail_in(why, "key %s", deed->key);
	return ROTA_OK;
}

static void deed_run(const struct holder_fds *fds, const void *plan)
{
	struct holder_key report = { 0 };
	struct module_key key = { 0 };
	struct rota_fail why = { 0 };
	struct module m = { 0 };

	why.err = begin_and_do(plan, &m, &key, &why);
	module_end(&m);
	memcpy(report.point, key.point, sizeof(report.point));
	(void)send(fds->report, &why, sizeof(why), MSG_NOSIGNAL);
	(void)send(fds->report, &report, sizeof(report), MSG_NOSIGNAL);
}

enum rota_err rota_pkcs11_generate(const struct rota_pkcs11_token *token, const char *key,
	uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	const struct deed deed = { .token = token, .key = key };
	struct holder_key made;

	ROTA_TRY(holder_once(token, deed_run, &deed, &made, why));
	memcpy(point, made.point, sizeof(made.point));
	return ROTA_OK;
}

enum rota_err rota_pkcs11_destroy(const struct rota_pkcs11_token *token, const char *key,
	bool (*is_it)(const void *ctx, const uint8_t *point), const void *ctx,
	struct rota_fail *why)
{
	const struct deed deed = { token, key, true, is_it, ctx };

	return holder_once(token, deed_run, &deed, NULL, why);
}
