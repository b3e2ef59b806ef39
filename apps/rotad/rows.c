/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/rows.h"
#include "apps/rotad/log.h"
#include "apps/rotad/post.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/notary/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* After a batch that failed. */
#define RETRY_MS 5000
/* Between two looks at what another thread is about to have done. */
#define LOOK_MS 10
/* The note is a number; it is written when so many records went by, or a row was made. */
#define NOTE_EACH 10000

static bool is_over(struct rows *r)
{
	return queue_closed(&r->shared->rows);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void forget_signals(struct rows *r)
{
	while (queue_pop(&r->shared->rows) != NULL)
		;
}

static void rest(struct rows *r, int ms)
{
	uint64_t end = now_ms() + (uint64_t)ms, now;

	while (!is_over(r) && (now = now_ms()) < end) {
		queue_wait_ms(&r->shared->rows, (int)(end - now));
		forget_signals(r);
	}
}

static void say(struct rows *r, const char *text)
{
	if (!r->failed)
		log_line("rows: %s", text);
	r->failed = true;
}

/* ---- the note ---- */

static enum rota_err read_note(struct rows *r, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err = rota_file_read(r->path, 32, &text, why);

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	if (sscanf((const char *)text.p, "%" SCNu64, &r->batch.read) != 1)
		err = rota_fail(why, ROTA_ERR_FORMAT,
			"%s: no number: remove it, and the journal is read from its beginning",
			r->path);
	rota_bytes_free(&text);
	r->noted = r->batch.read;
	return err;
}

/* What is not noted is done again: how far it was read, and no item waits for its row. */
static void note(struct rows *r)
{
	char text[32];
	struct rota_fail why;

	if (r->batch.count > 0)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 "\n", r->batch.read);
	if (rota_file_write(r->path, rota_span_cstr(text), 0640, &why) != ROTA_OK) {
		say(r, why.text);
		return;
	}
	r->noted = r->batch.read;
	atomic_store(&r->shared->figures.rowed, r->noted);
}

/* ---- rows ---- */

static enum rota_err ask(
	struct rows *r, size_t count, struct rota_rows_result *out, struct rota_fail *why)
{
	const struct config *c = &r->shared->config;
	const struct rota_client_server server = { .address = c->authority };
	struct rota_span items[BATCH_ITEMS_MAX];
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; i < count; i++)
		items[i] = rota_span(r->batch.item[i].bytes, r->batch.item[i].len);
	if (r->client == NULL)
		err = rota_client_open(&server, &r->client, why);
	if (err == ROTA_OK)
		err = rota_client_rows(
			r->client, c->product, "devices' statements", items, count, out, why);
	if (err == ROTA_OK)
		return ROTA_OK;
	if (err == ROTA_ERR_BUSY)
		batch_busy(&r->batch, count);
	rota_client_close(r->client);
	r->client = NULL;
	return err;
}

/* Into the queue of ingest; where that is full it is waited for. */
static void give(struct rows *r, const struct batch_item *item, const uint8_t *row)
{
	struct post *p = post_new(NULL, ROTA_RECORD_ROW, ROTA_ROW_LEN);

	if (p == NULL)
		abort();
	p->home = &r->home;
	memcpy(p->record.device, item->device, sizeof(p->record.device));
	memcpy(p->payload, row, ROTA_ROW_LEN);
	while (!queue_push(&r->shared->ingest, p))
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000L }, NULL);
}

/* All of them are durable. *last: the highest record. */
static bool take_back(struct rows *r, size_t given, uint64_t *last)
{
	bool good = true;
	struct post *p;

	while (given > 0) {
		queue_wait(&r->home);
		while ((p = queue_pop(&r->home)) != NULL) {
			good = good && p->result == ROTA_OK;
			if (p->result == ROTA_OK && p->record.sequence > *last)
				*last = p->record.sequence;
			free(p);
			given--;
		}
	}
	return good;
}

/* A statement that the daemon makes no row of: the next batch would ask the same, so it is told and left. */
static void tell_refused(const struct batch_item *item, const struct rota_rows_result *got)
{
	char id[2 * ROTA_DEVICE_ID_LEN + 1];

	rota_hex(ROTA_SPAN(item->device), id);
	log_line("rows: device %s: no row follows from its statement: %s", id,
		rota_err_str((enum rota_err)got->err));
}

static enum rota_err make_rows(struct rows *r, size_t count, struct rota_fail *why)
{
	struct figures *f = &r->shared->figures;
	struct rota_rows_result *out = calloc(count, sizeof(*out));
	uint64_t last = 0;
	size_t given = 0;
	enum rota_err err;

