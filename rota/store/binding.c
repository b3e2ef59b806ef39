/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/store/binding.h"
#include "rota/store/burnt.h"

/* Where a journal stands, seen from the counter. */
enum place {
	BELOW,
	AT,
	NEXT, /* one above: a rise has begun */
	FAR, /* two and more: no rise leaves that */
	LOST,
	PLACES
};

enum {
	CUR = ROTA_BINDING_CURRENT,
	CUT = ROTA_BINDING_CUT,
	OLD = ROTA_BINDING_RESTORED,
	ODD = ROTA_BINDING_FOREIGN,
};

/* SPEC 9.6: device journal down, boot journal across. */
static const uint8_t verdicts[PLACES][PLACES] = {
	/*           BELOW AT   NEXT FAR  LOST */
	[BELOW] = { OLD, OLD, OLD, ODD, OLD },
	[AT] = { OLD, CUR, CUT, ODD, OLD },
	[NEXT] = { OLD, CUT, CUT, ODD, OLD },
	[FAR] = { ODD, ODD, ODD, ODD, ODD },
	[LOST] = { OLD, OLD, OLD, ODD, OLD },
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

static enum place place(uint32_t binding, uint32_t counter)
{
	if (binding < counter)
		return BELOW;
	if (binding == counter)
		return AT;
	return binding - counter == 1 ? NEXT : FAR;
}

static enum rota_binding by_table(const struct rota_binding_facts *f)
{
	enum place d = f->device_lost ? LOST : place(f->device, f->counter);
	enum place b = d;

	/* Nothing was ever bound: a journal made anew is the factory's. */
	if (f->device_lost && f->counter == 0 && (!f->has_boot || f->boot == 0) && !f->boot_lost)
		return ROTA_BINDING_CURRENT;
	if (f->has_boot)
		b = f->boot_lost ? LOST : place(f->boot, f->counter);
	return (enum rota_binding)verdicts[d][b];
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
