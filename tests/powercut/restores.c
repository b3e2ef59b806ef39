/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/restores.h"
#include "tests/powercut/stand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 512
#define SLOT_CALLS 16 /* of calls that write a slot one in so many is a step */
#define POLLS 2 /* that the device lives on */

#define JOURNALS (1U << SIM_BOOT | 1U << SIM_DEVICE)

static const struct {
	const char *name;
	uint32_t which; /* bits of places */
} thefts[] = {
	{ "all", (1U << SIM_PLACES) - 1 },
	{ "boot journal", 1U << SIM_BOOT },
	{ "device journal", 1U << SIM_DEVICE },
	{ "both journals", JOURNALS },
	{ "slots", (1U << SIM_PLACES) - 1 - JOURNALS },
};
#define THEFTS (sizeof(thefts) / sizeof(thefts[0]))

struct step {
	struct sim_image image;
	uint64_t confirmed; /* version, once the state counter has risen for it */
};

struct counts {
	uint32_t restored, noticed, fell_back, older, burnt, installed, refused;
};

struct theft {
	struct stand stand;
	struct sim_device *probe;
	struct step step[STEPS_MAX];
	int steps;
	uint64_t last_confirmed; /* version, and the state counter when it came */
	uint32_t last_counter;
	uint32_t slot_calls;
	uint64_t frozen_s; /* the server's time */
	uint64_t oldest; /* version that ran since the flash was put back */
	bool fell_back, noticed; /* the device says that it was */
	bool installed; /* a release, after that */
	uint32_t hardware; /* security counter */
	bool burnt; /* an image ran below it */
};

/* ---- steps ---- */

/* Version that every boot runs, of a device as it lies there. */
static uint64_t confirmed_version(struct theft *t, struct sim_device *d)
{
	const struct world_image *image;
	struct rota_bootstate state;

	if (sim_boot_state(d, &state) != ROTA_OK)
		return 0;
	image = server_image(
		&t->stand.server, state.digest[0][rota_bootstate_confirmed(&state, 0)]);
	return image != NULL ? server_version(image) : 0;
}

static void note_confirmed(struct theft *t, struct sim_device *d)
{
	uint64_t now = confirmed_version(t, d);
	uint32_t counter = d->counters.value[ROTA_COUNTER_STATE];
	struct step *s = &t->step[t->steps];

	if (now != t->last_confirmed) {
		t->last_confirmed = now;
		t->last_counter = counter;
	}
	s->confirmed = t->steps > 0 ? s[-1].confirmed : now;
	if (d->fleet->board->counters == 0 || counter > t->last_counter)
		s->confirmed = now;
}

static void keep(void *ctx, struct sim_device *d, const struct sim_call *call)
{
	struct theft *t = ctx;
	struct step *s = &t->step[t->steps];

	if (call->kind == SIM_SYNC ||
		(call->kind == SIM_WRITE && call->place >= SIM_SLOTS &&
			t->slot_calls++ % SLOT_CALLS != 0))
		return;
	if (t->steps == STEPS_MAX || sim_save(d, &s->image) != ROTA_OK)
		abort();
	sim_restore(t->probe, &s->image);
	note_confirmed(t, t->probe);
	t->steps++;
}

static void live(struct theft *t)
{
	struct sim_device *d = stand_device(&t->stand);
	struct sim_world world = t->stand.world;

	world.call = keep;
	world.call_ctx = t;
	sim_restore(d, &t->stand.start);
	if (sim_run(d, &world, t->stand.until_s) != SIM_IDLE)
		abort(); /* it did when the stand was opened */
	stand_device_end(d);
}

/* ---- a theft ---- */

static enum rota_err meta(
	void *ctx, const struct sim_device *d, const struct rota_want *want, struct rota_span *out)
{
	const struct theft *t = ctx;

	(void)d;
	return server_meta(&t->stand.server, t->frozen_s, want, out);
}

static enum rota_err target(void *ctx, const struct sim_device *d,
	const struct rota_update_want *want, struct rota_span *out)
{
	const struct theft *t = ctx;

	(void)d;
	return server_target(&t->stand.server, want, out);
}

static void started(void *ctx, const struct sim_device *d)
{
	struct theft *t = ctx;

	if (t->oldest == 0 || d->version < t->oldest)
		t->oldest = d->version;
	t->burnt = t->burnt || d->image_counter < t->hardware;
	t->fell_back = t->fell_back || d->booted.kind == ROTA_BOOT_FALLBACK;
}

static void event(void *ctx, const struct sim_device *d, const struct rota_event *e)
{
	struct theft *t = ctx;

	(void)d;
	t->noticed = t->noticed || e->kind == ROTA_EVENT_RESTORED;
	t->installed = t->installed || (t->noticed && e->kind == ROTA_EVENT_INSTALLED);
}

static void put_back(struct theft *t, const struct step *from, const struct step *to,
	uint32_t which, struct counts *n)
{
	const struct sim_world world = {
		.ctx = t, .meta = meta, .target = target, .started = started, .event = event
	};
	struct sim_device *d = t->probe;
	enum sim_end end = SIM_STOPPED;

	sim_restore(d, &to->image);
	t->hardware = d->counters.value[ROTA_COUNTER_SECURITY];
	sim_put_back(d, &from->image, which);
	t->frozen_s = from->image.clock_s;
	t->oldest = 0;
	t->burnt = t->noticed = t->installed = t->fell_back = false;
	for (int i = 0; i < POLLS && end != SIM_BRICKED; i++) {
		end = sim_run(d, &world, d->clock_s);
		t->noticed = t->noticed || d->restored || d->state.bound.restored;
		d->clock_s += SCENARIO_POLL;
	}
	n->restored++;
	n->noticed += t->noticed;
	n->refused += end == SIM_BRICKED;
	n->burnt += t->burnt;
	n->fell_back += t->fell_back;
	n->older += t->oldest != 0 && t->oldest < to->confirmed && !t->noticed &&
		!(t->fell_back && (which & JOURNALS) == 0);
	n->installed += t->installed;
}

uint32_t restores_run(const struct sim_board *board, int later)
{
	struct theft *t = calloc(1, sizeof(*t));
	uint32_t accepted = 0;

	if (t == NULL || !stand_open(&t->stand, scenario_find("burn"), board, 7))
		abort();
	t->probe = stand_device(&t->stand);
	live(t);
	for (size_t k = 0; k < THEFTS; k++) {
		struct counts n = { 0 };

		for (int from = 0; from < t->steps; from++) {
			int every = (t->steps - from - 1) / later + 1;

			for (int to = from + every; to < t->steps; to += every)
				put_back(t, &t->step[from], &t->step[to], thefts[k].which, &n);
		}
		printf("%-14s %6u put back, %6u noticed, %4u fell back, %4u boot nothing; older "
		       "%4u, "
		       "burnt %u, installed %u\n",
			thefts[k].name, n.restored, n.noticed, n.fell_back, n.refused, n.older,
			n.burnt, n.installed);
		accepted += n.older + n.burnt + n.installed;
	}
	if (t->step[t->steps - 1].confirmed != t->last_confirmed) {
		printf("the state counter did not rise for what was confirmed\n");
		accepted++;
	}
	for (int i = 0; i < t->steps; i++)
		sim_image_free(&t->step[i].image);
	stand_device_end(t->probe);
	stand_close(&t->stand);
	free(t);
	return accepted;
}
