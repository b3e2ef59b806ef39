/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/powercut/stand.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "tests/unit/time_maker.h"

#include <stdlib.h>
#include <string.h>

#define FACTORY_VERSION (UINT64_C(1) << 56)

static void wrong(struct stand *s, const char *what)
{
	if (s->wrong == NULL)
		s->wrong = what;
}

/* ---- the world outside ---- */

static enum rota_err meta(
	void *ctx, const struct sim_device *d, const struct rota_want *want, struct rota_span *out)
{
	const struct stand *s = ctx;

	return server_meta(&s->server, d->clock_s, want, out);
}

static enum rota_err target(void *ctx, const struct sim_device *d,
	const struct rota_update_want *want, struct rota_span *out)
{
	const struct stand *s = ctx;

	(void)d;
	return server_target(&s->server, want, out);
}

static enum rota_err recovery(void *ctx, const struct sim_device *d,
	const struct rota_update_want *want, struct rota_span *out)
{
	const struct stand *s = ctx;

	return server_recovery(&s->server, d->clock_s, want, out);
}

static enum rota_err signed_time(void *ctx, const struct sim_device *d, const uint8_t *nonce,
	struct rota_buf room, struct rota_span *out)
{
	(void)ctx;
	*out = time_answer(TIME_KEY, d->clock_s, d->what.id, nonce, room);
	return ROTA_OK;
}

/* The server of keys changes its row: one device lives at a time. */
static struct keylife *keys_of(const void *ctx)
{
	return &((struct stand *)(uintptr_t)ctx)->server.keys;
}

static enum rota_err keys(void *ctx, const struct sim_device *d, const uint8_t *campaign,
	struct rota_buf room, struct rota_span *out)
{
	(void)d;
	return keylife_answer(keys_of(ctx), campaign, room, out);
}

static enum rota_err statement(
	void *ctx, const struct sim_device *d, struct rota_span bytes, uint32_t *counter)
{
	(void)d;
	return keylife_take(keys_of(ctx), bytes, counter);
}

static void application(void *ctx, struct sim_device *d)
{
	const struct stand *s = ctx;

	if (s->scenario->keyed)
		keylife_application(keys_of(ctx), d);
}

static bool silent(void *ctx, const struct sim_device *d)
{
	const struct stand *s = ctx;

	return s->scenario->silent && d->version == FACTORY_VERSION &&
		d->turn.act != ROTA_WATCHDOG_RUN_UPDATER && d->clock_s > SCENARIO_START;
}

static enum rota_err ticket(
	void *ctx, const struct sim_device *d, struct rota_buf room, struct rota_span *out)
{
	const struct stand *s = ctx;

	(void)room;
	if (s->server.ticket.len == 0 || d->clock_s < s->server.ticket_from_s)
		return ROTA_ERR_NOT_FOUND;
	*out = s->server.ticket;
	return ROTA_OK;
}

static bool crashes(void *ctx, const struct sim_device *d)
{
	const struct stand *s = ctx;

	return s->scenario->crashes && d->version != FACTORY_VERSION;
}

static enum rota_err health(void *ctx, const struct sim_device *d)
{
	const struct stand *s = ctx;

	return s->scenario->ill && d->version != FACTORY_VERSION ? ROTA_ERR_TIMEOUT : ROTA_OK;
}

/* ---- judged at each boot ---- */

/* Whether the boot state has the digests of what runs. */
static bool named(const struct sim_device *d, const struct rota_bootstate *state)
{
	bool same = state->count == d->now.count;

	for (uint8_t i = 0; i < d->now.count && same; i++)
		same = memcmp(d->now.digest[i], state->digest[i][d->now.places >> i & 1],
			       ROTA_SHA256_LEN) == 0;
	return same;
}

