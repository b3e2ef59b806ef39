/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/scenario.h"

#include <string.h>

#define V1 (UINT64_C(1) << 56)
#define V2 (UINT64_C(2) << 56)
#define V3 (UINT64_C(3) << 56)
#define V9 (UINT64_C(9) << 56)
#define V10 (UINT64_C(10) << 56)
#define V11 (UINT64_C(11) << 56)
#define DAY_S UINT64_C(86400)
#define REFRESHES 38 /* the journal of every board turns in the last of them */
#define ROOTS 4
#define YEARS_ASLEEP UINT64_C(3)
#define LATER_ROOT 50
#define ORDER_COUNTER 3
#define BURNT 7 /* two boots' steps above the factory's 0 */
#define PERIOD_S 3600 /* of a watchdog: four slices */
#define BOUND_S 600
#define GENERATIONS 3
#define PERIODS 6 /* lived: two cuts may each waste a turn of the updater */

static void publish_release(struct server *s, unsigned tries, uint32_t counter)
{
	struct world *w = &s->world;

	w->release.version = "2.0.0";
	w->release.counter = counter;
	w->release.payload_len = w->release.second_image ? 5000 : 8192;
	w->policy.retry_max = tries;
	world_release(w);
	world_policy(w);
	server_step(s, SCENARIO_START);
}

static void update(struct server *s)
{
	publish_release(s, 3, 2); /* a cut may cost a try, never the release */
}

/* A release, and an hour later one that is written over what ran before the first. */
static void next(struct server *s)
{
	struct world *w = &s->world;

	update(s);
	w->release.version = "3.0.0";
	w->release.payload_len = 7000;
	world_release(w);
	world_policy(w);
	server_step(s, SCENARIO_START + SCENARIO_POLL);
}

static void ill(struct server *s)
{
	publish_release(s, 0, 2);
}

static void set(struct server *s)
{
	s->world.release.second_image = true;
	publish_release(s, 3, 2);
}

static void restored(struct server *s)
{
	server_tell_time(s);
	update(s);
}

static void ill_set(struct server *s)
{
	s->world.release.second_image = true;
	publish_release(s, 0, 2);
}

static void burn(struct server *s)
{
	publish_release(s, 3, BURNT);
	server_retire(s, BURNT + 2, 0); /* more than the image has: it is burnt to what it has */
	server_step(s, SCENARIO_START + 1);
}

/* A root that is signed by two keys of the root before and by two of its own. */
static void next_root(struct maker *m, uint64_t now_s, int a, int b)
{
	struct maker_role *r = &m->role[MAKER_ROOT];

	r->version++;
	r->issued_s = now_s;
	r->expires_s = now_s + 365 * DAY_S;
	r->not_before_s = now_s;
	r->signers[0] = r->keys[0];
	r->signers[1] = r->keys[1];
	r->signers[2] = a;
	r->signers[3] = b;
	r->signer_count = 4;
	r->keys[0] = a;
	r->keys[1] = b;
}

/* Root's own keys change, and with each change those of snapshot and timestamp. */
static void roots(struct server *s)
{
	struct maker *m = &s->world.m;

	for (int i = 0; i < ROOTS; i++) {
		bool even = i % 2 == 0;
		int timestamp = even ? KEY_TIMESTAMP2 : KEY_TIMESTAMP;
		int snapshot = even ? KEY_SNAPSHOT2 : KEY_SNAPSHOT;
		uint64_t now_s = SCENARIO_START + (uint64_t)i * SCENARIO_POLL;

		m->role[MAKER_TIMESTAMP].keys[0] = m->role[MAKER_TIMESTAMP].signers[0] = timestamp;
		m->role[MAKER_SNAPSHOT].keys[0] = m->role[MAKER_SNAPSHOT].signers[0] = snapshot;
		next_root(m, now_s, even ? KEY_ROOT4 : KEY_ROOT1, even ? KEY_ROOT5 : KEY_ROOT2);
		maker_next(m, now_s, -1, -1);
		server_step(s, now_s);
	}
}

/* The keys of the root that the device has are lost: a later one, under others, is shown. */
static void lose_root(struct server *s, uint64_t now_s)
{
	struct maker *m = &s->world.m;

	next_root(m, now_s, KEY_ROOT4, KEY_ROOT5);
	m->role[MAKER_ROOT].version = LATER_ROOT;
	m->role[MAKER_ROOT].signers[0] = KEY_ROOT4;
	m->role[MAKER_ROOT].signers[1] = KEY_ROOT5;
	m->role[MAKER_ROOT].signer_count = 2;
	m->role[MAKER_TIMESTAMP].keys[0] = m->role[MAKER_TIMESTAMP].signers[0] = KEY_TIMESTAMP2;
	m->role[MAKER_SNAPSHOT].keys[0] = m->role[MAKER_SNAPSHOT].signers[0] = KEY_SNAPSHOT2;
	maker_next(m, now_s, MAKER_TARGETS, MAKER_ROLLOUTS);
	server_step(s, now_s);
}

