/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/burn.h"
#include "boot/keys.h"
#include "rota/store/burnt.h"

/* SPEC 10.5: an order's epoch first, so that it cannot be played again; what makes old images unbootable last. */
static const enum rota_counter_id order[] = {
	ROTA_COUNTER_EPOCH,
	ROTA_COUNTER_KEYS,
	ROTA_COUNTER_SECURITY,
};
#define NUMBERS (sizeof(order) / sizeof(order[0]))
#define STEPS_MAX (NUMBERS * 3) /* of one number: to, hardware, copy */

/* A number as it was found. */
struct found {
	uint32_t now; /* S: the hardware's, else the journal's copy */
	uint32_t copy, to;
	uint32_t target; /* what `to` may become, in this boot; `to` when it is to stay */
	bool may; /* the confirmed set goes on booting with `to` */
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t minus(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

/* T of SPEC 10.5. */
static uint32_t security_target(
	const struct rota_bootstate *state, const struct rota_burn_facts *facts, uint32_t now)
{
	uint32_t last = facts->number[ROTA_COUNTER_SECURITY].last;
	uint32_t wanted = facts->order ? facts->counter : state->floor_wanted;
	uint32_t step = now < UINT32_MAX - ROTA_BURN_STEPS ? now + ROTA_BURN_STEPS : UINT32_MAX;

	if (!facts->confirmed || facts->burnt)
		return state->burn_to;
	if (!facts->order)
		last = minus(last, ROTA_BURN_RESERVE);
	return least(least(wanted, facts->counter), least(step, last));
}

static struct found find(const struct rota_bootstate *state, const struct rota_burn_facts *facts,
	enum rota_counter_id id)
{
	const struct rota_burn_number *number = &facts->number[id];
	struct rota_burnt burnt = rota_burnt_get(state, id);
	struct found f = { .copy = burnt.copy, .to = burnt.to };

	if (id == ROTA_COUNTER_SECURITY)
		f.may = facts->confirmed && facts->counter >= f.to;
	else if (id == ROTA_COUNTER_KEYS)
		f.may = facts->confirmed && facts->reach >= f.to && facts->key_floor_max >= f.to;
	else /* epoch: who asked for it did so when its order was done */
		f.may = true;
	f.now = number->source == ROTA_BURN_HARDWARE ? number->now : f.copy;
	f.target = id == ROTA_COUNTER_SECURITY ? security_target(state, facts, f.now) : f.to;
	return f;
}

enum compared { BELOW, SAME, ABOVE };
enum then { NOTHING, RAISE, ASK, COPY };

#define ANY (-1)

struct row {
	enum compared now; /* S against `to` */
	int8_t copy; /* the copy against S, or ANY */
	int8_t may, wants; /* 1 yes, 0 no, ANY */
	enum then then;
};

/* SPEC 10.5. The first row that holds. A copy differs from S only where there is hardware. */
static const struct row rows[] = {
	/* S vs to, copy vs S, may, wants more */
	{ ABOVE, ANY, ANY, ANY, NOTHING }, /* old flash: the device says so first, SPEC 9.6 */
	{ BELOW, ANY, 1, ANY, RAISE }, /* cut off before or during the rise */
	{ BELOW, ANY, 0, ANY, NOTHING }, /* what runs now would not boot again */
	{ SAME, BELOW, ANY, ANY, COPY }, /* cut off after the rise, or at its end */
	{ SAME, SAME, ANY, 1, ASK },
	{ SAME, SAME, ANY, 0, NOTHING },
};

static enum compared compare(uint32_t a, uint32_t b)
{
	return a < b ? BELOW : a > b ? ABOVE : SAME;
}

static bool fits(int8_t need, int value)
{
	return need == ANY || need == value;
}

static enum then judge(const struct found *f)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (row->now == compare(f->now, f->to) &&
			fits(row->copy, (int)compare(f->copy, f->now)) && fits(row->may, f->may) &&
			fits(row->wants, f->target > f->now))
			return row->then;
	}
	return NOTHING; /* a copy above `to`: no boot state has one (SPEC 10.1) */
}

/* Whether there is something to do for this number; then *step says what. */
static bool step_of(const struct rota_bootstate *state, const struct rota_burn_facts *facts,
	enum rota_counter_id id, struct rota_burn_step *step)
{
	struct found f = find(state, facts, id);
	enum then then = facts->number[id].source == ROTA_BURN_UNREADABLE ? NOTHING : judge(&f);

