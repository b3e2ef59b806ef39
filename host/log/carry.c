/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/carry.h"
#include "host/base/file.h"
#include "host/log/head.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 100 /* between two looks for a checkpoint */

/* A checkpoint with its signatures; all zeros: none. */
struct note {
	struct rota_bytes bytes; /* owned */
	struct rota_checkpoint at; /* points into it */
};

struct run {
	const struct rota_carry *c;
	struct rota_tiles from, to;
	struct note was, is; /* published, and the log's */
	struct rota_bytes cosigned;
	struct rota_fail *why;
};

static enum rota_err read_note(struct run *r, const struct rota_tiles *files, struct note *out)
{
	uint32_t who;

	rota_bytes_free(&out->bytes);
	ROTA_TRY(files->get(files->ctx, "checkpoint", ROTA_LOG_HEAD_MAX, &out->bytes, r->why));
	return rota_log_policy_open(r->c->crypto, r->c->policy, rota_bytes_span(&out->bytes), false,
		&out->at, &who, r->why);
}

/* The log's checkpoint, once it covers what it must. */
static enum rota_err wait_note(struct run *r)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };

	for (uint64_t left = r->c->least > 0 ? r->c->wait_s * UINT64_C(1000) / LOOK_MS : 0;;
		left--) {
		enum rota_err err = read_note(r, &r->from, &r->is);

		if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
			return rota_fail_in(r->why, "%s/checkpoint", r->c->from);
		if (err == ROTA_OK && r->is.at.size >= r->c->least)
			return ROTA_OK;
		if (left == 0)
			return rota_fail(r->why, ROTA_ERR_TIMEOUT,
				"%s/checkpoint covers %" PRIu64 " entries, not yet %" PRIu64
				": does rota-signd run, and its log's key answer?",
				r->c->from, err == ROTA_OK ? r->is.at.size : 0, r->c->least);
		nanosleep(&pause, NULL);
	}
}

static enum rota_err forked(struct run *r)
{
	return rota_fail(r->why, ROTA_ERR_CORRUPT,
		"%s has %" PRIu64 " entries and is not what %s/checkpoint was signed over, "
		"%" PRIu64 " entries: the log went back or forked, which is an incident",
		r->c->from, r->is.at.size, r->c->to, r->was.at.size);
}

/* What was published is the beginning of what is to be. */
static enum rota_err compare(struct run *r)
{
	const struct rota_checkpoint *was = &r->was.at, *is = &r->is.at;
	struct rota_bytes proof = { 0 };
	enum rota_err err = ROTA_OK;

	if (!rota_span_eq(was->origin, is->origin))
		return forked(r);
	if (was->size > 0 && was->size < is->size)
		err = rota_tiles_consistency(
			r->c->crypto, &r->from, was->size, is->size, &proof, r->why);
	if (err == ROTA_OK &&
		rota_merkle_consistency(r->c->crypto, was->size, is->size, was->root, is->root,
			rota_bytes_span(&proof)) != ROTA_OK)
		err = forked(r);
	rota_bytes_free(&proof);
	return err;
}

/* `width` leaves of a bundle; the log's writer may have the full one already. */
static enum rota_err read_entries(struct run *r, uint64_t n, unsigned width, struct rota_bytes *out)
{
	struct rota_span rest, leaf;

	ROTA_TRY(rota_tile_entries(&r->from, n, width, out, r->why));
	rest = rota_bytes_span(out);
	for (unsigned i = 0; i < width; i++) {
		if (rota_tile_next_entry(&rest, &leaf) != ROTA_OK)
			return rota_fail(r->why, ROTA_ERR_FORMAT, "%s: entry %" PRIu64 " is gone",
				r->c->from, n * ROTA_TILE_WIDTH + i);
	}
	out->len -= rest.len;
	return ROTA_OK;
}

static enum rota_err read_tile(
	struct run *r, int level, uint64_t n, unsigned width, struct rota_bytes *out)
{
	uint8_t hashes[ROTA_TILE_LEN];

	if (level == ROTA_TILE_ENTRIES)
		return read_entries(r, n, width, out);
	ROTA_TRY(rota_tile_get(&r->from, level, n, width, hashes, r->why));
	rota_bytes_add(out, rota_span(hashes, (size_t)width * ROTA_SHA256_LEN));
	return ROTA_OK;
}

static enum rota_err copy(struct run *r, int level, uint64_t n, unsigned width)
{
	char name[ROTA_TILE_PATH_MAX];
	struct rota_bytes bytes = { 0 };
	char *path, *folder;
	enum rota_err err;

