/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/report.h"
#include "apps/rota-agent/logsign.h"
#include "apps/rota-agent/say.h"
#include "host/base/json.h"
#include "host/base/when.h"
#include "rota/codec/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* SPEC 13.2 */
#define STRING_MAX 256

/* Of a name, a path or a sentence on a line. */
#define FIELD_MAX 300

/* Sending a report may take so long: the server syncs a disk, no more. */
#define POST_S 60

/* Handshakes one behind the other that end with an alert about the certificate, until it counts as turned away (SPEC 29.9). */
#define ALERTS_MOST 3

/* A server may ask for so long a silence: what it is told then is late, not lost. */
#define SILENCE_MOST_S 3600

static const char *const names[] = {
	[ROTA_EVENT_STARTED] = "started",
	[ROTA_EVENT_CHECKED] = "checked",
	[ROTA_EVENT_REFUSED] = "refused",
	[ROTA_EVENT_DOWNLOADING] = "downloading",
	[ROTA_EVENT_INSTALLED] = "installed",
	[ROTA_EVENT_BOOTED] = "booted",
	[ROTA_EVENT_CONFIRMED] = "confirmed",
	[ROTA_EVENT_REVERTED] = "reverted",
	[ROTA_EVENT_FAILED] = "failed",
	[ROTA_EVENT_RESTORED] = "restored",
	[ROTA_EVENT_BOUND] = "bound",
};

