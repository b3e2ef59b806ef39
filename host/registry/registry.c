/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/registry.h"
#include "host/base/bytes.h"
#include "host/registry/delivery.h"
#include "host/registry/held.h"
#include "host/registry/proof.h"
#include "host/registry/report.h"
#include "rota/base/hex.h"
#include "rota/codec/note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_setback(const char *name)
{
	return strcmp(name, "refused") == 0 || strcmp(name, "failed") == 0 ||
		strcmp(name, "reverted") == 0;
}

/* The newest event says how the device is. */
static void take_state(struct rota_db_device *d, const struct rota_db_event *e)
{
	d->last_seq = e->seq;
	if (e->root) /* who says none holds what he said before */
		d->root = e->root;
	memcpy(d->state, e->name, sizeof(d->state));
	if (is_setback(e->name)) {
		memcpy(d->step, e->step, sizeof(d->step));
		memcpy(d->clause, e->clause, sizeof(d->clause));
		memcpy(d->reason, e->reason, sizeof(d->reason));
	}
	if (strcmp(e->name, "confirmed") != 0)
		return;
	memcpy(d->version, e->version, sizeof(d->version));
	memcpy(d->release, e->release, sizeof(d->release));
	d->step[0] = d->clause[0] = d->reason[0] = '\0';
}

