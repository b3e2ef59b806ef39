/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/pkcs11/rot_pkcs11.h"
#include "host/base/frame.h"
#include "ports/pkcs11/rot_child.h"
#include "rota/base/mem.h"
#include "rota/base/writer.h"

#include <string.h>

/* A secure element on a slow bus makes a pair in seconds. */
#define DEADLINE_MS 30000
#define NONCE_LEN 12

/* One order; `out` is filled whole. */
static enum rota_err ask(struct rota_rot_pkcs11 *t, enum rot_deed deed, unsigned key,
	struct rota_span with, struct rota_buf out)
{
	uint8_t order[ROT_ORDER_MAX];
	struct rota_writer w = rota_writer(ROTA_BUF(order));
	struct rota_bytes answer;
	struct rota_span bytes;
	enum rota_err err;

	rota_write_u8(&w, (uint8_t)deed);
	rota_write_u8(&w, (uint8_t)key);
	rota_write_span(&w, with);
	ROTA_TRY(rota_writer_end(&w, &bytes));
	t->why = (struct rota_fail){ 0 };
	err = rota_frame_write(t->fd, bytes, DEADLINE_MS, &t->why);
	rota_wipe(order, sizeof(order));
	ROTA_TRY(err);
	ROTA_TRY(rota_frame_hear(t->fd, DEADLINE_MS, &t->why));
	ROTA_TRY(rota_frame_read(t->fd, ROT_ANSWER_MAX, DEADLINE_MS, &answer, &t->why));
	bytes = rota_bytes_span(&answer);
	if (bytes.len == out.len && out.len > 0)
		memcpy(out.p, bytes.p, out.len);
	err = bytes.len == out.len ? ROTA_OK : ROTA_ERR_IO;
	rota_bytes_wipe(&answer);
	return err;
}

static const struct rota_span nothing;
static const struct rota_buf nowhere;

/* ---- pairs ---- */

static bool signs(enum rota_rot_key key)
{
	return key <= ROTA_ROT_LDEVID_1;
}

