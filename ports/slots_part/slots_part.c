/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/slots_part/slots_part.h"
#include "ports/posix/fd.h"
#include "ports/slots_part/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL "boot.bin"
#define JOURNAL_DRAFT "boot.new"
#define GIVEN_UP "given-up"

/* As rota-boot's: common serial flash; four sectors halve the wear of two. */
static const struct rota_flash_geometry geometry = {
	.run = { { .sector_len = 4096, .count = 4 } },
	.write_len = 16,
};

/* ---- whether a trial was given up in this boot ---- */

static bool given_up(const struct rota_slots_part *g)
{
	char now[ROTA_BOOT_ID_LEN], then[ROTA_BOOT_ID_LEN];
	int fd = openat(g->state_fd, GIVEN_UP, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, then, sizeof(then) - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	return got == ROTA_BOOT_ID_LEN - 1 &&
		rota_machine_boot(g->config.boot_id, now) == ROTA_OK &&
		memcmp(now, then, ROTA_BOOT_ID_LEN - 1) == 0;
}

/* Not synced: after a power cut there is another boot. */
static enum rota_err note_given_up(const struct rota_slots_part *g)
{
	char now[ROTA_BOOT_ID_LEN];
	enum rota_err err;
	int fd;

	ROTA_TRY(rota_machine_boot(g->config.boot_id, now));
	fd = openat(g->state_fd, GIVEN_UP, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return rota_fd_errno(errno);
	err = rota_fd_write(fd, 0, rota_span((const uint8_t *)now, ROTA_BOOT_ID_LEN - 1));
	(void)close(fd);
	return err;
}

/* ---- the boot state, judged ---- */

/* The journal is new, or lost: what the selector calls confirmed is, or what runs where it says nothing. The
 * digests are not known. */
static void first_state(const struct rota_slots_part *g, const struct rota_boot_facts *facts,
	struct rota_bootstate *state)
{
	static const uint8_t unknown[ROTA_SHA256_LEN];
	uint8_t confirmed = facts->readable ? facts->selected.confirmed : facts->running;

	rota_bootstate_init(state, 0, unknown);
	state->count = g->config.count;
	state->confirmed = rota_place_bits(g->config.count, confirmed);
}

static enum rota_err load(struct rota_slots_part *g, const struct rota_boot_facts *facts,
	struct rota_bootstate *state, bool *changed)
{
	enum rota_err err;

	ROTA_TRY(rota_journal_open(&g->journal, &g->flash.port, ROTA_JOURNAL_BOOT));
	err = rota_bootstate_load(&g->journal, state);
	*changed = err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_CORRUPT;
	if (*changed) {
		first_state(g, facts, state);
		return ROTA_OK;
	}
	ROTA_TRY(err);
	return state->count == g->config.count ? ROTA_OK : ROTA_ERR_STATE;
}

static void describe(struct rota_slots_part *g, const struct rota_bootstate *state, uint8_t running,
	enum rota_boot_kind kind)
{
	static const uint8_t unknown[ROTA_SHA256_LEN];
	struct rota_running *r = &g->running;

	*r = (struct rota_running){ .count = state->count, .kind = kind };
	r->places = rota_place_bits(state->count, running);
	r->trial = kind == ROTA_BOOT_TRIAL ? rota_place_bits(state->count, 1) : 0;
	for (uint8_t i = 0; i < state->count; i++) {
		memcpy(r->digest[i], state->digest[i][running], ROTA_SHA256_LEN);
		r->unknown = r->unknown ||
			(kind == ROTA_BOOT_FALLBACK &&
				memcmp(r->digest[i], unknown, ROTA_SHA256_LEN) == 0);
	}
}

/* The selector says what the boot state wants. */
static enum rota_err select_by(const struct rota_slots_part *g, const struct rota_bootstate *state)
{
	const struct rota_selector *selector = g->config.selector;
	struct rota_selection want = rota_boot_selection(state), is;
	enum rota_err err = selector->read(selector->ctx, &is);

	if (err != ROTA_OK && err != ROTA_ERR_CORRUPT)
		return err;
	if (err == ROTA_OK && is.confirmed == want.confirmed && is.trial == want.trial)
		return ROTA_OK;
	return selector->set(selector->ctx, &want);
}

static enum rota_err look(struct rota_slots_part *g, struct rota_boot_facts *facts)
{
	const struct rota_selector *selector = g->config.selector;
	enum rota_err err;

	*facts = (struct rota_boot_facts){ .given_up = given_up(g) };
	ROTA_TRY(rota_machine_place(g->config.cmdline, &facts->running));
	err = selector->read(selector->ctx, &facts->selected);
	facts->readable = err == ROTA_OK;
	return err == ROTA_ERR_CORRUPT ? ROTA_OK : err;
}

static enum rota_err judge(struct rota_slots_part *g, struct rota_bootstate *state)
{
	struct rota_boot_facts facts;
	enum rota_boot_kind kind;
	uint8_t phase, outcome;
	bool changed;

	ROTA_TRY(look(g, &facts));
	ROTA_TRY(load(g, &facts, state, &changed));
	phase = state->phase;
	outcome = state->outcome;
	kind = rota_boot_judge(state, &facts);
	if (changed || phase != state->phase || outcome != state->outcome)
		ROTA_TRY(rota_bootstate_commit(&g->journal, state));
	ROTA_TRY(select_by(g, state));
	describe(g, state, facts.running, kind);
	return ROTA_OK;
}

static enum rota_err boot_begin(void *ctx, struct rota_bootstate *out)
{
	struct rota_slots_part *g = ctx;
	enum rota_err err;

	ROTA_TRY(rota_flash_file_open(&g->flash, g->state_fd, JOURNAL, &geometry));
	err = rota_flash_file_lock(&g->flash, ROTA_SLOTS_PART_LOCK_MS);
	if (err == ROTA_OK)
		err = judge(g, out);
	if (err != ROTA_OK)
		rota_flash_file_close(&g->flash);
	return err;
}

/* The journal first; that a trial which runs is given up is known before. */
static enum rota_err boot_commit(void *ctx, const struct rota_bootstate *state)
{
	struct rota_slots_part *g = ctx;

	if (state->phase == ROTA_TRIAL_NONE && g->running.kind == ROTA_BOOT_TRIAL &&
		g->running.places != state->confirmed)
		ROTA_TRY(note_given_up(g));
	ROTA_TRY(rota_bootstate_commit(&g->journal, state));
	return select_by(g, state);
}

static void boot_end(void *ctx)
{
	struct rota_slots_part *g = ctx;

	rota_flash_file_close(&g->flash); /* releases the lock too */
}

static enum rota_err running_get(void *ctx, struct rota_running *out)
{
	const struct rota_slots_part *g = ctx;

	*out = g->running; /* by begin, which went before */
	return ROTA_OK;
}

/* ---- the set ---- */

/* A slot that the release brings nothing for gets what it runs, under the digest that this is known by. */
static enum rota_err copy_slot(struct rota_slots_part *g, uint8_t i)
{
	static const uint8_t unknown[ROTA_SHA256_LEN];
	const uint8_t *known = g->running.digest[i];
	struct rota_slots *port = &g->member[i].port;
	struct rota_slot to;

	ROTA_TRY(port->inactive(port->ctx, &to));
	ROTA_TRY(rota_partarea_copy(&g->area[i], to.id ^ 1, g->set.digest[i]));
	if (memcmp(known, unknown, ROTA_SHA256_LEN) != 0)
		memcpy(g->set.digest[i], known, ROTA_SHA256_LEN);
	g->set.asked |= (uint8_t)(1u << i);
	return ROTA_OK;
}

static enum rota_err switch_all(void *ctx)
{
	struct rota_slots_part *g = ctx;

	for (uint8_t i = 0; g->set.asked != 0 && i < g->config.count; i++) {
		if ((g->set.asked >> i & 1) == 0)
			ROTA_TRY(copy_slot(g, i));
	}
	return g->switch_asked(ctx);
}

static void wire(struct rota_slots_part *g)
{
	g->boot = (struct rota_boot_access){
		.ctx = g, .begin = boot_begin, .commit = boot_commit, .end = boot_end
	};
	g->source = (struct rota_running_source){ .ctx = g, .get = running_get };
	rota_set_init(&g->set, &g->boot, &g->source);
	g->switch_asked = g->set.port.switch_all;
	g->set.port.switch_all = switch_all;
	for (uint8_t i = 0; i < g->config.count; i++) {
		const struct rota_slots_part_slot *slot = &g->config.slot[i];

		rota_partarea_init(&g->area[i], g->config.crypto, g->state_fd, slot->name,
			slot->place[0], slot->place[1]);
		rota_set_member_init(&g->member[i], &g->set, i, &g->area[i].port);
	}
}

/* Under another name first: half a file would be no journal, and no place for one. */
static enum rota_err make_journal(int dir)
{
	if (faccessat(dir, JOURNAL, F_OK, 0) == 0)
		return ROTA_OK;
	if (unlinkat(dir, JOURNAL_DRAFT, 0) != 0 && errno != ENOENT)
		return rota_fd_errno(errno);
	ROTA_TRY(rota_flash_file_create(dir, JOURNAL_DRAFT, &geometry));
	if (renameat(dir, JOURNAL_DRAFT, dir, JOURNAL) != 0 || fsync(dir) != 0)
		return rota_fd_errno(errno);
	return ROTA_OK;
}

enum rota_err rota_slots_part_open(
	struct rota_slots_part *g, const struct rota_slots_part_config *config)
{
	enum rota_err err;

	*g = (struct rota_slots_part){ .config = *config };
	g->state_fd = open(config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->state_fd < 0)
		return rota_fd_errno(errno);
	err = make_journal(g->state_fd);
	if (err != ROTA_OK) {
		(void)close(g->state_fd);
		return err;
	}
	wire(g);
	return ROTA_OK;
}

void rota_slots_part_close(struct rota_slots_part *g)
{
	for (uint8_t i = 0; i < g->config.count; i++)
		rota_partarea_close(&g->area[i]);
	(void)close(g->state_fd);
}
