/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/keyslife.h"

#include <string.h>

#define TEL ROTA_PURPOSE_TELEMETRY
#define STO ROTA_PURPOSE_STORAGE
#define NOW 1000000u

static const uint8_t purposes[KEYS_PURPOSES] = { STO, TEL };

struct step {
	enum rota_err (*take)(struct keys_life *l, const struct step *s);
	const char *name;
	uint8_t purpose;
	uint32_t generation;
	uint64_t at; /* of an activation, or the present */
	uint32_t need; /* least generation that records want */
};

static void wrong(struct keys_life *l, const char *why)
{
	if (l->wrong == NULL)
		l->wrong = why;
}

/* ---- steps ---- */

static enum rota_err factory(struct keys_life *l, const struct step *s)
{
	struct rota_keyslots *k = &l->device.keys;
	uint8_t point[ROTA_P256_KEY_LEN];
	bool gone = k->phase == ROTA_KEYSLOTS_SETTLED && (k->state.flags & ROTA_KEYS_GONE) != 0;

	(void)s;
	if (k->phase != ROTA_KEYSLOTS_BLANK && !gone)
		return ROTA_OK;
	memset(&l->memory, 0, sizeof(l->memory)); /* another owner's */
	return rota_keyslots_factory(k, l->device.number[KEY_DEVICE], point);
}

static enum rota_err factory_secret(struct keys_life *l, const struct step *s)
{
	static const uint8_t secret[ROTA_SECRET_LEN] = { 7 };

	(void)s;
	return l->device.keys.state.has_factory
		? ROTA_OK
		: rota_keyslots_factory_secret(&l->device.keys, secret);
}

/* Sealed to the newest agree key that the server was told of. */
static enum rota_err stage(struct keys_life *l, const struct step *s)
{
	struct rota_keyslots *k = &l->device.keys;
	struct rota_key_slot offer = key_offer(s->purpose, s->generation, s->at);
	uint8_t secret[ROTA_SECRET_LEN];
	bool next = k->state.agree_next != ROTA_KEY_PLACE_NONE;

	key_secret(s->purpose, s->generation, secret);
	return rota_keyslots_stage(k, &offer, next ? k->state.agree_next : k->state.agree, secret);
}

/* One counter names one key for ever (SPEC 30.2). */
static void told(struct keys_life *l, const struct rota_agree_next *next)
{
	struct keys_memory *m = &l->memory;
	uint32_t i = next->counter % KEYS_COUNTERS;

	if (m->named[i] && memcmp(m->point[i], next->point, sizeof(next->point)) != 0)
		wrong(l, "two agree keys of one counter");
	m->named[i] = true;
	memcpy(m->point[i], next->point, sizeof(next->point));
}

static enum rota_err prove(struct keys_life *l, const struct step *s)
{
	struct rota_keyslots *k = &l->device.keys;
	struct rota_agree_next next;
	enum rota_err err = rota_keyslots_prove(k, s->purpose, s->generation, &next);

	if (err == ROTA_ERR_NOT_FOUND) /* it is in use already */
		return rota_keyslots_acknowledged(k, s->purpose, s->generation);
	ROTA_TRY(err);
	told(l, &next);
	return rota_keyslots_acknowledged(k, s->purpose, s->generation);
}

static enum rota_err disprove(struct keys_life *l, const struct step *s)
{
	enum rota_err err = rota_keyslots_disproved(&l->device.keys, s->purpose, s->generation);

	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

static enum rota_err drop(struct keys_life *l, const struct step *s)
{
	return rota_keyslots_drop(
		&l->device.keys, key_offer(s->purpose, s->generation, 0).campaign);
}

static enum rota_err retire(struct keys_life *l, const struct step *s)
{
	return rota_keyslots_retire(&l->device.keys, s->purpose, s->generation);
}

static uint32_t needs(void *ctx, uint8_t purpose)
{
	const struct step *s = ctx;

	return purpose == STO ? s->need : 0;
}

static enum rota_err tick(struct keys_life *l, const struct step *s)
{
	struct step here = *s;

	return rota_keyslots_tick(&l->device.keys, s->at, needs, &here);
}

static enum rota_err saw(struct keys_life *l, const struct step *s)
{
	const struct rota_keys_seen seen = { .sequence = s->generation, .sha256 = { 3 } };

	return rota_keyslots_saw(&l->device.keys, ROTA_KEYS_STORE, &seen);
}

static enum rota_err open_vault(struct keys_life *l, const struct step *s)
{
	struct rota_record_opening o;

	(void)s;
	ROTA_TRY(rota_keyslots_opening(&l->device.keys, &l->device.random, 1, &o));
	if (o.opening <= l->memory.opening)
		wrong(l, "an opening of the vault came again");
	l->memory.opening = o.opening;
	return ROTA_OK;
}

static enum rota_err state(struct keys_life *l, const struct step *s)
{
	uint32_t number = 0;

	(void)s;
	ROTA_TRY(rota_keyslots_statement(&l->device.keys, NULL, &number));
	if (number <= l->memory.statement)
		wrong(l, "a statement's number came again");
	l->memory.statement = number;
	return ROTA_OK;
}

static enum rota_err use(struct keys_life *l, const struct step *s)
{
	bool renew;

