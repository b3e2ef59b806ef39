/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps data keys in step with all else that the device remembers: the state counter's rises (SPEC 9.6), which begin
 * and end here in either direction; settling, only where the journals are known to be the newest; and what the offline
 * signers retired or withdrew. */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"

/* ---- rises ---- */

/* A switch or a destruction: the device journal carries the number first. */
static enum rota_err rise_begin(void *ctx, uint32_t *binding)
{
	struct rota_update *u = ctx;

	if (u->bound.err != ROTA_OK)
		return (enum rota_err)u->bound.err;
	if (rota_update_restored(u))
		return ROTA_ERR_STATE;
	if (u->state.pending.phase == ROTA_INSTALL_CONFIRM)
		return ROTA_ERR_BUSY; /* slots come first */
	*binding = u->bound.counter + 1;
	u->bound.rising = true; /* the key journal follows with what changed */
	rota_update_bind(u);
	return rota_update_commit(u);
}

static enum rota_err rise_end(void *ctx)
{
	struct rota_update *u = ctx;

	u->bound.rising = false;
	return rota_bound_finish(u);
}

/* Whether a key journal that is blank once named something: who erased it wants the device to begin anew, with no floor. Where the
 * root of trust does not say, nothing begins. */
static enum rota_err had_keys(const struct rota_rot *rot, bool *had)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err, unsure = ROTA_OK;

	for (uint8_t place = 0; place < 2; place++) {
		enum rota_rot_wrap wrap = place == 0 ? ROTA_ROT_WRAP_0 : ROTA_ROT_WRAP_1;
		enum rota_rot_key agree = place == 0 ? ROTA_ROT_AGREE_0 : ROTA_ROT_AGREE_1;
		bool has = false;

		err = rot->wrap_has(rot->ctx, wrap, &has);
		if (err != ROTA_OK)
			unsure = err;
		*had |= err == ROTA_OK && has;
		err = rot->key_point(rot->ctx, agree, point);
		if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
			unsure = err;
		*had |= err == ROTA_OK;
	}
	return *had ? ROTA_OK : unsure;
}

void rota_key_look(struct rota_update *u, struct rota_binding_facts *f)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);

	memset(d, 0, sizeof(*d));
	d->rise = (struct rota_key_rise){ u, rise_begin, rise_end };
	k->rise = rota_counter_has(u->config.counter, ROTA_COUNTER_STATE) ? &d->rise : NULL;
	f->has_keys = k->phase >= ROTA_KEYSLOTS_LOADED;
	if (k->phase == ROTA_KEYSLOTS_BLANK && f->counts)
		d->unsure = had_keys(k->rot, &f->keys_lost) != ROTA_OK;
	f->keys = k->state.binding;
}

/* On the way back the key journal stays behind until its keys were made anew: else a cut before that would leave old
 * flash that looks like today's. One that somebody else has now is waited for: the device journal's number says that a rise
 * was cut off, and the next cycle finishes it. */
enum rota_err rota_key_bind(struct rota_update *u, uint32_t to)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);

	if (u->bound.back && !d->fresh)
		return ROTA_OK;
	if (k->phase < ROTA_KEYSLOTS_LOADED)
		return k->busy ? ROTA_ERR_BUSY : ROTA_OK;
	return rota_keyslots_bind(k, to);
}

/* ---- settling ---- */

enum rota_err rota_key_renew(struct rota_update *u, uint32_t row_counter)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_agree_next next;
	uint8_t dropped;

	ROTA_TRY(rota_keyslots_renew(rota_key_slots(u), row_counter, &next, &dropped));
	d->fresh = true;
	if (dropped > 0)
		rota_key_trouble(u, ROTA_ERR_CORRUPT, ROTA_CLAUSE_SPEC_34);
	return ROTA_OK;
}

static bool is_gone(const struct rota_keyslots *k)
{
	return (k->state.flags & ROTA_KEYS_GONE) != 0;
}

static enum rota_err settle(struct rota_update *u)
{
	struct rota_keyslots *k = rota_key_slots(u);
	uint8_t point[ROTA_P256_KEY_LEN];
	enum rota_err err;