static void judge_counters(struct stand *s, const struct sim_device *d,
	const struct rota_bootstate *state, bool confirmed)
{
	uint32_t burnt = sim_counter(d, ROTA_COUNTER_SECURITY);

	if (state->counter < s->counter || burnt < s->burnt)
		wrong(s, "the security counter fell");
	if (d->image_counter < state->counter || d->image_counter < burnt)
		wrong(s, "an image runs below the security counter");
	if (confirmed && state->burn_to > d->image_counter)
		wrong(s, "the security counter is to pass what is confirmed");
	s->counter = state->counter;
	s->burnt = burnt;
}

/* Key floor and epoch, stored and in hardware. What the factory made is signed by the older image key alone. */
static void judge_numbers(
	struct stand *s, const struct sim_device *d, const struct rota_bootstate *state)
{
	uint32_t keys = sim_counter(d, ROTA_COUNTER_KEYS),
		 epoch = sim_counter(d, ROTA_COUNTER_EPOCH);

	if (state->key_floor < s->key_floor || keys < s->keys_burnt)
		wrong(s, "the key floor fell");
	if (state->epoch < s->epoch || epoch < s->epoch_burnt)
		wrong(s, "the epoch of recovery orders fell");
	if (d->version == FACTORY_VERSION && (state->key_floor > 0 || keys > 0))
		wrong(s, "an image runs whose key is retired");
	s->key_floor = state->key_floor;
	s->keys_burnt = keys;
	s->epoch = state->epoch;
	s->epoch_burnt = epoch;
}

/* The updater runs alone once, and not before the time that the device has been given is over. */
static void judge_watchdog(
	struct stand *s, const struct sim_device *d, const struct rota_bootstate *state)
{
	bool alone = d->turn.act == ROTA_WATCHDOG_RUN_UPDATER;

	if (alone && s->alone)
		wrong(s, "the updater runs alone twice in a row");
	if (alone && state->watchdog.phase != ROTA_WATCHDOG_UPDATER)
		wrong(s, "the updater runs alone, and the boot state does not know");
	if (alone && d->booted.kind == ROTA_BOOT_TRIAL)
		wrong(s, "the updater of a trial runs alone");
	if (alone && d->clock_s < SCENARIO_START + s->scenario->quiet_s)
		wrong(s, "the updater runs alone before its time");
	if (state->watchdog.ticket < s->ticket)
		wrong(s, "the number of the last ticket fell");
	s->alone = alone;
	s->ticket = state->watchdog.ticket;
}

static void judge_boot_state(struct stand *s, const struct sim_device *d)
{
	struct rota_bootstate state;
	bool confirmed =
		d->booted.kind == ROTA_BOOT_CONFIRMED || d->booted.kind == ROTA_BOOT_REVERTED;

	if (rota_bootstate_load(&d->boot, &state) != ROTA_OK) {
		wrong(s, "an image runs while the boot state cannot be read");
		return;
	}
	judge_counters(s, d, &state, confirmed);
	judge_numbers(s, d, &state);
	judge_watchdog(s, d, &state);
	if (confirmed && (d->booted.id != rota_bootstate_confirmed(&state, 0) || !named(d, &state)))
		wrong(s, "runs as confirmed, and is not what the boot state names");
	if (d->booted.kind == ROTA_BOOT_TRIAL &&
		(state.phase != ROTA_TRIAL_STARTED ||
			d->now.places != (state.confirmed ^ state.trial) || !named(d, &state)))
		wrong(s, "runs on trial, and the boot state does not know");
	if (d->version < s->version)
		wrong(s, "an older version runs than was confirmed");
	if (confirmed)
		s->version = d->version;
}

/* Each image is one that was published, the first as it was hashed; all come from one release. */
static void started(void *ctx, const struct sim_device *d)
{
	struct stand *s = ctx;

	for (uint8_t i = 0; i < d->now.count; i++) {
		const struct world_image *image = server_image(&s->server, d->now.digest[i]);

		if (image == NULL ||
			(i == 0 &&
				!rota_span_eq(rota_span(d->ram, d->loaded), server_payload(image))))
			wrong(s, "an image runs that nobody published");
		else if (server_version(image) != d->version)
			wrong(s, "images of two releases run together");
	}
	judge_boot_state(s, d);
}

