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

/* The line that is looked for next. */
struct reading {
	struct rota_span rest;
	bool there;
	uint64_t index, count;
	uint8_t digest[ROTA_SHA256_LEN];
};

static enum rota_err read_line(struct reading *r, struct rota_span text, struct rota_fail *why)
{
	uint8_t salt[ROTA_LOG_SALT_LEN];
	const json_t *index, *record;
	enum rota_err err = ROTA_ERR_FORMAT;
	json_t *line;

	ROTA_TRY(rota_json_parse(text, &line, why));
	index = json_object_get(line, "index");
	record = json_object_get(line, "record");
	if (json_is_integer(index) && json_is_string(record) &&
		rota_unhex(json_string_value(json_object_get(line, "salt")), ROTA_BUF(salt)) &&
		(r->count == 0 || (uint64_t)json_integer_value(index) > r->index)) {
		r->index = (uint64_t)json_integer_value(index);
		rota_log_record_digest(&rota_crypto_openssl, ROTA_SPAN(salt),
			rota_span(json_string_value(record), json_string_length(record)),
			r->digest);
		err = ROTA_OK;
	}
	json_decref(line);
	return err;
}

static enum rota_err next(struct reading *r, struct rota_fail *why)
{
	const uint8_t *end = r->rest.len ? memchr(r->rest.p, '\n', r->rest.len) : NULL;

	r->there = r->rest.len > 0;
	if (!r->there)
		return ROTA_OK;
	if (!end || read_line(r, rota_span(r->rest.p, (size_t)(end - r->rest.p)), why) != ROTA_OK)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"line %" PRIu64
			" is no record with index and salt, or not after the one before",
			r->count + 1);
	r->count++;
	r->rest = rota_span_skip(r->rest, (size_t)(end - r->rest.p) + 1);
	return ROTA_OK;
}

static enum rota_err compare(void *ctx, const struct rota_log_entry *entry, struct rota_fail *why)
{
	struct reading *r = ctx;

	if (!r->there || entry->index != r->index)
		return ROTA_OK;
	if (memcmp(r->digest, entry->leaf.record, sizeof(r->digest)) != 0)
		return rota_fail(why, ROTA_ERR_HASH,
			"entry %" PRIu64 ": this is not the private record that it was logged with",
			r->index);
	return next(r, why);
}

enum rota_err audit_records_verify(const struct audit_place *place, uint64_t size, const char *file,
	uint64_t *count, struct rota_fail *why)
{
	struct rota_bytes text = { 0 };
	struct reading r = { .count = 0 };
	const struct rota_log_visitor visitor = { .ctx = &r, .take = compare };
	enum rota_err err;

	ROTA_TRY(rota_file_read(file, AUDIT_RECORDS_MAX, &text, why));
	r.rest = rota_bytes_span(&text);
	err = next(&r, why);
	if (err == ROTA_OK)
		err = rota_log_walk(&place->files, size, &visitor, why);
	if (err == ROTA_OK && r.there)
		err = rota_fail(why, ROTA_ERR_HASH, "the log has no entry %" PRIu64, r.index);
	rota_bytes_free(&text);
	*count = r.count;
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "%s", file);
}
