/* SPDX-License-Identifier: Apache-2.0 */
/* The rotation itself (SPEC 34, state table of slots): each function is one row of it. */
#include "rota/base/mem.h"
#include "rota/store/keyslots_parts.h"

/* ---- a bundle has opened ---- */

/* The agree key that a bundle was sealed to is in force: the one before it is not needed any more. */
static void take_agree(struct rota_keystate *s, uint8_t used)
{
	if (used == s->agree)
		return;
	s->agree = used;
	s->agree_next = ROTA_KEY_PLACE_NONE;
	s->counter++;
}

static bool offer_agrees(
	const struct rota_keystate *s, const struct rota_key_slot *offer, uint8_t agree_used)
{
	return offer->purpose >= 1 && offer->purpose <= ROTA_PURPOSES_MAX &&
		offer->until_s >= offer->activation_s &&
		(agree_used == s->agree ||
			(agree_used == s->agree_next && agree_used != ROTA_KEY_PLACE_NONE));
}

/* A staged key that was proved, and never used: the server may have sealed with it, and takes its psk until another is
 * proved; so it does when its campaign was withdrawn. */
static enum rota_err keep_overtaken(struct rota_keyslots *k, uint8_t purpose)
{
	const struct rota_key_slot *slot = rota_keystate_slot(&k->state, purpose, ROTA_KEY_STAGED);

	if (slot == NULL || (slot->flags & ROTA_KEY_PROVED) == 0)
		return ROTA_OK;
	ROTA_TRY(rota_keyslots_archive(k, slot, 1u << ROTA_USE_PSK));
	return rota_keyslots_commit_archive(k);
}

enum rota_err rota_keyslots_stage(struct rota_keyslots *k, const struct rota_key_slot *offer,
	uint8_t agree_used, const uint8_t secret[static ROTA_SECRET_LEN])
{
	struct rota_keystate *s = &k->state;
	struct rota_key_slot slot = *offer;
	const struct rota_datakey of = { .purpose = slot.purpose, .generation = slot.generation };
	enum rota_err err;

	ROTA_TRY(rota_keyslots_ready(k));
	if (!offer_agrees(s, offer, agree_used))
		return ROTA_ERR_ARGUMENT;
	if (rota_keystate_generation(s, slot.purpose, slot.generation) != NULL)
		return ROTA_OK;
	if (slot.generation <= s->of[slot.purpose - 1].highest)
		return ROTA_ERR_VERSION;
	slot.state = ROTA_KEY_STAGED;
	slot.flags = 0;
	ROTA_TRY(rota_keyslots_wrap(k, rota_key_wrap(s->wrap), &of, secret, slot.wrapped));
	ROTA_TRY(keep_overtaken(k, slot.purpose));
	ROTA_TRY(rota_keystate_put(s, &slot));
	s->of[slot.purpose - 1].highest = slot.generation;
	take_agree(s, agree_used);
	ROTA_TRY(rota_keyslots_commit(k));
	err = rota_keyslots_tidy_agree(k);
	return err == ROTA_OK ? ROTA_OK : rota_keyslots_failed(k, err);
}

enum rota_err rota_keyslots_saw(
	struct rota_keyslots *k, unsigned role, const struct rota_keys_seen *seen)
{
	struct rota_keys_seen *last;

	ROTA_TRY(rota_keyslots_ready(k));
	if (role >= ROTA_KEYS_ROLES || seen->sequence == 0)
		return ROTA_ERR_ARGUMENT;
	last = &k->state.seen[role];
	if (seen->sequence < last->sequence)
		return ROTA_ERR_VERSION;
	if (seen->sequence == last->sequence)
		return memcmp(seen->sha256, last->sha256, sizeof(last->sha256)) == 0
			? ROTA_OK
			: ROTA_ERR_VERSION;
	*last = *seen;
	return rota_keyslots_commit(k);
}

enum rota_err rota_keyslots_unsee(struct rota_keyslots *k, unsigned role)
{
	ROTA_TRY(rota_keyslots_ready(k));
	if (role >= ROTA_KEYS_ROLES)
		return ROTA_ERR_ARGUMENT;
	if (k->state.seen[role].sequence == 0)
		return ROTA_OK;
	memset(&k->state.seen[role], 0, sizeof(k->state.seen[role]));
	return rota_keyslots_commit(k);
}

/* ---- proof ---- */