	return rota_keyslots_used(&l->device.keys, s->purpose, s->generation, &renew);
}

static enum rota_err renew(struct keys_life *l, const struct step *s)
{
	struct rota_agree_next next;
	uint8_t dropped;

	(void)s;
	ROTA_TRY(rota_keyslots_renew(
		&l->device.keys, l->device.keys.state.counter, &next, &dropped));
	if (dropped != 0)
		wrong(l, "a key was dropped that should open");
	told(l, &next);
	return ROTA_OK;
}

static enum rota_err forget(struct keys_life *l, const struct step *s)
{
	(void)s;
	return rota_keyslots_forget(&l->device.keys);
}

/* ---- a life ---- */

static const struct step life[] = {
	{ .take = factory, .name = "factory" },
	{ .take = factory_secret, .name = "factory secret" },
	{ stage, "stage", STO, 1, NOW, 0 },
	{ prove, "prove", STO, 1, 0, 0 },
	{ tick, "switch", 0, 0, NOW, 1 },
	{ .take = open_vault, .name = "open the vault" },
	{ stage, "stage", TEL, 1, NOW, 0 },
	{ prove, "prove", TEL, 1, 0, 0 },
	{ tick, "switch", 0, 0, NOW + 1, 1 },
	{ use, "use", TEL, 70000, 0, 0 },
	{ saw, "see a list", 0, 2, 0, 0 },
	{ stage, "stage", STO, 2, NOW + 10, 0 },
	{ stage, "stage", TEL, 2, NOW + 10, 0 },
	{ prove, "prove", STO, 2, 0, 0 },
	{ prove, "prove", TEL, 2, 0, 0 },
	{ tick, "switch two", 0, 0, NOW + 10, 1 },
	{ stage, "stage", STO, 3, NOW + 20, 0 },
	{ stage, "overtake", STO, 4, NOW + 20, 0 },
	{ prove, "prove", STO, 4, 0, 0 },
	{ tick, "switch and archive", 0, 0, NOW + 20, 1 },
	{ retire, "retire", STO, 1, 0, 0 },
	{ tick, "wait for records", 0, 0, NOW + 21, 1 },
	{ tick, "destroy", 0, 0, NOW + 22, 2 },
	{ .take = state, .name = "state" },
	{ .take = open_vault, .name = "open the vault" },
	{ stage, "stage", STO, 5, NOW + 90, 0 },
	{ prove, "prove", STO, 5, 0, 0 },
	{ stage, "overtake a proved one", STO, 6, NOW + 30, 0 },
	{ prove, "prove", STO, 6, 0, 0 },
	{ tick, "switch and archive", 0, 0, NOW + 30, 2 },
	{ stage, "stage", STO, 7, NOW + 40, 0 },
	{ disprove, "disprove", STO, 7, 0, 0 },
	{ stage, "stage", STO, 8, NOW + 40, 0 },
	{ drop, "withdraw", STO, 8, 0, 0 },
	{ stage, "stage", TEL, 3, NOW + 40, 0 },
	{ prove, "prove", TEL, 3, 0, 0 },
	{ tick, "switch the link", 0, 0, NOW + 40, 2 },
	{ retire, "retire", STO, 5, 0, 0 },
	{ tick, "destroy three, switch none", 0, 0, NOW + 41 + 2 * KEY_DAY, 6 },
	{ stage, "stage", STO, 9, NOW + 50, 0 },
	{ prove, "prove", STO, 9, 0, 0 },
	{ stage, "stage", TEL, 4, NOW + 50, 0 },
	{ prove, "prove", TEL, 4, 0, 0 },
	{ tick, "destroy and switch two", 0, 0, NOW + 50 + 2 * KEY_DAY, 9 },
	{ .take = renew, .name = "an agree key anew" },
	{ stage, "stage to it", STO, 10, NOW + 60 + 2 * KEY_DAY, 0 },
	{ prove, "prove", STO, 10, 0, 0 },
	{ tick, "switch", 0, 0, NOW + 60 + 2 * KEY_DAY, 9 },
	{ .take = state, .name = "state" },
	{ .take = forget, .name = "forget" },
	{ .take = factory, .name = "another owner" },
	{ stage, "stage", STO, 1, NOW, 0 },
	{ prove, "prove", STO, 1, 0, 0 },
	{ tick, "switch", 0, 0, NOW, 1 },
};

const int keys_steps = sizeof(life) / sizeof(life[0]);

const char *keys_step_name(int step)
{
	return life[step].name;
}

enum rota_err keys_step(struct keys_life *l, int step)
{
	return life[step].take(l, &life[step]);
}

void keys_readable(struct keys_life *l, uint32_t readable[static KEYS_PURPOSES])
{
	for (int p = 0; p < KEYS_PURPOSES; p++) {
		enum rota_key_use use_of = purposes[p] == STO ? ROTA_USE_RECORD : ROTA_USE_DOWN;

		readable[p] = 0;
		for (uint32_t g = 1; g <= KEYS_GENERATIONS; g++)
			readable[p] |= (uint32_t)key_opens(&l->device, purposes[p], g, use_of) << g;
	}
}
