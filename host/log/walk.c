/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/walk.h"
#include "host/ingest/segment.h"
#include "host/log/log.h"

#include <inttypes.h>

static enum rota_err visit(const struct rota_log_visitor *visitor, uint64_t index,
	struct rota_span bytes, struct rota_fail *why)
{
	struct rota_log_entry e = { .index = index, .bytes = bytes };
	enum rota_err err = rota_leaf_decode(bytes, &e.leaf);

	if (err == ROTA_ERR_UNSUPPORTED)
		return ROTA_OK;
	if (err != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT, "entry %" PRIu64 " is none", index);
	return visitor->take(visitor->ctx, &e, why);
}

static enum rota_err walk_bundle(struct rota_span rest, uint64_t first, unsigned width,
	const struct rota_log_visitor *visitor, struct rota_fail *why)
{
	struct rota_span leaf;

	for (unsigned i = 0; i < width; i++) {
		if (rota_tile_next_entry(&rest, &leaf) != ROTA_OK)
			return rota_fail(
				why, ROTA_ERR_FORMAT, "entry %" PRIu64 " is gone", first + i);
		ROTA_TRY(visit(visitor, first + i, leaf, why));
	}
	return ROTA_OK;
}

enum rota_err rota_log_walk(const struct rota_tiles *files, uint64_t size,
	const struct rota_log_visitor *visitor, struct rota_fail *why)
{
	for (uint64_t first = 0; first < size; first += ROTA_TILE_WIDTH) {
		unsigned width =
			size - first < ROTA_TILE_WIDTH ? (unsigned)(size - first) : ROTA_TILE_WIDTH;
		struct rota_bytes bundle = { 0 };
		enum rota_err err =
			rota_tile_entries(files, first / ROTA_TILE_WIDTH, width, &bundle, why);

		if (err == ROTA_OK)
			err = walk_bundle(rota_bytes_span(&bundle), first, width, visitor, why);
		rota_bytes_free(&bundle);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

static enum rota_err walk_records(const struct rota_crypto *crypto, struct rota_cursor *cursor,
	const char *journal, const struct rota_log_visitor *visitor, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	struct rota_record record;
	struct rota_log_entry e;
	enum rota_err err;
	uint64_t torn;

	while ((err = rota_cursor_next(cursor, &record, &fault)) == ROTA_OK) {
		if (record.type != ROTA_RECORD_LOG)
			continue;
		err = rota_log_entry_read(crypto, &record, &e);
		if (err == ROTA_ERR_UNSUPPORTED)
			continue;
		if (err != ROTA_OK)
			return rota_fail(why, err,
				"%s: record %" PRIu64
				" is no entry, or its private record is another's",
				journal, record.sequence);
		ROTA_TRY(visitor->take(visitor->ctx, &e, why));
	}
	err = rota_cursor_judge_end(cursor, err, &torn, &fault);
	return err == ROTA_OK ? ROTA_OK : rota_log_fault(why, err, journal, &fault);
}

enum rota_err rota_log_walk_journal(const struct rota_crypto *crypto, const char *journal,
	const struct rota_log_visitor *visitor, struct rota_fail *why)
{
	struct rota_ingest_fault fault;
	struct rota_cursor *cursor;
	enum rota_err err = rota_cursor_open(journal, 0, &cursor, &fault);

	if (err != ROTA_OK)
		return rota_log_fault(why, err, journal, &fault);
	err = walk_records(crypto, cursor, journal, visitor, why);
	rota_cursor_close(cursor);
	return err;
}
