/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log/cosigner.h"
#include "host/base/file.h"
#include "rota/base/base64.h"
#include "rota/base/hex.h"
#include "rota/crypto/merkle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A line for each log: name, 20 digits, 64 digits. */
#define STATE_MAX (ROTA_LOG_KEYS_MAX * (ROTA_NOTE_NAME_MAX + 96))

/* What was cosigned of a log. */
struct row {
	char origin[ROTA_NOTE_NAME_MAX + 1];
	uint64_t size;
	uint8_t root[ROTA_SHA256_LEN];
};

struct rota_cosigner {
	struct rota_cosigner_config config;
	struct row row[ROTA_LOG_KEYS_MAX];
	size_t rows;
};

struct request {
	uint64_t old;
	uint8_t proof[ROTA_COSIGNER_PROOF_MAX * ROTA_SHA256_LEN];
	size_t proof_len;
	struct rota_span note;
};

/* `line` without its newline: ORIGIN SIZE HEX. */
static enum rota_err read_row(struct rota_span line, struct row *out)
{
	const uint8_t *first = memchr(line.p, ' ', line.len),
		      *last = memrchr(line.p, ' ', line.len);
	struct rota_span origin, size, root;

	if (first == NULL || last == first)
		return ROTA_ERR_FORMAT;
	origin = rota_span(line.p, (size_t)(first - line.p));
	size = rota_span(first + 1, (size_t)(last - first) - 1);
	root = rota_span_skip(line, (size_t)(last - line.p) + 1);
	if (!rota_note_name_valid(origin))
		return ROTA_ERR_FORMAT;
	memcpy(out->origin, origin.p, origin.len);
	out->origin[origin.len] = 0;
	ROTA_TRY(rota_note_decimal(size, &out->size));
	return rota_hex_decode(root, ROTA_BUF(out->root));
}

static enum rota_err load(struct rota_cosigner *c, struct rota_fail *why)
{
	const char *path = c->config.state;
	struct rota_bytes text = { 0 };
	struct rota_span rest, line;
	enum rota_err err = ROTA_OK;

	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, STATE_MAX, &text, why));
	rest = rota_bytes_span(&text);
	while (err == ROTA_OK && (line = rota_note_next(&rest)).len > 0) {
		if (c->rows == ROTA_LOG_KEYS_MAX || line.p[line.len - 1] != '\n' ||
			read_row(rota_span(line.p, line.len - 1), &c->row[c->rows++]) != ROTA_OK)
			err = rota_fail(why, ROTA_ERR_FORMAT,
				"%s is damaged: put it back only if it is the newest there was",
				path);
	}
	rota_bytes_free(&text);
	return err;
}

enum rota_err rota_cosigner_open(const struct rota_cosigner_config *config,
	struct rota_cosigner **out, struct rota_fail *why)
{
	struct rota_cosigner *c = calloc(1, sizeof(*c));
	enum rota_err err;

	*out = NULL;
	if (c == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "no memory");
	c->config = *config;
	err = load(c, why);
	if (err != ROTA_OK) {
		free(c);
		return err;
	}
	*out = c;
	return ROTA_OK;
}

void rota_cosigner_close(struct rota_cosigner *c)
{
	free(c);
}

/* The newest of this log; an empty tree for one that is new. NULL: no room for one more. */
static struct row *find(struct rota_cosigner *c, struct rota_span origin)
{
	for (size_t i = 0; i < c->rows; i++) {
		if (rota_span_is(origin, c->row[i].origin))
			return &c->row[i];
	}
	if (c->rows == ROTA_LOG_KEYS_MAX)
		return NULL;
	c->row[c->rows] = (struct row){ .size = 0 };
	memcpy(c->row[c->rows].origin, origin.p, origin.len);
	return &c->row[c->rows];
}

static enum rota_err save(const struct rota_cosigner *c, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	enum rota_err err;

	for (size_t i = 0; i < c->rows; i++) {
		char hex[2 * ROTA_SHA256_LEN + 1];

		rota_hex(ROTA_SPAN(c->row[i].root), hex);
		rota_bytes_print(
			&text, "%s %" PRIu64 " %s\n", c->row[i].origin, c->row[i].size, hex);
	}
	err = rota_file_write(c->config.state, rota_bytes_span(&text), 0600, why);
	rota_bytes_free(&text);
	return err;
}

