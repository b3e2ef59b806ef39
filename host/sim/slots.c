/* SPDX-License-Identifier: Apache-2.0 */
/* rota/port/slots.h over two areas of flash and the boot journal. */
#include "host/sim/parts.h"

#include <string.h>

static enum rota_err load(struct sim_slots *s, struct rota_bootstate *state)
{
	return rota_bootstate_load(&s->device->boot, state);
}

static enum rota_err commit(struct sim_slots *s, const struct rota_bootstate *state)
{
	s->claimed = false;
	return rota_bootstate_commit(&s->device->boot, state);
}

static uint8_t other(const struct sim_slots *s)
{
	return rota_slot_other(s->device->booted.id);
}

static struct rota_flash *area(const struct sim_slots *s)
{
	return &s->device->place[SIM_SLOTS + 2 * s->component + other(s)].port;
}

static bool needed(const struct sim_slots *s, const struct rota_bootstate *state)
{
	return state->phase == ROTA_TRIAL_STARTED ||
		(s->device->booted.id != rota_bootstate_confirmed(state, 0) &&
			s->device->booted.kind != ROTA_BOOT_FALLBACK);
}

static enum rota_err slot_inactive(void *ctx, struct rota_slot *out)
{
	struct sim_slots *s = ctx;
	struct rota_bootstate state;

	ROTA_TRY(load(s, &state));
	if (needed(s, &state))
		return ROTA_ERR_BUSY;
	*out = (struct rota_slot){ other(s), rota_flash_size(area(s)->run) };
	return ROTA_OK;
}

static enum rota_err claim(struct sim_slots *s)
{
	const struct rota_booted *now = &s->device->booted;
	struct rota_bootstate state;

	ROTA_TRY(load(s, &state));
	if (needed(s, &state))
		return ROTA_ERR_BUSY;
	if (rota_bootstate_others(&state) != 0 || now->id != rota_bootstate_confirmed(&state, 0)) {
		if (now->id != rota_bootstate_confirmed(&state, 0))
			ROTA_TRY(rota_bootstate_adopt(&state, 0, now->id, now->digest));
		ROTA_TRY(rota_bootstate_forget(&state));
		ROTA_TRY(commit(s, &state));
	}
	for (uint32_t i = 0; i < rota_flash_sectors(area(s)->run); i++)
		ROTA_TRY(area(s)->erase(area(s)->ctx, rota_flash_sector(area(s)->run, i).at));
	ROTA_TRY(area(s)->sync(area(s)->ctx));
	s->claimed = true;
	s->end = 0;
	return ROTA_OK;
}

/* Whole units go out; what is left waits for the next bytes, or for the end. */
static enum rota_err slot_write(void *ctx, uint64_t off, struct rota_span data)
{
	struct sim_slots *s = ctx;
	struct rota_flash *flash;
	uint32_t unit;

	if (off == 0)
		ROTA_TRY(claim(s));
	flash = area(s);
	unit = flash->write_len;
	if (!s->claimed || off != s->end)
		return ROTA_ERR_ARGUMENT;
	if (data.len > rota_flash_size(flash->run) - s->end)
		return ROTA_ERR_FULL;
	while (data.len > 0) {
		uint32_t in = (uint32_t)s->end % unit;
		size_t n = unit - in < data.len ? unit - in : data.len;

		if (in == 0 && data.len >= unit) {
			n = data.len / unit * unit;
			ROTA_TRY(flash->write(flash->ctx, (uint32_t)s->end, rota_span(data.p, n)));
		} else {
			memcpy(&s->unit[in], data.p, n);
			if (in + n == unit)
				ROTA_TRY(flash->write(flash->ctx, (uint32_t)s->end - in,
					rota_span(s->unit, unit)));
		}
		s->end += n;
		data = rota_span_skip(data, n);
	}
	return ROTA_OK;
}

