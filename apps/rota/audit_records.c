/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/audit_records.h"
#include "host/base/file.h"
#include "host/base/json.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "rota/base/hex.h"

#include <inttypes.h>
#include <string.h>

void audit_record_write(const struct rota_log_entry *entry, struct rota_bytes *out)
{
	char salt[2 * ROTA_LOG_SALT_LEN + 1];
	struct rota_bytes text;
	struct rota_fail why;
	json_t *line;

	rota_hex(entry->salt, salt);
	line = json_pack("{s:I,s:s%,s:s}", "index", (json_int_t)entry->index, "record",
		(const char *)entry->record.p, entry->record.len, "salt", salt);
	if (!line || rota_json_encode(line, ROTA_JSON_FILE, &text, &why) != ROTA_OK)
		text = (struct rota_bytes){
			0
		}; /* no text: its line is empty, and found to be so */
	json_decref(line);
	rota_bytes_add(out, rota_bytes_span(&text));
	rota_bytes_add_text(out, "\n");
	rota_bytes_free(&text);
}

static struct rota_span text_of(const json_t *line, const char *name)
{
	const json_t *value = json_object_get(line, name);

	return rota_span(json_string_value(value), json_string_length(value));
}

static enum rota_err read_line(
	struct audit_records *r, struct rota_span text, struct rota_fail *why)
{
	const char *salt;
	const json_t *index;

	ROTA_TRY(rota_json_parse(text, &r->line, why));
	index = json_object_get(r->line, "index");
	salt = json_string_value(json_object_get(r->line, "salt"));
	if (!json_is_integer(index) || !json_is_string(json_object_get(r->line, "record")) ||
		!salt || !rota_unhex(salt, ROTA_BUF(r->salt)) ||
		(r->count > 0 && (uint64_t)json_integer_value(index) <= r->index))
		return ROTA_ERR_FORMAT;
	r->index = (uint64_t)json_integer_value(index);
	return ROTA_OK;
}

static enum rota_err next(struct audit_records *r, struct rota_fail *why)
{
	const uint8_t *end = r->rest.len ? memchr(r->rest.p, '\n', r->rest.len) : NULL;

	json_decref(r->line);
	r->line = NULL;
	if (r->rest.len == 0)
		return ROTA_OK;
	if (!end || read_line(r, rota_span(r->rest.p, (size_t)(end - r->rest.p)), why) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"%s: line %" PRIu64
			" is no record with index and salt, or not after the one before",
			r->file, r->count + 1);
	r->count++;
	r->rest = rota_span_skip(r->rest, (size_t)(end - r->rest.p) + 1);
	return ROTA_OK;
}

enum rota_err audit_records_open(struct audit_records *r, const char *file, struct rota_fail *why)
{
	*r = (struct audit_records){ .file = file };
	ROTA_TRY(rota_file_read(file, AUDIT_RECORDS_MAX, &r->text, why));
	r->rest = rota_bytes_span(&r->text);
	return next(r, why);
}

void audit_records_close(struct audit_records *r)
{
	json_decref(r->line);
	rota_bytes_free(&r->text);
}

/* The line at hand, when it was given, makes room for the next. */
static enum rota_err pass(struct audit_records *r, struct rota_fail *why)
{
	bool given = r->given;

	r->given = false;
	return given ? next(r, why) : ROTA_OK;
}

static enum rota_err no_entry(const struct audit_records *r, struct rota_fail *why)
{
	return rota_fail(
		why, ROTA_ERR_HASH, "%s: the log has no entry %" PRIu64, r->file, r->index);
}

enum rota_err audit_records_of(struct audit_records *r, const struct rota_log_entry *entry,
	struct rota_span *record, struct rota_fail *why)
{
	uint8_t digest[ROTA_SHA256_LEN];

	*record = rota_span(NULL, 0);
	ROTA_TRY(pass(r, why));
	if (!r->line || r->index > entry->index)
		return ROTA_OK;
	if (r->index < entry->index)
		return no_entry(r, why);
	rota_log_record_digest(
		&rota_crypto_openssl, ROTA_SPAN(r->salt), text_of(r->line, "record"), digest);
	if (memcmp(digest, entry->leaf.record, sizeof(digest)) != 0)
		return rota_fail(why, ROTA_ERR_HASH,
			"%s: entry %" PRIu64
			": this is not the private record that it was logged with",
			r->file, r->index);
	*record = text_of(r->line, "record");
	r->given = true;
	return ROTA_OK;
}

/* ---- all of them ---- */

static enum rota_err compare(void *ctx, const struct rota_log_entry *entry, struct rota_fail *why)
{
	struct rota_span ignored;

	return audit_records_of(ctx, entry, &ignored, why);
}

enum rota_err audit_records_verify(const struct audit_place *place, uint64_t size, const char *file,
	uint64_t *count, struct rota_fail *why)
{
	struct audit_records r;
	const struct rota_log_visitor visitor = { .ctx = &r, .take = compare };
	enum rota_err err = audit_records_open(&r, file, why);

	if (err == ROTA_OK)
		err = rota_log_walk(&place->files, size, &visitor, why);
	if (err == ROTA_OK)
		err = pass(&r, why);
	if (err == ROTA_OK && r.line)
		err = no_entry(&r, why);
	*count = r.count;
	audit_records_close(&r);
	return err;
}
