/* SPDX-License-Identifier: Apache-2.0 */
/* apps/rota/audit_records.h -- private records that somebody chose to show: lines of {"index","record","salt"}, each of which
 * anybody can hold against the published entry that has its digest (SPEC 21.3). */
#ifndef APPS_ROTA_AUDIT_RECORDS_H
#define APPS_ROTA_AUDIT_RECORDS_H

#include "apps/rota/audit.h"
#include "host/log/walk.h"

/* Of a whole file: some hundred thousand records. */
#define AUDIT_RECORDS_MAX ((size_t)256 * 1024 * 1024)

void audit_record_write(const struct rota_log_entry *entry, struct rota_bytes *out);

/* Each line of the file is the private record of its entry among the first `size` of the log. *count: of lines. Indices
 * ascend. ROTA_ERR_HASH: one is another's, or of no entry. ROTA_ERR_FORMAT. */
ROTA_MUST_USE enum rota_err audit_records_verify(const struct audit_place *place, uint64_t size,
	const char *file, uint64_t *count, struct rota_fail *why);

#endif