static enum rota_err slot_finish(void *ctx, uint64_t len)
{
	struct sim_slots *s = ctx;
	struct rota_flash *flash = area(s);
	uint32_t in = (uint32_t)s->end % flash->write_len;

	if (!s->claimed)
		return ROTA_OK;
	if (len != s->end)
		return ROTA_ERR_ARGUMENT;
	if (in > 0) {
		memset(&s->unit[in], flash->erased, flash->write_len - in);
		ROTA_TRY(flash->write(
			flash->ctx, (uint32_t)s->end - in, rota_span(s->unit, flash->write_len)));
	}
	return flash->sync(flash->ctx);
}

static enum rota_err slot_trial(void *ctx, const uint8_t digest[static ROTA_SHA256_LEN])
{
	struct sim_slots *s = ctx;
	struct rota_bootstate state;

	ROTA_TRY(load(s, &state));
	if (needed(s, &state))
		return ROTA_ERR_BUSY;
	if (s->device->booted.id != rota_bootstate_confirmed(&state, 0))
		return ROTA_ERR_STATE;
	ROTA_TRY(rota_bootstate_ask(&state, s->component, digest));
	return commit(s, &state);
}

static enum rota_err slot_booted(void *ctx, struct rota_booted *out)
{
	struct sim_slots *s = ctx;
	struct rota_bootstate state;

	ROTA_TRY(load(s, &state));
	*out = s->device->booted;
	if (out->kind == ROTA_BOOT_TRIAL && state.phase == ROTA_TRIAL_NONE &&
		out->id == rota_bootstate_confirmed(&state, 0))
		out->kind = ROTA_BOOT_CONFIRMED;
	return ROTA_OK;
}

static enum rota_err slot_confirm(void *ctx)
{
	struct sim_slots *s = ctx;
	const struct rota_booted *now = &s->device->booted;
	struct rota_bootstate state;

	ROTA_TRY(load(s, &state));
	if (state.phase == ROTA_TRIAL_NONE && now->id == rota_bootstate_confirmed(&state, 0))
		return ROTA_OK;
	if (state.phase != ROTA_TRIAL_STARTED || now->id == rota_bootstate_confirmed(&state, 0) ||
		memcmp(now->digest, state.digest[0][now->id], ROTA_SHA256_LEN) != 0)
		return ROTA_ERR_STATE;
	ROTA_TRY(rota_bootstate_confirm(&state));
	return commit(s, &state);
}

static enum rota_err slot_revert(void *ctx)
{
	struct sim_slots *s = ctx;
	struct rota_bootstate state;

	ROTA_TRY(load(s, &state));
	if (state.phase == ROTA_TRIAL_NONE)
		return ROTA_OK;
	rota_bootstate_revert(&state);
	return commit(s, &state);
}

/* ---- the boot state, which nobody else is at ---- */

static enum rota_err access_begin(void *ctx, struct rota_bootstate *out)
{
	const struct sim_device *d = ctx;

	return rota_bootstate_load(&d->boot, out);
}

static enum rota_err access_commit(void *ctx, const struct rota_bootstate *state)
{
	struct sim_device *d = ctx;

	return rota_bootstate_commit(&d->boot, state);
}

static void access_end(void *ctx)
{
	(void)ctx;
}

void sim_slots_init(struct sim_device *d)
{
	d->access = (struct rota_boot_access){ d, access_begin, access_commit, access_end };
	for (uint8_t i = 0; i < d->fleet->components; i++) {
		struct sim_slots *s = &d->slots[i];

		*s = (struct sim_slots){ .device = d, .component = i };
		s->port = (struct rota_slots){ .ctx = s,
			.inactive = slot_inactive,
			.write = slot_write,
			.finish = slot_finish,
			.trial = slot_trial,
			.booted = slot_booted,
			.confirm = slot_confirm,
			.revert = slot_revert };
		d->named[i] = (struct rota_named_slots){ d->fleet->slot_name[i], &s->port };
	}
}
