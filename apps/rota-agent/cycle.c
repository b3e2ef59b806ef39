/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota-agent/cycle.h"
#include "apps/rota-agent/recovery.h"
#include "apps/rota-agent/renew.h"
#include "apps/rota-agent/rotate.h"
#include "apps/rota-agent/say.h"
#include "apps/rota-agent/transfer.h"
#include "host/agent/command.h"
#include "host/agent/limits.h"
#include "ports/crypto_openssl/crypto_openssl.h"
#include "ports/posix/posix.h"
#include "rota/codec/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A component; what is smaller is the policy or a release, and not worth a report before it. */
#define LARGE ((uint64_t)1 << 20)

/* A cycle that runs. */
struct cycle {
	struct agent *a;
	struct rota_update u;
	char name[ROTA_META_NAME_MAX]; /* of the metadata file fetched last */
	char role[ROTA_ROLE_NAME_MAX + 1]; /* its role */
	bool staging;
	uint64_t done, all; /* of a transfer, for the bar */
	struct rota_fail fail; /* what the last fetch said */
};

/* ---- metadata ---- */

static enum rota_err take_meta(void *ctx, struct rota_span piece)
{
	struct cycle *c = ctx;

	c->done += piece.len;
	if (c->staging)
		ROTA_TRY(rota_metastore_add(&c->a->device.meta, piece, &c->fail));
	return rota_update_feed(&c->u, piece);
}

static void say_meta(const struct cycle *c, const char *from)
{
	char bytes[24];

	snprintf(bytes, sizeof(bytes), "%" PRIu64, c->done);
	say_more("fetched",
		(struct say_field[]){ { "file", c->name }, { "bytes", bytes }, { "from", from },
			{ NULL, NULL } });
}

static enum rota_err meta_from_network(struct cycle *c, const struct rota_want *want)
{
	struct agent *a = c->a;
	char path[ROTA_URL_MAX];
	const struct rota_fetch_get get = {
		.server = &a->config->metadata,
		.path = path,
		.max_len = want->max_len,
		.total_s = (uint32_t)a->config->metadata_s,
		.ctx = c,
		.take = take_meta,
	};
	enum rota_err err;

	snprintf(path, sizeof(path), "metadata/%s", c->name);
	if (want->hint)
		return agent_transfer(a, &get, false, &c->fail);
	ROTA_TRY(rota_metastore_begin(&a->device.meta, c->name, &c->fail));
	c->staging = true;
	err = agent_transfer(a, &get, want->version != 0, &c->fail);
	c->staging = false;
	rota_metastore_end(&a->device.meta, err == ROTA_OK);
	if (err == ROTA_OK)
		say_meta(c, "network");
	return err;
}

static enum rota_err meta_from_disk(struct cycle *c)
{
	enum rota_err err;

	rota_update_copy(&c->u);
	err = rota_metastore_read(&c->a->device.meta, c->name, c, take_meta, &c->fail);
	if (err == ROTA_OK)
		say_meta(c, "disk");
	return err;
}

static enum rota_err fetch_meta(struct cycle *c, const struct rota_want *want)
{
	c->done = 0;
	snprintf(c->role, sizeof(c->role), "%.*s", (int)want->role.len, (const char *)want->role.p);
	ROTA_TRY(rota_meta_name(want->role, want->version, c->name));
	if (want->sha256 && !want->fresh && rota_metastore_has(&c->a->device.meta, c->name))
		return meta_from_disk(c);
	return meta_from_network(c, want);
}

static void keep_meta(struct cycle *c, uint64_t version)
{
	enum rota_err err = rota_metastore_keep(&c->a->device.meta, c->name, &c->fail);
	char text[24];

	rota_update_done(&c->u, err);
	if (err != ROTA_OK)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, version);
	say("trusted",
		(struct say_field[]){ { "role", c->role }, { "version", text }, { NULL, NULL } });
}

/* ---- targets ---- */

static enum rota_err take_target(void *ctx, struct rota_span piece)
{
	struct cycle *c = ctx;
	enum rota_err err = rota_update_feed(&c->u, piece);

	c->done += piece.len;
	say_progress(c->done, c->all);
	return err;
}

