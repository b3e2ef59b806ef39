/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ingest/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Zeros laid behind a group that needs more room: few enough that whoever follows the journal reads them in no time. */
#define AHEAD_LEN ((size_t)1024 * 1024)

struct rota_ingest {
	int dir, lock, fd;
	uint64_t segment_max, segment, offset; /* newest segment, and where its durable part ends */
	uint64_t laid; /* where the zeros end that lie behind that part */
	uint64_t durable, next; /* sequences */
	bool open_end; /* a record was written since the last closing one */
	bool broken; /* a sync failed: what is on the disk is not known */
	size_t gathered;
	uint8_t room[ROTA_INGEST_GROUP_MAX];
};

static enum rota_err fail(
	struct rota_ingest *j, enum rota_err err, const char *what, struct rota_ingest_fault *fault)
{
	*fault = (struct rota_ingest_fault){ .offset = j->offset, .what = what, .sys = errno };
	if (j->segment > 0)
		rota_segment_name(j->segment, fault->file);
	return err;
}

/* No room in any sense: disk, quota, or a limit on the size of files. */
static enum rota_err err_of_errno(void)
{
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ROTA_ERR_FULL : ROTA_ERR_IO;
}

static bool write_all(int fd, const uint8_t *bytes, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t put = pwrite(fd, bytes, len, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes += put;
		len -= (size_t)put;
		at += put;
	}
	return true;
}

/* Without the zeros that no record took. */
static bool cut_ahead(const struct rota_ingest *j)
{
	return j->laid <= j->offset || ftruncate(j->fd, (off_t)j->offset) == 0;
}

/* A segment appears with its whole header or not at all: temporary name, fsync, rename, fsync. */
static enum rota_err new_segment(
	struct rota_ingest *j, uint64_t number, struct rota_ingest_fault *fault)
{
	struct rota_segment_header h = { .number = number, .first = j->next };
	uint8_t head[ROTA_SEGMENT_HEADER_LEN];
	char name[ROTA_SEGMENT_NAME_LEN];
	enum rota_err err;
	int fd = openat(
		j->dir, "new.tmp", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return fail(j, err_of_errno(), "a new segment cannot be made", fault);
	rota_segment_header_encode(&h, head);
	rota_segment_name(number, name);
	if (!write_all(fd, head, sizeof(head), 0) || fsync(fd) != 0 ||
		renameat(j->dir, "new.tmp", j->dir, name) != 0) {
		err = fail(j, err_of_errno(), "a new segment cannot be written", fault);
		close(fd);
		return err;
	}
	if (fsync(j->dir) != 0) {
		/* it is there, perhaps for good: what goes into the one before would contradict it */
		j->broken = true;
		err = fail(j, err_of_errno(), "a new segment cannot be made durable", fault);
		close(fd);
		return err;
	}
	if (j->fd >= 0)
		close(j->fd);
	j->fd = fd;
	j->segment = number;
	j->offset = j->laid = ROTA_SEGMENT_HEADER_LEN;
	return ROTA_OK;
}

/* Walk the newest segment to its end; *closed says whether its last record is a closing one. */
static enum rota_err find_end(const char *dir, uint64_t first, struct rota_ingest *j, bool *closed,
	struct rota_ingest_fault *fault)
{
	struct rota_cursor *c;
	struct rota_record r;
	enum rota_err err;
	uint64_t torn;

	ROTA_TRY(rota_cursor_open(dir, first, &c, fault));
	while ((err = rota_cursor_next(c, &r, fault)) == ROTA_OK)
		*closed = r.type == ROTA_RECORD_CLOSE;
	err = rota_cursor_judge_end(c, err, &torn, fault);
	j->offset = j->laid = rota_cursor_offset(c);
	j->next = rota_cursor_sequence(c);
	rota_cursor_close(c);
	return err;
}

static enum rota_err resume(const char *dir, struct rota_ingest *j, struct rota_segment_range range,
	struct rota_ingest_fault *fault)
{
	struct rota_segment_header h;
	bool closed = true;

