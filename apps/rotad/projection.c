/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/projection.h"
#include "apps/rotad/log.h"
#include "host/registry/fleet.h"
#include "host/registry/registry.h"

#include <inttypes.h>
#include <unistd.h>

/* Records of one transaction: a sync is shared, and a reader sees the view move in small steps. */
#define BATCH_MAX 500
/* Pause before a failed transaction is tried again. */
#define RETRY_S 1

static enum rota_err journal_fault(const struct config *c, const struct rota_ingest_fault *f,
	struct rota_fail *why, enum rota_err err)
{
	return rota_fail(why, err, "journal %s: %s%s%s at byte %" PRIu64, c->journal, f->what,
		f->file[0] ? " in " : "", f->file, f->offset);
}

static void begin(struct projection *p, struct shared *shared, const struct rota_db *db,
	const struct rota_regdb *reg)
{
	*p = (struct projection){ .shared = shared,
		.db = db,
		.reg = reg,
		.keys = { .stale = true },
		.checkpoints = { .folder = shared->config.log } };
	p->log = (struct rota_registry_log){ .ctx = &p->checkpoints, .look = checkpoints_look };
}

enum rota_err projection_open(struct projection *p, struct shared *shared, const struct rota_db *db,
	const struct rota_regdb *reg, uint64_t through, struct rota_fail *why)
{
	const struct config *c = &shared->config;
	struct rota_ingest_fault fault;
	enum rota_err err;

	begin(p, shared, db, reg);
	ROTA_TRY(db->begin(db->ctx, why));
	err = db->position(db->ctx, &p->position, why);
	db->rollback(db->ctx);
	ROTA_TRY(err);
	if (p->position > through)
		return rota_fail(why, ROTA_ERR_CORRUPT,
			"database %s contains journal record %" PRIu64 ", but journal %s ends at "
			"%" PRIu64 ": put the journal back, or run rotad --rebuild",
			c->database, p->position, c->journal, through);
	err = rota_cursor_open(c->journal, p->position + 1, &p->cursor, &fault);
	if (err == ROTA_ERR_VERSION)
		return rota_fail(why, err,
			"database %s ends at journal record %" PRIu64 ", older than journal %s "
			"begins: put the database back, or run rotad --rebuild to begin with what "
			"the journal has",
			c->database, p->position, c->journal);
	if (err != ROTA_OK)
		return journal_fault(c, &fault, why, err);
	atomic_store(&shared->figures.projected, p->position);
	atomic_store(&shared->figures.projection_ok, true);
	return ROTA_OK;
}

/* An empty database stays at position 0 when nothing follows, so the journal may begin anywhere. */
enum rota_err projection_rebuild(struct projection *p, struct shared *shared,
	const struct rota_db *db, const struct rota_regdb *reg, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	enum rota_err err;

	begin(p, shared, db, reg);
	ROTA_TRY(db->begin(db->ctx, why));
	err = db->clear(db->ctx, why);
	if (err != ROTA_OK) {
		db->rollback(db->ctx);
		return err;
	}
	ROTA_TRY(db->commit(db->ctx, why));
	err = rota_cursor_open(shared->config.journal, 0, &p->cursor, &fault);
	return err == ROTA_OK ? ROTA_OK : journal_fault(&shared->config, &fault, why, err);
}

void projection_close(struct projection *p)
{
	rota_cursor_close(p->cursor);
	p->cursor = NULL;
}

/* SPEC 22.5 */
static void tell_strange(const struct rota_registry_alarm *alarm)
{
	static const char *const what[] = {
		"it is another at that size: the signing log was shown in two forms",
		"the log here has not so many entries: it went back, what is published here is "
		"behind, "
		"or the device was shown another",
		"it is none",
	};
	int which = 2;

	if (alarm->strange_err == ROTA_ERR_HASH)
		which = 0;
	else if (alarm->strange_err == ROTA_ERR_NOT_FOUND)
		which = 1;
	log_line("device %s: it has seen checkpoint %s, and %s", alarm->device, alarm->checkpoint,
		what[which]);
}

/* What a person must hear of: SPEC 11.4, 13.6. */
static void tell(const struct rota_registry_alarm *alarm)
{
	if (alarm->forked)
		log_line("device %s: the log head of event %" PRIu64
			 " does not follow from those that are known: its flash was put back, "
			 "or another device has its identity",
			alarm->device, alarm->seq);
	else if (alarm->silent)
		log_line("device %s: event %" PRIu64 " comes without the head of its log, and "
			 "those before had one: its log takes no more, or somebody who cannot go "
			 "on with it speaks for it",
			alarm->device, alarm->seq);
	if (alarm->proven)
		log_line("device %s: it has signed two log heads of %" PRIu64
			 " entries; both are kept: rotad --log-heads %s",
			alarm->device, alarm->count, alarm->device);
	if (alarm->unproven)
		log_line("device %s: the newest log head of a report is not signed by its key; "
			 "the events were taken, the last signed head stays",
			alarm->device);
	if (alarm->strange)
		tell_strange(alarm);
}

