/* SPDX-License-Identifier: Apache-2.0 */
/* One purpose after the other: the answer of its campaign is fetched and walked to a root, that root is looked for in the
 * role's list, which is read again under its trusted digest, and only then the bundle is opened (SPEC 33.6). A key that is
 * staged and not proved yet needs of the answer no more than the nonce. */
#include "rota/update/update_keys.h"
#include "rota/base/mem.h"

/* ---- what is to be done ---- */

static struct rota_key_pick *picked(const struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);

	return &d->pick[d->purpose - 1];
}

/* The staged key of the purpose at hand, if it is still to be proved. */
static const struct rota_key_slot *unproved(const struct rota_update *u)
{
	const struct rota_key_slot *slot = rota_keystate_slot(
		&rota_key_slots(u)->state, rota_key_desk(u)->purpose, ROTA_KEY_STAGED);

	return slot != NULL && (slot->flags & ROTA_KEY_PROVED) == 0 ? slot : NULL;
}

/* The campaign that is asked for. */
static const uint8_t *campaign(const struct rota_update *u)
{
	return picked(u)->generation != 0 ? picked(u)->campaign : unproved(u)->campaign;
}

enum rota_update_state rota_up_keys_next(struct rota_update *u)
{
	struct rota_key_desk *d = rota_key_desk(u);

	while (d->purpose < ROTA_PURPOSES_MAX) {
		d->purpose++;
		if (!rota_key_listed(u, d->purpose) || !rota_key_takes(u, d->purpose) ||
			(picked(u)->generation == 0 && unproved(u) == NULL))
			continue;
		rota_keyanswer_begin(&d->answer, u->config.session.crypto);
		return rota_key_state(ROTA_UP_KEYS_ANSWER);
	}
	return rota_key_next_list(u);
}

/* It came to nothing. Where a new key was wanted, the one that is staged may still be proved. */
static enum rota_update_state leave(struct rota_update *u, enum rota_err err)
{
	if (err != ROTA_OK)
		rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_33_7);
	if (picked(u)->generation != 0) {
		picked(u)->generation = 0;
		rota_key_desk(u)->purpose--;
	}
	return rota_key_state(ROTA_UP_KEYS_NEXT);
}

/* ---- the answer ---- */

void rota_up_keys_answer_ask(const struct rota_update *u, struct rota_update_want *want)
{
	want->path = rota_span(NULL, 0);
	memcpy(want->sha256, campaign(u), ROTA_SHA256_LEN);
	want->offset = 0;
	want->length = ROTA_KEYANSWER_MAX;
}

enum rota_err rota_up_keys_answer_feed(struct rota_update *u, struct rota_span piece)
{
	return rota_keyanswer_feed(&rota_key_desk(u)->answer, piece);
}

static enum rota_update_state prove(struct rota_update *u)
{
	const struct rota_key_slot *slot = unproved(u);
	enum rota_err err = slot != NULL ? rota_key_say_proved(u, slot) : ROTA_ERR_STATE;

	if (err == ROTA_OK)
		return rota_key_state(ROTA_UP_KEYS_SAY);
	rota_key_trouble(u, err, ROTA_CLAUSE_SPEC_35);
	return rota_key_state(ROTA_UP_KEYS_NEXT);
}

enum rota_update_state rota_up_keys_answer_done(struct rota_update *u, enum rota_err how)
{
	struct rota_key_desk *d = rota_key_desk(u);
	uint8_t root[ROTA_SHA256_LEN];
	enum rota_err err = how;

	if (err == ROTA_OK)
		err = rota_keyanswer_end(&d->answer, root);
	if (how == ROTA_ERR_NOT_FOUND) /* it has none for this device: a supplement may, later */
		return leave(u, ROTA_OK);
	if (err != ROTA_OK)
		return leave(u, err);
	if (picked(u)->generation == 0)
		return prove(u);
	d->root = (struct rota_keyroot){ .size = d->answer.head.size, .tree = d->answer.head.tree };
	memcpy(d->root.campaign_id, picked(u)->campaign, sizeof(d->root.campaign_id));
	memcpy(d->root.root, root, sizeof(root));
	rota_key_read_list(u, rota_keyroot_sink(&d->root));
	return rota_key_state(ROTA_UP_KEYS_ROOT);
}

/* ---- the bundle ---- */

/* What the device opens with: secrets, wiped by who has it. */
struct opener {
	struct rota_key_opener o;
	struct agree {
		const struct rota_rot *rot;
		enum rota_rot_key key;
		uint8_t place;
		uint8_t point[ROTA_P256_KEY_LEN];
	} agree[ROTA_KEY_AGREES_MAX];
	uint8_t psk[ROTA_KEY_PSKS_MAX][ROTA_PSK_LEN];
	uint8_t psk_id[ROTA_KEY_PSKS_MAX][ROTA_KEY_ID_LEN];
};

static enum rota_err dh(void *ctx, const uint8_t peer[static ROTA_P256_KEY_LEN],
	uint8_t out[static ROTA_P256_DH_LEN])
{
	const struct agree *a = ctx;

	return a->rot->agree(a->rot->ctx, a->key, peer, out);
}

static enum rota_err add_agree(struct opener *all, const struct rota_rot *rot, uint8_t place)
{
	struct agree *a = &all->agree[all->o.agree_count];

