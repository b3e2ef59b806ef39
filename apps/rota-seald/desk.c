/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-seald/desk.h"
#include "host/base/when.h"

#include <string.h>
#include <unistd.h>

#define LOCK_WAIT_S 20

static const char *const roles[DESK_ROLES] = { "keys-link", "keys-store" };

size_t desk_role(const char *role)
{
	size_t at = 0;

	while (at < DESK_ROLES && strcmp(roles[at], role) != 0)
		at++;
	return at;
}

static enum rota_err open_no_token(
	void *ctx, const struct rota_token *token, struct rota_signer *out, struct rota_fail *why)
{
	(void)ctx, (void)out;
	return rota_fail(why, ROTA_ERR_DENIED,
		"rota-seald opens no token of the authority; the signing daemon holds %s",
		token->name);
}

static enum rota_err open_lists(struct desk *d, struct rota_fail *why)
{
	ROTA_TRY(rota_proxy_settle(&d->proxy, &d->desk, why));
	for (; d->lists < DESK_ROLES; d->lists++)
		ROTA_TRY(rota_ledger_open(&d->dir, rota_keylist_kind(roles[d->lists]),
			d->dir.product, &d->list[d->lists], why));
	return ROTA_OK;
}

static enum rota_err open_locked(struct desk *d, const struct config *c, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	if (strcmp(d->dir.product, c->product) != 0)
		return rota_fail(why, ROTA_ERR_PRODUCT, "%s is of product %s, and we seal for %s",
			d->dir.dir, d->dir.product, c->product);
	if (!d->dir.signd[0])
		return rota_fail(why, ROTA_ERR_UNSUPPORTED,
			"%s/rota.ini names no signing daemon, which alone knows what was approved",
			d->dir.dir);
	rota_authdir_path(&d->dir, "lock", path);
	ROTA_TRY(rota_lock_take(path, LOCK_WAIT_S, &d->lock, why));
	return open_lists(d, why);
}

enum rota_err desk_open(struct desk *d, const struct config *c, struct rota_fail *why)
{
	const struct rota_opener none = { .open = open_no_token };
	enum rota_err err;

	*d = (struct desk){ .lock = -1 };
	ROTA_TRY(rota_authdir_load(c->authority, &d->dir, why));
	rota_tokens_init(&d->tokens, &d->dir, none);
	rota_proxy_init(&d->proxy, &d->dir, &d->tokens, "rota-seald publish");
	d->notary = rota_proxy_notary(&d->proxy);
	d->desk = (struct rota_desk){
		.dir = &d->dir, .tokens = &d->tokens, .notary = &d->notary, .now = rota_when_now()
	};
	err = open_locked(d, c, why);
	if (err != ROTA_OK)
		desk_close(d);
	return err;
}

void desk_close(struct desk *d)
{
	while (d->lists > 0)
		rota_ledger_close(&d->list[--d->lists]);
	rota_proxy_close(&d->proxy);
	rota_tokens_close(&d->tokens);
	rota_authdir_free(&d->dir);
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
}

enum rota_err desk_sign(struct desk *d, size_t role, struct desk_done *out, struct rota_fail *why)
{
	bool online = rota_party_online(rota_authdir_party(&d->dir, roles[role]));
	struct rota_ledger_done done;
	enum rota_err err;

	err = rota_ledger_sign(&d->list[role], &d->desk, !online, &done, why);
	if (err == ROTA_ERR_STATE && !online)
		return rota_fail(why, ROTA_ERR_BUSY,
			"%s waits for its people already (rota repo export); what is new is listed "
			"once they have signed, by running this again",
			roles[role]);
	ROTA_TRY(err);
	*out = (struct desk_done){ roles[role], done.sequence, done.role_version };
	return ROTA_OK;
}