/* Whether the head that comes with an event follows from what is known of the device's log. Without a head it does. */
static enum rota_err log_follows(const struct rota_db *db, struct rota_db_device *d,
	const struct rota_db_event *e, bool *follows, struct rota_fail *why)
{
	char known[ROTA_DB_TEXT_LEN];
	uint64_t count = strtoull(e->log, NULL, 10);
	enum rota_err err;

	*follows = true;
	if (e->log[0] == '\0')
		return ROTA_OK;
	err = db->event_log(db->ctx, d->id, e->seq, known, why);
	if (err == ROTA_OK)
		*follows = strcmp(known, e->log) == 0;
	else if (err == ROTA_ERR_NOT_FOUND)
		*follows = count > d->log_count;
	if (err ==
		ROTA_ERR_NOT_FOUND) /* what does not follow is told once: it is what goes on from here */
		d->log_count = count;
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

/* Whether a new event leaves out the head that the newest one came with. */
static enum rota_err falls_silent(const struct rota_db *db, const struct rota_db_device *d,
	const struct rota_db_event *e, bool *silent, struct rota_fail *why)
{
	char newest[ROTA_DB_TEXT_LEN];
	enum rota_err err;

	*silent = false;
	if (e->log[0] != '\0' || e->seq <= d->last_seq)
		return ROTA_OK;
	err = db->event_log(db->ctx, d->id, d->last_seq, newest, why);
	*silent = err == ROTA_OK && newest[0] != '\0';
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : err;
}

/* "SIZE ROOT" */
static enum rota_err judge_checkpoint(const struct rota_registry_log *log, const char *text)
{
	const char *blank = strchr(text, ' ');
	uint8_t root[ROTA_SHA256_LEN];
	uint64_t size;

	if (!blank ||
		rota_note_decimal(rota_span(text, (size_t)(blank - text)), &size) != ROTA_OK ||
		rota_hex_decode(rota_span_cstr(blank + 1), ROTA_BUF(root)) != ROTA_OK)
		return ROTA_ERR_FORMAT;
	return log ? log->look(log->ctx, size, root) : ROTA_OK;
}

/* One that was told before was looked at then. */
static void take_checkpoint(const struct rota_registry_log *log, struct rota_db_device *d,
	const struct rota_db_event *e, struct rota_registry_alarm *alarm)
{
	enum rota_err err;

	if (e->checkpoint[0] == '\0' || strcmp(e->checkpoint, d->checkpoint) == 0)
		return;
	memcpy(d->checkpoint, e->checkpoint, sizeof(d->checkpoint));
	err = judge_checkpoint(log, e->checkpoint);
	if (err == ROTA_OK)
		return;
	d->checkpoints_strange++;
	alarm->strange = true;
	alarm->strange_err = err;
	memcpy(alarm->checkpoint, e->checkpoint, sizeof(alarm->checkpoint));
}

static enum rota_err apply_event(const struct rota_db *db, const struct rota_registry_log *log,
	struct rota_db_device *d, const struct rota_db_event *e, struct rota_registry_alarm *alarm,
	struct rota_fail *why)
{
	bool added = false, follows, silent;

	if (e->seq <= d->floor_seq)
		return ROTA_OK;
	ROTA_TRY(log_follows(db, d, e, &follows, why));
	ROTA_TRY(falls_silent(db, d, e, &silent, why));
	if (!follows)
		d->log_forks++;
	if (!follows || silent) {
		alarm->forked = alarm->forked || !follows;
		alarm->silent = alarm->silent || silent;
		alarm->seq = e->seq;
	}
	ROTA_TRY(db->add_event(db->ctx, e, &added, why));
	if (!added)
		return ROTA_OK;
	d->events++;
	take_checkpoint(log, d, e, alarm);
	if (e->seq > d->last_seq)
		take_state(d, e);
	return ROTA_OK;
}

static enum rota_err find_device(const struct rota_db *db, const struct rota_record *record,
	struct rota_db_device *out, struct rota_fail *why)
{
	char id[ROTA_DB_ID_LEN];
	enum rota_err err;

	rota_hex(ROTA_SPAN(record->device), id);
	err = db->device(db->ctx, id, out, why);
	if (err != ROTA_ERR_NOT_FOUND)
		return err;
	memset(out, 0, sizeof(*out));
	memcpy(out->id, id, sizeof(id));
	return ROTA_OK;
}

/* Records of releases before have no certificate: nothing is said of a signature there. */
static enum rota_err take_proof(const struct rota_db *db, const struct rota_record *record,
	const struct rota_delivery *delivery, const struct rota_report *report,
	struct rota_db_device *d, struct rota_registry_alarm *alarm, struct rota_fail *why)
{
	if (record->type != ROTA_RECORD_DELIVERY)
		return ROTA_OK;
	return rota_proof_take(db, record, delivery, report, d, alarm, why);
}

static enum rota_err apply_report(const struct rota_db *db, const struct rota_registry_log *log,
	const struct rota_record *record, const struct rota_delivery *delivery,
	const struct rota_report *report, struct rota_registry_alarm *alarm, struct rota_fail *why)
{
	uint64_t floor, roots[ROTA_REPORT_EVENTS_MAX];
	struct rota_db_device device;
	struct rota_db_event event;

	ROTA_TRY(find_device(db, record, &device, why));
	memcpy(alarm->device, device.id, sizeof(alarm->device));
	if (record->time_ms > device.last_seen_ms)
		device.last_seen_ms = record->time_ms;
	rota_held_read(delivery->body, roots);
	for (size_t i = 0; i < rota_report_count(report); i++) {
		rota_report_event(report, i, &event);
		event.root = roots[i];
		memcpy(event.device, device.id, sizeof(event.device));
		event.received_ms = record->time_ms;
		ROTA_TRY(apply_event(db, log, &device, &event, alarm, why));
	}
	ROTA_TRY(take_proof(db, record, delivery, report, &device, alarm, why));
	ROTA_TRY(db->prune_events(db->ctx, device.id, ROTA_REGISTRY_EVENTS_KEPT, &floor, why));
	if (floor > device.floor_seq)
		device.floor_seq = floor;
	return db->set_device(db->ctx, &device, why);
}

/* A report, and the certificate that it came under where the record has it. */
static bool read_record(const struct rota_record *record, struct rota_delivery *delivery,
	struct rota_report **report)
{
	struct rota_fail unread;

	*delivery = (struct rota_delivery){ .body = record->payload };
	if (record->type != ROTA_RECORD_REPORT && record->type != ROTA_RECORD_DELIVERY)
		return false;
	if (record->type == ROTA_RECORD_DELIVERY &&
		rota_delivery_read(record->payload, delivery) != ROTA_OK)
		return false;
	return rota_report_read(delivery->body, report, &unread) == ROTA_OK;
}

enum rota_err rota_registry_apply(const struct rota_db *db, const struct rota_registry_log *log,
	const struct rota_record *record, struct rota_registry_alarm *alarm, struct rota_fail *why)
{
	struct rota_delivery delivery;
	struct rota_report *report;
	uint64_t position;
	enum rota_err err;

	*alarm = (struct rota_registry_alarm){ 0 };
	ROTA_TRY(db->position(db->ctx, &position, why));
	/* A journal whose oldest segments were dropped starts a view made anew in the middle. */
	if (record->sequence != position + 1 && position != 0)
		return rota_fail(why, ROTA_ERR_STATE,
			"journal record %" PRIu64 " does not follow position %" PRIu64,
			record->sequence, position);
	if (read_record(record, &delivery, &report)) {
		err = apply_report(db, log, record, &delivery, report, alarm, why);
		rota_report_free(report);
		ROTA_TRY(err);
	}
	return db->set_position(db->ctx, record->sequence, why);
}