	ROTA_TRY(rota_segment_open(j->dir, range.high, O_RDWR, &h, &j->fd, fault));
	j->segment = range.high;
	ROTA_TRY(find_end(dir, h.first, j, &closed, fault));
	j->durable = j->next - 1;
	j->open_end = !closed;
	/* What is kept was perhaps never synced by its writer; from here on it counts as durable. */
	if (ftruncate(j->fd, (off_t)j->offset) != 0 || fsync(j->fd) != 0)
		return fail(j, ROTA_ERR_IO, "the torn tail cannot be cut off", fault);
	return ROTA_OK;
}

static enum rota_err open_in(
	const char *dir, struct rota_ingest *j, struct rota_ingest_fault *fault)
{
	struct rota_segment_range range;

	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0)
		return fail(j, ROTA_ERR_IO, "the directory cannot be opened", fault);
	j->lock = openat(j->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (j->lock < 0)
		return fail(j, err_of_errno(), "the lock file cannot be made", fault);
	if (flock(j->lock, LOCK_EX | LOCK_NB) != 0)
		return fail(j, ROTA_ERR_BUSY, "another process writes this journal", fault);
	ROTA_TRY(rota_segment_list(j->dir, &range, fault));
	return range.high == 0 ? new_segment(j, 1, fault) : resume(dir, j, range, fault);
}

static void release(struct rota_ingest *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->lock >= 0)
		close(j->lock);
	if (j->dir >= 0)
		close(j->dir);
	free(j);
}

enum rota_err rota_ingest_open(const char *dir, uint64_t segment_max, struct rota_ingest **out,
	struct rota_ingest_fault *fault)
{
	struct rota_ingest *j;
	enum rota_err err;

	*out = NULL;
	*fault = (struct rota_ingest_fault){ .what = "the segment size is out of bounds" };
	if (segment_max < ROTA_SEGMENT_MIN || segment_max > ROTA_SEGMENT_MAX)
		return ROTA_ERR_ARGUMENT;
	j = calloc(1, sizeof(*j));
	if (j == NULL) {
		fault->what = "out of memory";
		return ROTA_ERR_FULL;
	}
	j->dir = j->lock = j->fd = -1;
	j->next = 1;
	j->segment_max = segment_max;
	err = open_in(dir, j, fault);
	if (err != ROTA_OK) {
		release(j);
		return err;
	}
	*out = j;
	return ROTA_OK;
}

enum rota_err rota_ingest_append(struct rota_ingest *j, struct rota_record *r)
{
	struct rota_buf rest = { .p = j->room + j->gathered, .len = sizeof(j->room) - j->gathered };
	size_t len;

	if (j->broken)
		return ROTA_ERR_STATE;
	if (r->payload.len > ROTA_RECORD_PAYLOAD_MAX)
		return ROTA_ERR_LIMIT;
	r->sequence = j->next;
	r->durable = j->durable;
	if (rota_record_encode(r, rest, &len) != ROTA_OK)
		return ROTA_ERR_FULL;
	j->gathered += len;
	j->next++;
	return ROTA_OK;
}

/* Take the gathered records back: the file ends where it ended, the sequence too. */
static enum rota_err take_back(struct rota_ingest *j, enum rota_err err)
{
	j->next = j->durable + 1;
	j->gathered = 0;
	j->laid = j->offset;
	if (ftruncate(j->fd, (off_t)j->offset) != 0)
		j->broken = true;
	return err;
}

static bool must_turn(const struct rota_ingest *j)
{
	return j->offset > ROTA_SEGMENT_HEADER_LEN && j->offset + j->gathered > j->segment_max;
}

/* The gathered records get their sequence at append(); the new segment starts with the first of them. The one before is
 * final from then on. */
static enum rota_err turn(struct rota_ingest *j, struct rota_ingest_fault *fault)
{
	uint64_t next = j->next;
	enum rota_err err;

	if (!cut_ahead(j) || fdatasync(j->fd) != 0)
		return fail(j, ROTA_ERR_IO, "a full segment cannot be ended", fault);
	j->laid = j->offset;
	j->next = j->durable + 1;
	err = new_segment(j, j->segment + 1, fault);
	j->next = next;
	return err;
}

