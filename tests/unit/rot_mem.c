/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/rot_mem.h"

#include <string.h>

#define NONCE_AT 1
#define TEXT_AT 13
#define TAG_AT 45
#define TAG_LEN 16

static enum rota_err here(const struct rot_mem *m)
{
	return m->supply->off || m->away ? ROTA_ERR_IO : ROTA_OK;
}

/* `at` becomes `number`, as one operation. */
static enum rota_err change(struct rot_mem *m, uint32_t *at, uint32_t number, uint32_t where)
{
	const struct rota_sim_op op = { .kind = ROTA_SIM_KEY, .part = m, .at = where };
	enum rota_sim_fault fault;
	bool done;

	if (*at == number)
		return ROTA_OK;
	fault = rota_sim_supply_step(m->supply, &op);
	done = rota_sim_supply_done(fault);
	if (rota_sim_supply_torn(fault))
		done = (rota_sim_supply_random(m->supply) & 1) != 0;
	if (done)
		*at = number;
	return rota_sim_supply_told(fault);
}

static void digest(
	const struct rot_mem *m, uint32_t number, const char *what, uint8_t out[static 32])
{
	struct rota_sha256 h;

	m->crypto->sha256_init(&h);
	m->crypto->sha256_update(&h, rota_span(&number, sizeof(number)));
	m->crypto->sha256_update(&h, rota_span_cstr(what));
	m->crypto->sha256_final(&h, out);
}

/* ---- keys ---- */

static enum rota_err key_point(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	const struct rot_mem *m = ctx;

	ROTA_TRY(here(m));
	if (m->has.key[key] == 0)
		return ROTA_ERR_NOT_FOUND;
	point[0] = 4;
	digest(m, m->has.key[key], "x", &point[1]);
	digest(m, m->has.key[key], "y", &point[33]);
	return ROTA_OK;
}

static enum rota_err key_make(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	struct rot_mem *m = ctx;

	ROTA_TRY(here(m));
	if (m->has.key[key] != 0)
		return ROTA_ERR_STATE;
	ROTA_TRY(change(m, &m->has.key[key], ++m->has.made, key));
	return key_point(ctx, key, point);
}

static enum rota_err key_destroy(void *ctx, enum rota_rot_key key)
{
	struct rot_mem *m = ctx;

	ROTA_TRY(here(m));
	if (key == ROTA_ROT_IDENTITY) {
		m->broke_rules = true;
		return ROTA_ERR_ARGUMENT;
	}
	return change(m, &m->has.key[key], 0, key);
}

/* ---- wrap keys ---- */

static enum rota_err wrap_make(void *ctx, enum rota_rot_wrap place)
{
	struct rot_mem *m = ctx;

	ROTA_TRY(here(m));
	if (m->has.wrap[place] != 0)
		return ROTA_ERR_STATE;
	return change(m, &m->has.wrap[place], ++m->has.made, ROTA_ROT_KEYS + place);
}

static enum rota_err wrap_has(void *ctx, enum rota_rot_wrap place, bool *has)
{
	const struct rot_mem *m = ctx;

	ROTA_TRY(here(m));
	*has = m->has.wrap[place] != 0;
	return ROTA_OK;
}

static enum rota_err wrap_destroy(void *ctx, enum rota_rot_wrap place)
{
	struct rot_mem *m = ctx;

	ROTA_TRY(here(m));
	return change(m, &m->has.wrap[place], 0, ROTA_ROT_KEYS + place);
}

/* The stream that a secret is hidden in, and the tag over all. */
static void stream(
	const struct rot_mem *m, uint32_t key, const uint8_t *wrapped, uint8_t out[static 32])
{
	struct rota_sha256 h;

	m->crypto->sha256_init(&h);
	m->crypto->sha256_update(&h, rota_span(&key, sizeof(key)));
	m->crypto->sha256_update(&h, rota_span(wrapped, TEXT_AT));
	m->crypto->sha256_final(&h, out);
}

static void tag_of(const struct rot_mem *m, uint32_t key, struct rota_span aad,
	const uint8_t *wrapped, uint8_t out[static 32])
{
	struct rota_sha256 h;

	m->crypto->sha256_init(&h);
	m->crypto->sha256_update(&h, rota_span(&key, sizeof(key)));
	m->crypto->sha256_update(&h, aad);
	m->crypto->sha256_update(&h, rota_span(wrapped, TAG_AT));
	m->crypto->sha256_final(&h, out);
}

static enum rota_err wrap(void *ctx, enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN])
{
	struct rot_mem *m = ctx;
	uint8_t bytes[32];

	ROTA_TRY(here(m));
	if (m->has.wrap[place] == 0)
		return ROTA_ERR_NOT_FOUND;
	memset(out, 0, ROTA_WRAPPED_LEN);
	out[0] = (uint8_t)place;
	m->sealed++;
	memcpy(&out[NONCE_AT], &m->sealed, sizeof(m->sealed));
	stream(m, m->has.wrap[place], out, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[TEXT_AT + i] = secret[i] ^ bytes[i];
	tag_of(m, m->has.wrap[place], aad, out, bytes);
	memcpy(&out[TAG_AT], bytes, TAG_LEN);
	return ROTA_OK;
}

static enum rota_err unwrap(void *ctx, struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN])
{
	const struct rot_mem *m = ctx;
	uint8_t bytes[32];
	uint32_t key;

	ROTA_TRY(here(m));
	if (in[0] >= ROTA_ROT_WRAPS)
		return ROTA_ERR_FORMAT;
	key = m->has.wrap[in[0]];
	if (key == 0)
		return ROTA_ERR_NOT_FOUND;
	memset(secret, 0, ROTA_ROT_SECRET_LEN);
	tag_of(m, key, aad, in, bytes);
	if (memcmp(&in[TAG_AT], bytes, TAG_LEN) != 0)
		return ROTA_ERR_SIGNATURE;
	stream(m, key, in, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		secret[i] = in[TEXT_AT + i] ^ bytes[i];
	return ROTA_OK;
}

void rot_mem_init(
	struct rot_mem *m, struct rota_sim_supply *supply, const struct rota_crypto *crypto)
{
	*m = (struct rot_mem){ .supply = supply, .crypto = crypto };
	m->port = (struct rota_rot){
		.ctx = m,
		.caps = ROTA_ROT_HARDWARE | ROTA_ROT_DESTROYS,
		.name = "mem",
		.key_make = key_make,
		.key_point = key_point,
		.key_destroy = key_destroy,
		.wrap_make = wrap_make,
		.wrap_has = wrap_has,
		.wrap_destroy = wrap_destroy,
		.wrap = wrap,
		.unwrap = unwrap,
	};
}
