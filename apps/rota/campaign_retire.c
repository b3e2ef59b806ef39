/* SPDX-License-Identifier: Apache-2.0 */
/* rota campaign retire: old data keys may go, once nobody needs them (SPEC 35.6, 38). */
#include "apps/rota/campaign.h"
#include "apps/rota/opts.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/notary/override.h"
#include "host/registry/needs.h"
#include "host/repo/retire.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 20 /* of those who need it; --json has all */
#define MS UINT64_C(1000)

static const char *purpose, *generation, *silent, *reason, *ask, *approved;
static bool override, unsigned_, json;

static const struct opts_row rows[] = {
	{ "purpose", "WORD", "telemetry, link, storage, firmware or auth", OPTS_TEXT, &purpose },
	{ "generation", "N", "it, and all below it", OPTS_TEXT, &generation },
	{ "silent", "TIME", "who said nothing for so long needs all it had (default 30d)",
		OPTS_TEXT, &silent },
	{ "override", NULL, "although devices need it: with --ask, then with --approved", OPTS_FLAG,
		&override },
	{ "ask", "FILE", "write what two officers are to approve", OPTS_TEXT, &ask },
	{ "approved", "FILE", "the file that they approved", OPTS_TEXT, &approved },
	{ "reason", "TEXT", "why, with --ask; the log keeps it", OPTS_TEXT, &reason },
	{ "unsigned", NULL, "its signers are offline: leave it waiting for rota repo export",
		OPTS_FLAG, &unsigned_ },
	{ "json", NULL, "print all who need it, and what was made, as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota campaign retire --purpose WORD --generation N [OPTION]...",
	.text = "Lets devices destroy a generation of data keys and all before it: a pair in the "
		"retirements, which\n"
		"people of that role sign. Refused while a device needs it, or has said nothing "
		"for too long; they\n"
		"are listed. The newest two of a purpose always stay. Two officers can override "
		"that: what they\n"
		"approved is an entry of the signing log.",
	.examples = "  rota campaign retire --purpose storage --generation 3\n"
		    "  rota campaign retire --purpose storage --generation 3 --override --ask "
		    "override \\\n"
		    "      --reason 'two gateways burnt down'\n"
		    "  rota campaign approve --token anna override\n"
		    "  rota campaign retire --purpose storage --generation 3 --override --approved "
		    "override",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* ---- who needs it ---- */

static void take(void *to, const struct rota_reg_line *line, enum rota_need need)
{
	json_array_append_new(to,
		json_pack("{s:s,s:s,s:I,s:s}", "id", line->id, "need", rota_need_word(need),
			"records", (json_int_t)(line->holding.held.records & ~ROTA_HOLDING_RENEW),
			"serial", line->serial));
}

/* A generation that is not two below the newest proved one is not asked about: no device destroys it (SPEC 34.6). */
static enum rota_err check_newest(
	struct session *s, const struct campaign_fleet *fleet, const struct rota_override *o)
{
	static const uint32_t any[ROTA_PURPOSES_MAX];
	struct rota_key_counts counts[ROTA_PURPOSES_MAX];
	uint32_t newest;

	ROTA_TRY(rota_key_counts(&fleet->reg, any, counts, &s->why));
	newest = counts[o->purpose - 1].newest;
	if (rota_schedule_retires(o->generation, newest))
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_STATE,
		"the newest generation of %s that any device has proved is %u; that and the one "
		"before stay",
		rota_purpose_word(o->purpose), (unsigned)newest);
}

static enum rota_err ask_devices(
	struct session *s, uint64_t silent_s, json_t *list, struct rota_override *o)
{
	struct rota_needs needs = { .purpose = o->purpose,
		.generation = o->generation,
		.silent_ms = s->desk.now > silent_s ? (s->desk.now - silent_s) * MS : 0,
		.take = take,
		.to = list,
		.most = json ? UINT64_MAX : SHOWN };
	struct campaign_fleet fleet;
	enum rota_err err;

	ROTA_TRY(campaign_fleet_open(s, &fleet));
	err = check_newest(s, &fleet, o);
	if (err == ROTA_OK)
		err = rota_needs(&fleet.reg, &needs, &s->why);
	campaign_fleet_close(&fleet);
	o->need = needs.count;
	o->silent = needs.silent;
	return err;
}

static void say_list(const json_t *list, const struct rota_override *o)
{
	const json_t *one;
	size_t i;

	if (json) {
		json_t *all = json_pack("{s:I,s:O,s:I,s:s,s:I}", "count", (json_int_t)o->need,
			"devices", list, "generation", (json_int_t)o->generation, "purpose",
			rota_purpose_word(o->purpose), "silent", (json_int_t)o->silent);

		json_dumpf(all, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		printf("\n");
		json_decref(all);
		return;
	}
	json_array_foreach(list, i, one)
	{
		printf("  %.16s  %-8s %lld records  %s\n",
			json_string_value(json_object_get(one, "id")),
			json_string_value(json_object_get(one, "need")),
			(long long)json_integer_value(json_object_get(one, "records")),
			json_string_value(json_object_get(one, "serial")));
	}
	if (o->need > SHOWN)
		printf("  and %llu more; --json lists all\n",
			(unsigned long long)(o->need - SHOWN));
}

/* ---- the override ---- */

/* What two persons took upon themselves stands in the log before it is done (SPEC 38.3). */
static enum rota_err enter(struct session *s, const struct rota_override *o)
{
	struct rota_notary_event what = { .role = "retirements" };
	char hex[ROTA_DIGEST_HEX];
	json_t *event;
	uint64_t entry;
	enum rota_err err;

	rota_hex(ROTA_SPAN(o->digest), hex);
	event = json_pack("{s:s,s:s,s:{s:s,s:I,s:I,s:s,s:s,s:I}}", "digest", hex, "kind", "key",
		"what", "event", "overridden", "generation", (json_int_t)o->generation, "need",
		(json_int_t)o->need, "purpose", rota_purpose_word(o->purpose), "reason", o->reason,
		"silent", (json_int_t)o->silent);
	what.event = event;
	err = s->notary.record(s->notary.ctx, &what, &entry, &s->why);
	json_decref(event);
	if (err == ROTA_OK && entry == ROTA_NOTARY_NO_ENTRY)
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s names no signd: an override is an entry of the signing log, and there "
			"is none",
			s->dir.ini.path);
	return err;
}

static enum rota_err write_ask(struct session *s, struct rota_override *o)
{
	struct rota_bytes line = { 0 };
	enum rota_err err;

	snprintf(o->reason, sizeof(o->reason), "%s", reason);
	ROTA_TRY(rota_override_write(o, &line, &s->why));
	err = rota_file_write(ask, rota_bytes_span(&line), 0644, &s->why);
	rota_bytes_free(&line);
	if (err == ROTA_OK)
		printf("%s: %llu devices need it; next: rota campaign approve by two officers, "
		       "then --override --approved\n",
			ask, (unsigned long long)o->need);
	return err;
}

static enum rota_err judge(struct session *s, struct rota_override *o)
{
	struct rota_bytes file;
	enum rota_err err;

	ROTA_TRY(rota_file_read(approved, ROTA_OVERRIDE_MAX, &file, &s->why));
	err = rota_override_judge(s->dir.officers, s->dir.officer_count, rota_bytes_span(&file),
		s->desk.now, o, &s->why);
	rota_bytes_free(&file);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(&s->why, "%s", approved);
}

/* Nobody needs it, or two officers said that it goes all the same. */
static enum rota_err allow(struct session *s, struct rota_override *o)
{
	if (o->need == 0)
		return ROTA_OK;
	if (!approved)
		return rota_fail(&s->why, ROTA_ERR_STATE,
			"%llu devices need generation %u of %s or an older one, %llu of them told "
			"nothing of late",
			(unsigned long long)o->need, (unsigned)o->generation,
			rota_purpose_word(o->purpose), (unsigned long long)o->silent);
	ROTA_TRY(judge(s, o));
	return enter(s, o);
}

/* ---- the file ---- */

static enum rota_err sign(struct session *s, struct rota_override *o)
{
	struct rota_ledger_done done;
	struct rota_ledger ledger;
	enum rota_err err;

	ROTA_TRY(rota_ledger_open(
		&s->dir, &rota_retirements_kind, s->dir.product, &ledger, &s->why));
	err = rota_retire_generation(
		ledger.file, rota_purpose_word(o->purpose), o->generation, &s->why);
	if (err == ROTA_OK)
		err = allow(s, o);
	if (err == ROTA_OK)
		err = rota_ledger_sign(&ledger, &s->desk, unsigned_, &done, &s->why);
	if (err == ROTA_OK && !json)
		printf("%s sequence %llu: keys of %s up to generation %u may go; %s\n", ledger.path,
			(unsigned long long)done.sequence, rota_purpose_word(o->purpose),
			(unsigned)o->generation,
			unsigned_ ? "it waits for the signers of role retirements"
				  : "rota publish makes it count");
	rota_ledger_close(&ledger);
	return err;
}

static enum rota_err run(struct session *s, struct rota_override *o)
{
	json_t *list = json_array();
	uint64_t silent_s = 0;
	enum rota_err err;

	err = campaign_setting(s, "silent", 0, ROTA_PERIOD_MOST_S, CAMPAIGN_SILENT_S, &silent_s);
	if (silent && !rota_duration_parse(silent, &silent_s))
		err = rota_fail(&s->why, ROTA_ERR_ARGUMENT, "--silent %s is no time", silent);
	if (err == ROTA_OK)
		err = ask_devices(s, silent_s, list, o);
	if (err == ROTA_OK && (o->need || json))
		say_list(list, o);
	json_decref(list);
	if (err == ROTA_OK)
		err = ask ? write_ask(s, o) : sign(s, o);
	return err;
}

static int check(struct rota_override *o)
{
	uint64_t n;

	o->purpose = campaign_purpose(purpose);
	if (!o->purpose)
		return opts_wrong(&usage, "--purpose is needed: a word of rota campaign new");
	if (!generation || !opts_number(generation, UINT32_MAX, &n) || n == 0)
		return opts_wrong(&usage, "--generation N is needed, from 1");
	o->generation = (uint32_t)n;
	if (override != (ask || approved) || (ask && approved))
		return opts_wrong(&usage, "--override goes with one of --ask and --approved");
	if (!ask != !reason || (reason && (!*reason || strlen(reason) >= sizeof(o->reason))))
		return opts_wrong(
			&usage, "--ask needs --reason, 1 to %d bytes", ROTA_OVERRIDE_REASON_MAX);
	return 0;
}

int verb_campaign_retire(int argc, char **argv)
{
	struct rota_override o = { 0 };
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check(&o);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	o.product = s.dir.product;
	return session_close(&s, run(&s, &o));
}