/* ---- judged after a cut, and in the end ---- */

/* The digest of what a journal holds; false: it cannot be read. */
static bool payload_of(struct stand *s, struct sim_device *d, enum sim_place_name place,
	uint8_t sha256[static ROTA_SHA256_LEN])
{
	uint8_t room[ROTA_JOURNAL_PAYLOAD_MAX];
	struct rota_span payload;
	struct rota_journal j;

	if (rota_journal_open(&j, &d->place[place].region.port,
		    place == SIM_BOOT ? ROTA_JOURNAL_BOOT : ROTA_JOURNAL_DEVICE) != ROTA_OK ||
		rota_journal_load(&j, ROTA_BUF(room), &payload) != ROTA_OK)
		return false;
	rota_sha256_of(s->fleet.crypto, payload, sha256);
	return true;
}

bool stand_holds(struct stand *s, struct sim_device *d, enum sim_place_name place, uint32_t at)
{
	const struct stand_history *h = &s->history[place];
	uint8_t sha256[ROTA_SHA256_LEN];

	return at < h->count && payload_of(s, d, place, sha256) &&
		memcmp(h->sha256[at], sha256, sizeof(sha256)) == 0;
}

uint32_t stand_place(struct stand *s, struct sim_device *d, enum sim_place_name place, uint32_t at)
{
	const struct stand_history *h = &s->history[place];
	uint8_t sha256[ROTA_SHA256_LEN];

	if (!payload_of(s, d, place, sha256))
		return h->count;
	while (at < h->count && memcmp(h->sha256[at], sha256, sizeof(sha256)) != 0)
		at++;
	return at;
}

/* What must be the same however often the power went: not how many events were said, nor a try that a cut cost. */
static void digest_of_end(struct stand *s, const struct sim_device *d, uint8_t out[32])
{
	struct rota_state end = d->state;
	uint8_t room[ROTA_STATE_LEN_MAX];
	struct rota_span payload = { NULL, 0 };

	end.next_seq = 0;
	memset(&end.logged, 0, sizeof(end.logged));
	memset(&end.failed, 0, sizeof(end.failed));
	if (s->scenario->keyed)
		end.bound.binding = 0; /* a switch that was cut off takes a second step */
	if (rota_state_encode(&end, ROTA_BUF(room), &payload) != ROTA_OK)
		wrong(s, "the state cannot be written down");
	rota_sha256_of(s->fleet.crypto, payload, out);
}

static enum rota_err take_entry(void *ctx, const struct rota_devlog_entry *entry)
{
	uint64_t *next = ctx;

	*next = entry->number + 1;
	return ROTA_OK;
}

/* A numbered device was asleep, and its entries from before are not kept. */
static void judge_log(struct stand *s, struct sim_device *d)
{
	uint64_t next = 0;

	if (d->number == 0 &&
		(rota_devlog_read(&d->place[SIM_LOG].port, s->fleet.crypto, &d->state.logged, &next,
			 take_entry) != ROTA_OK ||
			next != d->state.logged.count))
		wrong(s, "the device log does not lead to its head");
}

