/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/audit_records.h -- private records that somebody chose to show: lines of {"index","record","salt"}, each of which
 * anybody can hold against the published entry that has its digest (SPEC 21.3). */
#ifndef APPS_ROTA_AUDIT_RECORDS_H
#define APPS_ROTA_AUDIT_RECORDS_H

#include "apps/rota/audit.h"
#include "host/base/json.h"
#include "host/log/walk.h"

/* Of a whole file: some hundred thousand records. */
#define AUDIT_RECORDS_MAX ((size_t)256 * 1024 * 1024)

void audit_record_write(const struct rota_log_entry *entry, struct rota_bytes *out);

/* A file of them, read beside the entries; indices ascend. */
struct audit_records {
	const char *file;
	struct rota_bytes text;
	struct rota_span rest; /* lines behind the one at hand */
	json_t *line; /* at hand; NULL: there is none left */
	bool given; /* the line at hand */
	uint64_t index, count; /* of the line at hand; of lines that were read */
	uint8_t salt[ROTA_LOG_SALT_LEN];
};

/* ROTA_ERR_FORMAT. audit_records_close() also after an error. */
ROTA_MUST_USE enum rota_err audit_records_open(
	struct audit_records *r, const char *file, struct rota_fail *why);
void audit_records_close(struct audit_records *r);

/* The private record of this entry, empty where the file has none; it stays until the next call. For each entry, in order.
 * ROTA_ERR_HASH: what the file has is another's, or of an entry that was not there. ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err audit_records_of(struct audit_records *r,
	const struct rota_log_entry *entry, struct rota_span *record, struct rota_fail *why);

/* Each line of the file is the private record of its entry among the first `size` of the log. *count: of lines.
 * ROTA_ERR_HASH: one is another's, or of no entry. ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err audit_records_verify(const struct audit_place *place, uint64_t size,
	const char *file, uint64_t *count, struct rota_fail *why);

#endif
