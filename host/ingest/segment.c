/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ingest/segment.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Four of the largest records: few reads on a long walk, and any one record fits. */
#define CURSOR_ROOM ((size_t)4 * ROTA_RECORD_MAX)

struct rota_cursor {
	int dir, fd;
	uint64_t segment, offset, sequence;
	size_t at, filled; /* unread bytes are room[at, filled) */
	uint8_t room[CURSOR_ROOM];
};

static enum rota_err fail(struct rota_ingest_fault *f, enum rota_err err, uint64_t segment,
	uint64_t offset, const char *what)
{
	*f = (struct rota_ingest_fault){ .offset = offset, .what = what, .sys = errno };
	if (err == ROTA_ERR_CORRUPT || err == ROTA_ERR_UNSUPPORTED || err == ROTA_ERR_VERSION)
		f->sys = 0;
	if (segment > 0)
		rota_segment_name(segment, f->file);
	return err;
}

void rota_segment_name(uint64_t number, char out[static ROTA_SEGMENT_NAME_LEN])
{
	snprintf(out, ROTA_SEGMENT_NAME_LEN, "%010" PRIu64 ".seg", number % 10000000000U);
}

static uint64_t name_number(const char *name)
{
	char again[ROTA_SEGMENT_NAME_LEN];
	uint64_t number = strtoull(name, NULL, 10);

	rota_segment_name(number, again);
	return strcmp(name, again) == 0 ? number : 0;
}

enum rota_err rota_segment_list(
	int dir, struct rota_segment_range *out, struct rota_ingest_fault *fault)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	uint64_t count = 0;

	*out = (struct rota_segment_range){ 0 };
	if (d == NULL) {
		if (own >= 0)
			close(own);
		return fail(fault, ROTA_ERR_IO, 0, 0, "the directory cannot be read");
	}
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		uint64_t number = name_number(e->d_name);

		if (number == 0)
			continue;
		count++;
		if (out->low == 0 || number < out->low)
			out->low = number;
		if (number > out->high)
			out->high = number;
	}
	closedir(d);
	if (count > 0 && count != out->high - out->low + 1)
		return fail(fault, ROTA_ERR_CORRUPT, out->low, 0,
			"a segment between this one and the newest is missing");
	return ROTA_OK;
}

enum rota_err rota_segment_open(int dir, uint64_t number, int flags, struct rota_segment_header *h,
	int *fd, struct rota_ingest_fault *fault)
{
	char name[ROTA_SEGMENT_NAME_LEN];
	uint8_t head[ROTA_SEGMENT_HEADER_LEN];
	enum rota_err err;
	ssize_t got;

	rota_segment_name(number, name);
	*fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return fail(fault, errno == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO, number, 0,
			"the segment cannot be opened");
	got = pread(*fd, head, sizeof(head), 0);
	err = rota_segment_header_decode(rota_span(head, got < 0 ? 0 : (size_t)got), h);
	if (err == ROTA_OK && h->number != number)
		err = ROTA_ERR_CORRUPT;
	if (err == ROTA_OK)
		return ROTA_OK;
	close(*fd);
	*fd = -1;
	return fail(fault, err, number, 0,
		err == ROTA_ERR_UNSUPPORTED ? "written by a later release"
					    : "the segment's header is damaged");
}

static enum rota_err enter(struct rota_cursor *c, uint64_t number, struct rota_ingest_fault *fault)
{
	struct rota_segment_header h;
	int fd;

	ROTA_TRY(rota_segment_open(c->dir, number, O_RDONLY, &h, &fd, fault));
	if (c->sequence != 0 && h.first != c->sequence) {
		close(fd);
		return fail(fault, ROTA_ERR_CORRUPT, number, 0,
			"the segment does not continue the one before");
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->segment = number;
	c->sequence = h.first;
	c->offset = ROTA_SEGMENT_HEADER_LEN;
	c->at = c->filled = 0;
	return ROTA_OK;
}

/* Highest segment whose first record is not after `from`. */
static enum rota_err find_segment(struct rota_cursor *c, struct rota_segment_range range,
	uint64_t from, uint64_t *out, struct rota_ingest_fault *fault)
{
	for (uint64_t n = range.high; n >= range.low && n > 0; n--) {
		struct rota_segment_header h;
		int fd;

		ROTA_TRY(rota_segment_open(c->dir, n, O_RDONLY, &h, &fd, fault));
		close(fd);
		*out = n;
		if (h.first <= from)
			return ROTA_OK;
	}
	if (from == 0)
		return ROTA_OK;
	return fail(fault, ROTA_ERR_VERSION, range.low, 0,
		"the record asked for is older than the oldest segment");
}

static enum rota_err cursor_seek(
	struct rota_cursor *c, uint64_t from, struct rota_ingest_fault *fault)
{
	struct rota_segment_range range;
	uint64_t number = 0;