static void judge_end(struct stand *s, struct sim_device *d)
{
	struct rota_bootstate boot;

	if (sim_boot_state(d, &boot) != ROTA_OK || boot.phase != ROTA_TRIAL_NONE ||
		boot.confirmed != d->now.places || !named(d, &boot))
		wrong(s, "what runs in the end is not confirmed");
	if (boot.counter != s->scenario->counter ||
		(rota_counter_has(&d->counter, ROTA_COUNTER_SECURITY) &&
			sim_counter(d, ROTA_COUNTER_SECURITY) != s->scenario->counter))
		wrong(s, "another security counter in the end");
	if (boot.epoch != s->scenario->epoch ||
		(rota_counter_has(&d->counter, ROTA_COUNTER_EPOCH) &&
			sim_counter(d, ROTA_COUNTER_EPOCH) != s->scenario->epoch))
		wrong(s, "another epoch in the end");
	if (s->scenario->epoch > 0 && boot.order_phase != ROTA_ORDER_DONE)
		wrong(s, "a recovery order is not done in the end");
	if (boot.key_floor != s->scenario->key_floor ||
		(rota_counter_has(&d->counter, ROTA_COUNTER_KEYS) &&
			sim_counter(d, ROTA_COUNTER_KEYS) != s->scenario->key_floor))
		wrong(s, "another key floor in the end");
	if (boot.watchdog.phase != ROTA_WATCHDOG_RUN ||
		d->turn.act != ROTA_WATCHDOG_RUN_APPLICATION)
		wrong(s, "the device was not given back by its updater");
	if (boot.watchdog.ticket != s->scenario->ticket)
		wrong(s, "another ticket was the last in the end");
	if (d->version != s->scenario->version)
		wrong(s, "another version runs in the end");
	if (d->state.pending.phase != ROTA_INSTALL_NONE)
		wrong(s, "an installation is pending in the end");
	if (s->board->counters != 0 &&
		(d->state.bound.restored ||
			d->state.bound.binding != d->counters.value[ROTA_COUNTER_STATE] ||
			boot.binding != d->state.bound.binding))
		wrong(s, "the journals are not bound to the state counter in the end");
	if (d->state.trusted.root.version != s->scenario->ends_root)
		wrong(s, "another root is trusted in the end");
	if (s->scenario->keyed)
		keylife_judge_end(&s->server.keys, d);
	if (s->server.keys.wrong != NULL)
		wrong(s, s->server.keys.wrong);
}

static void judge_flash(struct stand *s, const struct sim_device *d)
{
	for (uint8_t i = 0; i <= SIM_CHIPS; i++) {
		if (d->chip[i].broken > 0)
			wrong(s, "a rule of flash was broken");
	}
}

void stand_judge(struct stand *s)
{
	s->wrong = NULL;
	s->counter = 0;
	s->burnt = 0;
	s->version = 0;
	s->key_floor = 0;
	s->keys_burnt = s->epoch = s->epoch_burnt = s->ticket = 0;
	s->alone = false;
}

bool stand_live(struct stand *s, struct sim_device *d)
{
	uint8_t end[ROTA_SHA256_LEN];

	switch (sim_run(d, &s->world, s->until_s)) {
	case SIM_IDLE:
		break;
	case SIM_CUT:
		return false;
	case SIM_STOPPED:
		wrong(s, "a cycle was refused or failed");
		break;
	case SIM_BRICKED:
	case SIM_BROKEN:
		wrong(s, d->why);
		break;
	}
	judge_flash(s, d);
	judge_log(s, d);
	judge_end(s, d);
	digest_of_end(s, d, end);
	if (memcmp(end, s->end, sizeof(end)) != 0)
		wrong(s, "another state in the end");
	return s->wrong == NULL;
}

/* ---- the clean device ---- */

struct looking {
	struct stand *stand;
	struct sim_device *probe;
};

static void remember(struct stand *s, struct sim_device *d, enum sim_place_name place)
{
	struct stand_history *h = &s->history[place];
	uint8_t sha256[ROTA_SHA256_LEN];

	if (!payload_of(s, d, place, sha256) ||
		(h->count > 0 && memcmp(h->sha256[h->count - 1], sha256, sizeof(sha256)) == 0))
		return;
	if (h->count == STAND_PAYLOADS_MAX)
		abort();
	memcpy(h->sha256[h->count++], sha256, sizeof(sha256));
}

/* What the journals hold, judged on a copy: opening one makes durable what is on the chip. */
static void look(void *ctx, struct sim_device *d, const struct sim_call *call)
{
	struct looking *l = ctx;
	struct sim_image image;

	if (call != NULL && call->place != SIM_BOOT && call->place != SIM_DEVICE)
		return;
	if (sim_save(d, &image) != ROTA_OK)
		abort();
	sim_restore(l->probe, &image);
	remember(l->stand, l->probe, SIM_BOOT);
	remember(l->stand, l->probe, SIM_DEVICE);
	sim_image_free(&image);
}

