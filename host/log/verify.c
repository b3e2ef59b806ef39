/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/verify.h"
#include "host/ingest/segment.h"
#include "host/log/entry.h"
#include "host/log/head.h"
#include "host/log/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BAR_STEP 4096 /* entries between two looks at the bar */

/* A root that was signed, and where that was read. */
struct mark {
	uint64_t size;
	uint8_t root[ROTA_SHA256_LEN];
	const char *name;
};

/* The tile that is being filled on a level. */
struct tile {
	uint8_t hash[ROTA_TILE_LEN];
	unsigned count;
	uint64_t n;
};

struct run {
	const struct rota_audit *a;
	struct rota_audit_report *out;
	struct rota_fail *why;
	struct mark mark[ROTA_AUDIT_HEADS_MAX + 1]; /* by size */
	size_t marks, passed; /* passed: how many of them were right */
	struct rota_merkle_edge edge;
	struct tile tile[ROTA_TILE_LEVELS];
	struct rota_cursor *journal;
};

static enum rota_err bad(struct run *r, uint64_t index, const char *what)
{
	r->out->bad = index;
	return rota_fail(r->why, ROTA_ERR_HASH, "entry %" PRIu64 ": %s", index, what);
}

static enum rota_err add_mark(
	struct run *r, struct rota_span note, const char *name, bool published)
{
	struct rota_checkpoint c;
	struct mark *to = &r->mark[r->marks];
	uint32_t who;

	ROTA_TRY(rota_log_policy_open(
		r->a->crypto, r->a->policy, note, published, &c, &who, r->why));
	*to = (struct mark){ .size = c.size, .name = name };
	memcpy(to->root, c.root, sizeof(to->root));
	r->marks++;
	if (!published)
		return ROTA_OK;
	r->out->entries = c.size;
	r->out->witnesses = (unsigned)__builtin_popcount(who & r->a->policy->quorum);
	memcpy(r->out->root, c.root, sizeof(c.root));
	return ROTA_OK;
}

static enum rota_err read_published(struct run *r)
{
	struct rota_bytes note = { 0 };
	enum rota_err err =
		r->a->files->get(r->a->files->ctx, "checkpoint", ROTA_LOG_HEAD_MAX, &note, r->why);

	if (err == ROTA_OK)
		err = add_mark(r, rota_bytes_span(&note), "the log's checkpoint", true);
	rota_bytes_free(&note);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(r->why, "checkpoint");
}

static enum rota_err read_head(struct run *r, const char *path)
{
	struct rota_log_head head;
	enum rota_err err = rota_log_head_read(path, &head, r->why);

	if (err != ROTA_OK)
		return err;
	err = add_mark(r, rota_bytes_span(&head.note), path, false);
	rota_log_head_free(&head);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(r->why, "%s", path);
}

static int by_size(const void *a, const void *b)
{
	const struct mark *left = a, *right = b;

	return left->size < right->size ? -1 : left->size > right->size;
}

/* What the heads say of each other needs no entry. */
static enum rota_err compare_marks(struct run *r)
{
	const struct mark *last = &r->mark[r->marks - 1];

	qsort(r->mark, r->marks, sizeof(r->mark[0]), by_size);
	for (size_t i = 1; i < r->marks; i++) {
		const struct mark *a = &r->mark[i - 1], *b = &r->mark[i];

		if (a->size == b->size && memcmp(a->root, b->root, sizeof(a->root)) != 0)
			return rota_fail(r->why, ROTA_ERR_CORRUPT,
				"two heads of size %" PRIu64
				" with different roots: %s and %s; the "
				"log was shown in two forms",
				a->size, a->name, b->name);
	}
	if (last->size > r->out->entries)
		return rota_fail(r->why, ROTA_ERR_CORRUPT,
			"%s was signed over %" PRIu64 " entries, the log has %" PRIu64
			": entries were taken away",
			last->name, last->size, r->out->entries);
	return ROTA_OK;
}