/* How many zeros go with the gathered records: none while there is room for them in what is laid. */
static size_t ahead_of(const struct rota_ingest *j)
{
	uint64_t end = j->offset + j->gathered, most = sizeof(j->room) - j->gathered;

	if (end <= j->laid || end >= j->segment_max)
		return 0;
	if (most > j->segment_max - end)
		most = j->segment_max - end;
	return most < AHEAD_LEN ? (size_t)most : AHEAD_LEN;
}

/* The gathered records, and the zeros behind them if there is room for those on the disk. */
static bool write_group(struct rota_ingest *j)
{
	size_t ahead = ahead_of(j);
	uint64_t end = j->offset + j->gathered;

	memset(j->room + j->gathered, 0, ahead);
	if (ahead > 0 && write_all(j->fd, j->room, j->gathered + ahead, (off_t)j->offset)) {
		j->laid = end + ahead;
		return true;
	}
	if (end > j->laid)
		j->laid = end;
	return write_all(j->fd, j->room, j->gathered, (off_t)j->offset);
}

enum rota_err rota_ingest_commit(struct rota_ingest *j, struct rota_ingest_fault *fault)
{
	enum rota_err err;

	if (j->broken)
		return fail(j, ROTA_ERR_STATE,
			"an earlier write failed; restart after mending the disk", fault);
	if (j->gathered == 0)
		return ROTA_OK;
	if (must_turn(j)) {
		err = turn(j, fault);
		if (err != ROTA_OK)
			return take_back(j, err);
	}
	if (!write_group(j)) {
		err = fail(j, err_of_errno(), "writing failed", fault);
		return take_back(j, err);
	}
	if (fdatasync(j->fd) != 0) {
		err = fail(j, err_of_errno(), "fdatasync failed", fault);
		j->broken = err != ROTA_ERR_FULL;
		return take_back(j, err);
	}
	j->offset += j->gathered;
	j->gathered = 0;
	j->durable = j->next - 1;
	j->open_end = true;
	return ROTA_OK;
}

uint64_t rota_ingest_durable(const struct rota_ingest *j)
{
	return j->durable;
}

enum rota_err rota_ingest_drop(
	struct rota_ingest *j, uint64_t through, uint64_t keep, struct rota_ingest_fault *fault)
{
	struct rota_segment_range range;
	char name[ROTA_SEGMENT_NAME_LEN];

	ROTA_TRY(rota_segment_list(j->dir, &range, fault));
	if (keep == 0)
		keep = 1;
	/* Oldest first, so that a cut in the middle leaves no gap. */
	for (uint64_t n = range.low; n > 0 && n + keep <= range.high; n++) {
		struct rota_segment_header after;
		int fd;

		ROTA_TRY(rota_segment_open(j->dir, n + 1, O_RDONLY, &after, &fd, fault));
		close(fd);
		if (after.first - 1 > through)
			break;
		rota_segment_name(n, name);
		if (unlinkat(j->dir, name, 0) != 0)
			return fail(j, ROTA_ERR_IO, "an old segment cannot be removed", fault);
	}
	if (fsync(j->dir) != 0)
		return fail(j, ROTA_ERR_IO, "the directory cannot be synced", fault);
	return ROTA_OK;
}

enum rota_err rota_ingest_close(struct rota_ingest *j, struct rota_ingest_fault *fault)
{
	struct rota_record closing = { .type = ROTA_RECORD_CLOSE };
	enum rota_err err = ROTA_OK;

	if (j == NULL)
		return ROTA_OK;
	if (!j->broken)
		err = rota_ingest_commit(j, fault);
	if (err == ROTA_OK && !j->broken && j->open_end) {
		err = rota_ingest_append(j, &closing);
		if (err == ROTA_OK)
			err = rota_ingest_commit(j, fault);
	}
	if (!j->broken)
		(void)cut_ahead(j); /* whoever opens it next cuts them off, too */
	release(j);
	return err;
}