/* Whether the token can have this pair. */
static enum rota_err check_pair(const struct rota_rot_pkcs11 *t, enum rota_rot_key key)
{
	if (key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	return signs(key) || t->agrees ? ROTA_OK : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err key_make(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	ROTA_TRY(check_pair(ctx, key));
	return ask(ctx, ROT_MAKE, key, nothing, rota_buf(point, ROTA_P256_KEY_LEN));
}

static enum rota_err key_point(
	void *ctx, enum rota_rot_key key, uint8_t point[static ROTA_P256_KEY_LEN])
{
	ROTA_TRY(check_pair(ctx, key));
	return ask(ctx, ROT_POINT, key, nothing, rota_buf(point, ROTA_P256_KEY_LEN));
}

static enum rota_err key_destroy(void *ctx, enum rota_rot_key key)
{
	if (key == ROTA_ROT_IDENTITY || key >= ROTA_ROT_KEYS)
		return ROTA_ERR_ARGUMENT;
	return ask(ctx, ROT_DESTROY, key, nothing, nowhere);
}

static enum rota_err sign(void *ctx, enum rota_rot_key key,
	const uint8_t digest[static ROTA_SHA256_LEN], uint8_t sig[static ROTA_P256_SIG_LEN])
{
	if (key >= ROTA_ROT_KEYS || !signs(key))
		return ROTA_ERR_ARGUMENT;
	return ask(ctx, ROT_SIGN, key, rota_span(digest, ROTA_SHA256_LEN),
		rota_buf(sig, ROTA_P256_SIG_LEN));
}

/* Times one: what is not on the curve never reaches the token. */
static enum rota_err check_peer(
	const struct rota_rot_pkcs11 *t, const uint8_t peer[static ROTA_P256_KEY_LEN])
{
	static const uint8_t one[ROTA_P256_SECRET_LEN] = { [ROTA_P256_SECRET_LEN - 1] = 1 };
	uint8_t same[ROTA_P256_DH_LEN];

	return t->with.p256->agree(t->with.p256->ctx, one, peer, same);
}

static enum rota_err agree(void *ctx, enum rota_rot_key key,
	const uint8_t peer[static ROTA_P256_KEY_LEN], uint8_t dh[static ROTA_P256_DH_LEN])
{
	if (signs(key))
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(check_pair(ctx, key));
	ROTA_TRY(check_peer(ctx, peer));
	return ask(ctx, ROT_AGREE, key, rota_span(peer, ROTA_P256_KEY_LEN),
		rota_buf(dh, ROTA_P256_DH_LEN));
}

/* ---- wrap keys in the token ---- */

static enum rota_err wrap_make(void *ctx, enum rota_rot_wrap place)
{
	return place < ROTA_ROT_WRAPS ? ask(ctx, ROT_WRAP_MAKE, place, nothing, nowhere)
				      : ROTA_ERR_ARGUMENT;
}

static enum rota_err wrap_has(void *ctx, enum rota_rot_wrap place, bool *has)
{
	uint8_t yes = 0;

	*has = false;
	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	ROTA_TRY(ask(ctx, ROT_WRAP_HAS, place, nothing, rota_buf(&yes, 1)));
	*has = yes != 0;
	return ROTA_OK;
}

static enum rota_err wrap_destroy(void *ctx, enum rota_rot_wrap place)
{
	return place < ROTA_ROT_WRAPS ? ask(ctx, ROT_WRAP_DESTROY, place, nothing, nowhere)
				      : ROTA_ERR_ARGUMENT;
}

/* Nonce, aad and text, as both orders take them. ROTA_ERR_LIMIT: the aad is too long. */
static enum rota_err seal_order(struct rota_buf room, const uint8_t nonce[static NONCE_LEN],
	struct rota_span aad, struct rota_span text, struct rota_span *out)
{
	struct rota_writer w = rota_writer(room);

	if (aad.len > ROT_AAD_MAX)
		return ROTA_ERR_LIMIT;
	rota_write_span(&w, rota_span(nonce, NONCE_LEN));
	rota_write_le16(&w, (uint16_t)aad.len);
	rota_write_span(&w, aad);
	rota_write_span(&w, text);
	return rota_writer_end(&w, out);
}

static enum rota_err wrap(void *ctx, enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN])
{
	const struct rota_rot_pkcs11 *t = ctx;
	uint8_t room[ROT_ORDER_MAX];
	struct rota_span order;
	enum rota_err err;

	if (place >= ROTA_ROT_WRAPS)
		return ROTA_ERR_ARGUMENT;
	out[0] = (uint8_t)place;
	ROTA_TRY(t->with.random->fill(t->with.random->ctx, rota_buf(&out[1], NONCE_LEN)));
	err = seal_order(
		ROTA_BUF(room), &out[1], aad, rota_span(secret, ROTA_ROT_SECRET_LEN), &order);
	if (err == ROTA_OK)
		err = ask(ctx, ROT_WRAP, place, order,
			rota_buf(&out[1 + NONCE_LEN], ROTA_WRAPPED_LEN - 1 - NONCE_LEN));
	rota_wipe(room, sizeof(room));
	return err;
}

static enum rota_err unwrap(void *ctx, struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN])
{
	uint8_t room[ROT_ORDER_MAX];
	struct rota_span order;

	memset(secret, 0, ROTA_ROT_SECRET_LEN);
	if (in[0] >= ROTA_ROT_WRAPS)
		return ROTA_ERR_FORMAT;
	ROTA_TRY(seal_order(ROTA_BUF(room), &in[1], aad,
		rota_span(&in[1 + NONCE_LEN], ROTA_WRAPPED_LEN - 1 - NONCE_LEN), &order));
	return ask(ctx, ROT_UNWRAP, in[0], order, rota_buf(secret, ROTA_ROT_SECRET_LEN));
}

/* ---- wrap keys elsewhere, or nowhere ---- */

static enum rota_err other_make(void *ctx, enum rota_rot_wrap place)
{
	const struct rota_rot *other = ((struct rota_rot_pkcs11 *)ctx)->with.wraps;

