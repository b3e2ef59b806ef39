/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/binding.h"
#include "rota/store/burnt.h"

/* Where a journal stands, seen from the counter. The worst of all journals decides. */
enum place {
	AT,
	NEXT, /* one above: a rise has begun */
	BELOW, /* or lost */
	FAR, /* two and more: no rise leaves that */
	PLACES
};

/* SPEC 9.6. */
static const uint8_t verdicts[PLACES] = {
	[AT] = ROTA_BINDING_CURRENT,
	[NEXT] = ROTA_BINDING_CUT,
	[BELOW] = ROTA_BINDING_RESTORED,
	[FAR] = ROTA_BINDING_FOREIGN,
};

/* ROTA_OK: it was read, or is lost; else it cannot be read now. */
static enum rota_err read_boot(const struct rota_boot_access *boot,
	const struct rota_burnt_shown *shown, struct rota_binding_facts *f)
{
	struct rota_bootstate state;
	enum rota_err err;

	if (boot == NULL)
		return ROTA_OK;
	f->has_boot = true;
	err = boot->begin(boot->ctx, &state);
	f->boot_lost = err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_CORRUPT;
	if (err != ROTA_OK)
		return f->boot_lost ? ROTA_OK : err;
	boot->end(boot->ctx);
	f->boot = state.binding;
	f->ahead = rota_burnt_follow(&state, shown);
	return ROTA_OK;
}

void rota_binding_read(const struct rota_counter *counter, const struct rota_boot_access *boot,
	struct rota_binding_facts *f)
{
	struct rota_burnt_shown shown;
	bool burnt = rota_burnt_read(counter, &shown);
	enum rota_err err;

	f->counts = rota_counter_has(counter, ROTA_COUNTER_STATE);
	if (f->counts)
		f->read = counter->read(counter->ctx, ROTA_COUNTER_STATE, &f->counter);
	if (!f->counts && !burnt)
		return;
	err = read_boot(boot, &shown, f);
	if (f->counts && f->read == ROTA_OK)
		f->read = err;
}

static enum place place(bool lost, uint32_t binding, uint32_t counter)
{
	if (lost || binding < counter)
		return BELOW;
	if (binding == counter)
		return AT;
	return binding - counter == 1 ? NEXT : FAR;
}

static enum place worse(enum place a, enum place b)
{
	return a > b ? a : b;
}

/* Nothing was ever bound: a device journal made anew is the factory's. */
static bool never_bound(const struct rota_binding_facts *f)
{
	return f->counter == 0 && (!f->has_boot || (f->boot == 0 && !f->boot_lost)) &&
		(!f->has_keys || f->keys == 0);
}

static enum rota_binding by_table(const struct rota_binding_facts *f)
{
	enum place worst = place(f->device_lost, f->device, f->counter);

	if (f->device_lost && never_bound(f))
		return ROTA_BINDING_CURRENT;
	if (f->has_boot)
		worst = worse(worst, place(f->boot_lost, f->boot, f->counter));
	if (f->has_keys)
		worst = worse(worst, place(false, f->keys, f->counter));
	if (f->keys_lost && f->counter > 0) /* before the first rise a cut may have left them so */
		worst = worse(worst, BELOW);
	return (enum rota_binding)verdicts[worst];
}

enum rota_binding rota_binding_judge(const struct rota_binding_facts *f)
{
	enum rota_binding b = ROTA_BINDING_CURRENT;

	if (f->counts && f->read == ROTA_ERR_CORRUPT)
		b = ROTA_BINDING_RESTORED;
	else if (f->counts && f->read != ROTA_OK)
		b = ROTA_BINDING_UNREADABLE;
	else if (f->counts)
		b = by_table(f);
	if (f->ahead || f->stranger || f->marked)
		return b == ROTA_BINDING_FOREIGN ? b : ROTA_BINDING_RESTORED;
	return b;
}

const char *rota_binding_name(enum rota_binding b)
{
	static const char *const names[] = {
		[ROTA_BINDING_CURRENT] = "current",
		[ROTA_BINDING_CUT] = "cut",
		[ROTA_BINDING_RESTORED] = "restored",
		[ROTA_BINDING_FOREIGN] = "foreign",
		[ROTA_BINDING_UNREADABLE] = "unreadable",
	};

	return names[b];
}
