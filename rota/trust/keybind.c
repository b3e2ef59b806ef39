/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/keybind.h"
#include "rota/base/mem.h"
#include "rota/codec/time.h"
#include "rota/crypto/datakey.h"
#include "rota/trust/rollout.h"
#include "rota/trust/tag.h"

#define SUITE 1
#define CIPHER_MAX 2

/* ---- the campaign ---- */

static bool is_known(const struct rota_key_campaign *c)
{
	return c->suite == SUITE && c->cipher >= 1 && c->cipher <= CIPHER_MAX &&
		rota_purpose_role(c->purpose) != NULL;
}

static uint32_t most_ahead(const struct rota_key_facts *f)
{
	bool past = f->highest_s != 0 && f->highest_s < f->now_s;

	return ROTA_KEY_AHEAD_MAX +
		(past ? rota_time_days(f->now_s) - rota_time_days(f->highest_s) : 0);
}

static enum rota_err check_generation(
	const struct rota_key_campaign *c, const struct rota_key_facts *f)
{
	bool again = f->lost && c->generation == f->highest;

	if (f->seen_as != 0 && f->seen_as != c->generation)
		return ROTA_ERR_VERSION;
	if (c->generation <= f->highest && !again)
		return ROTA_ERR_VERSION;
	if (f->highest == 0) /* one that joins late */
		return c->generation > ROTA_KEY_FIRST_MAX ? ROTA_ERR_CEILING : ROTA_OK;
	return c->generation - f->highest > most_ahead(f) ? ROTA_ERR_CEILING : ROTA_OK;
}

/* SPEC 32.3: stages open by time alone. */
static bool has_turn(const struct rota_crypto *crypto, const struct rota_key_campaign *c,
	const struct rota_key_facts *f)
{
	uint32_t draw = rota_rollout_draw(crypto, c->id, 0, f->device_hex);

	for (uint8_t i = 0; i < c->stage_count; i++)
		if (f->now_s >= c->stage[i].from_s && draw < c->stage[i].ppm)
			return true;
	return false;
}

enum rota_err rota_key_campaign_judge(const struct rota_crypto *crypto,
	const struct rota_key_campaign *c, const struct rota_key_facts *f)
{
	if (!is_known(c))
		return ROTA_ERR_UNSUPPORTED;
	if (!rota_span_is(f->role, rota_purpose_role(c->purpose)))
		return ROTA_ERR_ROLE;
	if (c->state == ROTA_CAMPAIGN_ABORTED)
		return ROTA_ERR_WITHDRAWN;
	ROTA_TRY(check_generation(c, f));
	if (c->activation_s > f->now_s && c->activation_s - f->now_s > ROTA_KEY_ACTIVATION_MAX_S)
		return ROTA_ERR_TIME;
	return rota_campaign_installs(c->state) && has_turn(crypto, c, f) ? ROTA_OK : ROTA_ERR_BUSY;
}

/* ---- its tree ---- */

static enum rota_err on_campaign(void *ctx, const struct rota_key_campaign *c)
{
	struct rota_keyroot *r = ctx;

	r->here = memcmp(c->id, r->campaign_id, ROTA_SHA256_LEN) == 0;
	if (r->here)
		r->campaign = *c;
	return ROTA_OK;
}

/* Exactly the one that was walked to: another size gives an index another meaning, another number another info. */
static enum rota_err on_tree(
	void *ctx, uint16_t tree, uint32_t size, const uint8_t root[static ROTA_SHA256_LEN])
{
	struct rota_keyroot *r = ctx;

	if (r->here && tree == r->tree && size == r->size &&
		memcmp(root, r->root, ROTA_SHA256_LEN) == 0)
		r->listed = true;
	return ROTA_OK;
}

struct rota_keys_sink rota_keyroot_sink(struct rota_keyroot *r)
{
	r->here = false;
	r->listed = false;
	return (struct rota_keys_sink){ r, on_campaign, on_tree };
}

/* ---- the bundle ---- */

static bool is_ours(const struct rota_key_opener *o, const struct rota_keybundle_terms *t,
	struct rota_span locator)
{
	uint8_t tag[ROTA_TAG_LEN];

	rota_tag(o->hpke.crypto, rota_span(t->campaign, ROTA_SHA256_LEN), o->spki, tag);
	return rota_span_eq(locator, ROTA_SPAN(tag));
}

static bool find_agree(const struct rota_key_opener *o, struct rota_span id, uint8_t *which)
{
	uint8_t own[ROTA_KEYBUNDLE_ID_LEN];

	for (uint8_t i = 0; i < o->agree_count; i++) {
		rota_agree_id(o->hpke.crypto, o->agree[i].point, own);
		if (!rota_span_eq(id, ROTA_SPAN(own)))
			continue;
		*which = i;
		return true;
	}
	return false;
}

/* The psk that it was sealed under. Who holds one takes nothing without: a thief of the role's key can seal to a public
 * key, and does not know the psk (SPEC 31.5). */
static enum rota_err find_psk(const struct rota_key_opener *o, const struct rota_keybundle *b,
	const struct rota_hpke_psk **out)
{
	static const struct rota_hpke_psk none;

	*out = &none;
	if (b->mode == ROTA_KEYBUNDLE_BASE)
		return o->psk_count > 0 ? ROTA_ERR_DENIED : ROTA_OK;
	for (uint8_t i = 0; i < o->psk_count; i++) {
		if (!rota_span_eq(b->psk_id, o->psk[i].id))
			continue;
		*out = &o->psk[i];
		return ROTA_OK;
	}
	return ROTA_ERR_NOT_FOUND;
}

static enum rota_err open_sealed(const struct rota_key_opener *o,
	const struct rota_keybundle_terms *t, const struct rota_keybundle *b,
	const struct rota_agreement *agree, const struct rota_hpke_psk *psk, struct rota_buf secret)
{
	uint8_t info[ROTA_KEYBUNDLE_INFO_LEN];
	struct rota_hpke_text text = { ROTA_SPAN(info), b->aad };

	rota_keybundle_info(t, info);
	memcpy(secret.p, b->sealed.p, secret.len);
	return rota_hpke_open(&o->hpke, agree, b->enc.p, psk, &text, secret, b->tag.p);
}

enum rota_err rota_keybundle_open(const struct rota_key_opener *o,
	const struct rota_keybundle_terms *t, const uint8_t bundle[static ROTA_KEYBUNDLE_LEN],
	uint8_t secret[static ROTA_KEYBUNDLE_SEALED_LEN], uint8_t *which)
{
	struct rota_buf room = rota_buf(secret, ROTA_KEYBUNDLE_SEALED_LEN);
	const struct rota_hpke_psk *psk;
	struct rota_keybundle b;
	enum rota_err err;

	memset(secret, 0, room.len);
	ROTA_TRY(rota_keybundle_decode(rota_span(bundle, ROTA_KEYBUNDLE_LEN), &b));
	if (!is_ours(o, t, b.locator))
		return ROTA_ERR_HARDWARE;
	if (!find_agree(o, b.agree_id, which))
		return ROTA_ERR_NOT_FOUND;
	ROTA_TRY(find_psk(o, &b, &psk));
	err = open_sealed(o, t, &b, &o->agree[*which], psk, room);
	if (err != ROTA_OK)
		rota_wipe(secret, room.len);
	return err;
}
