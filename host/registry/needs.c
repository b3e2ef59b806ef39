/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/needs.h"
#include "host/registry/identity.h"

#include <string.h>

enum rota_need rota_need_of(
	const struct rota_reg_line *line, uint32_t generation, uint64_t silent_ms)
{
	const struct rota_reg_holding *h = &line->holding;

	if (!rota_reg_lives(line->state) || h->held.proved == 0)
		return ROTA_NEED_NONE;
	/* it holds nothing so old, and what is gone does not come back: true for ever, whatever it says later */
	if (h->stated_ms && (h->held.held_from == 0 || h->held.held_from > generation))
		return ROTA_NEED_NONE;
	if (h->stated_ms == 0 || h->stated_ms < silent_ms)
		return ROTA_NEED_SILENT;
	if (h->held.active <= generation)
		return ROTA_NEED_ACTIVE;
	if (h->held.proved < (uint64_t)generation + 2)
		return ROTA_NEED_NEWEST;
	if (h->held.needed_from && h->held.needed_from <= generation)
		return ROTA_NEED_RECORDS;
	return ROTA_NEED_NONE;
}

const char *rota_need_word(enum rota_need need)
{
	static const char *const words[] = {
		[ROTA_NEED_NONE] = "none",
		[ROTA_NEED_SILENT] = "silent",
		[ROTA_NEED_ACTIVE] = "active",
		[ROTA_NEED_NEWEST] = "newest",
		[ROTA_NEED_RECORDS] = "records",
	};

	return words[need];
}

static enum rota_err weigh(void *to, const struct rota_reg_line *line)
{
	struct rota_needs *n = to;
	enum rota_need need = rota_need_of(line, n->generation, n->silent_ms);

	if (rota_reg_lives(line->state))
		n->asked++;
	if (need == ROTA_NEED_NONE)
		return ROTA_OK;
	if (n->take && n->count < n->most)
		n->take(n->to, line, need);
	n->count++;
	n->silent += need == ROTA_NEED_SILENT;
	return ROTA_OK;
}

enum rota_err rota_needs(const struct rota_regdb *reg, struct rota_needs *n, struct rota_fail *why)
{
	n->count = n->silent = n->asked = 0;
	return reg->lines(reg->ctx, n->purpose, weigh, n, why);
}

enum rota_reach rota_reach_of(const struct rota_holding *held, uint32_t generation)
{
	if (held->active >= generation)
		return held->held_from >= generation ? ROTA_REACH_ALONE : ROTA_REACH_ACTIVE;
	if (held->proved >= generation)
		return ROTA_REACH_PROVED;
	return held->staged >= generation ? ROTA_REACH_STAGED : ROTA_REACH_WAITING;
}

const char *rota_reach_word(enum rota_reach reach)
{
	static const char *const words[ROTA_REACHES] = {
		[ROTA_REACH_WAITING] = "waiting",
		[ROTA_REACH_STAGED] = "staged",
		[ROTA_REACH_PROVED] = "proved",
		[ROTA_REACH_ACTIVE] = "active",
		[ROTA_REACH_ALONE] = "alone",
	};

	return words[reach];
}

static enum rota_err find_ends(void *to, const struct rota_reg_alike *group)
{
	struct rota_key_counts *c = (struct rota_key_counts *)to + (group->held.purpose - 1);
	uint32_t from = group->held.held_from;

	if (group->held.proved > c->newest)
		c->newest = group->held.proved;
	if (from && (c->oldest == 0 || from < c->oldest))
		c->oldest = from;
	if (group->wants)
		c->wanting += group->devices;
	return ROTA_OK;
}

struct counting {
	const uint32_t *generation;
	struct rota_key_counts *all;
};

static enum rota_err count_group(void *to, const struct rota_reg_alike *group)
{
	const struct counting *at = to;
	size_t which = (size_t)group->held.purpose - 1;
	struct rota_key_counts *c = &at->all[which];
	uint32_t generation = at->generation[which] ? at->generation[which] : c->newest;

	if (generation == 0)
		return ROTA_OK;
	c->devices[rota_reach_of(&group->held, generation)] += group->devices;
	return ROTA_OK;
}

/* All of the fleet of whom nothing was counted wait. */
static enum rota_err count_rest(const struct rota_regdb *reg,
	struct rota_key_counts out[static ROTA_PURPOSES_MAX], struct rota_fail *why)
{
	uint64_t enrolled, active;

	ROTA_TRY(reg->count(reg->ctx, ROTA_REG_ENROLLED, &enrolled, why));
	ROTA_TRY(reg->count(reg->ctx, ROTA_REG_ACTIVE, &active, why));
	for (size_t i = 0; i < ROTA_PURPOSES_MAX; i++) {
		uint64_t *devices = out[i].devices, told = 0;

		for (size_t k = ROTA_REACH_STAGED; k < ROTA_REACHES; k++)
			told += devices[k];
		devices[ROTA_REACH_WAITING] = enrolled + active - told;
	}
	return ROTA_OK;
}

enum rota_err rota_key_counts(const struct rota_regdb *reg,
	const uint32_t generation[static ROTA_PURPOSES_MAX],
	struct rota_key_counts out[static ROTA_PURPOSES_MAX], struct rota_fail *why)
{
	struct counting at = { .generation = generation, .all = out };

	memset(out, 0, ROTA_PURPOSES_MAX * sizeof(*out));
	ROTA_TRY(reg->alike(reg->ctx, find_ends, out, why));
	ROTA_TRY(reg->alike(reg->ctx, count_group, &at, why));
	return count_rest(reg, out, why);
}