/* targets/DIR/HASH.NAME (SPEC 3.1) */
static enum rota_err target_path(
	const struct rota_update_want *want, char path[static ROTA_URL_MAX])
{
	char hash[2 * ROTA_SHA256_LEN + 1];
	size_t dir = want->path.len;

	while (dir && want->path.p[dir - 1] != '/')
		dir--;
	rota_hex(ROTA_SPAN(want->sha256), hash);
	snprintf(path, ROTA_URL_MAX, "targets/");
	ROTA_TRY(rota_url_add(path, rota_span_slice(want->path, 0, dir), true));
	ROTA_TRY(rota_url_add(path, rota_span_cstr(hash), false));
	ROTA_TRY(rota_url_add(path, ROTA_STR("."), false));
	return rota_url_add(path, rota_span_skip(want->path, dir), false);
}

/* What was there before, whoever cut it off. */
static void say_resumed(const struct rota_update_want *want)
{
	char from[24], of[24];

	snprintf(from, sizeof(from), "%" PRIu64, want->offset);
	snprintf(of, sizeof(of), "%" PRIu64, want->length);
	say("resumed", (struct say_field[]){ { "from", from }, { "of", of }, { NULL, NULL } });
}

/* What others keep with the data keys waits for no download, and for no program that may want them itself: the lock is let go
 * before, and taken here again. Where it is not had the keys rest for this cycle; the update goes on (SPEC 34.7). */
static void hold_keys(struct cycle *c)
{
	enum rota_err held = agent_keys_resume(&c->a->keys);

	if (held != ROTA_OK)
		say("warning",
			(struct say_field[]){ { "step", "keys" },
				{ "reason", "the data keys cannot be used in this cycle" },
				{ "detail", rota_err_str(held) }, { NULL, NULL } });
}

static enum rota_err fetch_target(struct cycle *c, const struct rota_update_want *want)
{
	struct agent *a = c->a;
	char path[ROTA_URL_MAX];
	const struct rota_fetch_get get = {
		.server = &a->config->targets,
		.path = path,
		.offset = want->offset,
		.max_len = want->length,
		.total_s = (uint32_t)a->config->target_s,
		.ctx = c,
		.take = take_target,
	};
	enum rota_err err;

	if (want->length >= LARGE)
		agent_report_send(&a->report);
	c->role[0] = 0;
	c->done = want->offset;
	c->all = want->length;
	ROTA_TRY(target_path(want, path));
	if (want->offset > 0)
		say_resumed(want);
	say_progress_begin("download", want->offset);
	if (want->length >= LARGE)
		agent_keys_release(&a->keys);
	err = agent_transfer(a, &get, true, &c->fail);
	if (want->length >= LARGE)
		hold_keys(c);
	say_progress_end();
	return err;
}

static enum rota_err take_proof(void *ctx, struct rota_span piece)
{
	struct cycle *c = ctx;

	return rota_update_feed(&c->u, piece);
}

/* SPEC 22.3 */
static enum rota_err fetch_proof(struct cycle *c, const struct rota_update_want *want)
{
	struct agent *a = c->a;
	char path[ROTA_URL_MAX], hash[2 * ROTA_SHA256_LEN + 1];
	const struct rota_fetch_get get = {
		.server = &a->config->metadata,
		.path = path,
		.max_len = want->length,
		.total_s = (uint32_t)a->config->metadata_s,
		.ctx = c,
		.take = take_proof,
	};

	c->role[0] = 0;
	rota_hex(ROTA_SPAN(want->sha256), hash);
	snprintf(path, sizeof(path), "log/proofs/%s.tlog-proof", hash);
	return agent_transfer(a, &get, false, &c->fail);
}

/* ---- signed time ---- */

/* SPEC 13.5 */
static enum rota_err fetch_time(struct cycle *c, const struct rota_update_want *want)
{
	static struct rota_fetch_answer answer;
	const struct rota_fetch_server *server = &c->a->config->server;
	char hex[2 * ROTA_TIME_NONCE_LEN + 1], body[sizeof(hex) + 16];

