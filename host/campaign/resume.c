/* SPDX-License-Identifier: Apache-2.0 */
#include "host/campaign/resume.h"
#include "rota/base/crc32.h"
#include "rota/base/reader.h"
#include "rota/base/writer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC "ROTASEA\1"
#define HEAD_LEN 48
/* Of one record: what the caller seals between two syncs. */
#define RECORD_MAX 4096
#define RECORD_LEN(count) (4 + 4 * (size_t)(count) + 4)

static uint32_t head_encode(
	const uint8_t what[static 32], uint32_t chunks, uint8_t out[static HEAD_LEN])
{
	struct rota_writer w = rota_writer(rota_buf(out, HEAD_LEN));
	uint32_t crc;

	rota_write_span(&w, ROTA_STR(MAGIC));
	rota_write_span(&w, rota_span(what, 32));
	rota_write_le32(&w, chunks);
	crc = rota_crc32(0, rota_writer_span(&w));
	rota_write_le32(&w, crc);
	return crc;
}

static void mark(struct rota_resume *r, uint32_t chunk)
{
	r->is_done[chunk / 8] |= (uint8_t)(1U << chunk % 8);
	r->done++;
}

bool rota_resume_has(const struct rota_resume *r, uint32_t chunk)
{
	return r->is_done[chunk / 8] >> chunk % 8 & 1;
}

/* The record at the start of `rest`; 0: it is none, or one that a cut left unfinished. */
static size_t take(struct rota_resume *r, struct rota_span rest)
{
	struct rota_reader in = rota_reader(rest), numbers;
	uint32_t count = rota_read_le32(&in);
	size_t len = RECORD_LEN(count);

	if (count == 0 || count > RECORD_MAX || rest.len < len)
		return 0;
	numbers = rota_reader(rota_read_span(&in, 4 * (size_t)count));
	if (rota_read_le32(&in) != rota_crc32(r->crc, rota_span_slice(rest, 0, len - 4)))
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t chunk = rota_read_le32(&numbers);

		if (chunk >= r->chunks || rota_resume_has(r, chunk))
			return 0;
		mark(r, chunk);
	}
	return len;
}

/* Each chunk stands in one record, and most records have many. */
static enum rota_err recall(struct rota_resume *r, const uint8_t head[static HEAD_LEN], bool *same,
	struct rota_fail *why)
{
	struct rota_span rest;
	struct rota_bytes all = { 0 };
	struct stat st;
	char name[ROTA_FILE_PATH_MAX + 8];
	size_t len;

	snprintf(name, sizeof(name), "%s.part", r->part.path);
	*same = false;
	if (stat(name, &st) != 0 || st.st_size < HEAD_LEN)
		return ROTA_OK;
	ROTA_TRY(rota_file_read(
		name, HEAD_LEN + RECORD_LEN(1) * (size_t)ROTA_RESUME_CHUNKS_MAX, &all, why));
	rest = rota_bytes_span(&all);
	*same = rest.len >= HEAD_LEN && memcmp(rest.p, head, HEAD_LEN) == 0;
	for (rest = rota_span_skip(rest, HEAD_LEN); *same && (len = take(r, rest)) != 0;
		rest = rota_span_skip(rest, len))
		r->end += len;
	rota_bytes_free(&all);
	return ROTA_OK;
}

enum rota_err rota_resume_open(struct rota_resume *r, const char *path,
	const uint8_t what[static 32], uint32_t chunks, struct rota_fail *why)
{
	uint8_t head[HEAD_LEN];
	bool same;

	memset(r, 0, sizeof(*r));
	r->part.fd = -1;
	if (chunks > ROTA_RESUME_CHUNKS_MAX)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "%s: %u chunks are too many", path, (unsigned)chunks);
	r->chunks = chunks;
	r->crc = head_encode(what, chunks, head);
	r->end = HEAD_LEN;
	ROTA_TRY(rota_part_open(&r->part, path, false, why));
	ROTA_TRY(recall(r, head, &same, why));
	if (same)
		return ROTA_OK;
	rota_part_close(&r->part);
	ROTA_TRY(rota_part_open(&r->part, path, true, why));
	ROTA_TRY(rota_part_write(&r->part, 0, ROTA_SPAN(head), why));
	return rota_part_sync(&r->part, why);
}

enum rota_err rota_resume_note(
	struct rota_resume *r, const uint32_t *chunks, uint32_t count, struct rota_fail *why)
{
	uint8_t record[RECORD_LEN(RECORD_MAX)];
	struct rota_writer w = rota_writer(ROTA_BUF(record));

	if (count == 0 || count > RECORD_MAX)
		return rota_fail(why, ROTA_ERR_ARGUMENT, "%s: %u chunks at once", r->part.path,
			(unsigned)count);
	rota_write_le32(&w, count);
	for (uint32_t i = 0; i < count; i++)
		rota_write_le32(&w, chunks[i]);
	rota_write_le32(&w, rota_crc32(r->crc, rota_writer_span(&w)));
	ROTA_TRY(rota_part_write(&r->part, r->end, rota_writer_span(&w), why));
	ROTA_TRY(rota_part_sync(&r->part, why));
	r->end += w.used;
	for (uint32_t i = 0; i < count; i++)
		mark(r, chunks[i]);
	return ROTA_OK;
}

void rota_resume_close(struct rota_resume *r)
{
	rota_part_close(&r->part);
}

enum rota_err rota_resume_end(struct rota_resume *r, struct rota_fail *why)
{
	char name[ROTA_FILE_PATH_MAX + 8];

	rota_part_close(&r->part);
	snprintf(name, sizeof(name), "%s.part", r->part.path);
	return rota_file_remove(name, why);
}