enum rota_err rota_keyslots_make_next(struct rota_keyslots *k)
{
	uint8_t point[ROTA_P256_KEY_LEN], place = rota_key_other(k->state.agree);

	ROTA_TRY(k->rot->key_destroy(k->rot->ctx, rota_key_agree(place)));
	ROTA_TRY(k->rot->key_make(k->rot->ctx, rota_key_agree(place), point));
	k->state.agree_next = place;
	return ROTA_OK;
}

/* The staged slot of that generation, or NULL. */
static struct rota_key_slot *staged(struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	struct rota_key_slot *slot = rota_keystate_slot(&k->state, purpose, ROTA_KEY_STAGED);

	return slot != NULL && slot->generation == generation ? slot : NULL;
}

enum rota_err rota_keyslots_prove(
	struct rota_keyslots *k, uint8_t purpose, uint32_t generation, struct rota_agree_next *next)
{
	struct rota_key_slot *slot;
	bool changed = false;

	ROTA_TRY(rota_keyslots_ready(k));
	slot = staged(k, purpose, generation);
	if (slot == NULL)
		return ROTA_ERR_NOT_FOUND;
	if (k->state.agree_next == ROTA_KEY_PLACE_NONE) {
		enum rota_err err = rota_keyslots_make_next(k);

		if (err != ROTA_OK)
			return rota_keyslots_failed(k, err);
		changed = true;
	}
	if ((slot->flags & ROTA_KEY_SENT) == 0) {
		slot->flags |= ROTA_KEY_SENT;
		changed = true;
	}
	if (changed)
		ROTA_TRY(rota_keyslots_commit(k));
	next->counter = k->state.counter + 1;
	return k->rot->key_point(k->rot->ctx, rota_key_agree(k->state.agree_next), next->point);
}

enum rota_err rota_keyslots_acknowledged(
	struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	struct rota_key_slot *slot;

	ROTA_TRY(rota_keyslots_ready(k));
	slot = staged(k, purpose, generation);
	if (slot == NULL) /* a late answer: it is in use already */
		return rota_keystate_generation(&k->state, purpose, generation) != NULL
			? ROTA_OK
			: ROTA_ERR_NOT_FOUND;
	if ((slot->flags & ROTA_KEY_PROVED) != 0)
		return ROTA_OK;
	if ((slot->flags & ROTA_KEY_SENT) == 0)
		return ROTA_ERR_STATE;
	slot->flags |= ROTA_KEY_PROVED;
	return rota_keyslots_commit(k);
}

enum rota_err rota_keyslots_disproved(struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	ROTA_TRY(rota_keyslots_ready(k));
	if (staged(k, purpose, generation) == NULL)
		return ROTA_ERR_NOT_FOUND;
	rota_keystate_remove(&k->state, purpose, ROTA_KEY_STAGED);
	return rota_keyslots_commit(k);
}

enum rota_err rota_keyslots_drop(
	struct rota_keyslots *k, const uint8_t campaign[static ROTA_SHA256_LEN])
{
	struct rota_keystate *s = &k->state;
	bool dropped = false;

	ROTA_TRY(rota_keyslots_ready(k));
	for (uint8_t i = s->slot_count; i-- > 0;) {
		const struct rota_key_slot *slot = &s->slot[i];
		enum rota_err err;

		if (slot->state != ROTA_KEY_STAGED ||
			memcmp(slot->campaign, campaign, ROTA_SHA256_LEN) != 0)
			continue;
		err = keep_overtaken(k, slot->purpose);
		if (err != ROTA_OK &&
			err != ROTA_ERR_FULL) /* it is not to be used, psk or no psk */
			return err;
		rota_keystate_remove(s, slot->purpose, ROTA_KEY_STAGED);
		dropped = true;
	}
	return dropped ? rota_keyslots_commit(k) : ROTA_OK;
}

enum rota_err rota_keyslots_retire(struct rota_keyslots *k, uint8_t purpose, uint32_t generation)
{
	struct rota_key_numbers *of;

	ROTA_TRY(rota_keyslots_ready(k));
	if (purpose < 1 || purpose > ROTA_PURPOSES_MAX)
		return ROTA_ERR_ARGUMENT;
	of = &k->state.of[purpose - 1];
	if (generation <= of->retired)
		return ROTA_OK;
	of->retired = generation;
	return rota_keyslots_commit(k);
}