	rota_tile_path(level, n, width, name);
	path = rota_text("%s/%s", r->c->to, name);
	folder = rota_text("%s", path);
	*strrchr(folder, '/') = 0;
	err = read_tile(r, level, n, width, &bytes);
	if (err == ROTA_OK)
		err = rota_file_mkdirs(folder, 0755, r->why);
	if (err == ROTA_OK)
		err = rota_file_write(path, rota_bytes_span(&bytes), 0644, r->why);
	rota_bytes_free(&bytes);
	free(folder);
	free(path);
	return err;
}

/* Of use until the full tile after theirs is there (SPEC 21.6). */
static void drop_partial(const struct run *r, int level, uint64_t n)
{
	char name[ROTA_TILE_PATH_MAX];
	char *path;

	rota_tile_path(level, n, 1, name);
	*strrchr(name, '/') = 0;
	path = rota_text("%s/%s", r->c->to, name);
	rota_file_remove_tree(path);
	free(path);
}

/* What a level has gained: full tiles, then the partial one. */
static enum rota_err copy_level(struct run *r, int level)
{
	unsigned shift = level == ROTA_TILE_ENTRIES ? 0 : 8 * (unsigned)level;
	uint64_t had = r->was.at.size >> shift, has = r->is.at.size >> shift;
	uint64_t n = had / ROTA_TILE_WIDTH;

	for (; n < has / ROTA_TILE_WIDTH; n++) {
		ROTA_TRY(copy(r, level, n, ROTA_TILE_WIDTH));
		if (n > 0)
			drop_partial(r, level, n - 1);
	}
	if (has == had || has % ROTA_TILE_WIDTH == 0)
		return ROTA_OK;
	return copy(r, level, n, (unsigned)(has % ROTA_TILE_WIDTH));
}

static enum rota_err copy_tiles(struct run *r)
{
	for (int level = ROTA_TILE_ENTRIES; level < ROTA_TILE_LEVELS; level++)
		ROTA_TRY(copy_level(r, level));
	return ROTA_OK;
}

/* Lines that stand on the published one hold as long as it is of the same size. */
static enum rota_err cosign(struct run *r, struct rota_carried *out)
{
	bool same = r->was.bytes.len > 0 && r->was.at.size == r->is.at.size;

	return rota_log_cosign(r->c->crypto, &r->from, r->c->policy,
		rota_bytes_span(same ? &r->was.bytes : &r->is.bytes), &r->c->watcher, &r->cosigned,
		&out->witnesses, r->why);
}

static enum rota_err prove_one(struct run *r, const struct rota_log_wanted *wanted)
{
	struct rota_bytes proof = { 0 };
	char *path = NULL;
	enum rota_err err = rota_log_prove(r->c->crypto, &r->from, wanted,
		rota_bytes_span(&r->cosigned), &r->is.at, &proof, r->why);

	if (err == ROTA_OK)
		err = rota_log_proof_place(
			r->c->to, wanted, rota_bytes_span(&proof), &path, r->why);
	free(path);
	rota_bytes_free(&proof);
	return err;
}

static enum rota_err prove(struct run *r, struct rota_log_wanted *wanted, size_t count)
{
	if (count == 0)
		return ROTA_OK;
	ROTA_TRY(rota_log_find(&r->from, r->is.at.size, wanted, count, r->why));
	for (size_t i = 0; i < count; i++) {
		if (wanted[i].found)
			ROTA_TRY(prove_one(r, &wanted[i]));
	}
	return ROTA_OK;
}

static enum rota_err publish(struct run *r)
{
	char *path = rota_text("%s/checkpoint", r->c->to);
	enum rota_err err = rota_file_write(path, rota_bytes_span(&r->cosigned), 0644, r->why);

	free(path);
	return err;
}

static enum rota_err carry(
	struct run *r, struct rota_log_wanted *wanted, size_t count, struct rota_carried *out)
{
	enum rota_err err;

	ROTA_TRY(wait_note(r));
	err = read_note(r, &r->to, &r->was);
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return rota_fail_in(r->why, "%s/checkpoint", r->c->to);
	if (err == ROTA_OK)
		ROTA_TRY(compare(r));
	ROTA_TRY(copy_tiles(r));
	ROTA_TRY(cosign(r, out));
	ROTA_TRY(prove(r, wanted, count));
	out->size = r->is.at.size;
	return publish(r);
}

enum rota_err rota_log_carry(const struct rota_carry *c, struct rota_log_wanted *wanted,
	size_t count, struct rota_carried *out, struct rota_fail *why)
{
	struct run r = {
		.c = c, .from = rota_tiles_in(c->from), .to = rota_tiles_in(c->to), .why = why
	};
	enum rota_err err = carry(&r, wanted, count, out);

	rota_bytes_free(&r.was.bytes);
	rota_bytes_free(&r.is.bytes);
	rota_bytes_free(&r.cosigned);
	return err;
}
