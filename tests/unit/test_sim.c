/* SPDX-License-Identifier: Apache-2.0 */
/* A hundred thousand sleeping devices, folded in every phase of an update and of one that is given up: each small, each
 * awake again as it was. */
#include "host/sim/idle.h"
#include "tests/powercut/stand.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define DEVICES 10000 /* each ten times slower */
#else
#define DEVICES 100000
#endif
#define MOMENTS_MAX 512
#define LIVES 64 /* one in so many is woken, compared; */
#define LIVES_ON 4096 /* and one in so many lives on to the end */

struct moments {
	struct sim_device *probe;
	struct sim_catalogue *catalogue;
	struct sim_idle at[MOMENTS_MAX];
	int count;
	uint32_t calls;
	unsigned phases; /* bits of enum rota_install_phase */
};

/* Before each tenth call, and before each that changes a journal: what a device holds that sleeps just then. */
static void look(void *ctx, struct sim_device *d, const struct sim_call *call)
{
	struct moments *m = ctx;
	struct sim_image image;

	if (call->place >= SIM_SLOTS && m->calls++ % 10 != 0)
		return;
	if (m->count == MOMENTS_MAX || sim_save(d, &image) != ROTA_OK)
		abort();
	sim_restore(m->probe, &image);
	if (sim_fold(m->probe, m->catalogue, &m->at[m->count]) == ROTA_OK)
		m->count++;
	sim_image_free(&image);
}

static enum rota_err load_state(
	struct sim_device *d, struct rota_journal *j, struct rota_state *state)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;

	ROTA_TRY(rota_journal_open(j, &d->place[SIM_DEVICE].port, ROTA_JOURNAL_DEVICE));
	ROTA_TRY(rota_journal_load(j, ROTA_BUF(room), &payload));
	return rota_state_decode(payload, state);
}

/* What no two devices have alike. */
static void make_own(struct sim_device *d, uint32_t number)
{
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload;
	struct rota_journal j;
	struct rota_state state;

	CHECK_OK(load_state(d, &j, &state));
	state.next_seq = number;
	state.failed.at_s = state.failed.tries > 0 ? WORLD_NOW + number * 7U : 0;
	memcpy(state.refused, &number, sizeof(number));
	CHECK_OK(rota_state_encode(&state, ROTA_BUF(room), &payload));
	CHECK_OK(rota_journal_commit(&j, payload));
	sim_number(d, number);
	d->counters.value[ROTA_COUNTER_STATE] = number % 50;
}

static void see_phase(struct moments *m, struct sim_device *d)
{
	struct rota_journal j;
	struct rota_state state;

	CHECK_OK(load_state(d, &j, &state));
	m->phases |= 1U << state.pending.phase;
}

/* The moments of a scenario; the stand stays open for devices to live on. */
static void watch(struct moments *m, struct stand *s, const char *scenario)
{
	struct sim_world world;
	struct sim_device *d;

	CHECK(stand_open(s, scenario_find(scenario), sim_board_find("l0"), 7));
	m->count = 0;
	m->probe = stand_device(s);
	m->catalogue->images = 0;
	for (int i = 0; i < s->server.world.image_count; i++)
		m->catalogue->image[m->catalogue->images++] = rota_span(
			s->server.world.image[i].bytes.p, s->server.world.image[i].bytes.len);
	d = stand_device(s);
	world = s->world;
	world.call = look;
	world.call_ctx = m;
	sim_restore(d, &s->start);
	CHECK_EQ(sim_run(d, &world, s->until_s), SIM_IDLE);
	stand_device_end(d);
}

