/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rotad/journal_dump.h"
#include "host/base/bytes.h"
#include "host/base/digest.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "host/ingest/segment.h"
#include "host/registry/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int complain(const char *dir, const struct rota_ingest_fault *f)
{
	fprintf(stderr, "rotad: journal %s: %s%s%s at byte %" PRIu64 "%s%s\n", dir, f->what,
		f->file[0] ? ": " : "", f->file, f->offset, f->sys ? ": " : "",
		f->sys ? strerror(f->sys) : "");
	return 1;
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = {
		[ROTA_RECORD_CLOSE] = "close",
		[ROTA_RECORD_REPORT] = "report",
		[ROTA_RECORD_DELIVERY] = "report",
		[ROTA_RECORD_ENROL] = "enrol",
		[ROTA_RECORD_STATEMENT] = "statement",
		[ROTA_RECORD_ROW] = "row",
		[ROTA_RECORD_CAMPAIGN] = "campaign",
		[ROTA_RECORD_OWNER] = "owner",
		[ROTA_RECORD_EDIT] = "edit",
	};

	if (type >= sizeof(names) / sizeof(names[0]) || names[type] == NULL)
		return "unknown";
	return names[type];
}

static void print_record(const struct rota_record *r)
{
	char when[ROTA_WHEN_LEN], device[2 * ROTA_DEVICE_ID_LEN + 1], digest[ROTA_DIGEST_HEX];
	struct rota_delivery d = { .body = r->payload };
	json_t *payload;

	if (r->type == ROTA_RECORD_DELIVERY && rota_delivery_read(r->payload, &d) != ROTA_OK)
		d = (struct rota_delivery){ .body = r->payload };
	payload = json_loadb((const char *)d.body.p, d.body.len, JSON_REJECT_DUPLICATES, NULL);
	rota_when_text(r->time_ms / 1000, when);
	rota_hex(ROTA_SPAN(r->device), device);
	printf("{\"sequence\":%" PRIu64 ",\"type\":\"%s\"", r->sequence, type_name(r->type));
	if (r->type != ROTA_RECORD_CLOSE)
		printf(",\"received\":\"%s\",\"device\":\"%s\",\"bytes\":%zu", when, device,
			d.body.len);
	if (d.certificate.len > 0) {
		rota_digest_hex(d.certificate, digest);
		printf(",\"certificate\":\"%s\"", digest);
	}
	if (payload != NULL) {
		printf(",\"payload\":");
		json_dumpf(payload, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	}
	printf("}\n");
	json_decref(payload);
}

int journal_dump(const char *dir)
{
	struct rota_ingest_fault fault;
	struct rota_cursor *c;
	struct rota_record r;
	enum rota_err err;
	uint64_t torn;

	if (rota_cursor_open(dir, 0, &c, &fault) != ROTA_OK)
		return complain(dir, &fault);
	while ((err = rota_cursor_next(c, &r, &fault)) == ROTA_OK)
		print_record(&r);
	err = rota_cursor_judge_end(c, err, &torn, &fault);
	rota_cursor_close(c);
	if (err != ROTA_OK)
		return complain(dir, &fault);
	if (fflush(stdout) == 0)
		return 0;
	perror("rotad: standard output");
	return 1;
}

int journal_check(const char *dir)
{
	struct rota_ingest_stats s;
	struct rota_ingest_fault fault;

	if (rota_ingest_check(dir, &s, &fault) != ROTA_OK)
		return complain(dir, &fault);
	printf("%" PRIu64 " segments, %" PRIu64 " records (%" PRIu64 " to %" PRIu64 "), %" PRIu64
	       " bytes, whole",
		s.segments, s.records, s.first, s.last, s.bytes);
	if (s.torn > 0)
		printf("; %" PRIu64 " bytes of an unfinished write at the end, never acknowledged",
			s.torn);
	printf("\n");
	return 0;
}
