/* SPDX-License-Identifier: Apache-2.0 */
/* How a device comes to have keys, gets them anew, and has none any more. */
#include "rota/base/mem.h"
#include "rota/store/keyslots_parts.h"

/* ---- the factory ---- */

/* Nothing in flash names them: what they sealed is lost, or shall be. */
static enum rota_err clear_rot(const struct rota_rot *rot)
{
	for (uint8_t place = 0; place < 2; place++) {
		ROTA_TRY(rot->wrap_destroy(rot->ctx, rota_key_wrap(place)));
		ROTA_TRY(rot->key_destroy(rot->ctx, rota_key_agree(place)));
	}
	return ROTA_OK;
}

enum rota_err rota_keyslots_factory(
	struct rota_keyslots *k, uint32_t binding, uint8_t agree_point[static ROTA_P256_KEY_LEN])
{
	bool loaded = k->phase >= ROTA_KEYSLOTS_LOADED;

	if (k->phase == ROTA_KEYSLOTS_CLOSED || (loaded && (k->state.flags & ROTA_KEYS_GONE) == 0))
		return ROTA_ERR_STATE;
	k->phase = ROTA_KEYSLOTS_BLANK;
	ROTA_TRY(clear_rot(k->rot));
	ROTA_TRY(k->rot->key_make(k->rot->ctx, ROTA_ROT_AGREE_0, agree_point));
	ROTA_TRY(k->rot->wrap_make(k->rot->ctx, ROTA_ROT_WRAP_0));
	memset(&k->state, 0, sizeof(k->state));
	memset(k->spent, 0, sizeof(k->spent));
	k->state.binding = binding;
	k->state.counter = 1;
	k->state.flags = ROTA_KEYS_ANEW;
	k->state.agree_next = ROTA_KEY_PLACE_NONE;
	k->archived_count = 0;
	ROTA_TRY(rota_keyslots_commit_archive(k));
	ROTA_TRY(rota_keyslots_commit(k));
	k->phase = ROTA_KEYSLOTS_SETTLED;
	return ROTA_OK;
}

enum rota_err rota_keyslots_factory_secret(
	struct rota_keyslots *k, const uint8_t secret[static ROTA_SECRET_LEN])
{
	const struct rota_datakey of = { 0 };
	bool has = false;

	ROTA_TRY(rota_keyslots_ready(k));
	ROTA_TRY(k->rot->wrap_has(k->rot->ctx, ROTA_ROT_SEED, &has));
	if (!has)
		ROTA_TRY(k->rot->wrap_make(k->rot->ctx, ROTA_ROT_SEED));
	ROTA_TRY(rota_keyslots_wrap(k, ROTA_ROT_SEED, &of, secret, k->state.factory));
	k->state.has_factory = true;
	return rota_keyslots_commit(k);
}

enum rota_err rota_keyslots_factory_psk(
	const struct rota_keyslots *k, uint8_t psk[static ROTA_SECRET_LEN])
{
	const struct rota_datakey of = { 0 };
	uint8_t secret[ROTA_SECRET_LEN];
	enum rota_err err;

	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if (!k->state.has_factory)
		return ROTA_ERR_NOT_FOUND;
	err = rota_keyslots_unwrap(k, &of, k->state.factory, secret);
	if (err == ROTA_OK)
		rota_psk_of_factory(k->crypto, secret, k->device, psk);
	rota_wipe(secret, sizeof(secret));
	return err;
}

/* ---- anew (SPEC 34.4) ---- */

/* A wrap key that is there is in force: the one named, the other, or a new one. */
static enum rota_err pick_wrap(struct rota_keyslots *k)
{
	const struct rota_rot *rot = k->rot;
	uint8_t other = rota_key_other(k->state.wrap);
	bool has = false;

	ROTA_TRY(rot->wrap_has(rot->ctx, rota_key_wrap(k->state.wrap), &has));
	if (has)
		return ROTA_OK;
	ROTA_TRY(rot->wrap_has(rot->ctx, rota_key_wrap(other), &has));
	if (!has)
		return rot->wrap_make(rot->ctx, rota_key_wrap(k->state.wrap));
	k->state.wrap = other;
	return ROTA_OK;
}

/* The highest that was lost may come once more (SPEC 32.5). */
static void again(struct rota_keyslots *k, const struct rota_key_numbers *was, uint8_t purpose,
	uint32_t generation)
{
	if (was[purpose - 1].highest == generation)
		k->state.of[purpose - 1].highest = generation - 1;
}

static enum rota_err drop_slots(
	struct rota_keyslots *k, const struct rota_key_numbers *was, uint8_t *dropped)
{
	for (uint8_t i = k->state.slot_count; i-- > 0;) {
		const struct rota_key_slot *slot = &k->state.slot[i];
		bool lost;

		ROTA_TRY(rota_keyslots_lost(
			k, slot->purpose, slot->generation, slot->wrapped, &lost));
		if (!lost)
			continue;
		again(k, was, slot->purpose, slot->generation);
		rota_keystate_remove(
			&k->state, slot->purpose, (enum rota_key_slot_state)slot->state);
		++*dropped;
	}
	return ROTA_OK;
}