	if (out == NULL)
		abort();
	err = ask(r, count, out, why);
	for (size_t i = 0; err == ROTA_OK && i < count; i++) {
		if (out[i].err != ROTA_OK) {
			count_one(&f->rows_refused);
			tell_refused(&r->batch.item[i], &out[i]);
			continue;
		}
		give(r, &r->batch.item[i], out[i].row);
		given++;
	}
	free(out);
	ROTA_TRY(err);
	if (!take_back(r, given, &last))
		return rota_fail(why, ROTA_ERR_IO, "rows could not be stored");
	atomic_fetch_add(&f->rows, given);
	batch_made(&r->batch, count);
	while (!is_over(r) && atomic_load(&f->projected) < last)
		rest(r, LOOK_MS);
	return ROTA_OK;
}

/* What there is now. What failed is tried again, or in pieces. */
static enum rota_err one_batch(struct rows *r, bool *idle, struct rota_fail *why)
{
	struct batch *b = &r->batch;
	bool made;

	if (b->count == 0)
		ROTA_TRY(batch_gather(b, atomic_load(&r->shared->figures.projected), why));
	made = b->count > 0;
	if (made)
		ROTA_TRY(make_rows(r, batch_next(b), why));
	r->failed = false;
	*idle = b->count == 0 && b->read >= atomic_load(&r->shared->figures.projected);
	if (made || b->read - r->noted >= NOTE_EACH)
		note(r);
	return ROTA_OK;
}

/* Put the cursor behind the record `after`. */
static enum rota_err seek(struct rows *r, uint64_t after, struct rota_fail *why)
{
	const char *journal = r->shared->config.journal;
	struct rota_ingest_fault fault;
	enum rota_err err = rota_cursor_open(journal, after + 1, &r->batch.cursor, &fault);

	if (err == ROTA_ERR_VERSION) /* it begins later */
		err = rota_cursor_open(journal, 0, &r->batch.cursor, &fault);
	return err == ROTA_OK ? ROTA_OK : rota_fail(why, err, "journal: %s", fault.what);
}

/* What waited may have changed meanwhile, as a device that was decommissioned: what is not noted is looked at anew. Where the journal
 * cannot be opened for the moment the batch stays as it is. */
static void look_again(struct rows *r)
{
	struct batch *b = &r->batch;
	struct rota_cursor *before = b->cursor;
	struct rota_fail why;

	b->cursor = NULL;
	if (seek(r, r->noted, &why) != ROTA_OK) {
		b->cursor = before;
		say(r, why.text);
		return;
	}
	rota_cursor_close(before);
	b->kept.sequence = 0;
	b->count = 0;
	b->read = r->noted;
}

static void *run(void *arg)
{
	struct rows *r = arg;
	struct rota_fail why;
	bool idle = false;

	while (!is_over(r)) {
		if (idle)
			queue_wait(&r->shared->rows);
		forget_signals(r);
		if (one_batch(r, &idle, &why) != ROTA_OK) {
			say(r, why.text);
			rest(r, RETRY_MS);
			look_again(r);
			idle = false;
		}
	}
	if (r->batch.read > r->noted)
		note(r);
	return NULL;
}

enum rota_err rows_open(struct rows *r, struct shared *shared, struct rota_fail *why)
{
	const struct config *c = &shared->config;
	struct rota_db unused;

	memset(r, 0, sizeof(*r));
	r->shared = shared;
	atomic_store(&shared->figures.rowed, UINT64_MAX);
	if (c->keys == NULL) /* [signd] comes with it */
		return ROTA_OK;
	r->path = rota_text("%s/rows.at", c->keys);
	if (!queue_init(&r->home, BATCH_ITEMS_MAX))
		return rota_fail(why, ROTA_ERR_FULL, "out of memory or descriptors");
	ROTA_TRY(read_note(r, why));
	atomic_store(&shared->figures.rowed, r->batch.read);
	ROTA_TRY(rota_db_sqlite_look(c->database, &r->sqlite, &unused, why));
	ROTA_TRY(rota_db_sqlite_registry(r->sqlite, &r->reg, why));
	r->batch.reg = &r->reg;
	return seek(r, r->batch.read, why);
}

void rows_close(struct rows *r)
{
	if (r->path == NULL)
		return;
	rota_client_close(r->client);
	rota_cursor_close(r->batch.cursor);
	rota_db_sqlite_close(r->sqlite);
	queue_free(&r->home);
	free(r->path);
	r->path = NULL;
}

bool rows_start(struct rows *r)
{
	return r->path == NULL || pthread_create(&r->thread, NULL, run, r) == 0;
}

void rows_join(struct rows *r)
{
	if (r->path != NULL)
		pthread_join(r->thread, NULL);
}
