/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/rot_soft/rot_soft.h"
#include "ports/rot_soft/page.h"
#include "rota/base/mem.h"

/* One call: the page as it is, and its keys, which end with the call. */
struct call {
	struct rota_rot_soft *s;
	struct rota_soft_page page;
	struct rota_soft_keys keys;
};

static enum rota_err begin(struct call *c, void *ctx)
{
	c->s = ctx;
	return rota_soft_page_open(&c->page, c->s->page, &c->keys);
}

static enum rota_err end(struct call *c, enum rota_err err)
{
	rota_wipe(&c->keys, sizeof(c->keys));
	return err;
}

static uint8_t pair_bit(enum rota_rot_key key)
{
	return (uint8_t)(1u << key);
}

static uint8_t wrap_bit(enum rota_rot_wrap place)
{
	return (uint8_t)(1u << (ROTA_ROT_KEYS + place));
}

_Static_assert(ROTA_ROT_KEYS + ROTA_ROT_WRAPS <= 8, "a bit for each key");

static bool signs(enum rota_rot_key key)
{
	return key <= ROTA_ROT_LDEVID_1;
}

/* ---- pairs ---- */

static enum rota_err make_pair(struct call *c, enum rota_rot_key key)
{
	const struct rota_p256 *p256 = c->s->p256;
	struct rota_soft_pair *pair = &c->keys.pair[key];

	if ((c->keys.have & pair_bit(key)) != 0)
		return ROTA_ERR_STATE;
	ROTA_TRY(p256->make(p256->ctx, pair->secret, pair->point));
	c->keys.have |= pair_bit(key);
	return rota_soft_page_commit(&c->page, &c->keys);
}

static enum rota_err key_make(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct call c;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	err = begin(&c, ctx);
	if (err == ROTA_OK)
		err = make_pair(&c, key);
	if (err == ROTA_OK)
		memcpy(point, c.keys.pair[key].point, ROTA_P256_KEY_LEN);
	return end(&c, err);
}

/* The page with this pair in it. */
static enum rota_err find_pair(struct call *c, void *ctx, enum rota_rot_key key)
{
	ROTA_TRY(begin(c, ctx));
	return (c->keys.have & pair_bit(key)) != 0 ? ROTA_OK : ROTA_ERR_NOT_FOUND;
}

static enum rota_err key_point(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct call c;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	err = find_pair(&c, ctx, key);
	if (err == ROTA_OK)
		memcpy(point, c.keys.pair[key].point, ROTA_P256_KEY_LEN);
	return end(&c, err);
}

static enum rota_err key_destroy(void *ctx, enum rota_rot_key key)
{
	struct call c;
	enum rota_err err;

	if (key == ROTA_ROT_IDENTITY || key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	err = begin(&c, ctx);
	if (err == ROTA_OK && (c.keys.have & pair_bit(key)) != 0) {
		rota_wipe(&c.keys.pair[key], sizeof(c.keys.pair[key]));
		c.keys.have &= (uint8_t)~pair_bit(key);
		err = rota_soft_page_commit(&c.page, &c.keys);
	}
	return end(&c, err);
}

static enum rota_err sign(void *ctx, enum rota_rot_key key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	struct call c;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS || !signs(key))
		return ROTA_ERR_ARGUMENT;
	err = find_pair(&c, ctx, key);
	if (err == ROTA_OK)
		err = c.s->p256->sign(c.s->p256->ctx, c.keys.pair[key].secret, digest, sig);
	return end(&c, err);
}

static enum rota_err agree(void *ctx, enum rota_rot_key key,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	struct call c;
	enum rota_err err;

	if (key >= ROTA_ROT_KEYS || signs(key))
		return ROTA_ERR_ARGUMENT;
	err = find_pair(&c, ctx, key);
	if (err == ROTA_OK)
		err = c.s->p256->agree(c.s->p256->ctx, c.keys.pair[key].secret, peer, dh);
	return end(&c, err);
}

/* ---- wrap keys ---- */

static enum rota_err make_wrap(struct call *c, enum rota_rot_wrap place)
{
	const struct rota_random *random = c->s->wrapper.random;

	if ((c->keys.have & wrap_bit(place)) != 0)
		return ROTA_ERR_STATE;
	ROTA_TRY(random->fill(random->ctx, ROTA_BUF(c->keys.wrap[place])));
	c->keys.have |= wrap_bit(place);
	return rota_soft_page_commit(&c->page, &c->keys);
}

static enum rota_err wrap_make(void *ctx, enum rota_rot_wrap place)
{
	struct call c;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	err = begin(&c, ctx);
	if (err == ROTA_OK)
		err = make_wrap(&c, place);
	return end(&c, err);
}

static enum rota_err wrap_has(void *ctx, enum rota_rot_wrap place, bool *has)
{
	struct call c;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	err = begin(&c, ctx);
	*has = err == ROTA_OK && (c.keys.have & wrap_bit(place)) != 0;
	return end(&c, err);
}

static enum rota_err wrap_destroy(void *ctx, enum rota_rot_wrap place)
{
	struct call c;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	err = begin(&c, ctx);
	if (err == ROTA_OK && (c.keys.have & wrap_bit(place)) != 0) {
		rota_wipe(c.keys.wrap[place], sizeof(c.keys.wrap[place]));
		c.keys.have &= (uint8_t)~wrap_bit(place);
		err = rota_soft_page_commit(&c.page, &c.keys);
	}
	return end(&c, err);
}

static enum rota_err find_wrap(struct call *c, void *ctx, enum rota_rot_wrap place)
{
	ROTA_TRY(begin(c, ctx));
	return (c->keys.have & wrap_bit(place)) != 0 ? ROTA_OK : ROTA_ERR_NOT_FOUND;
}

static enum rota_err wrap(void *ctx, enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN])
{
	struct call c;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	err = find_wrap(&c, ctx, place);
	if (err == ROTA_OK)
		err = rota_wrapped_seal(&c.s->wrapper, c.keys.wrap[place], place, aad, secret, out);
	return end(&c, err);
}

static enum rota_err unwrap(void *ctx, struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN])
{
	enum rota_rot_wrap place;
	struct call c;
	enum rota_err err;

	ROTA_TRY(rota_wrapped_place(in, &place));
	err = find_wrap(&c, ctx, place);
	if (err == ROTA_OK)
		err = rota_wrapped_open(&c.s->wrapper, c.keys.wrap[place], aad, in, secret);
	return end(&c, err);
}

void rota_rot_soft_init(struct rota_rot_soft *s, const struct rota_rot_soft_parts *parts)
{
	*s = (struct rota_rot_soft){
		.port = {
			.ctx = s,
			.name = "soft",
			.key_make = key_make,
			.key_point = key_point,
			.key_destroy = key_destroy,
			.sign = sign,
			.agree = agree,
			.wrap_make = wrap_make,
			.wrap_has = wrap_has,
			.wrap_destroy = wrap_destroy,
			.wrap = wrap,
			.unwrap = unwrap,
			.random = *parts->random,
		},
		.page = parts->page,
		.p256 = parts->p256,
		.wrapper = { .aead = parts->aead, .random = parts->random },
	};
}
