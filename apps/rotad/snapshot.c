/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/snapshot.h"
#include "apps/rotad/log.h"
#include "host/base/bytes.h"
#include "host/base/file.h"
#include "host/ingest/segment.h"
#include "ports/db_sqlite/db_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often is looked whether a segment could go. */
#define EACH_MS 5000
#define COPY_PIECE ((size_t)1024 * 1024)

static char *path_of(const struct config *c, const char *more)
{
	return rota_text("%s.snapshot%s", c->database, more);
}

/* ---- the journal's files ---- */

static enum rota_err list(const char *journal, struct rota_segment_range *out, uint64_t *first)
{
	int dir = open(journal, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	struct rota_ingest_fault fault;
	struct rota_segment_header h = { 0 };
	enum rota_err err;

	if (dir < 0)
		return ROTA_ERR_IO;
	err = rota_segment_list(dir, out, &fault);
	if (err == ROTA_OK && out->low != 0) {
		err = rota_segment_open(dir, out->low, O_RDONLY | O_CLOEXEC, &h, &fd, &fault);
		if (err == ROTA_OK)
			close(fd);
	}
	close(dir);
	*first = h.first;
	return err;
}

/* ---- making one ---- */

void snapshot_look(struct shared *shared)
{
	char *path = path_of(&shared->config, "");
	struct rota_fail why;
	uint64_t position = 0;

	if (rota_file_exists(path) && rota_db_sqlite_position(path, &position, &why) != ROTA_OK) {
		log_line("snapshot: %s", why.text);
		position = 0;
	}
	atomic_store(&shared->figures.snapshot, position);
	free(path);
}

static enum rota_err sync_file(const char *path, struct rota_fail *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum rota_err err = ROTA_OK;

	if (fd < 0 || fdatasync(fd) != 0)
		err = rota_fail_errno(why, errno, "%s", path);
	if (fd >= 0)
		close(fd);
	return err;
}

/* Whole, durable, and then under its name. */
static enum rota_err make(const struct config *c, struct rota_fail *why)
{
	char *path = path_of(c, ""), *draft = path_of(c, ".new");
	enum rota_err err;

	unlink(draft); /* of a run that was cut off */
	err = rota_db_sqlite_copy(c->database, draft, why);
	if (err == ROTA_OK)
		err = sync_file(draft, why);
	if (err == ROTA_OK)
		err = rota_file_rename(draft, path, why);
	free(path);
	free(draft);
	return err;
}

/* One for each segment that was begun since, when there are more than are kept. */
static void refresh(struct snapshot *s)
{
	const struct config *c = &s->shared->config;
	struct rota_segment_range range;
	struct rota_fail why;
	uint64_t first;

	if (list(c->journal, &range, &first) != ROTA_OK ||
		range.high - range.low + 1 <= c->keep_segments || range.high == s->segments)
		return;
	if (make(c, &why) != ROTA_OK) {
		if (!s->failed)
			log_line("snapshot: old segments stay: %s", why.text);
		s->failed = true;
		return;
	}
	s->failed = false;
	s->segments = range.high;
	snapshot_look(s->shared);
}

static void *run(void *arg)
{
	struct snapshot *s = arg;

	while (!queue_closed(&s->shared->snapshot)) {
		refresh(s);
		queue_wait_ms(&s->shared->snapshot, EACH_MS);
	}
	return NULL;
}

bool snapshot_start(struct snapshot *s, struct shared *shared)
{
	*s = (struct snapshot){ .shared = shared };
	if (shared->config.keep_segments == 0)
		return true;
	snapshot_look(shared);
	return pthread_create(&s->thread, NULL, run, s) == 0;
}

void snapshot_join(struct snapshot *s)
{
	if (s->shared->config.keep_segments != 0)
		pthread_join(s->thread, NULL);
}

/* ---- taking it ---- */

static enum rota_err copy_file(int from, struct rota_draft *to, struct rota_fail *why)
{
	uint8_t *piece = malloc(COPY_PIECE);
	enum rota_err err = ROTA_OK;
	ssize_t got = 1;

	if (piece == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	while (err == ROTA_OK && (got = read(from, piece, COPY_PIECE)) > 0)
		err = rota_draft_write(to, rota_span(piece, (size_t)got), why);
	free(piece);
	if (err == ROTA_OK && got < 0)
		return rota_fail_errno(why, errno, "the snapshot cannot be read");
	return err;
}

/* The database's own files of before must not be taken for those of the copy. */
static enum rota_err replace(const struct config *c, const char *snapshot, struct rota_fail *why)
{
	char *wal = rota_text("%s-wal", c->database), *shm = rota_text("%s-shm", c->database);
	char *above = rota_text("%s", c->database), *slash = strrchr(above, '/');
	struct rota_draft draft;
	uint64_t len;
	enum rota_err err;
	int fd;

	if (slash != NULL)
		*slash = '\0';
	err = rota_file_open(snapshot, &fd, &len, why);
	if (err == ROTA_OK) {
		err = rota_draft_open(&draft, slash == NULL ? "." : above, 0640, why);
		if (err == ROTA_OK)
			err = copy_file(fd, &draft, why);
		if (err == ROTA_OK)
			err = rota_file_remove(wal, why);
		if (err == ROTA_OK)
			err = rota_file_remove(shm, why);
		if (err == ROTA_OK)
			err = rota_draft_commit(&draft, c->database, why);
		else
			rota_draft_drop(&draft);
		close(fd);
	}
	free(wal);
	free(shm);
	free(above);
	return err;
}

enum rota_err snapshot_restore(const struct config *c, bool *restored, struct rota_fail *why)
{
	char *path = path_of(c, "");
	struct rota_segment_range range;
	uint64_t first = 0;
	enum rota_err err = ROTA_OK;

	*restored =
		list(c->journal, &range, &first) == ROTA_OK && first > 1 && rota_file_exists(path);
	if (*restored)
		err = replace(c, path, why);
	free(path);
	return err;
}