static void order_at(struct server *s, uint64_t now_s)
{
	lose_root(s, now_s);
	server_order(s, now_s,
		&(struct server_order){
			.epoch = 1, .version = 9, .counter = ORDER_COUNTER, .root = true });
}

/* All that the device knows has expired, and the server tells it so by an order. */
static void recovery(struct server *s)
{
	order_at(s, SCENARIO_START + YEARS_ASLEEP * 365 * DAY_S);
}

/* An order, and at the next poll one of the next epoch, while what runs boots by the first alone. */
static void reorder(struct server *s)
{
	order_at(s, SCENARIO_START);
	server_order(s, SCENARIO_START + SCENARIO_POLL,
		&(struct server_order){ .epoch = 2, .version = 10, .counter = ORDER_COUNTER + 1 });
}

/* The same, but of the second order's image there is only half, so that a third one overtakes it. */
static void overtake(struct server *s)
{
	order_at(s, SCENARIO_START);
	server_order(s, SCENARIO_START + SCENARIO_POLL,
		&(struct server_order){
			.epoch = 2, .version = 10, .counter = ORDER_COUNTER + 1, .broken = true });
	server_order(s, SCENARIO_START + UINT64_C(2) * SCENARIO_POLL,
		&(struct server_order){ .epoch = 3, .version = 11, .counter = ORDER_COUNTER + 2 });
}

/* A release that both image keys signed, and the retirement of the older one, which alone signed what runs. */
static void retire(struct server *s)
{
	server_two_keys(s);
	s->world.release.image_tail = "dksKS";
	server_retire(s, 0, 1); /* known before the release that stands it */
	publish_release(s, 3, 2);
}

/* What runs never asks again: its updater does, alone, once its time is over, and is ended; the next time there is a
 * release that puts an end to it. */
static void watched(struct server *s, uint64_t release_s)
{
	struct world *w = &s->world;

	server_watch(s, PERIOD_S, BOUND_S);
	server_tell_time(s);
	server_step(s, SCENARIO_START);
	w->release.version = "2.0.0";
	w->release.payload_len = 5000;
	w->policy.retry_max = 3;
	world_release(w);
	world_policy(w);
	server_step(s, SCENARIO_START + release_s);
}

static void watchdog(struct server *s)
{
	watched(s, PERIOD_S + PERIOD_S / 2);
}

/* The same with a ticket, which counts once, however often it is brought. */
static void ticket(struct server *s)
{
	watched(s, 1);
	server_ticket(s, SCENARIO_START + PERIOD_S / 2, PERIOD_S);
}

/* Three generations of data keys of two purposes, one a poll; the first of each is destroyed. */
static void rotate(struct server *s)
{
	server_keys(s);
	for (uint32_t i = 0; i < GENERATIONS; i++)
		server_rotate(s, SCENARIO_START + (uint64_t)i * SCENARIO_POLL, i + 1,
			i + 1 == GENERATIONS ? i - 1 : 0);
}

/* A new timestamp at every poll, and nothing else. */
static void refreshes(struct server *s)
{
	for (uint64_t i = 0; i < REFRESHES; i++) {
		uint64_t now_s = SCENARIO_START + i * SCENARIO_POLL;

		maker_next(&s->world.m, now_s - 60, -1, -1);
		server_step(s, now_s);
	}
}

