/* SPDX-License-Identifier: Apache-2.0 */
#include "host/repo/turn.h"
#include "host/repo/store.h"

enum rota_err rota_turn_open(
	const struct rota_desk *desk, struct rota_turn *t, struct rota_fail *why)
{
	*t = (struct rota_turn){ .desk = *desk };
	ROTA_TRY(rota_ahead_open(desk->dir, &t->ahead, why));
	rota_ahead_due(&t->ahead, desk->now, &t->due);
	rota_hands_init(
		&t->hands, desk->notary, desk->slots, t->ahead.root, &t->ahead.timeline, &t->due);
	if (t->ahead.timeline.count)
		t->desk.notary = &t->hands.notary;
	return ROTA_OK;
}

void rota_turn_close(struct rota_turn *t)
{
	rota_hands_close(&t->hands);
	rota_ahead_close(&t->ahead);
}

enum rota_err rota_turn_reaches(const struct rota_turn *t, bool *reaches, struct rota_fail *why)
{
	uint64_t root;

	ROTA_TRY(rota_store_newest(t->desk.dir, "root", false, &root, why));
	*reaches = t->ahead.timeline.count == 0 || rota_hands_turn(&t->hands, root);
	return ROTA_OK;
}
