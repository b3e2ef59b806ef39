/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/walk.h"
#include "host/ingest/segment.h"
#include "host/log/head.h"
#include "host/log/log.h"
#include "rota/base/base64.h"
#include "rota/trust/logproof.h"

#include <inttypes.h>
#include <string.h>

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
	return err == ROTA_ERR_NOT_FOUND ? ROTA_OK : rota_log_fault(why, err, journal, &fault);
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

/* The newest entry that a device takes. */
struct search {
	struct rota_span path;
	const uint8_t *sha256; /* NULL: any */
	bool found;
	uint64_t index;
	uint8_t digest[ROTA_SHA256_LEN];
	uint8_t leaf[ROTA_LEAF_MAX];
	size_t leaf_len;
};

static enum rota_err look(void *ctx, const struct rota_log_entry *e, struct rota_fail *why)
{
	struct search *s = ctx;

	(void)why;
	if (e->leaf.kind != ROTA_LEAF_RELEASE && e->leaf.kind != ROTA_LEAF_GRANTED)
		return ROTA_OK;
	if (!rota_span_eq(e->leaf.path, s->path) ||
		(s->sha256 && memcmp(e->leaf.digest, s->sha256, ROTA_SHA256_LEN) != 0))
		return ROTA_OK;
	s->found = true;
	s->index = e->index;
	memcpy(s->digest, e->leaf.digest, sizeof(s->digest));
	memcpy(s->leaf, e->bytes.p, e->bytes.len);
	s->leaf_len = e->bytes.len;
	return ROTA_OK;
}

static void add_base64(struct rota_bytes *out, struct rota_span bytes)
{
	uint8_t letters[(ROTA_LEAF_MAX + 2) / 3 * 4];
	size_t len = 0;

	/* there is room for the longest leaf */
	(void)!rota_base64_encode(bytes, ROTA_BUF(letters), &len);
	rota_bytes_add(out, rota_span(letters, len));
	rota_bytes_add_text(out, "\n");
}

/* What the tiles say is only handed out if it proves what it shall. */
static enum rota_err check(const struct rota_crypto *crypto, const struct search *s,
	struct rota_span proof, const struct rota_checkpoint *at, struct rota_fail *why)
{
	uint8_t leaf[ROTA_SHA256_LEN], root[ROTA_SHA256_LEN];
	enum rota_err err;

	rota_merkle_leaf(crypto, rota_span(s->leaf, s->leaf_len), leaf);
	err = rota_merkle_inclusion(crypto, s->index, at->size, leaf, proof, root);
	if (err == ROTA_OK && memcmp(root, at->root, sizeof(root)) == 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_HASH,
		"the tiles do not give the root that was signed; see: rota audit verify");
}

static enum rota_err write_proof(const struct rota_crypto *crypto, const struct rota_tiles *files,
	const struct search *s, struct rota_span note, const struct rota_checkpoint *at,
	struct rota_bytes *out, struct rota_fail *why)
{
	struct rota_bytes proof = { 0 };
	enum rota_err err = rota_tiles_inclusion(crypto, files, s->index, at->size, &proof, why);

	if (err == ROTA_OK)
		err = check(crypto, s, rota_bytes_span(&proof), at, why);
	if (err == ROTA_OK) {
		rota_bytes_add_text(out, "c2sp.org/tlog-proof@v1\nextra ");
		add_base64(out, rota_span(s->leaf, s->leaf_len));
		rota_bytes_print(out, "index %" PRIu64 "\n", s->index);
		for (size_t i = 0; i < proof.len; i += ROTA_SHA256_LEN)
			add_base64(out, rota_span(proof.p + i, ROTA_SHA256_LEN));
		rota_bytes_add_text(out, "\n");
		rota_bytes_add(out, note);
	}
	rota_bytes_free(&proof);
	if (err == ROTA_OK && out->len > ROTA_LOGPROOF_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT,
			"the proof has %zu bytes, devices take %d: too many cosignatures", out->len,
			ROTA_LOGPROOF_MAX);
	return err;
}

static enum rota_err prove(const struct rota_crypto *crypto, const struct rota_tiles *files,
	const struct rota_log_policy *policy, struct search *s, struct rota_span note,
	struct rota_bytes *out, struct rota_fail *why)
{
	const struct rota_log_visitor visitor = { .ctx = s, .take = look };
	struct rota_checkpoint at;
	uint32_t who;

	ROTA_TRY(rota_log_policy_open(crypto, policy, note, true, &at, &who, why));
	ROTA_TRY(rota_log_walk(files, at.size, &visitor, why));
	if (!s->found)
		return rota_fail(why, ROTA_ERR_NOT_FOUND,
			"%.*s: the log has no entry of it among its first %" PRIu64,
			(int)s->path.len, (const char *)s->path.p, at.size);
	return write_proof(crypto, files, s, note, &at, out, why);
}

enum rota_err rota_log_prove(const struct rota_crypto *crypto, const struct rota_tiles *files,
	const struct rota_log_policy *policy, const char *path, const uint8_t *sha256,
	struct rota_bytes *out, uint8_t digest[static ROTA_SHA256_LEN], struct rota_fail *why)
{
	struct search s = { .path = rota_span_cstr(path), .sha256 = sha256 };
	struct rota_bytes note = { 0 };
	enum rota_err err;

	ROTA_TRY(files->get(files->ctx, "checkpoint", ROTA_LOG_HEAD_MAX, &note, why));
	err = prove(crypto, files, policy, &s, rota_bytes_span(&note), out, why);
	rota_bytes_free(&note);
	memcpy(digest, s.digest, sizeof(s.digest));
	return err;
}
