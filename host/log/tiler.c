/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/head.h"
#include "host/log/tiler_parts.h"

#include <stdlib.h>
#include <string.h>

void tiler_root(struct rota_tiler *t, uint8_t *out)
{
	struct rota_merkle_edge whole = { .size = t->size };
	unsigned at = 0;

	for (unsigned l = ROTA_TILE_LEVELS; l-- > 0;) {
		struct rota_merkle_edge part = { .size = 0 };
		unsigned nodes = 0;

		for (unsigned i = 0; i < t->level[l].width; i++)
			rota_merkle_append(
				t->config->crypto, &part, &t->level[l].hash[i * TILER_HASH]);
		for (uint64_t n = part.size; n != 0; n &= n - 1)
			memcpy(whole.node[at++], part.node[nodes++], TILER_HASH);
	}
	rota_merkle_root(t->config->crypto, &whole, out);
}

/* Files ------------------------------------------------------------------------------------------ */

/* A file of `level`. It becomes durable with all others of the step, before a head is signed that needs them. */
static enum rota_err place(struct rota_tiler *t, int level, uint64_t n, unsigned width,
	struct rota_span bytes, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], dir[ROTA_FILE_PATH_MAX], name[ROTA_TILE_PATH_MAX];
	struct rota_draft d;

	rota_tile_path(level, n, width, name);
	ROTA_TRY(rota_log_path(t->public, name, ROTA_BUF(path), why));
	memcpy(dir, path, sizeof(dir));
	*strrchr(dir, '/') = 0;
	if (strcmp(dir, t->made[level + 1]) != 0)
		ROTA_TRY(rota_file_mkdirs(dir, 0755, why));
	ROTA_TRY(rota_draft_open(&d, dir, 0644, why));
	if (rota_draft_write(&d, bytes, why) != ROTA_OK) {
		rota_draft_drop(&d);
		return why->err;
	}
	rota_draft_sync_later(&d);
	memcpy(t->made[level + 1], dir, sizeof(dir));
	return rota_draft_place(&d, path, why);
}

static enum rota_err place_partial(struct rota_tiler *t, struct rota_fail *why)
{
	if (t->level[0].width > 0)
		ROTA_TRY(place(t, ROTA_TILE_ENTRIES, tiler_edge(t, 0), t->level[0].width,
			rota_span(t->bundle, t->bundle_len), why));
	for (int l = 0; l < ROTA_TILE_LEVELS; l++) {
		const struct edge_tile *e = &t->level[l];

		/* one that stands is what a head needs: it is not replaced by one that is not durable yet */
		if (e->width == 0 || t->nodes[l] == t->size >> (8 * l))
			continue;
		ROTA_TRY(place(t, l, tiler_edge(t, l), e->width,
			rota_span(e->hash, e->width * TILER_HASH), why));
		t->nodes[l] = t->size >> (8 * l);
	}
	return ROTA_OK;
}

static void drop_partial(const struct rota_tiler *t, int level, uint64_t n)
{
	char name[ROTA_TILE_PATH_MAX], path[ROTA_FILE_PATH_MAX];
	struct rota_fail why;

	rota_tile_path(level, n, 1, name);
	*strrchr(name, '/') = 0;
	if (rota_log_path(t->public, name, ROTA_BUF(path), &why) == ROTA_OK)
		rota_file_remove_tree(path);
}

/* The partial tiles of a number are of use until the full one has been there for a while: until the next one is. */
static void drop_partials(const struct rota_tiler *t, uint64_t before)
{
	for (int level = ROTA_TILE_ENTRIES; level < ROTA_TILE_LEVELS; level++) {
		int as = level < 0 ? 0 : level;
		uint64_t first = (before >> (8 * as)) / ROTA_TILE_WIDTH;

		for (uint64_t n = first > 0 ? first - 1 : 0; n + 1 < tiler_edge(t, as); n++)
			drop_partial(t, level, n);
	}
}

/* The tree grows ---------------------------------------------------------------------------------- */

