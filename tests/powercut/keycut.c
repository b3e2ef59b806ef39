/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/keycut.h"
#include "tests/powercut/chance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 96
#define OPS_MAX 16384 /* of a step */
#define AFTER 2 /* steps that follow the one that was cut */
#define FAILURES_TOLD 20

struct past { /* before a step */
	struct key_image image;
	struct keys_memory memory;
	uint32_t readable[KEYS_PURPOSES];
	struct rota_key_numbers of[ROTA_PURPOSES_MAX];
	uint64_t draws;
};

struct run {
	const struct keycut_plan *plan;
	const struct key_board *board;
	bool counts;
	struct keys_life life;
	struct past past[STEPS_MAX + 1];
	uint8_t kinds[OPS_MAX]; /* of a step's operations: enum rota_sim_kind */
	int under_way; /* step that the cut device takes */
	struct keycut_counts n;
};

static struct run *fresh_run(
	const struct keycut_plan *plan, const struct key_board *board, bool counts)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL || keys_steps > STEPS_MAX)
		abort();
	r->plan = plan;
	r->board = board;
	r->counts = counts;
	return r;
}

static void end_run(struct run *r)
{
	for (int i = 0; i <= keys_steps; i++)
		key_image_free(&r->past[i].image);
	key_device_free(&r->life.device);
	free(r);
}

/* ---- what must be so ---- */

static const char *judge_rot(struct key_device *d)
{
	const struct rota_keystate *s = &d->keys.state;
	const struct rot_mem_keys *has = &d->rot.has;
	uint8_t other = s->agree ^ 1;

	if (d->keys.phase != ROTA_KEYSLOTS_SETTLED || (s->flags & ROTA_KEYS_GONE) != 0)
		return NULL;
	if (has->wrap[s->wrap] == 0)
		return "the wrap key in force is gone";
	if (has->wrap[s->wrap ^ 1] != 0)
		return "a wrap key is left that nothing is under";
	if (has->key[ROTA_ROT_AGREE_0 + s->agree] == 0)
		return "the agree key in force is gone";
	if ((has->key[ROTA_ROT_AGREE_0 + other] != 0) != (s->agree_next == other))
		return "an agree key is left that no journal names, or one that is named is gone";
	return NULL;
}

/* `must`: generations that have to open; `may`: those that can. */
static const char *judge(struct run *r, const uint32_t *must, const uint32_t *may,
	const struct rota_key_numbers *least)
{
	struct keys_life *l = &r->life;
	uint32_t readable[KEYS_PURPOSES];

	if (l->wrong != NULL)
		return l->wrong;
	if (l->device.chip.broken != 0 || l->device.rot.broke_rules)
		return "a rule was broken";
	keys_readable(l, readable);
	for (int p = 0; p < KEYS_PURPOSES; p++) {
		if ((must[p] & ~readable[p]) != 0)
			return "a generation is lost";
		if ((readable[p] & ~may[p]) != 0)
			return "a generation opens that was destroyed";
	}
	for (int p = 0; p < ROTA_PURPOSES_MAX; p++) {
		if (l->device.keys.state.of[p].highest < least[p].highest)
			return "a highest generation fell";
	}
	return judge_rot(&l->device);
}

/* ---- the clean life ---- */

static void remember(struct run *r, int step)
{
	struct past *past = &r->past[step];

	if (key_device_save(&r->life.device, &past->image) != ROTA_OK)
		abort();
	past->memory = r->life.memory;
	past->draws = r->life.device.draws;
	memcpy(past->of, r->life.device.keys.state.of, sizeof(past->of));
	keys_readable(&r->life, past->readable);
}

/* As the clean device stood before a step, not switched on yet. */
static void take_up(struct run *r, int step)
{
	const struct past *past = &r->past[step];

	key_device_restore(&r->life.device, &past->image);
	r->life.memory = past->memory;
	r->life.device.draws = past->draws;
	r->life.wrong = NULL;
}

static bool switch_on(struct run *r)
{
	struct key_device *d = &r->life.device;

	return key_device_on(d) == ROTA_OK || d->keys.phase == ROTA_KEYSLOTS_BLANK;
}

static bool live(struct run *r)
{
	static const uint32_t all[KEYS_PURPOSES] = { UINT32_MAX, UINT32_MAX };
	static const uint32_t none[KEYS_PURPOSES];
	static const struct rota_key_numbers zero[ROTA_PURPOSES_MAX];

	if (key_device_init(&r->life.device, r->board, r->counts) != ROTA_OK)
		return false;
	for (int i = 0; i < keys_steps; i++) {
		enum rota_err err;
		const char *why;

		remember(r, i);
		err = keys_step(&r->life, i);
		why = err == ROTA_OK ? judge(r, none, all, zero) : "the step failed";
		if (why == NULL)
			continue;
		printf("FAIL keys/%s: step %d (%s): %s (%d)\n", r->board->name, i,
			keys_step_name(i), why, (int)err);
		return false;
	}
	remember(r, keys_steps);
	return true;
}

