/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/guard.h"
#include "host/keys/period.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <string.h>

/* Of people, and a role's. */
static bool is_peoples(const struct rota_seat *seat, const struct rota_key_info *key)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT && !seat->token->online; i++)
		if (rota_key_has_use(key->uses, rota_duties[i].name))
			return true;
	return false;
}

static bool is_over(const struct rota_seat *seat, const struct rota_key_info *key)
{
	switch (key->state) {
	case ROTA_KEY_PRE_ACTIVE: /* it signs what names it first */
	case ROTA_KEY_ACTIVE:
		return false;
	case ROTA_KEY_COMPROMISED:
		return is_peoples(seat, key) || !key->named;
	case ROTA_KEY_DEACTIVATED:
	case ROTA_KEY_DESTROYED:
		break;
	}
	return true;
}

static enum rota_err may_sign(void *ctx, const struct rota_seat *seat,
	const uint8_t point[static ROTA_P256_KEY_LEN], struct rota_fail *why)
{
	struct rota_key_guard *g = ctx;
	char path[ROTA_FILE_PATH_MAX], id[ROTA_DIGEST_HEX];
	const struct rota_key_info *key;
	struct rota_fail unknown;

	rota_authdir_path(g->dir, "keys", path);
	if (!rota_file_exists(path)) /* an authority in the making */
		return ROTA_OK;
	if (!g->keys)
		ROTA_TRY(rota_keys_load(g->dir, &g->keys, why));
	rota_p256_key_id(point, id);
	if (rota_keys_find(g->keys, id, &key, &unknown) != ROTA_OK || !is_over(seat, key))
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_STATE, "token %s, key %s: it is %s, and signs no more",
		seat->token->name, seat->key, rota_key_state_text(key->state));
}

void rota_key_guard_init(
	struct rota_key_guard *g, const struct rota_authdir *dir, struct rota_tokens *tokens)
{
	*g = (struct rota_key_guard){ .dir = dir };
	tokens->guard_ctx = g;
	tokens->guard = may_sign;
}

void rota_key_guard_close(struct rota_key_guard *g)
{
	rota_keys_free(g->keys);
	g->keys = NULL;
}