	c->role[0] = 0;
	if (!server->url)
		return rota_fail(&c->fail, ROTA_ERR_UNSUPPORTED,
			"[server] url is needed: nobody else tells this device the time");
	rota_hex(rota_span(want->nonce, ROTA_TIME_NONCE_LEN), hex);
	snprintf(body, sizeof(body), "{\"nonce\":\"%s\"}", hex);
	ROTA_TRY(rota_fetch_post(c->a->fetch, server, "api/v1/time", rota_span_cstr(body),
		ROTA_TIME_WITHIN_S, &answer, &c->fail));
	if (answer.status != 200)
		return rota_fail(&c->fail, answer.status == 404 ? ROTA_ERR_NOT_FOUND : ROTA_ERR_NET,
			"%s/api/v1/time answers %u", server->url, answer.status);
	return rota_update_feed(&c->u, rota_span(answer.body, answer.len));
}

/* ---- recovery orders ---- */

/* A root is staged as one of metadata is; an image goes the way of a component. */
static enum rota_err fetch_recovery(struct cycle *c, const struct rota_update_want *want)
{
	struct rota_metastore *meta = &c->a->device.meta;
	enum rota_err err;

	c->role[0] = 0;
	c->done = want->offset;
	c->all = want->length;
	if (want->part == ROTA_PACK_IMAGE) {
		say_progress_begin("recovery", want->offset);
		agent_keys_release(&c->a->keys);
		err = agent_recovery_fetch(c->a, want, c, take_target, &c->fail);
		say_progress_end();
		hold_keys(c);
		return err;
	}
	if (want->part != ROTA_PACK_ROOT)
		return agent_recovery_fetch(c->a, want, c, take_meta, &c->fail);
	snprintf(c->role, sizeof(c->role), "root");
	ROTA_TRY(rota_meta_name(want->meta.role, want->meta.version, c->name));
	ROTA_TRY(rota_metastore_begin(meta, c->name, &c->fail));
	c->staging = true;
	err = agent_recovery_fetch(c->a, want, c, take_meta, &c->fail);
	c->staging = false;
	rota_metastore_end(meta, err == ROTA_OK);
	return err;
}

/* ---- health ---- */

static enum rota_err check_health(struct cycle *c)
{
	const struct agent_config *config = c->a->config;
	const struct rota_state *state = rota_update_state(&c->u);
	uint8_t text[ROTA_VERSION_TEXT_MAX];
	char version[64], product[64], folder[ROTA_FILE_PATH_MAX + 16];
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, version, product, folder, NULL };
	enum rota_err err;

	if (!config->health.line)
		return ROTA_OK;
	snprintf(version, sizeof(version), "ROTA_VERSION=%.*s",
		(int)rota_version_format(state->pending.version, text), (const char *)text);
	snprintf(product, sizeof(product), "ROTA_PRODUCT=%s", config->product);
	snprintf(folder, sizeof(folder), "ROTA_STATE=%s", c->a->device.dir);
	agent_keys_release(&c->a->keys);
	err = rota_command_run(
		config->health.line, env, (uint32_t)config->health.timeout_s, c->a->stop, &c->fail);
	hold_keys(c);
	return err;
}

static void say_unwell(const struct cycle *c)
{
	say("failed",
		(struct say_field[]){ { "step", "health" },
			{ "reason", "the image on trial is not well" }, { "detail", c->fail.text },
			{ NULL, NULL } });
}

/* ---- the loop ---- */

/* What a fetch said is part of the reason when the fetch is what failed. */
static void note_detail(struct cycle *c, enum rota_err err)
{
	c->a->report.detail = err != ROTA_OK && err == c->fail.err ? c->fail.text : "";
	c->a->report.detail_err = err;
}

/* Of data keys the end of the cycle says which clause was not met; what the server said is known only here. */
static void warn_keys(const struct cycle *c, const char *step, enum rota_err err)
{
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND && err == c->fail.err && *c->fail.text)
		say("warning",
			(struct say_field[]){ { "step", step }, { "reason", rota_err_str(err) },
				{ "detail", c->fail.text }, { NULL, NULL } });
}

static bool is_end(enum rota_update_want_kind kind)
{
	return kind == ROTA_UPDATE_REBOOT || kind == ROTA_UPDATE_IDLE ||
		kind == ROTA_UPDATE_STOPPED;
}