/* `row` becomes what the checkpoint says, on the disk first. */
static enum rota_err commit(struct rota_cosigner *c, struct row *row,
	const struct rota_checkpoint *checkpoint, struct rota_fail *why)
{
	const struct row was = *row;
	bool fresh = row == &c->row[c->rows];
	enum rota_err err;

	row->size = checkpoint->size;
	memcpy(row->root, checkpoint->root, sizeof(row->root));
	c->rows += fresh;
	err = save(c, why);
	if (err == ROTA_OK)
		return ROTA_OK;
	*row = was;
	c->rows -= fresh;
	return err;
}

/* A line of the request without its newline. */
static enum rota_err next_line(struct rota_span *rest, struct rota_span *line)
{
	*line = rota_note_next(rest);
	if (line->len == 0 || line->p[line->len - 1] != '\n')
		return ROTA_ERR_FORMAT;
	line->len--;
	return ROTA_OK;
}

static enum rota_err parse(struct rota_span body, struct request *out)
{
	struct rota_span line;
	size_t len;

	out->proof_len = 0;
	ROTA_TRY(next_line(&body, &line));
	if (!rota_span_starts(line, ROTA_STR("old ")))
		return ROTA_ERR_FORMAT;
	ROTA_TRY(rota_note_decimal(rota_span_skip(line, 4), &out->old));
	for (;;) {
		ROTA_TRY(next_line(&body, &line));
		if (line.len == 0)
			break;
		if (out->proof_len == sizeof(out->proof))
			return ROTA_ERR_LIMIT;
		ROTA_TRY(rota_base64_decode(
			line, rota_buf(out->proof + out->proof_len, ROTA_SHA256_LEN), &len));
		if (len != ROTA_SHA256_LEN)
			return ROTA_ERR_FORMAT;
		out->proof_len += len;
	}
	out->note = body;
	return ROTA_OK;
}

/* The checkpoint, and that its log signed it. */
static enum rota_cosigner_status judge_note(const struct rota_cosigner *c, struct rota_span note,
	struct rota_checkpoint *out, struct rota_fail *why)
{
	const struct rota_log_policy *logs = c->config.logs;
	struct rota_span text, lines;
	bool known = false;
	uint32_t who;
	enum rota_err err = rota_note_split(note, &text, &lines);

	if (err == ROTA_OK)
		err = rota_checkpoint_read(text, out);
	if (err != ROTA_OK) {
		(void)rota_fail(why, err, "no checkpoint");
		return ROTA_COSIGNER_MALFORMED;
	}
	for (size_t i = 0; i < logs->count; i++)
		known = known || rota_span_eq(logs->note[i].name, out->origin);
	if (!known) {
		(void)rota_fail(why, ROTA_ERR_NOT_FOUND, "this log is not known here");
		return ROTA_COSIGNER_UNKNOWN;
	}
	err = rota_log_policy_open(c->config.crypto, logs, note, false, out, &who, why);
	if (err == ROTA_OK)
		return ROTA_COSIGNER_OK;
	return err == ROTA_ERR_SIGNATURE || err == ROTA_ERR_ROLE ? ROTA_COSIGNER_UNSIGNED
								 : ROTA_COSIGNER_MALFORMED;
}

static enum rota_cosigner_status conflict(
	const struct row *row, struct rota_bytes *body, struct rota_fail *why, const char *what)
{
	rota_bytes_print(body, "%" PRIu64 "\n", row->size);
	(void)rota_fail(why, ROTA_ERR_VERSION, "%s: %s", row->origin, what);
	return ROTA_COSIGNER_CONFLICT;
}