/* A device that is at a moment becomes one of its own, and goes to sleep; some are woken again. */
static void one(struct moments *m, struct stand *s, uint32_t number, struct sim_idle *out)
{
	struct sim_device *d = m->probe;
	struct sim_idle again;

	make_own(d, number);
	CHECK_OK(sim_fold(d, m->catalogue, out));
	if (number % LIVES != 0)
		return;
	CHECK_OK(sim_unfold(d, m->catalogue, out));
	CHECK_EQ(d->number, number);
	see_phase(m, d);
	CHECK_OK(sim_fold(d, m->catalogue, &again));
	CHECK(memcmp(&again, out, sizeof(again)) == 0);
	if (number % LIVES_ON != 0)
		return;
	stand_judge(s);
	CHECK(stand_live(s, d));
	CHECK_OK(sim_unfold(d, m->catalogue, out));
}

/* `count` devices from `number` on, spread over the moments. */
static void all(struct moments *m, struct stand *s, uint32_t number, uint32_t count,
	struct sim_idle *sleeping)
{
	uint32_t end = number + count;

	for (int i = 0; i < m->count; i++) {
		uint32_t share = (end - number) / (uint32_t)(m->count - i);

		CHECK_OK(sim_unfold(m->probe, m->catalogue, &m->at[i]));
		for (; share > 0; share--, number++)
			one(m, s, number, &sleeping[number - 1]);
	}
	CHECK_EQ(number, end);
}

TEST(a_hundred_thousand_devices_sleep_in_little_room)
{
	static const char *const lived[] = { "update", "revert" };
	struct moments *m = calloc(1, sizeof(*m));
	struct sim_catalogue *catalogue = calloc(1, sizeof(*catalogue));
	struct sim_idle *sleeping = calloc(DEVICES, sizeof(*sleeping));

	CHECK(m != NULL && catalogue != NULL && sleeping != NULL);
	CHECK(sizeof(struct sim_idle) <= SIM_IDLE_MAX);
	m->catalogue = catalogue;
	for (uint32_t i = 0; i < 2; i++) {
		struct stand *s = calloc(1, sizeof(*s));

		CHECK(s != NULL);
		watch(m, s, lived[i]);
		all(m, s, 1 + i * DEVICES / 2, DEVICES / 2, sleeping);
		stand_device_end(m->probe);
		stand_close(s);
		free(s);
	}
	printf("\t%zu bytes a device, %u payloads in the catalogue, phases %x\n",
		sizeof(struct sim_idle), catalogue->payloads, m->phases);
	CHECK_EQ(m->phases, (1U << (ROTA_INSTALL_REVERT + 1)) - 1);
	free(sleeping);
	sim_catalogue_free(catalogue);
	free(catalogue);
	free(m);
}

TEST(what_is_half_done_cannot_sleep)
{
	struct stand *s = calloc(1, sizeof(*s));
	struct sim_catalogue *catalogue = calloc(1, sizeof(*catalogue));
	struct sim_idle idle;
	struct sim_device *d;
	struct rota_flash *flash;

	CHECK(s != NULL && catalogue != NULL);
	CHECK(stand_open(s, scenario_find("update"), sim_board_find("f4"), 7));
	d = stand_device(s);
	sim_restore(d, &s->start);
	CHECK_EQ(sim_fold(d, catalogue, &idle), ROTA_ERR_NOT_FOUND); /* an image of no catalogue */
	catalogue->image[0] =
		rota_span(s->server.world.image[0].bytes.p, s->server.world.image[0].bytes.len);
	catalogue->images = 1;
	CHECK_OK(sim_fold(d, catalogue, &idle));
	rota_sim_supply_plan(&d->supply, 3, ROTA_SIM_CUT_DONE, 1);
	flash = &d->place[SIM_SLOTS].port;
	CHECK_EQ(flash->erase(flash->ctx, 0), ROTA_ERR_IO);
	CHECK_EQ(sim_fold(d, catalogue, &idle), ROTA_ERR_BUSY); /* no power */
	sim_power(d);
	CHECK_EQ(sim_fold(d, catalogue, &idle), ROTA_ERR_BUSY); /* half an erase */
	stand_device_end(d);
	stand_close(s);
	sim_catalogue_free(catalogue);
	free(catalogue);
	free(s);
}

TESTS(T(a_hundred_thousand_devices_sleep_in_little_room), T(what_is_half_done_cannot_sleep))