const struct scenario scenarios[SCENARIOS] = {
	{ .name = "update",
		.what = "a release, from the first poll to the confirmed image",
		.publish = update,
		.components = 1,
		.version = V2,
		.ends_root = 1 },
	{ .name = "next",
		.what = "a further release, over the image that was confirmed before",
		.publish = next,
		.components = 1,
		.polls = 1,
		.calm = 1,
		.version = V3,
		.ends_root = 1 },
	{ .name = "revert",
		.what = "a release that is not well on trial, given up",
		.publish = ill,
		.components = 1,
		.ill = true,
		.version = V1,
		.ends_root = 1 },
	{ .name = "crash",
		.what = "a release that resets the device on trial",
		.publish = ill,
		.components = 1,
		.crashes = true,
		.version = V1,
		.ends_root = 1 },
	{ .name = "restored",
		.what = "older flash, bound anew at signed time, and then a release",
		.publish = restored,
		.components = 1,
		.polls = 1,
		.restored = true,
		.version = V2,
		.ends_root = 1 },
	{ .name = "set",
		.what = "a release of two components, which switch together",
		.publish = set,
		.components = 2,
		.version = V2,
		.ends_root = 1 },
	{ .name = "setback",
		.what = "a release of two components that is not well on trial, given up",
		.publish = ill_set,
		.components = 2,
		.ill = true,
		.version = V1,
		.ends_root = 1 },
	{ .name = "burn",
		.what = "a release, and its security counter burnt in the boots after it",
		.publish = burn,
		.components = 1,
		.polls = 4,
		.sleeps = true,
		.counter = BURNT,
		.version = V2,
		.ends_root = 1 },
	{ .name = "root",
		.what = "four roots, each with other keys of root, snapshot and timestamp",
		.publish = roots,
		.components = 1,
		.polls = ROOTS - 1,
		.version = V1,
		.ends_root = 1 + ROOTS },
	{ .name = "recovery",
		.what = "a recovery order with another root and an image, years later",
		.publish = recovery,
		.components = 1,
		.asleep_s = (uint32_t)(YEARS_ASLEEP * 365 * DAY_S),
		.polls = 2,
		.sleeps = true,
		.counter = ORDER_COUNTER,
		.epoch = 1,
		.version = V9,
		.ends_root = LATER_ROOT },
	{ .name = "reorder",
		.what = "a recovery order, and another one on the image of the first",
		.publish = reorder,
		.components = 1,
		.thinned = true,
		.polls = 2,
		.calm = 1,
		.sleeps = true,
		.counter = ORDER_COUNTER + 1,
		.epoch = 2,
		.version = V10,
		.ends_root = LATER_ROOT },
	{ .name = "overtake",
		.what = "a recovery order that overtakes one whose image never came whole",
		.publish = overtake,
		.components = 1,
		.thinned = true,
		.polls = 4,
		.calm = 1,
		.sleeps = true,
		.patient = true,
		.counter = ORDER_COUNTER + 2,
		.epoch = 3,
		.version = V11,
		.ends_root = LATER_ROOT },
	{ .name = "retire",
		.what = "a release under two image keys, and the older one retired",
		.publish = retire,
		.components = 1,
		.thinned = true,
		.polls = 3,
		.sleeps = true,
		.key_floor = 1,
		.version = V2,
		.ends_root = 1 },
	{ .name = "fuses",
		.what = "as burn, with fuses as the security counter",
		.publish = burn,
		.components = 1,
		.thinned = true,
		.polls = 4,
		.sleeps = true,
		.fuses = true,
		.counter = BURNT,
		.version = V2,
		.ends_root = 1 },
	{ .name = "watchdog",
		.what = "an image that never asks: its updater alone, in vain, and again with a "
			"release",
		.publish = watchdog,
		.components = 1,
		.thinned = true,
		.polls = 2 * PERIODS,
		.poll_s = PERIOD_S / 2,
		.silent = true,
		.quiet_s = PERIOD_S / 2,
		.version = V2,
		.ends_root = 1 },
	{ .name = "ticket",
		.what = "the same, and a ticket that gives it another period",
		.publish = ticket,
		.components = 1,
		.thinned = true,
		.polls = 2 * PERIODS,
		.poll_s = PERIOD_S / 2,
		.silent = true,
		.quiet_s = PERIOD_S,
		.ticket = 1,
		.version = V2,
		.ends_root = 1 },
	{ .name = "rotate",
		.what = "data keys of two purposes: three generations opened, proved and switched "
			"to, "
			"the first destroyed",
		.publish = rotate,
		.components = 1,
		.thinned = true,
		.keyed = true,
		.polls = GENERATIONS + 2,
		.version = V1,
		.ends_root = 1 },
	{ .name = "compaction",
		.what = "refreshes, while the journal goes on to its next sector",
		.publish = refreshes,
		.components = 1,
		.polls = REFRESHES,
		.calm = 24,
		.version = V1,
		.ends_root = 1 },
};

uint32_t scenario_poll_s(const struct scenario *scenario)
{
	return scenario->poll_s > 0 ? scenario->poll_s : SCENARIO_POLL;
}

uint64_t scenario_len_s(const struct scenario *scenario)
{
	return (uint64_t)scenario->polls * scenario_poll_s(scenario);
}

const struct scenario *scenario_find(const char *name)
{
	for (int i = 0; i < SCENARIOS; i++) {
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	}
	return NULL;
}
