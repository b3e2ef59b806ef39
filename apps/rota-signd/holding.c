/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/holding.h"
#include "apps/rota-signd/slotlink.h"
#include "host/sign/p256.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A smart card takes a few seconds; a network HSM behind a bad line, more. */
#define TOKEN_MS 30000
#define RETRY_MS 1000

static enum rota_err learn_ids(struct holder *h, struct rota_fail *why)
{
	for (size_t i = 0; i < h->key_count; i++) {
		static const uint8_t none[ROTA_DIGEST_LEN];
		uint8_t id[ROTA_DIGEST_LEN];
		char hex[ROTA_DIGEST_HEX];

		if (h->keys[i].why.err != ROTA_OK) {
			*why = h->keys[i].why;
			return why->err;
		}
		rota_p256_key_id(h->keys[i].point, hex);
		if (!rota_unhex(hex, ROTA_BUF(id)))
			return rota_fail(why, ROTA_ERR_FORMAT, "key id %s", hex);
		if (memcmp(h->id[i], none, sizeof(none)) != 0 &&
			memcmp(h->id[i], id, sizeof(id)) != 0)
			return rota_fail(why, ROTA_ERR_DENIED,
				"token %s, key %s: the token came back with another key",
				h->port.name, h->keys[i].label);
		memcpy(h->id[i], id, sizeof(id));
	}
	return ROTA_OK;
}

static enum rota_err open_pool(
	const struct plan *plan, struct holder *h, int keeper, struct rota_fail *why)
{
	const struct rota_policy_daemon *d = rota_policy_daemon(plan->policy);
	const struct rota_pool_plan pool = { .token = &h->port,
		.keys = h->keys,
		.key_count = h->key_count,
		.threads = d->threads,
		.cpus = d->token_cpus,
		.deadline_ms = TOKEN_MS,
		.retry_ms = RETRY_MS,
		.user = plan_user(plan, PLAN_HOLDER),
		.lock = d->lock,
		.keeper = keeper };
	int out = h == &plan->log ? h->order[0] : h->answer[0];

	ROTA_TRY(rota_pkcs11_pool(&pool, h->order[0], out, &h->pid, why));
	return learn_ids(h, why);
}

enum rota_err holding_start(const struct plan *plan, struct holder *h, struct rota_fail *why)
{
	enum rota_err err;
	int keeper;

	if (h->slot.version == 0)
		return open_pool(plan, h, 0, why);
	h->pid = 0;
	err = slotlink_hold(h, &keeper, why);
	if (err == ROTA_OK) {
		err = open_pool(plan, h, keeper, why);
		close(keeper);
	}
	if (err == ROTA_OK)
		return ROTA_OK;
	if (h->pid > 0) /* it has other keys than its root names */
		kill(h->pid, SIGKILL);
	h->pid = err == ROTA_ERR_DENIED ? HOLDING_NOT_AGAIN : 0; /* a PIN is not tried twice */
	return rota_fail_in(
		why, "slot %llu of %s", (unsigned long long)h->slot.version, h->scope->product);
}