static enum rota_err fill_levels(struct rota_tiler *t, struct rota_fail *why)
{
	ROTA_TRY(place(t, ROTA_TILE_ENTRIES, tiler_edge(t, 0) - 1, ROTA_TILE_WIDTH,
		rota_span(t->bundle, t->bundle_len), why));
	t->bundle_len = 0;
	for (int l = 0; l + 1 < ROTA_TILE_LEVELS && t->level[l].width == ROTA_TILE_WIDTH; l++) {
		struct rota_merkle_edge edge = { .size = 0 };
		struct edge_tile *e = &t->level[l], *above = &t->level[l + 1];

		ROTA_TRY(place(
			t, l, tiler_edge(t, l) - 1, ROTA_TILE_WIDTH, ROTA_SPAN(e->hash), why));
		for (unsigned i = 0; i < ROTA_TILE_WIDTH; i++)
			rota_merkle_append(t->config->crypto, &edge, &e->hash[i * TILER_HASH]);
		memcpy(&above->hash[above->width++ * TILER_HASH], edge.node[0], TILER_HASH);
		e->width = 0;
	}
	return ROTA_OK;
}

static enum rota_err add_leaf(struct rota_tiler *t, struct rota_span leaf, struct rota_fail *why)
{
	struct edge_tile *e = &t->level[0];

	t->bundle[t->bundle_len++] = (uint8_t)(leaf.len >> 8);
	t->bundle[t->bundle_len++] = (uint8_t)leaf.len;
	memcpy(&t->bundle[t->bundle_len], leaf.p, leaf.len);
	t->bundle_len += leaf.len;
	rota_merkle_leaf(t->config->crypto, leaf, &e->hash[e->width++ * TILER_HASH]);
	t->size++;
	return e->width == ROTA_TILE_WIDTH ? fill_levels(t, why) : ROTA_OK;
}

/* The next entry of the journal. ROTA_ERR_NOT_FOUND: it has no more. */
static enum rota_err next_entry(
	struct rota_tiler *t, struct rota_log_entry *out, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	struct rota_record r;
	enum rota_err err;

	do
		err = rota_cursor_next(t->cursor, &r, &fault);
	while (err == ROTA_OK && r.type == ROTA_RECORD_CLOSE);
	if (err != ROTA_OK)
		return rota_log_fault(why, err, t->journal, &fault);
	err = rota_log_entry_read(t->config->crypto, &r, out);
	return err == ROTA_OK ? ROTA_OK
			      : rota_fail(why, err, "%s: record %llu is no entry of the log",
					t->journal, (unsigned long long)r.sequence);
}

static enum rota_err add_entries(struct rota_tiler *t, uint64_t durable, struct rota_fail *why)
{
	/* Read ahead is what was not durable then: a failed commit takes it back, and others take its place. */
	rota_cursor_forget(t->cursor);
	while (t->size < durable) {
		struct rota_log_entry e;
		enum rota_err err = next_entry(t, &e, why);

		if (err == ROTA_OK && e.index < t->size)
			continue; /* behind the place that the cursor was opened at */
		if (err == ROTA_ERR_NOT_FOUND || (err == ROTA_OK && e.index != t->size))
			err = rota_fail(why, ROTA_ERR_CORRUPT, "%s: entry %llu is missing",
				t->journal, (unsigned long long)t->size);
		ROTA_TRY(err);
		ROTA_TRY(add_leaf(t, e.bytes, why));
	}
	return place_partial(t, why);
}

/* All of it durable, and only then what nobody needs any more is removed. */
static enum rota_err grow(struct rota_tiler *t, uint64_t durable, struct rota_fail *why)
{
	struct rota_sync_all disk;
	uint64_t before = t->size;
	enum rota_err err;

	ROTA_TRY(rota_sync_all_begin(&disk, t->public, why));
	err = add_entries(t, durable, why);
	if (err != ROTA_OK) {
		rota_sync_all_drop(&disk);
		return err;
	}
	ROTA_TRY(rota_sync_all_end(&disk, why));
	drop_partials(t, before);
	return ROTA_OK;
}

/* The checkpoint ------------------------------------------------------------------------------------ */

static enum rota_err publish(struct rota_tiler *t, struct rota_span note, struct rota_fail *why)
{
	ROTA_TRY(rota_file_write(t->checkpoint, note, 0644, why));
	t->stale = false;
	return ROTA_OK;
}