	return other ? other->wrap_make(other->ctx, place) : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err other_has(void *ctx, enum rota_rot_wrap place, bool *has)
{
	const struct rota_rot *other = ((struct rota_rot_pkcs11 *)ctx)->with.wraps;

	*has = false;
	return other ? other->wrap_has(other->ctx, place, has) : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err other_destroy(void *ctx, enum rota_rot_wrap place)
{
	const struct rota_rot *other = ((struct rota_rot_pkcs11 *)ctx)->with.wraps;

	return other ? other->wrap_destroy(other->ctx, place) : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err other_wrap(void *ctx, enum rota_rot_wrap place, struct rota_span aad,
	const uint8_t secret[static ROTA_ROT_SECRET_LEN], uint8_t out[static ROTA_WRAPPED_LEN])
{
	const struct rota_rot *other = ((struct rota_rot_pkcs11 *)ctx)->with.wraps;

	return other ? other->wrap(other->ctx, place, aad, secret, out) : ROTA_ERR_UNSUPPORTED;
}

static enum rota_err other_unwrap(void *ctx, struct rota_span aad,
	const uint8_t in[static ROTA_WRAPPED_LEN], uint8_t secret[static ROTA_ROT_SECRET_LEN])
{
	const struct rota_rot *other = ((struct rota_rot_pkcs11 *)ctx)->with.wraps;

	return other ? other->unwrap(other->ctx, aad, in, secret) : ROTA_ERR_UNSUPPORTED;
}

/* ---- the rest ---- */

/* The token's bytes into the operating system's by exclusive or. */
static enum rota_err fill(void *ctx, struct rota_buf room)
{
	struct rota_rot_pkcs11 *t = ctx;
	uint8_t drawn[64];

	ROTA_TRY(t->with.random->fill(t->with.random->ctx, room));
	for (size_t done = 0; done < room.len;) {
		uint8_t n = (uint8_t)(room.len - done < sizeof(drawn) ? room.len - done
								      : sizeof(drawn));

		ROTA_TRY(ask(t, ROT_RANDOM, 0, rota_span(&n, 1), rota_buf(drawn, n)));
		for (uint8_t i = 0; i < n; i++)
			room.p[done++] ^= drawn[i];
	}
	rota_wipe(drawn, sizeof(drawn));
	return ROTA_OK;
}

static void take_wraps(struct rota_rot *port, bool in_token, const struct rota_rot *other)
{
	port->caps = ROTA_ROT_HARDWARE | ROTA_ROT_DESTROYS;
	port->wrap_make = in_token ? wrap_make : other_make;
	port->wrap_has = in_token ? wrap_has : other_has;
	port->wrap_destroy = in_token ? wrap_destroy : other_destroy;
	port->wrap = in_token ? wrap : other_wrap;
	port->unwrap = in_token ? unwrap : other_unwrap;
	if (!in_token)
		port->caps &= other ? other->caps : 0;
}

static enum rota_err look(struct rota_rot_pkcs11 *t)
{
	uint8_t can[2];

	ROTA_TRY(ask(t, ROT_CAN, 0, nothing, ROTA_BUF(can)));
	t->agrees = can[0] != 0;
	take_wraps(&t->port, can[1] != 0, t->with.wraps);
	return ROTA_OK;
}

enum rota_err rota_rot_pkcs11_open(
	struct rota_rot_pkcs11 *t, const struct rota_rot_pkcs11_parts *parts, struct rota_fail *why)
{
	const struct rot_plan plan = { parts->token };

	*t = (struct rota_rot_pkcs11){
		.port = {
			.ctx = t,
			.name = "pkcs11",
			.key_make = key_make,
			.key_point = key_point,
			.key_destroy = key_destroy,
			.sign = sign,
			.agree = agree,
			.random = { t, fill },
		},
		.with = *parts,
	};
	ROTA_TRY(holder_open(parts->token, rot_child_run, &plan, &t->fd, &t->pid, why));
	if (look(t) == ROTA_OK)
		return ROTA_OK;
	*why = t->why;
	rota_rot_pkcs11_close(t);
	return why->err;
}

void rota_rot_pkcs11_close(struct rota_rot_pkcs11 *t)
{
	holder_end(t->fd, t->pid);
}