/* ---- a cut ---- */

struct cut {
	int step;
	uint64_t at; /* operation of the step, from 1 */
	int tear; /* from 0 */
	uint64_t second; /* operation after power-up; 0: none */
	int second_tear;
};

/* On again, in the middle of the step under way. */
static const char *look(struct run *r)
{
	const struct past *before = &r->past[r->under_way], *after = before + 1;
	uint32_t must[KEYS_PURPOSES], may[KEYS_PURPOSES];
	struct rota_key_numbers least[ROTA_PURPOSES_MAX];

	for (int p = 0; p < KEYS_PURPOSES; p++) {
		must[p] = before->readable[p] & after->readable[p];
		may[p] = before->readable[p] | after->readable[p];
	}
	for (int p = 0; p < ROTA_PURPOSES_MAX; p++) /* another owner's begin at 0 */
		least[p] =
			after->of[p].highest < before->of[p].highest ? after->of[p] : before->of[p];
	if (rota_binding_restored(r->life.device.verdict))
		return "it takes itself for restored";
	return judge(r, must, may, least);
}

/* From power-up to the end of a step. NULL: all is well, or the power went again. */
static const char *live_on(struct run *r, int last)
{
	const struct rota_sim_supply *s = &r->life.device.supply;
	const char *why;

	for (int i = 0; i < 2; i++) { /* what was settled stays so */
		if (!switch_on(r))
			return s->off ? NULL : "it does not come up";
		why = look(r);
		if (why != NULL)
			return why;
	}
	for (why = NULL; why == NULL && r->under_way <= last; r->under_way++) {
		const struct past *after = &r->past[r->under_way + 1];

		if (keys_step(&r->life, r->under_way) != ROTA_OK)
			return s->off ? NULL : "a step after it fails";
		why = judge(r, after->readable, after->readable, after->of);
	}
	return why;
}

static void fail(struct run *r, const struct cut *cut, const char *why)
{
	if (r->n.failed++ >= FAILURES_TOLD)
		return;
	printf("FAIL keys/%s/%d/%" PRIu64 "/%d/%" PRIu64, r->board->name, cut->step, cut->at,
		cut->tear, r->plan->seed);
	if (cut->second > 0)
		printf("+%" PRIu64 "/%d", cut->second, cut->second_tear);
	printf(": %s, in \"%s\"\n", why, keys_step_name(cut->step));
}

static void cut_once(struct run *r, const struct cut *cut)
{
	struct rota_sim_supply *s = &r->life.device.supply;
	int last = cut->step + AFTER < keys_steps ? cut->step + AFTER : keys_steps - 1;
	const char *why;

	take_up(r, cut->step);
	if (!switch_on(r))
		abort(); /* the clean device did */
	r->life.device.chip.broken = 0;
	rota_sim_supply_plan(s, cut->at, (enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + cut->tear),
		r->plan->seed + cut->at * KEYCUT_TEARS + (uint64_t)cut->tear);
	if (keys_step(&r->life, cut->step) == ROTA_OK && !s->off)
		abort(); /* the operation was counted, and is not there */
	r->n.cuts++;
	if (cut->second > 0)
		rota_sim_supply_plan(s, cut->second,
			(enum rota_sim_fault)(ROTA_SIM_CUT_BEFORE + cut->second_tear), s->random);
	r->under_way = cut->step;
	why = live_on(r, last);
	if (why == NULL && s->off) {
		r->n.twice++;
		why = live_on(r, last);
	}
	rota_sim_supply_plan(s, 0, ROTA_SIM_NONE, r->plan->seed);
	if (why != NULL)
		fail(r, cut, why);
}

static void watch(void *ctx, uint64_t number, const struct rota_sim_op *op)
{
	struct run *r = ctx;

	if (number > OPS_MAX)
		abort();
	r->kinds[number - 1] = (uint8_t)op->kind;
}

/* Operations of a step; their kinds stand in r->kinds. */
static uint64_t count(struct run *r, int step)
{
	struct rota_sim_supply *s = &r->life.device.supply;

	take_up(r, step);
	if (!switch_on(r))
		abort();
	rota_sim_supply_plan(s, 0, ROTA_SIM_NONE, r->plan->seed);
	s->watch = watch;
	s->watch_ctx = r;
	if (keys_step(&r->life, step) != ROTA_OK)
		abort();
	s->watch = NULL;
	return s->ops;
}

static bool wanted(const struct run *r, const struct cut *cut)
{
	const struct keycut_plan *p = r->plan;
	uint64_t number = cut->at * KEYCUT_TEARS + (uint64_t)cut->tear;

	if (p->only_step >= 0)
		return cut->step == p->only_step && cut->at == p->only_at &&
			cut->tear == p->only_tear;
	if (r->kinds[cut->at - 1] == ROTA_SIM_PROGRAM && cut->at % p->stride != 0)
		return false;
	return number % p->shares == p->share;
}