const char *agent_event_name(uint8_t kind)
{
	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

static const char *text_of(struct rota_span from, char to[static FIELD_MAX])
{
	snprintf(to, FIELD_MAX, "%.*s", (int)from.len, from.len ? (const char *)from.p : "");
	return to;
}

static const char *version_text(uint64_t version, char to[static FIELD_MAX])
{
	uint8_t text[ROTA_VERSION_TEXT_MAX];
	size_t len = version ? rota_version_format(version, text) : 0;

	return text_of(rota_span(text, len), to);
}

/* ---- lines ---- */

static bool has_reason(struct rota_why why)
{
	return why.err != ROTA_OK || why.clause != ROTA_CLAUSE_NONE;
}

/* A malformed file and a bug are no failures of the network or the disk: the input was refused. */
static bool is_refusal(enum rota_err err)
{
	enum rota_err_class class = rota_err_class(err);

	return class == ROTA_CLASS_REFUSED || class == ROTA_CLASS_MALFORMED;
}

/* The words of a fetch, where its error is the one that is told. */
static const char *detail_of(const struct agent_report *r, enum rota_err err)
{
	return r->detail_err == err ? r->detail : "";
}

void agent_report_line(const struct agent_report *r, struct rota_why why, struct rota_span step,
	struct rota_span role, uint64_t version)
{
	char step_text[FIELD_MAX], role_text[FIELD_MAX], version_room[FIELD_MAX];
	bool refusal = is_refusal(why.err);
	const char *detail = detail_of(r, why.err);
	const char *advice = refusal ? NULL : "see: rota-agent doctor";

	say(refusal ? "refused" : "failed",
		(struct say_field[]){
			{ "step", text_of(step, step_text) },
			{ "role", text_of(role, role_text) },
			{ "version", version_text(version, version_room) },
			{ "clause", rota_clause_section(why.clause) },
			{ "reason", rota_err_str(why.err) },
			{ "demand", rota_clause_demand(why.clause) },
			{ "detail", *detail ? detail : advice },
			{ NULL, NULL },
		});
}

void agent_report_idle(const struct rota_state *state, const struct rota_outcome *outcome)
{
	char version[FIELD_MAX], installed[FIELD_MAX];

	say("idle",
		(struct say_field[]){
			{ "installed", version_text(state->installed.version, installed) },
			{ "version", version_text(outcome->version, version) },
			{ "clause", rota_clause_section(outcome->why.clause) },
			{ "demand", rota_clause_demand(outcome->why.clause) },
			{ NULL, NULL },
		});
}

static void say_event(const struct rota_event *e)
{
	char version[FIELD_MAX], campaign[FIELD_MAX], slot_step[FIELD_MAX];
	bool reason = has_reason(e->why);

	say(names[e->kind],
		(struct say_field[]){
			{ "version", version_text(e->version, version) },
			{ "campaign", text_of(e->campaign, campaign) },
			{ "step", text_of(e->step, slot_step) },
			{ "clause", reason ? rota_clause_section(e->why.clause) : NULL },
			{ "reason", e->why.err != ROTA_OK ? rota_err_str(e->why.err) : NULL },
			{ "demand", reason ? rota_clause_demand(e->why.clause) : NULL },
			{ NULL, NULL },
		});
}

/* ---- the outbox ---- */

static void put(json_t *to, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(to, key, json_stringn(value, strnlen(value, STRING_MAX)));
}

/* The largest checkpoint of the signing log that the device has seen (SPEC 22.5). */
static void put_checkpoint(json_t *to, const struct rota_update *u)
{
	const struct rota_log_seen *seen = u ? &rota_update_state(u)->seen : NULL;
	char text[FIELD_MAX], hex[2 * ROTA_SHA256_LEN + 1];

	if (!seen || seen->size == 0)
		return;
	rota_hex(ROTA_SPAN(seen->root), hex);
	snprintf(text, sizeof(text), "%" PRIu64 " %s", seen->size, hex);
	put(to, "checkpoint", text);
}

/* The root that the device holds: by it the server counts who still needs a key (SPEC 25.8). */
static void put_root(json_t *to, const struct rota_update *u)
{
	char text[FIELD_MAX];

	if (!u)
		return;
	snprintf(text, sizeof(text), "%" PRIu64,
		(uint64_t)rota_update_state(u)->trusted.root.version);
	put(to, "root", text);
}

static json_t *event_json(const struct agent_report *r, const struct rota_event *e)
{
	char text[FIELD_MAX], when[ROTA_WHEN_LEN], hex[2 * ROTA_SHA256_LEN + 1];
	json_t *to = json_object();

	rota_when_text(e->at_s, when);
	json_object_set_new(to, "at", e->at_s ? json_string(when) : json_null());
	json_object_set_new(to, "seq", json_integer((json_int_t)e->seq));
	put(to, "event", names[e->kind]);
	put(to, "version", version_text(e->version, text));
	if (e->has_release) {
		rota_hex(ROTA_SPAN(e->release), hex);
		put(to, "release", hex);
	}
	if (e->campaign.len) {
		put(to, "campaign", text_of(e->campaign, text));
		snprintf(text, sizeof(text), "%u", e->attempt);
		put(to, "attempt", text);
	}
	if (e->logged.count) {
		rota_hex(ROTA_SPAN(e->logged.head), hex);
		snprintf(text, sizeof(text), "%" PRIu64 " %s", e->logged.count, hex);
		put(to, "log", text);
	}
	put_checkpoint(to, r->update);
	put_root(to, r->update);
	put(to, "step", text_of(e->step, text));
	put(to, "clause", rota_clause_section(e->why.clause));
	if (e->why.err != ROTA_OK) {
		put(to, "reason", rota_err_str(e->why.err));
		put(to, "detail", detail_of(r, e->why.err));
	}
	return to;
}

static enum rota_err keep(struct agent_report *r, const struct rota_event *e, struct rota_fail *why)
{
	json_t *json = event_json(r, e);
	struct rota_bytes text;
	enum rota_err err = rota_json_encode(json, ROTA_JSON_FILE, &text, why);

	json_decref(json);
	if (err != ROTA_OK)
		return err;
	err = rota_outbox_add(r->outbox, e->seq, names[e->kind], rota_bytes_span(&text), why);
	rota_bytes_free(&text);
	return err;
}

void agent_report_event(void *ctx, const struct rota_event *e)
{
	struct agent_report *r = ctx;
	struct rota_fail why;

	/* The end of the cycle says a refusal with its role; here it only goes into the outbox. */
	if (e->kind != ROTA_EVENT_REFUSED && e->kind != ROTA_EVENT_FAILED)
		say_event(e);
	if (r->config->server.url && keep(r, e, &why) != ROTA_OK)
		say("warning",
			(struct say_field[]){
				{ "step", "outbox" }, { "reason", why.text }, { NULL, NULL } });
}

/* ---- the server ---- */

static bool acknowledged(const struct rota_fetch_answer *answer, uint64_t *last)
{
	struct rota_fail why;
	json_t *json, *value;
	bool good = false;

	if (rota_json_parse(rota_span(answer->body, answer->len), &json, &why) != ROTA_OK)
		return false;
	value = json_object_get(json, "acknowledged");
	if (json_is_integer(value) && json_integer_value(value) > 0) {
		*last = (uint64_t)json_integer_value(value);
		good = true;
	}
	json_decref(json);
	return good;
}

static void complain(struct agent_report *r, const char *reason, const char *detail)
{
	char count[24];

	snprintf(count, sizeof(count), "%zu", rota_outbox_count(r->outbox));
	say("warning",
		(struct say_field[]){ { "step", "report" }, { "reason", reason },
			{ "detail", detail }, { "waiting", count }, { NULL, NULL } });
	r->away = true;
}

static uint64_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void hold_back(struct agent_report *r)
{
	uint32_t asked = rota_fetch_retry_after(r->fetch);

	r->not_before_s = now_s() + (asked < SILENCE_MOST_S ? asked : SILENCE_MOST_S);
}

/* What an answer means; gives how many events the next request may carry, 0 to stop. */
static uint32_t judge(struct agent_report *r, const struct rota_fetch_answer *answer, uint32_t sent,
	uint64_t last)
{
	char status[64];
	uint64_t up_to;

	if (answer->status == 200 && acknowledged(answer, &up_to)) {
		rota_outbox_acknowledge(r->outbox, up_to < last ? up_to : last);
		r->taken = true;
		return ROTA_BATCH_EVENTS_MAX;
	}
	snprintf(status, sizeof(status), "the server answers %u", answer->status);
	/* What the server calls malformed would be so tomorrow: find the event, and let it go. */
	if (answer->status == 400 || answer->status == 413) {
		if (sent > 1)
			return 1;
		rota_outbox_acknowledge(r->outbox, last);
		say("warning",
			(struct say_field[]){ { "step", "report" },
				{ "reason", "an event is not accepted and was dropped" },
				{ "detail", answer->body }, { NULL, NULL } });
		return 1;
	}
	if (answer->status == 401 || answer->status == 403)
		r->turned_away = true;
	hold_back(r);
	/* A page of nginx's says no more than its status. */
	complain(r, status, answer->body[0] == '<' ? NULL : answer->body);
	return 0;
}

/* A report that cannot be signed is sent as it is: the server takes it, and tells a person (SPEC 13.6). */
static void sign(struct agent_report *r, struct rota_bytes *body)
{
	struct rota_fail why;

	if (agent_logsign(body, &r->config->server, r->device, &why) != ROTA_OK)
		say("warning",
			(struct say_field[]){
				{ "step", "log" }, { "reason", why.text }, { NULL, NULL } });
}

/* A report of nothing, which the server calls malformed once it knows who says it. `alerts` of ALERTS_MOST came already. */
static void knock(struct agent_report *r, unsigned alerts)
{
	static struct rota_fetch_answer answer;
	enum rota_err err = ROTA_ERR_DENIED;
	struct rota_fail why;

	for (; err == ROTA_ERR_DENIED && alerts < ALERTS_MOST; alerts++)
		err = rota_fetch_post(r->fetch, &r->config->server, "api/v1/report",
			ROTA_STR("{\"events\":[]}"), POST_S, &answer, &why);
	r->taken |= err == ROTA_OK && (answer.status == 200 || answer.status == 400);
	r->turned_away |= err == ROTA_ERR_DENIED ||
		(err == ROTA_OK && (answer.status == 401 || answer.status == 403));
}

void agent_report_send(struct agent_report *r)
{
	uint32_t most = ROTA_BATCH_EVENTS_MAX;
	struct rota_fetch_answer answer;
	struct rota_bytes body;
	struct rota_fail why;
	uint64_t last;

	if (now_s() < r->not_before_s)
		return;
	while (r->config->server.url && !r->away && most) {
		enum rota_err err = rota_outbox_batch(r->outbox, most, &body, &last, &why);

		if (err == ROTA_OK && last != 0) {
			sign(r, &body);
			err = rota_fetch_post(r->fetch, &r->config->server, "api/v1/report",
				rota_bytes_span(&body), POST_S, &answer, &why);
		}
		rota_bytes_free(&body);
		if (err != ROTA_OK)
			complain(r, rota_err_str(err), why.text);
		if (err == ROTA_ERR_DENIED && r->config->server.login)
			knock(r, 1);
		if (err != ROTA_OK || last == 0)
			return;
		most = judge(r, &answer, most, last);
	}
}

void agent_report_knock(struct agent_report *r)
{
	if (now_s() >= r->not_before_s && !r->away && !r->taken && !r->turned_away)
		knock(r, 0);
}