	if (then == RAISE && facts->number[id].source == ROTA_BURN_JOURNAL) {
		f.now = f.to; /* no hardware: the copy is the number */
		then = COPY;
	} else if (then == COPY && facts->number[id].source == ROTA_BURN_HARDWARE &&
		!facts->number[id].firm) {
		then = RAISE; /* not by this boot: it may show what does not stay */
	}
	*step = (struct rota_burn_step){ .act = ROTA_BURN_COMMIT, .id = id, .next = *state };
	switch (then) {
	case NOTHING:
		return false;
	case RAISE:
		step->act = ROTA_BURN_ADVANCE;
		step->to = f.to;
		return true;
	case ASK:
		rota_burnt_put(&step->next, id, (struct rota_burnt){ f.copy, f.target });
		return true;
	case COPY:
		rota_burnt_put(&step->next, id, (struct rota_burnt){ f.now, f.to });
		return true;
	}
	return false;
}

void rota_burn_next(const struct rota_bootstate *state, const struct rota_burn_facts *facts,
	struct rota_burn_step *step)
{
	for (size_t i = 0; i < NUMBERS; i++) {
		if (step_of(state, facts, order[i], step))
			return;
	}
	step->act = ROTA_BURN_DONE;
}

/* ---- with a counter and a journal ---- */

static void read_number(
	const struct rota_counter *port, enum rota_counter_id id, struct rota_burn_number *number)
{
	*number = (struct rota_burn_number){ .source = ROTA_BURN_JOURNAL, .last = UINT32_MAX };
	if (!rota_counter_has(port, id))
		return;
	number->last = port->last[id];
	number->source = ROTA_BURN_HARDWARE;
	if (port->read(port->ctx, id, &number->now) != ROTA_OK)
		number->source = ROTA_BURN_UNREADABLE;
	else
		number->now = rota_burnt_number(id, number->now);
}

void rota_burn_begin(
	struct rota_burn_facts *facts, const struct rota_counter *port, const struct rota_rom *rom)
{
	*facts = (struct rota_burn_facts){ .counter = UINT32_MAX,
		.reach = UINT8_MAX,
		.key_floor_max = rota_boot_key_floor_max(rom) };
	for (size_t i = 0; i < NUMBERS; i++)
		read_number(port, order[i], &facts->number[order[i]]);
}

uint32_t rota_burn_floor(const struct rota_bootstate *state, const struct rota_burn_facts *facts,
	enum rota_counter_id id)
{
	struct found f = find(state, facts, id);

	return f.now > f.copy ? f.now : f.copy;
}

bool rota_burn_restored(const struct rota_bootstate *state, const struct rota_burn_facts *facts)
{
	for (size_t i = 0; i < NUMBERS; i++) {
		const struct rota_burn_number *number = &facts->number[order[i]];

		if (number->source == ROTA_BURN_HARDWARE &&
			number->now > rota_burnt_get(state, order[i]).to)
			return true;
	}
	return false;
}

void rota_burn_member(struct rota_burn_facts *facts, uint32_t counter, uint8_t keys)
{
	facts->counter = least(facts->counter, counter);
	facts->reach = (uint8_t)least(facts->reach, rota_boot_key_reach(keys));
	facts->order = facts->order || (keys >> ROTA_BOOT_KEY_ORDER & 1) != 0;
}

static enum rota_err advance(struct rota_burn_facts *facts, const struct rota_burn_step *step,
	const struct rota_counter *port)
{
	struct rota_burn_number *number = &facts->number[step->id];

	ROTA_TRY(port->advance(port->ctx, step->id, step->to));
	read_number(port, step->id, number); /* this counts, not what was asked */
	number->firm = true;
	return number->source == ROTA_BURN_HARDWARE ? ROTA_OK : ROTA_ERR_IO;
}

enum rota_err rota_burn_run(
	struct rota_bootstate *state, struct rota_burn_facts *facts, const struct rota_burn_io *io)
{
	struct rota_burn_step step;

	for (size_t i = 0; i < STEPS_MAX; i++) {
		rota_burn_next(state, facts, &step);
		switch (step.act) {
		case ROTA_BURN_DONE:
			return ROTA_OK;
		case ROTA_BURN_COMMIT:
			ROTA_TRY(io->commit(io->ctx, &step.next));
			facts->burnt = facts->burnt || step.next.burn_to != state->burn_to;
			*state = step.next;
			break;
		case ROTA_BURN_ADVANCE:
			ROTA_TRY(advance(facts, &step, io->port));
			break;
		}
	}
	return ROTA_ERR_IO; /* a counter that does not keep what it says */
}