static enum rota_err read_marks(struct run *r)
{
	if (r->a->head_count > ROTA_AUDIT_HEADS_MAX)
		return rota_fail(r->why, ROTA_ERR_LIMIT, "more than %d earlier checkpoints",
			ROTA_AUDIT_HEADS_MAX);
	ROTA_TRY(read_published(r));
	for (size_t i = 0; i < r->a->head_count; i++)
		ROTA_TRY(read_head(r, r->a->heads[i]));
	return compare_marks(r);
}

/* The roots that were signed over as many entries as were read. */
static enum rota_err pass_marks(struct run *r)
{
	uint64_t after = r->passed > 0 ? r->mark[r->passed - 1].size : 0;
	uint8_t root[ROTA_SHA256_LEN];

	if (r->passed == r->marks || r->mark[r->passed].size != r->edge.size)
		return ROTA_OK;
	rota_merkle_root(r->a->crypto, &r->edge, root);
	for (; r->passed < r->marks && r->mark[r->passed].size == r->edge.size; r->passed++) {
		const struct mark *m = &r->mark[r->passed];

		if (memcmp(root, m->root, sizeof(root)) == 0)
			continue;
		if (m->size == r->out->entries)
			return bad(r, after,
				"from here on the entries are not those that were signed");
		return rota_fail(r->why, ROTA_ERR_CORRUPT,
			"%s is no beginning of this log: an entry from %" PRIu64
			" on is another one",
			m->name, after);
	}
	return ROTA_OK;
}

/* The tile as it was published has the hashes that the entries gave so far. */
static enum rota_err compare_tile(struct run *r, int level)
{
	const struct tile *t = &r->tile[level];
	uint8_t stored[ROTA_TILE_LEN];
	uint64_t first = t->n * ROTA_TILE_WIDTH, all = (r->out->entries >> (8 * level)) - first;
	unsigned width = all < ROTA_TILE_WIDTH ? (unsigned)all : ROTA_TILE_WIDTH;

	if (rota_tile_get(r->a->files, level, t->n, width, stored, r->why) != ROTA_OK)
		return rota_fail_in(
			r->why, "tile of entries from %" PRIu64 " on", first << (8 * level));
	for (unsigned i = 0; i < t->count; i++, first++) {
		if (memcmp(stored + i * ROTA_SHA256_LEN, t->hash + i * ROTA_SHA256_LEN,
			    ROTA_SHA256_LEN) != 0)
			return bad(r, first << (8 * level),
				level == 0
					? "it is not the one that its tile has the hash of"
					: "from here on there is another than a tile has the hash "
					  "of");
	}
	return ROTA_OK;
}

/* A hash goes into its level's tile; a full tile gives one for the level above. */
static enum rota_err add_hash(struct run *r, uint8_t hash[static ROTA_SHA256_LEN])
{
	for (int level = 0; level < ROTA_TILE_LEVELS; level++) {
		struct tile *t = &r->tile[level];
		struct rota_merkle_edge whole = { 0 };

		memcpy(t->hash + t->count * ROTA_SHA256_LEN, hash, ROTA_SHA256_LEN);
		if (++t->count < ROTA_TILE_WIDTH)
			return ROTA_OK;
		ROTA_TRY(compare_tile(r, level));
		for (unsigned i = 0; i < ROTA_TILE_WIDTH; i++)
			rota_merkle_append(r->a->crypto, &whole, t->hash + i * ROTA_SHA256_LEN);
		rota_merkle_root(r->a->crypto, &whole, hash);
		t->count = 0;
		t->n++;
	}
	return ROTA_OK;
}

static enum rota_err next_entry(struct run *r, struct rota_log_entry *e)
{
	struct rota_ingest_fault fault;
	struct rota_record record;
	enum rota_err err;

	do
		err = rota_cursor_next(r->journal, &record, &fault);
	while (err == ROTA_OK && record.type != ROTA_RECORD_LOG);
	if (err == ROTA_ERR_NOT_FOUND)
		return bad(r, r->edge.size, "the journal ends before it");
	if (err != ROTA_OK)
		return rota_log_fault(r->why, err, r->a->journal, &fault);
	if (rota_log_entry_read(r->a->crypto, &record, e) != ROTA_OK)
		return bad(r, r->edge.size,
			"its private record in the journal is not the one that it was logged with");
	return ROTA_OK;
}