	if (k->phase == ROTA_KEYSLOTS_CLOSED || rota_key_desk(u)->unsure)
		return ROTA_ERR_IO;
	if (k->phase == ROTA_KEYSLOTS_BLANK)
		return rota_keyslots_factory(k, u->bound.counter, point);
	if (u->bound.back && !is_gone(k))
		return rota_key_renew(u, k->state.counter);
	err = rota_keyslots_settle(k);
	return err == ROTA_ERR_CORRUPT ? rota_key_renew(u, k->state.counter) : err;
}

void rota_key_settle(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);
	enum rota_err err;

	if (d->ready || d->why.err != ROTA_OK)
		return;
	err = settle(u);
	u->bound.rising = false;
	d->ready = err == ROTA_OK && !is_gone(rota_key_slots(u));
	if (err != ROTA_OK)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_34);
}

/* ---- what is over ---- */

void rota_key_fell(struct rota_update *u, struct rota_span role)
{
	unsigned which = rota_span_is(role, "keys-link") ? ROTA_KEYS_LINK : ROTA_KEYS_STORE;

	if (which == ROTA_KEYS_STORE && !rota_span_is(role, "keys-store"))
		return;
	if (rota_key_desk(u)->ready && rota_keyslots_unsee(rota_key_slots(u), which) != ROTA_OK)
		rota_key_trouble(u, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_34);
}

static enum rota_err take_pair(void *ctx, struct rota_span purpose, uint32_t generation)
{
	struct rota_key_desk *d = ctx;
	uint8_t number = rota_purpose_of(purpose);

	if (number != 0 && generation > d->retired[number - 1])
		d->retired[number - 1] = generation;
	return ROTA_OK;
}

const struct rota_retired_pairs *rota_key_pairs(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);

	memset(d->retired, 0, sizeof(d->retired));
	d->pairs = (struct rota_retired_pairs){ d, take_pair };
	return &d->pairs;
}

/* Before the device journal says that the file was read: after a cut it is read again. */
bool rota_key_retire(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);

	for (uint8_t purpose = 1; purpose <= ROTA_PURPOSES_MAX; purpose++) {
		enum rota_err err = ROTA_ERR_STATE;

		if (d->retired[purpose - 1] == 0 || is_gone(rota_key_slots(u)))
			continue;
		if (d->ready)
			err = rota_keyslots_retire(
				rota_key_slots(u), purpose, d->retired[purpose - 1]);
		if (err != ROTA_OK) {
			rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_16);
			return false;
		}
	}
	return true;
}

/* SPEC 32.4: campaigns of the other role are stopped by its list alone. */
static const struct rota_key_slot *staged_of_store(const struct rota_keyslots *k, uint8_t i)
{
	const struct rota_key_slot *slot = &k->state.slot[i];

	return slot->state == ROTA_KEY_STAGED &&
			rota_span_is(rota_span_cstr(rota_purpose_role(slot->purpose)), "keys-store")
		? slot
		: NULL;
}

void rota_key_ask(struct rota_update *u, struct rota_revocations_decoder *r)
{
	struct rota_key_desk *d = rota_key_desk(u);
	const struct rota_keyslots *k = rota_key_slots(u);

	d->asked_count = 0;
	for (uint8_t i = 0; d->ready && i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = staged_of_store(k, i);

		if (slot == NULL)
			continue;
		rota_revocations_ask(r, slot->campaign);
		d->asked[d->asked_count++] = slot->purpose;
	}
}

void rota_key_withdraw(struct rota_update *u, uint8_t withdrawn)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_keyslots *k = rota_key_slots(u);

	for (uint8_t i = 0; i < d->asked_count; i++) {
		const struct rota_key_slot *slot =
			rota_keystate_slot(&k->state, d->asked[i], ROTA_KEY_STAGED);
		uint8_t campaign[ROTA_SHA256_LEN];

		if ((withdrawn >> i & 1) == 0 || slot == NULL)
			continue;
		memcpy(campaign, slot->campaign, sizeof(campaign));
		if (rota_keyslots_drop(k, campaign) != ROTA_OK)
			rota_key_trouble(u, ROTA_ERR_IO, ROTA_CLAUSE_SPEC_34);
	}
}
