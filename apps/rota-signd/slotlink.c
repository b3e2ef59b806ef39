/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/slotlink.h"
#include "apps/rota-signd/say.h"
#include "apps/rota-signd/turn.h"
#include "host/repo/ahead.h"
#include "host/series/link.h"
#include "ports/pkcs11/handed.h"

#include <unistd.h>

static enum rota_err ask(const struct rota_authdir *scope, enum rota_link_what what,
	uint64_t version, int *keeper, struct rota_fail *why)
{
	enum rota_err err;

	ROTA_TRY(rota_link_open(scope->keeper, keeper, why));
	err = rota_link_pins(*keeper, what, version, why);
	if (err != ROTA_OK)
		close(*keeper);
	return err;
}

enum rota_err slotlink_hold(const struct holder *h, int *keeper, struct rota_fail *why)
{
	return ask(h->scope, ROTA_LINK_HOLD, h->slot.version, keeper, why);
}

/* Keys destroyed, token empty, PINs forgotten: in that order (SPEC 23.7). */
static enum rota_err empty(const struct plan *plan, const struct rota_authdir *scope,
	uint64_t version, struct rota_fail *why)
{
	struct holder slot = { .scope = scope, .token = scope->slot_token };
	const char *keys[2];
	enum rota_err err;
	int keeper;

	turn_name(&slot, version);
	for (size_t i = 0; i < 2; i++)
		keys[i] = slot.keys[i].label;
	err = ask(scope, ROTA_LINK_EMPTY, version, &keeper, why);
	if (err == ROTA_ERR_NOT_FOUND) /* it is; who publishes has not looked yet */
		return ROTA_OK;
	ROTA_TRY(err);
	err = rota_pkcs11_handed_empty(&slot.port, keys, plan_user(plan, PLAN_HOLDER), keeper, why);
	if (err == ROTA_OK)
		err = rota_link_done(keeper, why);
	close(keeper);
	if (err == ROTA_OK)
		say("slot %llu of %s is over: its keys are destroyed, its token is empty",
			(unsigned long long)version, scope->product);
	return err;
}

bool slotlink_empty(const struct plan *plan)
{
	struct rota_fail why = { 0 };
	bool all = true;

	for (size_t n = 0; n < plan->turn_count; n++) {
		const struct turn *t = &plan->turns[n];

		for (size_t i = 0; i < t->over_count; i++) {
			if (empty(plan, t->scope, t->over[i], &why) == ROTA_OK)
				continue;
			say("slot %llu of %s is over, and not destroyed: %s",
				(unsigned long long)t->over[i], t->scope->product, why.text);
			all = false;
		}
	}
	return all;
}

void slotlink_say(const struct plan *plan)
{
	const struct rota_authdir *scope;

	for (size_t n = 0; n < plan->turn_count; n++)
		if (plan->turns[n].trouble.err != ROTA_OK)
			say("slots of %s are not held: %s", plan->turns[n].scope->product,
				plan->turns[n].trouble.text);
	for (size_t n = 0; (scope = rota_policy_scope_at(plan->policy, n)) != NULL; n++) {
		struct rota_ahead ahead;
		struct rota_fail why;

		if (scope->keeper || rota_ahead_open(scope, &ahead, &why) != ROTA_OK)
			continue;
		if (ahead.timeline.count > 0)
			say("%s: its series has no keeper: who publishes opens its slots, with a "
			    "PIN that he can read",
				scope->product);
		rota_ahead_close(&ahead);
	}
}

enum rota_err slotlink_answers(const struct plan *plan, struct rota_fail *why)
{
	for (size_t i = 0; i < plan->holder_count; i++) {
		const struct holder *h = &plan->holders[i];
		int keeper;

		if (h->slot.version == 0 || h->pid <= 0)
			continue;
		ROTA_TRY(rota_link_open(h->scope->keeper, &keeper, why));
		close(keeper);
	}
	return ROTA_OK;
}