struct sim_device *stand_device(const struct stand *s)
{
	struct sim_device *d = malloc(sizeof(*d));

	if (d == NULL || sim_device_init(d, &s->fleet) != ROTA_OK)
		abort(); /* the test's own tools fail: nothing can be said */
	return d;
}

void stand_device_end(struct sim_device *d)
{
	sim_device_free(d);
	free(d);
}

static bool live_clean(struct stand *s)
{
	struct sim_device *d = stand_device(s), *probe = stand_device(s);
	struct looking looking = { s, probe };
	struct sim_world world = s->world;

	world.call_ctx = &looking;
	world.call = look;
	stand_judge(s);
	keylife_restore(&s->server.keys, &s->row);
	sim_restore(d, &s->start);
	if (sim_run(d, &world, s->until_s) != SIM_IDLE)
		wrong(s, "it does not come to an end without a cut");
	look(&looking, d, NULL);
	judge_end(s, d);
	digest_of_end(s, d, s->end);
	judge_flash(s, d);
	stand_device_end(d);
	stand_device_end(probe);
	return s->wrong == NULL;
}

static void factory(struct stand *s)
{
	struct maker_file *root = maker_meta(&s->server.world.m, "root", 1);
	struct sim_device *d = stand_device(s);
	struct rota_span image[SIM_COMPONENTS];
	uint8_t digest[SIM_COMPONENTS][ROTA_SHA256_LEN], sha256[ROTA_SHA256_LEN];
	struct rota_state state;

	for (int i = 0; i < SIM_COMPONENTS; i++) {
		const struct world_image *from = s->server.factory[i];

		image[i] = rota_span(from->bytes.p, from->bytes.len);
		memcpy(digest[i], from->digest, ROTA_SHA256_LEN);
	}
	maker_sha256(root->bytes, sha256);
	rota_state_factory(&state, 1, sha256, WORLD_NOW, FACTORY_VERSION);
	d->clock_s = SCENARIO_START + s->scenario->asleep_s;
	if (sim_factory(d, image, (const uint8_t(*)[ROTA_SHA256_LEN])digest, &state) != ROTA_OK ||
		sim_save(d, &s->start) != ROTA_OK)
		abort();
	if (s->scenario->keyed)
		keylife_enrol(&s->server.keys, d);
	keylife_save(&s->server.keys, &s->row);
	stand_device_end(d);
}

bool stand_open(struct stand *s, const struct scenario *scenario, const struct sim_board *board,
	uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->scenario = scenario;
	s->board = board;
	server_init(&s->server, seed);
	scenario->publish(&s->server);
	sim_memo_init(&s->memo, &rota_crypto_openssl);
	s->what = s->server.world.device;
	s->what.release_role = ROTA_STR("releases");
	s->fleet = (struct sim_fleet){ .board = board,
		.rom = &s->server.rom,
		.crypto = &s->memo.port,
		.what = &s->what,
		.components = scenario->components,
		.slot_name = { ROTA_STR("app"), ROTA_STR("data") },
		.poll_s = scenario_poll_s(scenario),
		.sleeps = scenario->sleeps,
		.patient = scenario->patient,
		.fuses = scenario->fuses,
		.keys = scenario->keyed ? &s->server.keys.parts : NULL };
	s->world = (struct sim_world){ .ctx = s,
		.meta = meta,
		.target = target,
		.recovery = recovery,
		.time = signed_time,
		.ticket = ticket,
		.keys = keys,
		.statement = statement,
		.application = application,
		.crashes = crashes,
		.silent = silent,
		.health = health,
		.started = started };
	s->until_s = SCENARIO_START + scenario->asleep_s + scenario_len_s(scenario);
	factory(s);
	return live_clean(s);
}

void stand_close(struct stand *s)
{
	sim_image_free(&s->start);
}
