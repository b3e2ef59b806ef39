/* SPDX-License-Identifier: Apache-2.0 */
/* What time brings: keys that may go are destroyed, keys whose time has come are switched to. In that order, so that a
 * key which nobody needs does not go through the archive first. */
#include "rota/base/mem.h"
#include "rota/store/keyslots_parts.h"

struct present {
	uint64_t now_s;
	uint32_t need[ROTA_PURPOSES_MAX]; /* least generation wanted; 0: none */
};

/* ---- what may go (SPEC 34.6) ---- */

/* Proved generations of a purpose above one. */
static unsigned proved_above(const struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	unsigned above = 0;

	for (uint8_t i = 0; i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = &k->state.slot[i];

		above += slot->purpose == purpose && slot->generation > generation &&
			(slot->flags & ROTA_KEY_PROVED) != 0;
	}
	for (uint8_t i = 0; i < k->archived_count; i++)
		above +=
			k->archived[i].purpose == purpose && k->archived[i].generation > generation;
	return above;
}

/* Whether the generations before the active one have served: with a purpose of the link time alone says so. */
static bool overlap_over(struct rota_keyslots *k, uint8_t purpose, uint64_t now_s)
{
	const struct rota_key_slot *previous =
		rota_keystate_slot(&k->state, purpose, ROTA_KEY_PREVIOUS);

	return (purpose == ROTA_PURPOSE_TELEMETRY || purpose == ROTA_PURPOSE_LINK) &&
		(previous == NULL || previous->until_s <= now_s);
}

/* `sealed`: it was in use here, so that records may need it. */
static bool may_go(struct rota_keyslots *k, const struct present *p, uint8_t purpose,
	uint32_t generation, bool sealed)
{
	uint32_t need = p->need[purpose - 1];

	return proved_above(k, purpose, generation) >= 2 &&
		(!sealed || need == 0 || generation < need) &&
		(generation <= k->state.of[purpose - 1].retired ||
			overlap_over(k, purpose, p->now_s));
}

/* Take all that may go out of RAM, and never what is in use or staged: for those, keys that were proved and then overtaken
 * would count as newer ones, too. Judged before anything is taken: each counts for the others. */
static bool take_out(struct rota_keyslots *k, const struct present *p)
{
	uint32_t slots = 0, archive = 0;

	for (uint8_t i = 0; i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = &k->state.slot[i];

		if (slot->state == ROTA_KEY_PREVIOUS &&
			may_go(k, p, slot->purpose, slot->generation, true))
			slots |= 1u << i;
	}
	for (uint8_t i = 0; i < k->archived_count; i++) {
		const struct rota_key_archived *a = &k->archived[i];
		bool overtaken = (a->uses >> ROTA_USE_PSK & 1) != 0;

		if (may_go(k, p, a->purpose, a->generation, !overtaken))
			archive |= 1u << i;
	}
	for (uint8_t i = k->state.slot_count; i-- > 0;) {
		const struct rota_key_slot *slot = &k->state.slot[i];

		if ((slots >> i & 1) != 0)
			rota_keystate_remove(
				&k->state, slot->purpose, (enum rota_key_slot_state)slot->state);
	}
	for (uint8_t i = k->archived_count; i-- > 0;) {
		if ((archive >> i & 1) != 0)
			rota_keyslots_unarchive(k, i);
	}
	return (slots | archive) != 0;
}

/* SPEC 34.3. The new wrap key is named in both journals before the old one is destroyed. */
static enum rota_err rewrap(struct rota_keyslots *k)
{
	uint8_t old = k->state.wrap, new = rota_key_other(old);
	const struct rota_rot *rot = k->rot;
	enum rota_err err = rot->wrap_make(rot->ctx, rota_key_wrap(new));
	bool moved = false;

