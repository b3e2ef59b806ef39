/* SPDX-License-Identifier: Apache-2.0 */
/* rota factory check: what became of the devices that a station made. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/factory/stationhead.h"

#include <stdio.h>

static bool json;
static const char *heads;
static unsigned held; /* heads, against the log */

static const struct opts_row rows[] = {
	{ "heads", "FILE",
		"heads of this log, kept where the station does not write: all in it have to fit, "
		"today's is added",
		OPTS_TEXT, &heads },
	{ "json", NULL, "print the batches as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota factory check [OPTION]...",
	.text = "Verifies the station's log line by line, compares it with the list of enrolled "
		"devices, and\n"
		"shows of each batch how many devices it has, how many were made, how often one "
		"was "
		"refused.\n"
		"Exit status 1 when something does not agree.",
	.examples = "  rota factory check\n"
		    "  rota factory check --heads /media/stick/heads\n",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

static void print_batches(const struct rota_stationlog *log)
{
	char head[ROTA_STATION_HEAD_TEXT_MAX];

	for (size_t i = 0; i < log->batch_count; i++) {
		const struct rota_batch *b = &log->batch[i];

		if (json)
			printf("{\"batch\":\"%s\",\"made\":%u,\"refused\":%u,\"size\":%u}\n",
				b->name, b->made, b->refused, b->size);
		else
			printf("%-32s %u of %u made, %u refused\n", b->name, b->made, b->size,
				b->refused);
	}
	if (json && heads)
		printf("{\"heads\":%u}\n", held);
	if (json)
		return;
	if (heads)
		printf("%u heads of %s fit; that of now is added\n", held, heads);
	rota_stationhead_text(log, head);
	printf("%llu lines, %llu devices: all signed, all enrolled\n%s\n",
		(unsigned long long)log->lines, (unsigned long long)log->made, head);
}

/* The list is read before the log: a station may be at work. */
static enum rota_err check(struct session *s)
{
	char stranger[ROTA_DIGEST_HEX];
	struct rota_stationlog log;
	struct rota_bytes list;
	enum rota_err err;

	ROTA_TRY(rota_stationlog_list(&s->desk, &list, &s->why));
	err = rota_stationlog_open(&log, &s->desk, &s->why);
	if (err == ROTA_OK) {
		err = rota_stationlog_check(&log, rota_bytes_span(&list), stranger, &s->why);
		if (err == ROTA_OK && *stranger)
			err = rota_fail(&s->why, ROTA_ERR_HASH,
				"enrolments lists device %.16s..., which no line "
				"of " ROTA_STATION_LOG " has made",
				stranger);
		if (err == ROTA_OK && heads)
			err = rota_stationhead_keep(&log, heads, &held, &s->why);
		if (err == ROTA_OK)
			print_batches(&log);
		rota_stationlog_close(&log);
	}
	rota_bytes_free(&list);
	return err;
}

int verb_factory_check(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, check(&s));
}