static enum rota_err drop_archived(
	struct rota_keyslots *k, const struct rota_key_numbers *was, uint8_t *dropped)
{
	for (uint8_t i = k->archived_count; i-- > 0;) {
		const struct rota_key_archived *a = &k->archived[i];
		bool lost;

		ROTA_TRY(rota_keyslots_lost(k, a->purpose, a->generation, a->wrapped, &lost));
		if (!lost)
			continue;
		again(k, was, a->purpose, a->generation);
		rota_keyslots_unarchive(k, i);
		++*dropped;
	}
	return ROTA_OK;
}

static enum rota_err has_agree(const struct rota_keyslots *k, uint8_t place, bool *has)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err;

	*has = false;
	if (place == ROTA_KEY_PLACE_NONE)
		return ROTA_OK;
	err = k->rot->key_point(k->rot->ctx, rota_key_agree(place), point);
	*has = err == ROTA_OK;
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

/* An agree key that is there is in force: the one named, the other, or a new one that nobody was told of. */
static enum rota_err pick_agree(struct rota_keyslots *k)
{
	uint8_t point[ROTA_P256_KEY_LEN], other = rota_key_other(k->state.agree);
	bool has;

	ROTA_TRY(has_agree(k, k->state.agree, &has));
	if (has)
		return ROTA_OK;
	ROTA_TRY(has_agree(k, other, &has));
	if (!has)
		return k->rot->key_make(k->rot->ctx, rota_key_agree(k->state.agree), point);
	k->state.agree = other;
	k->state.agree_next = ROTA_KEY_PLACE_NONE;
	return ROTA_OK;
}

/* The next one is none that the server has: the one that is named, where its statement got lost; else a fresh one, in
 * the place of the one that the server had before. */
static enum rota_err pick_next(struct rota_keyslots *k, uint32_t row_counter)
{
	struct rota_keystate *s = &k->state;
	bool next;

	ROTA_TRY(has_agree(k, s->agree_next, &next));
	if (next && row_counter == s->counter)
		return ROTA_OK;
	if (next && row_counter == s->counter + 1)
		s->agree = s->agree_next;
	s->counter = row_counter;
	return rota_keyslots_make_next(k);
}

/* All that is new, in RAM. */
static enum rota_err renew(struct rota_keyslots *k, uint32_t row_counter, uint8_t *dropped)
{
	struct rota_key_numbers was[ROTA_PURPOSES_MAX];

	memcpy(was, k->state.of, sizeof(was));
	ROTA_TRY(pick_wrap(k));
	ROTA_TRY(drop_slots(k, was, dropped));
	ROTA_TRY(drop_archived(k, was, dropped));
	ROTA_TRY(pick_agree(k));
	k->state.flags |= ROTA_KEYS_ANEW;
	return pick_next(k, row_counter);
}

enum rota_err rota_keyslots_renew(struct rota_keyslots *k, uint32_t row_counter,
	struct rota_agree_next *next, uint8_t *dropped)
{
	bool gone = (k->state.flags & ROTA_KEYS_GONE) != 0;
	enum rota_err err;

	*dropped = 0;
	if (k->phase < ROTA_KEYSLOTS_LOADED || gone)
		return ROTA_ERR_STATE;
	if (row_counter == 0 || row_counter == UINT32_MAX)
		return ROTA_ERR_ARGUMENT;
	k->phase = ROTA_KEYSLOTS_LOADED;
	err = renew(k, row_counter, dropped);
	if (err != ROTA_OK)
		return rota_keyslots_failed(k, err);
	ROTA_TRY(rota_keyslots_commit_archive(k));
	ROTA_TRY(rota_keyslots_commit_rise(k));
	ROTA_TRY(rota_keyslots_settle(k));
	next->counter = k->state.counter + 1;
	return k->rot->key_point(k->rot->ctx, rota_key_agree(k->state.agree_next), next->point);
}

/* ---- telling the server ---- */

enum rota_err rota_keyslots_announce(const struct rota_keyslots *k, struct rota_agree_next *next)
{
	const struct rota_keystate *s = &k->state;
	bool first = s->agree_next == ROTA_KEY_PLACE_NONE;

	ROTA_TRY(rota_keyslots_ready(k));
	next->counter = first ? s->counter : s->counter + 1;
	return k->rot->key_point(
		k->rot->ctx, rota_key_agree(first ? s->agree : s->agree_next), next->point);
}

enum rota_err rota_keyslots_announced(struct rota_keyslots *k)
{
	ROTA_TRY(rota_keyslots_ready(k));
	if ((k->state.flags & ROTA_KEYS_ANEW) == 0)
		return ROTA_OK;
	k->state.flags &= (uint8_t)~ROTA_KEYS_ANEW;
	return rota_keyslots_commit(k);
}

/* ---- the end ---- */

enum rota_err rota_keyslots_forget(struct rota_keyslots *k)
{
	struct rota_keystate *s = &k->state;

	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return ROTA_ERR_STATE;
	if ((s->flags & ROTA_KEYS_GONE) == 0) {
		s->flags = ROTA_KEYS_GONE;
		s->slot_count = 0;
		s->has_factory = false;
		k->phase = ROTA_KEYSLOTS_LOADED;
		ROTA_TRY(rota_keyslots_commit_rise(k));
	}
	return rota_keyslots_settle(k);
}