static enum rota_err compare_journal(struct run *r, struct rota_span leaf)
{
	struct rota_log_entry e;

	if (!r->journal)
		return ROTA_OK;
	ROTA_TRY(next_entry(r, &e));
	if (e.index != r->edge.size)
		return bad(r, r->edge.size, "the journal has another one in its place");
	if (!rota_span_eq(e.bytes, leaf))
		return bad(r, r->edge.size, "it is not the one in the journal");
	return ROTA_OK;
}

static enum rota_err take_entry(struct run *r, struct rota_span bytes)
{
	uint8_t hash[ROTA_SHA256_LEN];
	struct rota_leaf leaf;
	enum rota_err err = rota_leaf_decode(bytes, &leaf);

	/* one of a later release is an entry too */
	if (err != ROTA_OK && err != ROTA_ERR_UNSUPPORTED)
		return bad(r, r->edge.size, "it is no entry of such a log");
	ROTA_TRY(compare_journal(r, bytes));
	rota_merkle_leaf(r->a->crypto, bytes, hash);
	rota_merkle_append(r->a->crypto, &r->edge, hash);
	ROTA_TRY(add_hash(r, hash));
	if (r->a->progress && r->edge.size % BAR_STEP == 0)
		r->a->progress->step(r->a->progress->ctx, r->edge.size, r->out->entries);
	/* the last root is looked at when the tiles at the edge were: they name the entry */
	return r->edge.size < r->out->entries ? pass_marks(r) : ROTA_OK;
}

static enum rota_err take_bundle(struct run *r, struct rota_span rest, uint64_t until)
{
	struct rota_span leaf;

	while (r->edge.size < until) {
		if (rota_tile_next_entry(&rest, &leaf) == ROTA_OK) {
			ROTA_TRY(take_entry(r, leaf));
			continue;
		}
		/* one that is missing before moved those behind it */
		ROTA_TRY(compare_tile(r, 0));
		return bad(r, r->edge.size, "it is gone, or cut short");
	}
	return ROTA_OK;
}

static enum rota_err take_entries(struct run *r)
{
	while (r->edge.size < r->out->entries) {
		uint64_t n = r->edge.size / ROTA_TILE_WIDTH, left = r->out->entries - r->edge.size;
		unsigned width = left < ROTA_TILE_WIDTH ? (unsigned)left : ROTA_TILE_WIDTH;
		struct rota_bytes bundle = { 0 };
		enum rota_err err = rota_tile_entries(r->a->files, n, width, &bundle, r->why);

		if (err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_FORMAT)
			err = bad(
				r, r->edge.size, "the file that it stands in is gone, or damaged");
		if (err == ROTA_OK)
			err = take_bundle(r, rota_bytes_span(&bundle), r->edge.size + width);
		rota_bytes_free(&bundle);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

static enum rota_err verify(struct run *r)
{
	struct rota_ingest_fault fault;

	ROTA_TRY(read_marks(r));
	if (r->a->journal) {
		enum rota_err err = rota_cursor_open(r->a->journal, 0, &r->journal, &fault);

		if (err != ROTA_OK)
			return rota_log_fault(r->why, err, r->a->journal, &fault);
	}
	if (r->out->entries > 0)
		ROTA_TRY(pass_marks(r)); /* a head of no entries */
	ROTA_TRY(take_entries(r));
	for (int level = 0; level < ROTA_TILE_LEVELS; level++) {
		if (r->tile[level].count > 0)
			ROTA_TRY(compare_tile(r, level));
	}
	return pass_marks(r);
}

enum rota_err rota_audit_verify(
	const struct rota_audit *audit, struct rota_audit_report *out, struct rota_fail *why)
{
	struct run *r = calloc(1, sizeof(*r));
	enum rota_err err;

	*out = (struct rota_audit_report){ 0 };
	if (!r)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	r->a = audit;
	r->out = out;
	r->why = why;
	err = verify(r);
	rota_cursor_close(r->journal);
	free(r);
	return err;
}