static enum rota_err publish_head(struct rota_tiler *t, struct rota_fail *why)
{
	struct rota_log_head head;
	enum rota_err err;

	ROTA_TRY(rota_log_head_read(t->head, &head, why));
	err = publish(t, rota_bytes_span(&head.note), why);
	rota_log_head_free(&head);
	return err;
}

static enum rota_err sign_and_publish(struct rota_tiler *t, struct rota_fail *why)
{
	const struct rota_tiler_config *config = t->config;
	struct rota_checkpoint c = { .origin = rota_span_cstr(config->origin), .size = t->size };
	uint8_t room[ROTA_NOTE_TEXT_MAX];
	struct rota_bytes note = { .p = NULL };
	struct rota_span text;
	enum rota_err err;

	tiler_root(t, c.root);
	err = rota_checkpoint_write(&c, ROTA_BUF(room), &text);
	if (err != ROTA_OK)
		return rota_fail(why, err, "%s is no origin of a log", config->origin);
	rota_bytes_add(&note, text);
	rota_bytes_add_text(&note, "\n");
	err = config->sign(config->ctx, text, &note, why);
	/* the head first: what is published is never beyond what we know that we said */
	if (err == ROTA_OK)
		err = rota_file_write(t->head, rota_bytes_span(&note), 0640, why);
	if (err == ROTA_OK) {
		t->published = t->size;
		t->stale = true;
		err = publish(t, rota_bytes_span(&note), why);
	}
	rota_bytes_free(&note);
	return err;
}

static void forget(struct rota_tiler *t)
{
	rota_cursor_close(t->cursor);
	t->cursor = NULL;
}

static enum rota_err set_paths(struct rota_tiler *t, struct rota_fail *why)
{
	const struct rota_tiler_config *config = t->config;

	ROTA_TRY(rota_log_path(config->dir, "journal", ROTA_BUF(t->journal), why));
	ROTA_TRY(rota_log_path(config->dir, "public", ROTA_BUF(t->public), why));
	ROTA_TRY(rota_log_path(config->dir, "public/checkpoint", ROTA_BUF(t->checkpoint), why));
	if (config->head == NULL)
		ROTA_TRY(rota_log_path(config->dir, "head", ROTA_BUF(t->head), why));
	else if (strlen(config->head) >= sizeof(t->head))
		return rota_fail(why, ROTA_ERR_LIMIT, "path too long: %s", config->head);
	else
		strcpy(t->head, config->head);
	return rota_file_mkdirs(t->public, 0755, why);
}

enum rota_err rota_tiler_open(
	const struct rota_tiler_config *config, struct rota_tiler **out, struct rota_fail *why)
{
	struct rota_tiler *t = calloc(1, sizeof(*t));
	enum rota_err err = ROTA_OK;

	*out = NULL;
	if (t == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	t->config = config;
	if (!rota_note_name_valid(rota_span_cstr(config->origin)))
		err = rota_fail(why, ROTA_ERR_ARGUMENT,
			"a log's origin has 1 to %d printable characters without blank and +",
			ROTA_NOTE_NAME_MAX);
	if (err == ROTA_OK)
		err = set_paths(t, why);
	if (err == ROTA_OK)
		err = tiler_resume(t, why);
	if (err != ROTA_OK) {
		rota_tiler_close(t);
		return err;
	}
	*out = t;
	return ROTA_OK;
}

enum rota_err rota_tiler_step(
	struct rota_tiler *t, uint64_t durable, uint64_t *size, struct rota_fail *why)
{
	enum rota_err err = t->cursor != NULL ? ROTA_OK : tiler_resume(t, why);

	if (err == ROTA_OK && t->size < durable)
		err = grow(t, durable, why);
	*size = t->published;
	if (err != ROTA_OK) {
		forget(t); /* the next step begins with what the files say */
		return err;
	}
	if (t->published < t->size)
		err = sign_and_publish(t, why);
	else if (t->stale)
		err = publish_head(t, why);
	*size = t->published;
	return err;
}

void rota_tiler_close(struct rota_tiler *t)
{
	if (t == NULL)
		return;
	forget(t);
	free(t);
}
