/* SPDX-License-Identifier: Apache-2.0 */
/* rota factory enlist: devices that a station made, into the registry. */
#include "apps/rota/fleet_census.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/factory/stationhead.h"
#include "host/fetch/fetch.h"
#include "host/notary/client.h"
#include "host/notary/registrar.h"
#include "host/notary/rows.h"
#include "host/pki/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_S 20 /* rotad answers when it stands in the database */
#define BATCH 64 /* rows that are asked for at once */
#define OK 200

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "print the counts as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota factory enlist [OPTION]...",
	.text = "Has the signing daemon's registrar make the first row of each device of "
		"`enrolments` "
		"that a\n"
		"station made, and gives it to the registry, by the socket `operators` of [fleet]. "
		"What the\n"
		"registry has already it says, and nothing is done twice. The head of the "
		"station's log goes\n"
		"into the signing daemon's log.",
	.examples = "  rota factory enlist\n",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

struct enlisting {
	struct session *s;
	struct rota_client *client;
	struct rota_fetch *fetch;
	struct rota_fetch_server rotad;
	size_t count; /* of this batch */
	struct rota_bytes item[BATCH]; /* statement || IDevID */
	size_t statement_len[BATCH];
	char device[BATCH][65];
	unsigned long taken, known, passed;
	struct rota_bytes list; /* `enrolments`, as it was before the log was read */
	struct rota_stationlog log;
	bool logged; /* there is a log */
	char reason[sizeof("rota factory enlist; ") + ROTA_STATION_HEAD_TEXT_MAX];
};

static bool add_hex(const json_t *row, const char *name, struct rota_bytes *to)
{
	const char *hex = json_string_value(json_object_get(row, name));
	size_t len = hex ? strlen(hex) / 2 : 0;
	uint8_t room[ROTA_REGISTRAR_ITEM_MAX];

	if (len == 0 || len > sizeof(room) || !rota_unhex(hex, rota_buf(room, len)))
		return false;
	rota_bytes_add(to, rota_span(room, len));
	return true;
}

/* SPEC 30.4: row || IDevID */
static enum rota_err give(struct enlisting *e, size_t i, const struct rota_rows_result *made)
{
	static const char *const lines[] = { "Content-Type: application/octet-stream", NULL };
	char path[sizeof("v1/record/enrol/") + 64];
	struct rota_fetch_answer answer;
	struct rota_bytes body = { 0 };
	enum rota_err err;

	if (made->err != ROTA_OK)
		return rota_fail(&e->s->why, (enum rota_err)made->err,
			"device %.16s...: the registrar makes no row: %s", e->device[i],
			rota_err_str((enum rota_err)made->err));
	rota_bytes_add(&body, ROTA_SPAN(made->row));
	rota_bytes_add(&body, rota_span_skip(rota_bytes_span(&e->item[i]), e->statement_len[i]));
	snprintf(path, sizeof(path), "v1/record/enrol/%s", e->device[i]);
	err = rota_fetch_send(e->fetch, &e->rotad, path, lines, rota_bytes_span(&body), CALL_S,
		&answer, &e->s->why);
	rota_bytes_free(&body);
	ROTA_TRY(err);
	if (answer.status == OK && strstr(answer.body, "\"taken\""))
		e->taken++;
	else if (answer.status == OK || answer.status == 409)
		e->known++; /* it has this row, or a later one */
	else
		return rota_fail(&e->s->why, ROTA_ERR_DENIED,
			"device %.16s...: the registry answers %u: %.200s", e->device[i],
			answer.status, answer.body);
	return ROTA_OK;
}

static enum rota_err flush(struct enlisting *e)
{
	static struct rota_rows_result made[BATCH];
	struct rota_span items[BATCH];
	enum rota_err err = ROTA_OK;

	for (size_t i = 0; i < e->count; i++)
		items[i] = rota_bytes_span(&e->item[i]);
	if (e->count > 0)
		err = rota_client_rows(
			e->client, e->s->dir.product, e->reason, items, e->count, made, &e->s->why);
	for (size_t i = 0; i < e->count; i++) {
		if (err == ROTA_OK)
			err = give(e, i, &made[i]);
		rota_bytes_free(&e->item[i]);
	}
	e->count = 0;
	return err;
}