/* A record of the registry that changed nothing, and was no repeat: somebody sent what he should not have, or a later
 * release wrote it. */
static void tell_fleet(struct projection *p, const struct rota_fleet_news *news)
{
	if (news->result == ROTA_FLEET_NOTHING)
		return;
	if (news->type == ROTA_RECORD_STATEMENT)
		count_one(&p->shared->figures.statements[news->result]);
	if (news->result == ROTA_FLEET_TAKEN)
		p->keys.stale = true;
	else if (news->result != ROTA_FLEET_REPEATED)
		log_line("device %s: a record of type %u changes nothing: %s", news->device,
			news->type, rota_fleet_word(news->result));
}

static enum rota_err apply_one(
	struct projection *p, const struct rota_record *record, struct rota_fail *why)
{
	struct rota_registry_alarm alarm;
	struct rota_fleet_news news;

	ROTA_TRY(rota_fleet_apply(p->reg, record, &news, why));
	tell_fleet(p, &news);
	ROTA_TRY(rota_registry_apply(
		p->db, p->checkpoints.folder ? &p->log : NULL, record, &alarm, why));
	tell(&alarm);
	if (alarm.strange)
		count_one(&p->shared->figures.strange);
	return ROTA_OK;
}

static enum rota_err apply_batch(
	struct projection *p, uint64_t through, uint64_t *last, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	struct rota_record record;

	for (int i = 0; i < BATCH_MAX && *last < through; i++) {
		enum rota_err err = rota_cursor_next(p->cursor, &record, &fault);

		if (err != ROTA_OK)
			return journal_fault(&p->shared->config, &fault, why, err);
		ROTA_TRY(apply_one(p, &record, why));
		*last = record.sequence;
	}
	return ROTA_OK;
}

/* After a failure the cursor stands somewhere in the batch: put it back where the database ends. */
static void reopen(struct projection *p)
{
	struct rota_ingest_fault fault;
	struct rota_cursor *fresh;

	if (rota_cursor_open(p->shared->config.journal, p->position + 1, &fresh, &fault) != ROTA_OK)
		return; /* tried again after the next failure */
	rota_cursor_close(p->cursor);
	p->cursor = fresh;
}

static enum rota_err one_batch(struct projection *p, uint64_t through, struct rota_fail *why)
{
	uint64_t last = p->position;
	enum rota_err err = p->db->begin(p->db->ctx, why);

	if (err != ROTA_OK)
		return err;
	err = apply_batch(p, through, &last, why);
	if (err == ROTA_OK)
		err = p->db->commit(p->db->ctx, why);
	else
		p->db->rollback(p->db->ctx);
	if (err != ROTA_OK) {
		reopen(p);
		return err;
	}
	p->position = last;
	atomic_store(&p->shared->figures.projected, last);
	return ROTA_OK;
}

enum rota_err projection_catch_up(struct projection *p, uint64_t through, struct rota_fail *why)
{
	while (p->position < through)
		ROTA_TRY(one_batch(p, through, why));
	return ROTA_OK;
}

static void report_state(struct projection *p, enum rota_err err, const struct rota_fail *why)
{
	bool was = atomic_exchange(&p->shared->figures.projection_ok, err == ROTA_OK);

	if (was && err != ROTA_OK)
		log_line("projection stands still, reports are still taken: %s", why->text);
	if (!was && err == ROTA_OK)
		log_line("projection: moving again");
}

static void *run(void *arg)
{
	struct projection *p = arg;
	bool closed = false;

	while (!closed) {
		struct rota_fail why;
		enum rota_err err;

		queue_wait_ms(&p->shared->projection, key_figures_wait(&p->keys));
		while (queue_pop(&p->shared->projection) != NULL)
			; /* many signals, one walk */
		do {
			closed = queue_closed(&p->shared->projection);
			err = projection_catch_up(
				p, atomic_load(&p->shared->figures.durable), &why);
			report_state(p, err, &why);
			queue_push(&p->shared->rows, p->shared);
			if (err != ROTA_OK && !closed)
				sleep(RETRY_S);
		} while (err != ROTA_OK && !closed);
		if (!closed)
			key_figures_refresh(&p->keys, p->db, p->reg, &p->shared->figures);
	}
	return NULL;
}

bool projection_start(struct projection *p)
{
	return pthread_create(&p->thread, NULL, run, p) == 0;
}

void projection_join(struct projection *p)
{
	pthread_join(p->thread, NULL);
}
