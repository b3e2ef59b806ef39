/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ingest/segment.h"

enum rota_err rota_ingest_check(
	const char *dir, struct rota_ingest_stats *out, struct rota_ingest_fault *fault)
{
	struct rota_cursor *c;
	struct rota_record r;
	enum rota_err err;
	uint64_t low;

	*out = (struct rota_ingest_stats){ 0 };
	ROTA_TRY(rota_cursor_open(dir, 0, &c, fault));
	low = rota_cursor_segment(c);
	while ((err = rota_cursor_next(c, &r, fault)) == ROTA_OK) {
		out->first = out->first ? out->first : r.sequence;
		out->last = r.sequence;
		out->records++;
		out->bytes += ROTA_RECORD_HEAD_LEN + r.payload.len + ROTA_RECORD_TAIL_LEN;
	}
	err = rota_cursor_judge_end(c, err, &out->torn, fault);
	out->segments = low ? rota_cursor_segment(c) - low + 1 : 0;
	rota_cursor_close(c);
	return err;
}