	if (err != ROTA_OK)
		return rota_keyslots_failed(k, err);
	ROTA_TRY(rota_keyslots_move_archive(k, new, &moved));
	ROTA_TRY(rota_keyslots_move_slots(k, new, &moved));
	ROTA_TRY(rota_keyslots_commit_archive(k));
	k->state.wrap = new;
	ROTA_TRY(rota_keyslots_commit_rise(k));
	err = rot->wrap_destroy(rot->ctx, rota_key_wrap(old));
	return err == ROTA_OK ? ROTA_OK : rota_keyslots_failed(k, err);
}

/* ---- switching ---- */

static bool due(struct rota_keyslots *k, uint8_t purpose, uint64_t now_s)
{
	const struct rota_key_slot *slot = rota_keystate_slot(&k->state, purpose, ROTA_KEY_STAGED);

	return slot != NULL && (slot->flags & ROTA_KEY_PROVED) != 0 && slot->activation_s <= now_s;
}

/* What the slot before the active one has goes to the archive, in RAM, if it is there. */
static enum rota_err make_room(struct rota_keyslots *k, uint8_t purpose, bool *archived)
{
	const struct rota_key_slot *previous =
		rota_keystate_slot(&k->state, purpose, ROTA_KEY_PREVIOUS);

	if (previous == NULL || rota_keystate_slot(&k->state, purpose, ROTA_KEY_IN_USE) == NULL)
		return ROTA_OK;
	ROTA_TRY(rota_keyslots_archive(k, previous, 0));
	*archived = true;
	return ROTA_OK;
}

/* In RAM. The overlap counts from when this device switches, however late it comes. */
static void promote(struct rota_keyslots *k, uint8_t purpose, uint64_t now_s)
{
	struct rota_keystate *s = &k->state;
	struct rota_key_slot next = *rota_keystate_slot(s, purpose, ROTA_KEY_STAGED);
	struct rota_key_slot *active = rota_keystate_slot(s, purpose, ROTA_KEY_IN_USE);

	if (active != NULL) {
		rota_keystate_remove(s, purpose, ROTA_KEY_PREVIOUS);
		active = rota_keystate_slot(s, purpose, ROTA_KEY_IN_USE);
		active->state = ROTA_KEY_PREVIOUS;
		active->until_s = now_s + (next.until_s - next.activation_s);
	}
	rota_keystate_slot(s, purpose, ROTA_KEY_STAGED)->state = ROTA_KEY_IN_USE;
	rota_keystate_slot(s, purpose, ROTA_KEY_IN_USE)->until_s = 0;
	s->of[purpose - 1].used = 0;
	k->spent[purpose - 1] = 0;
}

/* All that are due in one step. */
static enum rota_err switch_due(struct rota_keyslots *k, uint64_t now_s)
{
	uint32_t turning = 0;
	bool archived = false, full = false;

	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		if (!due(k, purpose, now_s))
			continue;
		if (make_room(k, purpose, &archived) == ROTA_OK)
			turning |= 1u << purpose;
		else
			full = true; /* no key is lost to make room */
	}
	if (turning != 0) {
		if (archived)
			ROTA_TRY(rota_keyslots_commit_archive(k));
		for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
			if ((turning >> purpose & 1) != 0)
				promote(k, purpose, now_s);
		}
		ROTA_TRY(rota_keyslots_commit_rise(k));
	}
	return full ? ROTA_ERR_FULL : ROTA_OK;
}

enum rota_err rota_keyslots_tick(struct rota_keyslots *k, uint64_t now_s,
	uint32_t (*needs)(void *ctx, uint8_t purpose), void *ctx)
{
	struct present p = { .now_s = now_s };

	ROTA_TRY(rota_keyslots_ready(k));
	for (uint8_t i = 0; i < ROTA_PURPOSES_MAX && needs != NULL; i++)
		p.need[i] = needs(ctx, (uint8_t)(i + 1));
	if (take_out(k, &p))
		ROTA_TRY(rewrap(k));
	return switch_due(k, now_s);
}