	ROTA_TRY(rota_segment_list(c->dir, &range, fault));
	if (range.high == 0)
		return ROTA_OK; /* empty: rota_cursor_next() looks again */
	ROTA_TRY(find_segment(c, range, from, &number, fault));
	ROTA_TRY(enter(c, number, fault));
	while (c->sequence < from) {
		struct rota_record skipped;
		enum rota_err err = rota_cursor_next(c, &skipped, fault);

		if (err == ROTA_ERR_NOT_FOUND)
			return ROTA_OK; /* `from` is not written yet */
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

enum rota_err rota_cursor_open(
	const char *dir, uint64_t from, struct rota_cursor **out, struct rota_ingest_fault *fault)
{
	struct rota_cursor *c = calloc(1, sizeof(*c));
	enum rota_err err;

	*out = NULL;
	if (c == NULL)
		return fail(fault, ROTA_ERR_FULL, 0, 0, "out of memory");
	c->fd = -1;
	c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0)
		err = fail(fault, errno == ENOENT ? ROTA_ERR_NOT_FOUND : ROTA_ERR_IO, 0, 0,
			"the directory cannot be opened");
	else
		err = cursor_seek(c, from, fault);
	if (err != ROTA_OK) {
		rota_cursor_close(c);
		return err;
	}
	*out = c;
	return ROTA_OK;
}

void rota_cursor_close(struct rota_cursor *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	if (c->dir >= 0)
		close(c->dir);
	free(c);
}

/* More bytes behind the unread ones, as far as the file has them. */
static enum rota_err fill(struct rota_cursor *c, struct rota_ingest_fault *fault)
{
	size_t unread = c->filled - c->at;