/* Does it continue what was cosigned? */
static enum rota_cosigner_status judge_step(const struct rota_cosigner *c, const struct row *row,
	const struct request *r, const struct rota_checkpoint *to, struct rota_bytes *body,
	bool *alarm, struct rota_fail *why)
{
	if (r->old > to->size) {
		(void)rota_fail(why, ROTA_ERR_FORMAT, "old is above the checkpoint's size");
		return ROTA_COSIGNER_MALFORMED;
	}
	if (r->old != row->size)
		return conflict(row, body, why, "another size was cosigned last");
	if (to->size == row->size && row->size > 0 &&
		memcmp(to->root, row->root, sizeof(to->root)) != 0) {
		*alarm = true;
		return conflict(row, body, why, "TWO ROOTS OF ONE SIZE: the log is two logs");
	}
	if (rota_merkle_consistency(c->config.crypto, r->old, to->size, row->root, to->root,
		    rota_span(r->proof, r->proof_len)) == ROTA_OK)
		return ROTA_COSIGNER_OK;
	*alarm = true;
	(void)rota_fail(why, ROTA_ERR_HASH,
		"%s: the proof does not lead from %" PRIu64 " entries to %" PRIu64, row->origin,
		r->old, to->size);
	return ROTA_COSIGNER_INCONSISTENT;
}

static enum rota_err cosign(const struct rota_cosigner *c, struct rota_span note, uint64_t now,
	struct rota_bytes *body, struct rota_fail *why)
{
	uint8_t room[ROTA_NOTE_TEXT_MAX], digest[ROTA_SHA256_LEN], sig[ROTA_P256_SIG_LEN],
		letters[ROTA_NOTE_LINE_MAX];
	struct rota_span text, lines, message, line;
	enum rota_err err = rota_note_split(note, &text, &lines);

	if (err == ROTA_OK)
		err = rota_note_message(&c->config.own, text, now, ROTA_BUF(room), &message);
	if (err != ROTA_OK)
		return rota_fail(why, err, "the checkpoint cannot be cosigned");
	rota_sha256_of(c->config.crypto, message, digest);
	ROTA_TRY(c->config.sign(c->config.ctx, digest, sig, why));
	err = rota_note_line(&c->config.own, now, ROTA_SPAN(sig), ROTA_BUF(letters), &line);
	if (err != ROTA_OK)
		return rota_fail(why, err, "the cosignature cannot be written");
	rota_bytes_add(body, line);
	return ROTA_OK;
}

static enum rota_cosigner_status add(struct rota_cosigner *c, struct rota_span request,
	uint64_t now, struct rota_bytes *body, bool *alarm, struct rota_fail *why)
{
	struct rota_checkpoint checkpoint;
	enum rota_cosigner_status status;
	struct request r;
	struct row *row;

	if (parse(request, &r) != ROTA_OK) {
		(void)rota_fail(why, ROTA_ERR_FORMAT, "not a request of tlog-witness");
		return ROTA_COSIGNER_MALFORMED;
	}
	status = judge_note(c, r.note, &checkpoint, why);
	if (status != ROTA_COSIGNER_OK)
		return status;
	row = find(c, checkpoint.origin);
	if (row == NULL) {
		(void)rota_fail(why, ROTA_ERR_LIMIT, "no room for one more log");
		return ROTA_COSIGNER_FAILED;
	}
	status = judge_step(c, row, &r, &checkpoint, body, alarm, why);
	if (status != ROTA_COSIGNER_OK)
		return status;
	if (commit(c, row, &checkpoint, why) != ROTA_OK)
		return ROTA_COSIGNER_FAILED;
	return cosign(c, r.note, now, body, why) == ROTA_OK ? ROTA_COSIGNER_OK
							    : ROTA_COSIGNER_FAILED;
}

enum rota_cosigner_status rota_cosigner_add(struct rota_cosigner *c, struct rota_span request,
	uint64_t now, struct rota_bytes *body, bool *alarm, struct rota_fail *why)
{
	enum rota_cosigner_status status;

	*alarm = false;
	why->text[0] = 0;
	status = add(c, request, now, body, alarm, why);
	if (status == ROTA_COSIGNER_FAILED)
		rota_bytes_add_text(body, "the witness failed\n");
	else if (status != ROTA_COSIGNER_OK && status != ROTA_COSIGNER_CONFLICT)
		rota_bytes_print(body, "%s\n", why->text);
	return status;
}