	if (place == ROTA_KEY_PLACE_NONE)
		return ROTA_OK;
	a->rot = rot;
	a->place = place;
	a->key = place == 0 ? ROTA_ROT_AGREE_0 : ROTA_ROT_AGREE_1;
	ROTA_TRY(rot->key_point(rot->ctx, a->key, a->point));
	all->o.agree[all->o.agree_count++] = (struct rota_agreement){ a, a->point, dh };
	return ROTA_OK;
}

/* A psk that there is not is none; one that cannot be had now is no leave for base mode (SPEC 31.5). */
static enum rota_err add_psk(
	struct opener *all, const struct rota_crypto *crypto, enum rota_err err)
{
	uint8_t i = all->o.psk_count;

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	rota_psk_id(crypto, all->psk[i], all->psk_id[i]);
	all->o.psk[i] = (struct rota_hpke_psk){ ROTA_SPAN(all->psk[i]), ROTA_SPAN(all->psk_id[i]) };
	all->o.psk_count++;
	return ROTA_OK;
}

/* Of the newest generation that was proved; it is there, or something is wrong. */
static enum rota_err proved_psk(struct rota_update *u, struct opener *all)
{
	struct rota_keyslots *k = rota_key_slots(u);
	uint8_t purpose = rota_key_desk(u)->purpose;
	struct rota_key_held held;
	enum rota_err err;

	rota_keyslots_held(k, purpose, &held);
	if (held.proved == 0)
		return ROTA_OK;
	err = rota_keyslots_key(
		k, purpose, held.proved, ROTA_USE_PSK, false, ROTA_BUF(all->psk[0]));
	return err == ROTA_ERR_NOT_FOUND ? ROTA_ERR_CORRUPT
					 : add_psk(all, u->config.session.crypto, err);
}

/* Who has a seed had a factory secret: that its journal was lost, or erased, is no leave for base mode. */
static enum rota_err no_seed(const struct rota_rot *rot)
{
	bool has = false;

	ROTA_TRY(rot->wrap_has(rot->ctx, ROTA_ROT_SEED, &has));
	return has ? ROTA_ERR_DENIED : ROTA_OK;
}

static enum rota_err gather(struct rota_update *u, struct opener *all)
{
	const struct rota_crypto *crypto = u->config.session.crypto;
	struct rota_keyslots *k = rota_key_slots(u);

	all->o.hpke = (struct rota_hpke){ crypto, rota_key_config(u)->aead };
	all->o.spki = u->config.device->spki;
	ROTA_TRY(add_agree(all, k->rot, k->state.agree));
	ROTA_TRY(add_agree(all, k->rot, k->state.agree_next));
	ROTA_TRY(proved_psk(u, all));
	ROTA_TRY(add_psk(all, crypto, rota_keyslots_factory_psk(k, all->psk[all->o.psk_count])));
	return all->o.psk_count > 0 ? ROTA_OK : no_seed(k->rot);
}

/* *place: of the agree key that it was sealed to. */
static enum rota_err open_bundle(
	struct rota_update *u, uint8_t secret[static ROTA_SECRET_LEN], uint8_t *place)
{
	struct rota_key_desk *d = rota_key_desk(u);
	const struct rota_key_campaign *c = &d->root.campaign;
	const struct rota_keybundle_terms terms = { .suite = c->suite,
		.purpose = c->purpose,
		.cipher = c->cipher,
		.tree = d->root.tree,
		.generation = c->generation,
		.activation_s = c->activation_s,
		.campaign = c->id,
		.device = rota_key_slots(u)->device };
	struct opener all = { 0 };
	uint8_t which = 0;
	enum rota_err err = gather(u, &all);

	if (err == ROTA_OK)
		err = rota_keybundle_open(&all.o, &terms, d->answer.bundle, secret, &which);
	*place = all.agree[which].place;
	rota_wipe(&all, sizeof(all));
	return err;
}

static enum rota_err stage(struct rota_update *u)
{
	const struct rota_key_campaign *c = &rota_key_desk(u)->root.campaign;
	struct rota_key_slot offer = { .purpose = c->purpose,
		.cipher = c->cipher,
		.generation = c->generation,
		.activation_s = c->activation_s,
		.until_s = c->activation_s + c->overlap_s };
	uint8_t secret[ROTA_SECRET_LEN], place;
	enum rota_err err = open_bundle(u, secret, &place);

	memcpy(offer.campaign, c->id, sizeof(offer.campaign));
	if (err == ROTA_OK)
		err = rota_keyslots_stage(rota_key_slots(u), &offer, place, secret);
	rota_wipe(secret, sizeof(secret));
	return err;
}

enum rota_update_state rota_up_keys_root_done(struct rota_update *u, enum rota_err how)
{
	struct rota_key_desk *d = rota_key_desk(u);
	struct rota_why why = rota_key_list_end(u, how);
	enum rota_err err = why.err;

	if (err == ROTA_OK && !d->root.listed)
		err = ROTA_ERR_HASH; /* nobody vouched for that tree */
	if (err == ROTA_OK)
		err = stage(u);
	if (err != ROTA_OK)
		return leave(u, err);
	picked(u)->generation = 0;
	return prove(u);
}