/* One want; false: the cycle is over. */
static bool step(struct cycle *c, struct rota_update_want *want)
{
	enum rota_err err;

	if (is_end(want->kind) || (c->a->carrier.alone && want->kind == ROTA_UPDATE_FETCH_META))
		return false;
	c->fail = (struct rota_fail){ 0 };
	switch (want->kind) {
	case ROTA_UPDATE_FETCH_META:
		err = fetch_meta(c, &want->meta);
		break;
	case ROTA_UPDATE_KEEP_META:
		keep_meta(c, want->meta.kept_version);
		return true;
	case ROTA_UPDATE_FETCH_TARGET:
		err = fetch_target(c, want);
		break;
	case ROTA_UPDATE_FETCH_TIME:
		err = fetch_time(c, want);
		break;
	case ROTA_UPDATE_FETCH_RECOVERY:
		err = fetch_recovery(c, want);
		break;
	case ROTA_UPDATE_FETCH_PROOF:
		err = fetch_proof(c, want);
		break;
	case ROTA_UPDATE_FETCH_KEYS:
		c->role[0] = 0;
		err = agent_rotate_fetch(c->a, &c->u, want, &c->fail);
		warn_keys(c, "bundle", err);
		break;
	case ROTA_UPDATE_SEND_STATEMENT:
		c->role[0] = 0;
		if (agent_rotate_send(c->a, &c->u, want, &err, &c->fail))
			return true;
		warn_keys(c, "statement", err);
		break;
	case ROTA_UPDATE_HEALTH:
		err = check_health(c);
		if (err != ROTA_OK)
			say_unwell(c);
		break;
	case ROTA_UPDATE_REBOOT:
	case ROTA_UPDATE_IDLE:
	case ROTA_UPDATE_STOPPED:
	default:
		err = ROTA_ERR_STATE;
	}
	note_detail(c, err);
	rota_update_done(&c->u, err);
	return true;
}

/* What the slots behind rota-boot say between two boots. */
static bool nothing_runs(const struct cycle *c, const struct rota_outcome *outcome)
{
	return c->a->device.boot != NULL && outcome->why.err == ROTA_ERR_NOT_FOUND &&
		outcome->why.clause == ROTA_CLAUSE_SPEC_10;
}

static enum agent_end finish(struct cycle *c, enum rota_update_want_kind kind)
{
	struct agent_report *r = &c->a->report;
	struct rota_outcome outcome;
	enum agent_end end = AGENT_END_IDLE;

	rota_update_outcome(&c->u, &outcome);
	if (kind == ROTA_UPDATE_STOPPED && nothing_runs(c, &outcome)) {
		r->detail = agent_device_idle(&c->a->device);
		r->detail_err = outcome.why.err;
	}
	if (kind == ROTA_UPDATE_STOPPED) {
		agent_report_line(r, outcome.why, outcome.step, outcome.role, outcome.version);
		end = AGENT_END_STOPPED;
	} else if (kind == ROTA_UPDATE_REBOOT) {
		end = AGENT_END_REBOOT;
	} else {
		agent_report_idle(rota_update_state(&c->u), &outcome);
	}
	return end;
}

/* `recover`: the order's part of the cycle is over. */
static enum agent_end end_alone(const struct cycle *c)
{
	const struct rota_why *why = rota_update_order(&c->u);

	return why->clause == ROTA_CLAUSE_NONE ? AGENT_END_IDLE : AGENT_END_STOPPED;
}

static enum rota_err start(struct cycle *c, struct rota_buf workspace, struct rota_fail *why)
{
	struct agent *a = c->a;
	const struct rota_update_config config = {
		.session = {
			.crypto = &rota_crypto_openssl,
			.limits = &rota_limits_agent,
			.start = agent_clock_now(a->config->clock),
			.profile = &rota_session_device,
		},
		.device = &a->device.device,
		.slots = a->device.slots,
		.slots_count = a->device.slots_count,
		.journal = &a->device.journal,
		.order = a->device.takes_orders ? &a->device.order : NULL,
		.boot = a->device.boot,
		.log = a->device.log,
		.counter = a->device.counter,
		.watchdog = &a->device.rom.watchdog,
		.demand = a->device.rom.demand.len > 0 ? &a->device.demand : NULL,
		.random = &rota_random_posix,
		.uptime = &rota_uptime_posix,
		.resume_every = a->config->resume_every,
		.keys = agent_rotate_begin(a),
		.event_ctx = &a->report,
		.event = agent_report_event,
	};
	enum rota_err err = rota_update_init(&c->u, &config, workspace);

