/* SPDX-License-Identifier: Apache-2.0 */
/* What a device reports (SPEC 13.2). What is accepted has sequences that ascend, names that are known, and texts that
 * fit their fields; the same bytes are read again as the same. */
#include "host/registry/report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct rota_report *r)
{
	struct rota_db_event e;
	uint8_t sig[4];
	uint64_t before = 0;

	if (rota_report_count(r) == 0 || rota_report_count(r) > ROTA_REPORT_EVENTS_MAX)
		abort();
	for (size_t n = 0; n < rota_report_count(r); n++) {
		rota_report_event(r, n, &e);
		if (e.seq <= before || e.name[0] == '\0' || e.device[0] != '\0' ||
			memchr(e.detail, '\0', sizeof(e.detail)) == NULL)
			abort();
		before = e.seq;
	}
	if (rota_report_last(r) != before || rota_report_signature(r, ROTA_BUF(sig)) > sizeof(sig))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rota_report *r, *again;
	struct rota_fail why;

	if (rota_report_read(rota_span(data, len), &r, &why) != ROTA_OK)
		return 0;
	check(r);
	if (rota_report_read(rota_span(data, len), &again, &why) != ROTA_OK ||
		rota_report_last(again) != rota_report_last(r))
		abort();
	rota_report_free(again);
	rota_report_free(r);
	return 0;
}
