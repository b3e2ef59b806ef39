/* SPDX-License-Identifier: Apache-2.0 */
#include "host/registry/report.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "rota/base/hex.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (ROTA_DB_TEXT_LEN - 1)
#define SEQ_MAX ((json_int_t)9007199254740991) /* 2^53 - 1, SPEC 2.1 */

struct rota_report {
	json_t *root, *events;
	uint64_t last;
};

static const char *const names[] = { "started", "checked", "refused", "downloading", "installed",
	"booted", "confirmed", "reverted", "failed", "restored", "bound" };

static const struct member {
	const char *name;
	size_t offset; /* in struct rota_db_event */
} members[] = {
	{ "version", offsetof(struct rota_db_event, version) },
	{ "release", offsetof(struct rota_db_event, release) },
	{ "campaign", offsetof(struct rota_db_event, campaign) },
	{ "attempt", offsetof(struct rota_db_event, attempt) },
	{ "slot", offsetof(struct rota_db_event, slot) },
	{ "step", offsetof(struct rota_db_event, step) },
	{ "clause", offsetof(struct rota_db_event, clause) },
	{ "reason", offsetof(struct rota_db_event, reason) },
	{ "detail", offsetof(struct rota_db_event, detail) },
	{ "log", offsetof(struct rota_db_event, log) },
	{ "checkpoint", offsetof(struct rota_db_event, checkpoint) },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool known_name(const char *name)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (name != NULL && strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static enum rota_err bad(struct rota_fail *why, size_t n, const char *member, const char *what)
{
	return rota_fail(why, ROTA_ERR_FORMAT, "event %zu: %s %s", n, member, what);
}

static enum rota_err check_time(const json_t *event, size_t n, struct rota_fail *why)
{
	const json_t *at = json_object_get(event, "at");
	uint64_t unix_s;

	if (at == NULL || json_is_null(at))
		return ROTA_OK;
	if (!json_is_string(at) || !rota_when_parse(json_string_value(at), &unix_s))
		return bad(why, n, "at", "is no time of the form YYYY-MM-DDThh:mm:ssZ");
	return ROTA_OK;
}

static enum rota_err check_event(
	const json_t *event, size_t n, uint64_t before, struct rota_fail *why)
{
	const json_t *seq = json_object_get(event, "seq");

	if (!json_is_object(event))
		return bad(why, n, "", "is no object");
	if (!json_is_integer(seq) || json_integer_value(seq) < 1 ||
		json_integer_value(seq) > SEQ_MAX)
		return bad(why, n, "seq", "is no integer from 1 to 2^53 - 1");
	if ((uint64_t)json_integer_value(seq) <= before)
		return bad(why, n, "seq", "is not above that of the event before");
	if (!known_name(json_string_value(json_object_get(event, "event"))))
		return bad(why, n, "event", "is none of the known names");
	ROTA_TRY(check_time(event, n, why));
	for (size_t i = 0; i < COUNT(members); i++) {
		const json_t *value = json_object_get(event, members[i].name);

		if (value == NULL)
			continue;
		if (!json_is_string(value))
			return bad(why, n, members[i].name, "is no string");
		if (json_string_length(value) > TEXT_MAX)
			return bad(why, n, members[i].name, "is longer than 256 bytes");
	}
	return ROTA_OK;
}

static enum rota_err check(struct rota_report *r, struct rota_fail *why)
{
	size_t count;

	r->events = json_object_get(r->root, "events");
	count = json_array_size(r->events);
	if (!json_is_array(r->events) || count == 0)
		return rota_fail(why, ROTA_ERR_FORMAT, "no list 'events' with at least one event");
	if (count > ROTA_REPORT_EVENTS_MAX)
		return rota_fail(why, ROTA_ERR_LIMIT, "more than %d events in a report",
			ROTA_REPORT_EVENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *event = json_array_get(r->events, i);

		ROTA_TRY(check_event(event, i, r->last, why));
		r->last = (uint64_t)json_integer_value(json_object_get(event, "seq"));
	}
	return ROTA_OK;
}

enum rota_err rota_report_read(
	struct rota_span body, struct rota_report **out, struct rota_fail *why)
{
	struct rota_report *r;
	enum rota_err err;

	*out = NULL;
	if (body.len > ROTA_REPORT_BYTES_MAX)
		return rota_fail(
			why, ROTA_ERR_LIMIT, "a report is at most %d bytes", ROTA_REPORT_BYTES_MAX);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return rota_fail(why, ROTA_ERR_FULL, "out of memory");
	err = rota_json_parse(body, &r->root, why);
	if (err == ROTA_OK)
		err = check(r, why);
	if (err != ROTA_OK) {
		rota_report_free(r);
		return err;
	}
	*out = r;
	return ROTA_OK;
}

void rota_report_free(struct rota_report *r)
{
	if (r == NULL)
		return;
	json_decref(r->root);
	free(r);
}

size_t rota_report_count(const struct rota_report *r)
{
	return json_array_size(r->events);
}

static void copy_text(const json_t *event, const char *name, char *to, size_t room)
{
	const char *text = json_string_value(json_object_get(event, name));

	snprintf(to, room, "%s", text == NULL ? "" : text);
}

void rota_report_event(const struct rota_report *r, size_t n, struct rota_db_event *out)
{
	const json_t *event = json_array_get(r->events, n);
	const char *at = json_string_value(json_object_get(event, "at"));

	memset(out, 0, sizeof(*out));
	out->seq = (uint64_t)json_integer_value(json_object_get(event, "seq"));
	out->has_at = at != NULL && rota_when_parse(at, &out->at_s);
	copy_text(event, "event", out->name, sizeof(out->name));
	for (size_t i = 0; i < COUNT(members); i++)
		copy_text(
			event, members[i].name, (char *)out + members[i].offset, ROTA_DB_TEXT_LEN);
}

size_t rota_report_signature(const struct rota_report *r, struct rota_buf to)
{
	const json_t *value = json_object_get(r->root, "signature");
	struct rota_span hex;

	if (!json_is_string(value))
		return 0;
	hex = rota_span(json_string_value(value), json_string_length(value));
	if (hex.len / 2 > to.len || rota_hex_decode(hex, rota_buf(to.p, hex.len / 2)) != ROTA_OK)
		return 0;
	return hex.len / 2;
}

uint64_t rota_report_last(const struct rota_report *r)
{
	return r->last;
}