	if (err == ROTA_OK) {
		/* SPEC 5.1: a clock below the time floor is none; SPEC 9.6 */
		rota_fetch_clock(a->fetch,
			config.session.start.trusted && !rota_update_restored(&c->u) &&
				config.session.start.unix_s >=
					rota_update_state(&c->u)->trusted.time_floor_s);
		return ROTA_OK;
	}
	return rota_fail(why, err, "%s/journal.bin cannot be used: %s; see: rota-agent doctor",
		a->device.dir, rota_err_str(err));
}

/* The time by which certificates are judged: a clock that is believed, else the time floor (SPEC 5.2). */
static uint64_t believed_s(const struct cycle *c)
{
	struct rota_time now = agent_clock_now(c->a->config->clock);
	uint64_t floor_s = rota_update_state(&c->u)->trusted.time_floor_s;

	return now.trusted && !rota_update_restored(&c->u) && now.unix_s >= floor_s ? now.unix_s
										    : floor_s;
}

static enum rota_err run(
	struct cycle *c, struct rota_buf workspace, enum agent_end *end, struct rota_fail *why)
{
	struct rota_update_want want;
	struct rota_ordered before;

	c->a->report.detail = "";
	ROTA_TRY(start(c, workspace, why));
	if (!c->a->carrier.alone)
		agent_renew(c->a, believed_s(c));
	c->a->report.away = c->a->report.taken = c->a->report.turned_away = false;
	before = rota_update_state(&c->u)->ordered;
	agent_keys_note(&c->a->keys);
	do {
		rota_update_want(&c->u, &want);
	} while (step(c, &want));
	agent_keys_say(&c->a->keys);
	agent_rotate_say(c->a, &c->u);
	agent_recovery_say(&c->u, c->a->carrier.alone);
	agent_recovery_say_failed(&c->u, &before);
	*end = c->a->carrier.alone && want.kind == ROTA_UPDATE_FETCH_META ? end_alone(c)
									  : finish(c, want.kind);
	rota_metastore_prune(&c->a->device.meta, rota_update_saved(&c->u));
	c->a->report.detail = "";
	rota_update_drop(&c->u);
	if (!*c->a->stop)
		agent_report_send(&c->a->report);
	return ROTA_OK;
}

/* Who else looks at the cycle that is under way; NULL: it is over. */
static void hand_out(struct agent *a, const struct rota_update *u)
{
	a->report.update = u;
	for (uint8_t i = 0; i < a->device.slots_count; i++)
		a->device.hooks[i].update = u;
}

/* What the cycle has shown of the LDevID that was in use. */
static void judge_identity(struct agent *a)
{
	const struct agent_report *r = &a->report;
	enum rota_err err = ROTA_OK;
	struct rota_fail why;

	if (a->identity.config == NULL)
		return;
	if (agent_identity_tries(&a->identity))
		agent_report_knock(&a->report);
	if (r->taken)
		err = agent_identity_proved(&a->identity, &why);
	else if (r->turned_away)
		err = agent_identity_refused(&a->identity, &why);
	if (err != ROTA_OK)
		say("warning",
			(struct say_field[]){
				{ "step", "identity" }, { "reason", why.text }, { NULL, NULL } });
}

/* Memory of its own, which goes back when the cycle is over: the agent mostly sleeps. */
enum rota_err agent_cycle_run(struct agent *a, enum agent_end *end, struct rota_fail *why)
{
	size_t room = rota_update_room(&rota_limits_agent) + sizeof(struct cycle);
	void *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cycle *c = at;
	enum rota_err err;

	if (at == MAP_FAILED)
		return rota_fail(
			why, ROTA_ERR_FULL, "out of memory: a cycle needs %zu bytes", room);
	c->a = a;
	agent_carrier_begin(&a->carrier);
	hand_out(a, &c->u);
	err = run(c, rota_buf((uint8_t *)at + sizeof(*c), room - sizeof(*c)), end, why);
	hand_out(a, NULL);
	agent_keys_release(&a->keys);
	agent_carrier_end(&a->carrier);
	judge_identity(a);
	munmap(at, room);
	return err;
}
