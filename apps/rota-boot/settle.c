/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-boot/settle.h"
#include "apps/rota-boot/recorded.h"
#include "boot/measure.h"
#include "ports/crypto_openssl/crypto_openssl.h"

void settle_policy(struct device *d, const struct rota_bootstate *state,
	struct rota_burn_facts *facts, struct rota_boot_policy *policy)
{
	uint32_t floor;

	rota_burn_begin(facts, device_counter(d), &d->rom.rom);
	floor = rota_burn_floor(state, facts, ROTA_COUNTER_KEYS);
	*policy = (struct rota_boot_policy){
		.crypto = &rota_crypto_openssl,
		.rom = &d->rom.rom,
		.counter = rota_burn_floor(state, facts, ROTA_COUNTER_SECURITY),
		.key_floor = rota_boot_key_floor(&d->rom.rom, (uint8_t)floor),
	};
}

void settle_turn(struct device *d, struct rota_layout_state *l, struct rota_watchdog_turn *turn)
{
	struct rota_bootstate before = l->state;
	enum rota_err err;

	rota_watchdog_next(&d->rom.rom.watchdog, ROTA_WATCHDOG_BOOT, &l->state, turn);
	if (!turn->commit)
		return;
	err = rota_layout_state_commit(l);
	if (err == ROTA_OK)
		return;
	say("%s: %s; the watchdog stands still for this boot", ROTA_LAYOUT_JOURNAL,
		rota_err_str(err));
	l->state = before;
	*turn = (struct rota_watchdog_turn){ .act = ROTA_WATCHDOG_RUN_APPLICATION };
}

static enum rota_err commit(void *ctx, const struct rota_bootstate *next)
{
	struct rota_layout_state *l = ctx;

	return rota_bootstate_commit(&l->journal, next);
}

static void say_hardware(const struct rota_burn_facts *facts)
{
	static const char *const names[ROTA_COUNTER_COUNT] = {
		[ROTA_COUNTER_SECURITY] = "the security counter",
		[ROTA_COUNTER_STATE] = "the state counter",
		[ROTA_COUNTER_KEYS] = "the key floor",
		[ROTA_COUNTER_EPOCH] = "the recovery epoch",
	};

	for (unsigned id = 0; id < ROTA_COUNTER_COUNT; id++) {
		if (facts->number[id].source == ROTA_BURN_UNREADABLE)
			say("%s in the TPM cannot be read: the journal's copy holds, and nothing "
			    "is burnt",
				names[id]);
	}
}

static void burn(
	struct device *d, struct rota_layout_state *l, const struct loaded *set, struct settled *s)
{
	const struct rota_burn_io io = { device_counter(d), l, commit };
	uint32_t counter = l->state.counter;
	uint8_t floor = l->state.key_floor;
	enum rota_err err;

	for (uint8_t i = 0; i < set->count; i++)
		rota_burn_member(&s->facts, set->image[i].info.counter, set->image[i].keys);
	s->facts.confirmed = set->kind == ROTA_BOOT_CONFIRMED || set->kind == ROTA_BOOT_REVERTED;
	say_hardware(&s->facts);
	s->restored = rota_burn_restored(&l->state, &s->facts);
	err = rota_burn_run(&l->state, &s->facts, &io);
	if (err != ROTA_OK)
		say("burning a counter: %s; the next boot goes on with it", rota_err_str(err));
	if (s->restored)
		say("the hardware's counters are ahead of the boot state: the flash is an older "
		    "one (SPEC 10.5)");
	if (l->state.counter != counter)
		say("security counter %u: images below it boot no more", l->state.counter);
	if (l->state.key_floor != floor)
		say("image key %u is retired", floor);
}

void settle_end(
	struct device *d, struct rota_layout_state *l, const struct loaded *set, struct settled *s)
{
	struct rota_record *r = &s->record;

	burn(d, l, set, s);
	*r = (struct rota_record){ .restored = s->restored,
		.kind = (uint8_t)set->kind,
		.updater = set->turn.act == ROTA_WATCHDOG_RUN_UPDATER };
	rota_record_anchors(&d->rom.rom, &rota_crypto_openssl, r->anchors);
	rota_record_numbers(r, &l->state, &s->facts);
	for (uint8_t i = 0; i < set->count; i++)
		rota_record_member(r, set->image[i].place, &set->image[i].info, set->image[i].keys);
	recorded_write(d, r);
}
