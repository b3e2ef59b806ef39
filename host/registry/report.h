/* SPDX-License-Identifier: Apache-2.0 */
/* host/registry/report.h -- what a device tells: the body of POST /api/v1/report (SPEC 13.2).
 *
 * rotad's workers read it to decide whether it is acceptable, the projection reads the same bytes again from
 * the journal: one decoder, so that nothing is acknowledged that the projection cannot read.
 */
#ifndef HOST_REGISTRY_REPORT_H
#define HOST_REGISTRY_REPORT_H

#include "host/port/db.h"
#include "rota/base/span.h"

/* SPEC 13.2 */
#define ROTA_REPORT_BYTES_MAX (16 * 1024)
#define ROTA_REPORT_EVENTS_MAX 64

struct rota_report;

/* Decode. Sequences ascend strictly within a report; members that are not known are skipped; all else that
 * SPEC 13.2 does not allow is ROTA_ERR_FORMAT (ROTA_ERR_LIMIT: too long), and `why` names event and member. */
ROTA_MUST_USE enum rota_err rota_report_read(
	struct rota_span body, struct rota_report **out, struct rota_fail *why);
void rota_report_free(struct rota_report *r);

size_t rota_report_count(const struct rota_report *r);

/* Event `n` in order; `device` and `received_ms` are the caller's to fill. */
void rota_report_event(const struct rota_report *r, size_t n, struct rota_db_event *out);

/* The bytes of `signature` (SPEC 13.6) into `to`, and their number; 0: there is none, or it is no hex, or longer than the
 * room. A report counts without: what is wrong with it is the registry's to tell. */
size_t rota_report_signature(const struct rota_report *r, struct rota_buf to);

/* The greatest sequence: what the answer acknowledges. */
uint64_t rota_report_last(const struct rota_report *r);

#endif