	memmove(c->room, c->room + c->at, unread);
	c->at = 0;
	c->filled = unread;
	while (c->filled < CURSOR_ROOM) {
		ssize_t got = pread(c->fd, c->room + c->filled, CURSOR_ROOM - c->filled,
			(off_t)(c->offset + c->filled));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(fault, ROTA_ERR_IO, c->segment, c->offset, "reading failed");
		if (got == 0)
			break;
		c->filled += (size_t)got;
	}
	return ROTA_OK;
}

static bool segment_exists(const struct rota_cursor *c, uint64_t number)
{
	char name[ROTA_SEGMENT_NAME_LEN];
	struct stat st;

	rota_segment_name(number, name);
	return fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum rota_err decode_here(struct rota_cursor *c, struct rota_record *out, size_t *len)
{
	struct rota_span unread = rota_span(c->room + c->at, c->filled - c->at);
	enum rota_err err = rota_record_decode(unread, out, len);

	return err == ROTA_OK && out->sequence != c->sequence ? ROTA_ERR_CORRUPT : err;
}

static enum rota_err first_segment(struct rota_cursor *c, struct rota_ingest_fault *fault)
{
	struct rota_segment_range range;

	ROTA_TRY(rota_segment_list(c->dir, &range, fault));
	if (range.low == 0)
		return fail(fault, ROTA_ERR_NOT_FOUND, 0, 0, "the journal is empty");
	return enter(c, range.low, fault);
}

/* The record at the cursor: from the buffer, else from one that is filled anew. *last: the segment is the newest, asked
 * before reading: if not, the file is final. */
static enum rota_err take(struct rota_cursor *c, struct rota_record *out, size_t *len, bool *last,
	struct rota_ingest_fault *fault)
{
	enum rota_err err = decode_here(c, out, len);

	if (err != ROTA_ERR_LENGTH && err != ROTA_ERR_CORRUPT)
		return err;
	*last = !segment_exists(c, c->segment + 1);
	c->filled = c->at; /* what is buffered may have been cut off and written anew since */
	ROTA_TRY(fill(c, fault));
	return decode_here(c, out, len);
}

enum rota_err rota_cursor_next(
	struct rota_cursor *c, struct rota_record *out, struct rota_ingest_fault *fault)
{
	bool last = false;
	enum rota_err err;
	size_t len;

	if (c->fd < 0)
		ROTA_TRY(first_segment(c, fault));
	err = take(c, out, &len, &last, fault);
	if (err == ROTA_ERR_LENGTH && !last && c->filled == c->at) {
		ROTA_TRY(enter(c, c->segment + 1, fault));
		return rota_cursor_next(c, out, fault);
	}
	if (err == ROTA_ERR_LENGTH && last)
		return fail(fault, ROTA_ERR_NOT_FOUND, c->segment, c->offset,
			"no whole record follows");
	if (err == ROTA_ERR_LENGTH)
		return fail(
			fault, ROTA_ERR_CORRUPT, c->segment, c->offset, "the record is cut short");
	if (err == ROTA_ERR_CORRUPT)
		return fail(fault, err, c->segment, c->offset, "the record is damaged");
	if (err == ROTA_ERR_UNSUPPORTED)
		return fail(fault, err, c->segment, c->offset, "written by a later release");
	ROTA_TRY(err);
	c->at += len;
	c->offset += len;
	c->sequence++;
	return ROTA_OK;
}

void rota_cursor_forget(struct rota_cursor *c)
{
	c->at = c->filled = 0;
}

uint64_t rota_cursor_segment(const struct rota_cursor *c)
{
	return c->segment;
}

uint64_t rota_cursor_offset(const struct rota_cursor *c)
{
	return c->offset;
}

uint64_t rota_cursor_sequence(const struct rota_cursor *c)
{
	return c->sequence;
}

/* Search byte by byte: after damage nothing says where the next record starts. */
static enum rota_err judge_buffer(const struct rota_cursor *c, struct rota_ingest_fault *fault)
{
	for (size_t i = c->at; i < c->filled; i++) {
		struct rota_span rest = rota_span(c->room + i, c->filled - i);
		struct rota_record r;
		size_t len;

		if (rota_record_decode(rest, &r, &len) != ROTA_OK)
			continue;
		if (r.sequence > c->sequence && r.durable >= c->sequence)
			return fail(fault, ROTA_ERR_CORRUPT, c->segment, c->offset,
				"a record that was acknowledged is damaged");
	}
	return ROTA_OK;
}

/* Up to the last byte that is not zero. */
static size_t written_len(const struct rota_cursor *c)
{
	size_t len = c->filled;

	while (len > 0 && c->room[len - 1] == 0)
		len--;
	return len;
}

static enum rota_err judge_rest(
	struct rota_cursor *c, uint64_t *torn, struct rota_ingest_fault *fault)
{
	uint64_t start = c->offset;
	enum rota_err err = ROTA_OK;
	size_t written;

	/* Windows overlap by the largest record, so that one is whole in some window. */
	while (err == ROTA_OK) {
		c->filled = c->at = 0;
		err = fill(c, fault);
		written = written_len(c);
		if (written > 0)
			*torn = c->offset + written - start;
		if (err == ROTA_OK)
			err = judge_buffer(c, fault);
		if (c->filled < CURSOR_ROOM)
			break;
		c->offset += CURSOR_ROOM - ROTA_RECORD_MAX;
	}
	if (err == ROTA_ERR_CORRUPT)
		fault->offset = start;
	c->offset = start;
	c->filled = c->at = 0;
	return err;
}

enum rota_err rota_cursor_judge_end(
	struct rota_cursor *c, enum rota_err err, uint64_t *torn, struct rota_ingest_fault *fault)
{
	*torn = 0;
	if (err != ROTA_ERR_NOT_FOUND && err != ROTA_ERR_CORRUPT)
		return err;
	if (c->fd < 0) /* no segment at all */
		return ROTA_OK;
	return segment_exists(c, c->segment + 1) ? err : judge_rest(c, torn, fault);
}