/* A device that was enrolled at the desk has no statement, and no row. */
static enum rota_err take_line(struct enlisting *e, const json_t *row)
{
	struct rota_bytes *item = &e->item[e->count];
	const char *device = json_string_value(json_object_get(row, "device"));

	*item = (struct rota_bytes){ 0 };
	if (!device || strlen(device) != 64 || !add_hex(row, "statement", item)) {
		rota_bytes_free(item);
		return ROTA_OK;
	}
	if (e->logged && !rota_stationlog_made(&e->log, device)) {
		fprintf(stderr,
			"rota: enrolments lists device %.16s..., which no line of " ROTA_STATION_LOG
			" has made: passed over\n",
			device);
		e->passed++;
		rota_bytes_free(item);
		return ROTA_OK;
	}
	e->statement_len[e->count] = item->len;
	memcpy(e->device[e->count], device, 65);
	if (!add_hex(row, "idevid", item)) {
		rota_bytes_free(item);
		return rota_fail(&e->s->why, ROTA_ERR_FORMAT,
			"enrolments: device %.16s... has no IDevID", device);
	}
	return ++e->count == BATCH ? flush(e) : ROTA_OK;
}

static enum rota_err each_line(struct enlisting *e)
{
	char *line, *rest = (char *)e->list.p;
	enum rota_err err = ROTA_OK;

	while (err == ROTA_OK && rest && (line = strsep(&rest, "\n")) != NULL) {
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		if (row)
			err = take_line(e, row);
		json_decref(row);
	}
	return err == ROTA_OK ? flush(e) : err;
}

/* What the station's log says now goes into the signing daemon's, where the station cannot reach it (SPEC 29.1). */
static enum rota_err take_head(struct enlisting *e)
{
	char head[ROTA_STATION_HEAD_TEXT_MAX], stranger[ROTA_DIGEST_HEX];
	enum rota_err err;

	ROTA_TRY(rota_stationlog_list(&e->s->desk, &e->list, &e->s->why));
	snprintf(e->reason, sizeof(e->reason), "rota factory enlist");
	if (!rota_authdir_party(&e->s->dir, "station"))
		return ROTA_OK; /* all devices are of the desk */
	ROTA_TRY(rota_stationlog_open(&e->log, &e->s->desk, &e->s->why));
	e->logged = true;
	err = rota_stationlog_check(&e->log, rota_bytes_span(&e->list), stranger, &e->s->why);
	rota_stationhead_text(&e->log, head);
	snprintf(e->reason, sizeof(e->reason), "rota factory enlist; %s", head);
	return err;
}

static enum rota_err enlist(struct enlisting *e)
{
	static const struct rota_fetch_settings settings = {
		.user_agent = "rota", .connect_s = 5, .stall_s = CALL_S
	};
	struct rota_client_server at = rota_client_server(&e->s->dir);
	static char path[ROTA_FILE_PATH_MAX];

	if (!fleet_operators(e->s, path) || !e->s->dir.signd[0])
		return rota_fail(&e->s->why, ROTA_ERR_NOT_FOUND,
			"%s needs signd of [authority], and operators of [fleet]",
			e->s->dir.ini.path);
	e->rotad =
		(struct rota_fetch_server){ .url = "http://rotad", .socket = path, .plain = true };
	ROTA_TRY(take_head(e));
	ROTA_TRY(session_daemon(e->s));
	ROTA_TRY(rota_client_open(&at, &e->client, &e->s->why));
	e->fetch = rota_fetch_new(&settings);
	return e->fetch ? each_line(e)
			: rota_fail(&e->s->why, ROTA_ERR_FULL, "libcurl does not start");
}

int verb_factory_enlist(int argc, char **argv)
{
	static struct enlisting e;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	e.s = &s;
	err = enlist(&e);
	if (err == ROTA_OK && json)
		printf("{\"known\":%lu,\"taken\":%lu}\n", e.known, e.taken);
	else if (err == ROTA_OK)
		printf("%lu devices are new in the registry, %lu were there\n", e.taken, e.known);
	if (err == ROTA_OK && e.passed > 0)
		err = rota_fail(&s.why, ROTA_ERR_HASH,
			"%lu lines of enrolments were passed over; their devices have to come to "
			"the station again",
			e.passed);
	rota_client_close(e.client);
	rota_fetch_free(e.fetch);
	rota_bytes_free(&e.list);
	if (e.logged)
		rota_stationlog_close(&e.log);
	return session_close(&s, err);
}