static void cut_step(struct run *r, int step)
{
	uint64_t ops = count(r, step), dice = r->plan->seed ^ ((uint64_t)step << 32);

	r->n.ops += ops;
	for (uint64_t at = 1; at <= ops; at++) {
		for (int tear = 0; tear < KEYCUT_TEARS; tear++) {
			struct cut cut = { .step = step, .at = at, .tear = tear };
			uint64_t drawn = chance_next(&dice), again = chance_next(&dice);

			if (!wanted(r, &cut))
				continue;
			if (r->plan->doubles > 0 && drawn % r->plan->doubles == 0) {
				cut.second =
					1 + again % (2 * ops); /* mostly in what is done again */
				cut.second_tear = (int)(again >> 40) % KEYCUT_TEARS;
			}
			cut_once(r, &cut);
		}
	}
}

bool keycut_board(
	const struct keycut_plan *plan, const struct key_board *board, struct keycut_counts *counts)
{
	struct run *r = fresh_run(plan, board, true);
	bool good = live(r);

	for (int i = 0; good && i < keys_steps; i++)
		cut_step(r, i);
	*counts = r->n;
	end_run(r);
	return good && counts->failed == 0;
}

/* ---- older flash put back ---- */

/* Whether the data keys' wrap key is another now: something was destroyed meanwhile. */
static bool rotated(const struct run *r, int earlier, int now)
{
	const uint32_t *was = r->past[earlier].image.rot.wrap, *is = r->past[now].image.rot.wrap;

	return was[0] != is[0] || was[1] != is[1];
}

/* Whether all that the journals name opens: a device must not take for the truth what is not. */
static bool all_open(struct key_device *d)
{
	const struct rota_keyslots *k = &d->keys;
	uint8_t key[32];

	for (uint8_t i = 0; i < k->state.slot_count; i++) {
		const struct rota_key_slot *slot = &k->state.slot[i];

		if (rota_keyslots_key(k, slot->purpose, slot->generation, ROTA_USE_CONFIRM, false,
			    ROTA_BUF(key)) != ROTA_OK)
			return false;
	}
	for (uint8_t i = 0; i < k->archived_count; i++) {
		const struct rota_key_archived *a = &k->archived[i];
		enum rota_key_use use =
			(a->uses >> ROTA_USE_RECORD & 1) != 0 ? ROTA_USE_RECORD : ROTA_USE_DOWN;

		if (rota_keyslots_key(k, a->purpose, a->generation, use, false, ROTA_BUF(key)) !=
			ROTA_OK)
			return false;
	}
	return true;
}

/* Places of an earlier state onto the device after a step. */
static const char *put_back(
	struct run *r, int now, int earlier, uint32_t places, struct keycut_old *n)
{
	struct key_device *d = &r->life.device;
	struct rot_mem_keys has;
	uint32_t readable[KEYS_PURPOSES];
	enum rota_err err;

	take_up(r, now);
	has = d->rot.has;
	for (uint32_t i = 0; i < KEY_PLACES; i++) {
		if ((places >> i & 1) != 0 &&
			key_device_put_back(d, &r->past[earlier].image, (enum key_place)i) !=
				ROTA_OK)
			abort();
	}
	err = key_device_on(d);
	n->put_back++;
	keys_readable(&r->life, readable);
	for (int p = 0; p < KEYS_PURPOSES; p++) {
		if ((readable[p] & ~r->past[now].readable[p]) != 0 && rotated(r, earlier, now))
			return "a generation opens that was destroyed";
	}
	if (d->verdict == ROTA_BINDING_RESTORED || d->verdict == ROTA_BINDING_FOREIGN)
		n->restored++;
	else if (err == ROTA_ERR_CORRUPT || err == ROTA_ERR_NOT_FOUND)
		n->told++;
	else if (err != ROTA_OK)
		return "it does not come up";
	else if (!all_open(d))
		return "it takes for the truth what does not open";
	else
		n->taken++;
	if ((err != ROTA_OK || rota_binding_restored(d->verdict)) &&
		memcmp(&has, &d->rot.has, sizeof(has)) != 0)
		return "restored flash has changed the root of trust";
	return NULL;
}

bool keycut_put_back(const struct key_board *board, bool counts, struct keycut_old *n)
{
	static const uint32_t places[] = { 1u << KEY_KEYS, 1u << KEY_ARCHIVE,
		1u << KEY_KEYS | 1u << KEY_ARCHIVE, (1u << KEY_PLACES) - 1 };
	static const struct keycut_plan plan = { .seed = 7 };
	struct run *r = fresh_run(&plan, board, counts);
	bool good = live(r);

	*n = (struct keycut_old){ 0 };
	for (int now = 1; good && now <= keys_steps; now++) {
		for (int i = 0; good && i < 4 * now; i++) {
			const char *why = put_back(r, now, i / 4, places[i % 4], n);

			good = why == NULL;
			if (!good)
				printf("FAIL keys/%s: places %d of step %d put back at %d: %s\n",
					board->name, i % 4, i / 4, now, why);
		}
	}
	end_run(r);
	return good;
}
