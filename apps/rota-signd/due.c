/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-signd/due.h"
#include "apps/rota-signd/turn.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/repo/ahead.h"
#include "host/repo/store.h"

#include <stdlib.h>

static json_t *when(uint64_t at_s)
{
	char text[ROTA_WHEN_LEN];

	rota_when_text(at_s, text);
	return json_string(text);
}

/* Roots whose begin has come, in the order in which they are published. */
static json_t *to_publish(
	const struct rota_ahead *a, const struct rota_due *due, uint64_t published)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->timeline.count; i++)
		if (a->timeline.at[i].version > published &&
			a->timeline.at[i].version <= due->publish)
			json_array_append_new(
				list, json_integer((json_int_t)a->timeline.at[i].version));
	return list;
}

static json_t *signers(const struct rota_ahead *a, const struct rota_due *due)
{
	json_t *list = json_array();

	for (size_t i = 0; i < due->signers; i++)
		json_array_append_new(
			list, json_integer((json_int_t)a->timeline.at[due->sign[i]].version));
	return list;
}

/* Slots whose hour has come, and which the keeper has still. */
static json_t *shut(const struct rota_ahead *a, uint64_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->timeline.count; i++)
		if (!a->root[i] && a->timeline.at[i].from_s <= now + ROTA_OVERLAP_S)
			json_array_append_new(
				list, json_integer((json_int_t)a->timeline.at[i].version));
	return list;
}

/* The last landing root: `followed`, by the next series or the root that ended this one. */
static json_t *landing(const struct rota_ahead *a)
{
	for (size_t i = a->timeline.count; i-- > 0;) {
		const struct rota_timeslot *slot = &a->timeline.at[i];

		if (a->root[i] && rota_root_lands(a->root[i]))
			return json_pack("{s:o,s:o,s:b,s:I}", "begins", when(slot->from_s), "ends",
				when(slot->end_s), "followed", i + 1 < a->timeline.count, "version",
				(json_int_t)slot->version);
	}
	return json_null();
}

/* Slots whose tokens are held here, and whose keys sign. */
static json_t *held(const struct plan *plan, const struct rota_authdir *scope, uint64_t now)
{
	struct turn_hands hands;
	json_t *list = json_array();

	turn_of(plan, scope->product, turn_roles[0], now, &hands);
	for (size_t i = 0; i < hands.count; i++)
		json_array_append_new(list,
			json_integer((json_int_t)plan->holders[hands.holder[i]].slot.version));
	return list;
}

bool due_json(const struct plan *plan, const struct rota_authdir *scope, uint64_t now,
	struct rota_bytes *out)
{
	struct rota_fail why;
	struct rota_ahead ahead;
	struct rota_due due;
	uint64_t published;
	json_t *whole;

	if (rota_store_newest(scope, "root", false, &published, &why) != ROTA_OK ||
		rota_ahead_open(scope, &ahead, &why) != ROTA_OK)
		return false;
	if (ahead.timeline.count == 0) {
		rota_ahead_close(&ahead);
		return false;
	}
	rota_ahead_due(&ahead, now, &due);
	whole = json_pack("{s:o,s:o,s:o,s:o,s:o}", "held", held(plan, scope, now), "landing",
		landing(&ahead), "publish", to_publish(&ahead, &due, published), "sealed",
		shut(&ahead, now), "sign", signers(&ahead, &due));
	if (rota_json_encode(whole, ROTA_JSON_FILE, out, &why) != ROTA_OK)
		abort(); /* made of our own values */
	json_decref(whole);
	rota_ahead_close(&ahead);
	return true;
}
