/* SPDX-License-Identifier: Apache-2.0 */
/* rota publish: what was signed begins to count. */
#include "apps/rota/carry.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/slots.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/publish.h"
#include "host/repo/store.h"

#include <stdio.h>
#include <string.h>

/* Clocks of two machines that publish differ by so much (SPEC 4.5). */
#define CLOCK_SLACK_S 600

static bool all, json;
static struct opts_list lifetimes;

static const struct opts_row rows[] = {
	{ "all", NULL, "sign every online role anew, whatever its age", OPTS_FLAG, &all },
	{ "lifetime", "ROLE=TIME", "a shorter life for an online role this once (90s, 10m, 2h, 1d)",
		OPTS_LIST, &lifetimes },
	{ "json", NULL, "print what was done as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota publish [OPTION]...",
	.text = "Publishes what was signed since the last time: role files, then a snapshot that "
		"names\n"
		"them, then the timestamp. Online roles that have used up a third of their "
		"lifetime are\n"
		"signed anew; offline ones past half of theirs are named. Run it again after an\n"
		"interruption, and regularly (every eight hours at least; every hour within a "
		"series\n"
		"of online keys, whose roots it publishes and whose old keys it destroys).",
	.examples = "  rota publish\n  rota publish --all --json\n"
		    "  rota publish --lifetime timestamp=10m",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* "ROLE=TIME" into the plan. */
static int parse_lifetime(const char *text, struct rota_publish_plan *plan)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		size_t len = strlen(rota_duties[i].name);

		if (strncmp(text, rota_duties[i].name, len) != 0 || text[len] != '=')
			continue;
		if (rota_duration_parse(text + len + 1, &plan->lifetime_s[i]) &&
			plan->lifetime_s[i] > 0)
			return 0;
	}
	return opts_wrong(&usage, "--lifetime %s is not ROLE=TIME", text);
}

/* A lifetime for what is not signed here would be silently without effect. */
static enum rota_err check_lifetimes(struct session *s, const struct rota_publish_plan *plan)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		const char *role = rota_duties[i].name;

		if (plan->lifetime_s[i] == 0 ||
			(strcmp(role, "root") != 0 &&
				rota_party_online(rota_authdir_party(&s->dir, role))))
			continue;
		return rota_fail(&s->why, ROTA_ERR_ARGUMENT,
			"--lifetime %s=...: rota publish does not sign that role, its people do",
			role);
	}
	return ROTA_OK;
}

/* Offline roles past half of their lifetime need people. */
static void warn_old(const struct session *s, const char *role)
{
	uint64_t issued, expires;
	struct rota_fail why;
	json_t *content;

	if (rota_party_online(rota_authdir_party(&s->dir, role)) ||
		rota_store_signed(&s->dir, role, &content, &why) != ROTA_OK)
		return;
	if (rota_metadata_times(content, &issued, &expires) &&
		s->desk.now > issued + (expires - issued) / 2)
		fprintf(stderr,
			"rota: role %s has used up half of its life; its people must sign "
			"it again\n",
			role);
	json_decref(content);
}

/* What is signed now would count as expired before its time. No refusal: the clock may have been wrong then. */
static void warn_clock(const struct session *s)
{
	uint64_t issued, expires;
	struct rota_fail why;
	char now[ROTA_WHEN_LEN], then[ROTA_WHEN_LEN];
	json_t *content;

	if (rota_store_signed(&s->dir, "timestamp", &content, &why) != ROTA_OK)
		return;
	if (rota_metadata_times(content, &issued, &expires) &&
		s->desk.now + CLOCK_SLACK_S < issued) {
		rota_when_text(s->desk.now, now);
		rota_when_text(issued, then);
		fprintf(stderr,
			"rota: the clock shows %s, the last timestamp was issued at %s; if the "
			"clock is wrong, set it and publish again\n",
			now, then);
	}
	json_decref(content);
}

static void report_line(const struct rota_publish_role *r)
{
	printf("%-12s version %llu%s", r->name, (unsigned long long)r->version,
		r->resigned ? ", signed now" : "");
	if (r->bins)
		printf(", %u bins", r->bins);
	if (r->held)
		printf(", held back");
	if (r->late.err != ROTA_OK)
		printf(", not signed anew");
	printf("\n");
}

static void report(const struct rota_publish_role *roles)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++) {
		const struct rota_publish_role *r = &roles[i];

		if (json)
			json_array_append_new(list,
				json_pack("{s:i,s:b,s:s,s:b,s:b,s:I,s:b}", "bins", (int)r->bins,
					"held", (int)r->held, "role", r->name, "published",
					(int)r->published, "resigned", (int)r->resigned, "version",
					(json_int_t)r->version, "late", r->late.err != ROTA_OK));
		else if (r->published || r->bins || r->held || r->late.err != ROTA_OK)
			report_line(r);
	}
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	json_decref(list);
}

/* Publish, and say what was done. */
static enum rota_err run(
	struct session *s, struct rota_publish_plan *plan, const struct carry *carry)
{
	struct rota_publish_role roles[ROTA_DUTY_COUNT];
	unsigned destroyed = 0;

	plan->log = carry->kept ? &carry->log : NULL;
	ROTA_TRY(rota_publish(&s->desk, plan, roles, &s->why));
	ROTA_TRY(slots_retire(s, &destroyed));
	report(roles);
	if (destroyed)
		fprintf(stderr, "rota: the online keys of %u slot%s are destroyed\n", destroyed,
			destroyed == 1 ? "" : "s");
	slots_warn(s);
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		warn_old(s, roles[i].name);
	if (carry->held.err != ROTA_OK)
		return rota_fail(&s->why, carry->held.err, "role releases is held back: %s",
			carry->held.text);
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		if (roles[i].late.err != ROTA_OK)
			return rota_fail(&s->why, roles[i].late.err, "all else is published; %s",
				roles[i].late.text);
	return ROTA_OK;
}

int verb_publish(int argc, char **argv)
{
	struct rota_publish_plan plan = { 0 };
	struct carry carry = { .kept = false };
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	plan.all = all;
	for (size_t i = 0; i < lifetimes.count; i++) {
		status = parse_lifetime(lifetimes.at[i], &plan);
		if (status)
			return status;
	}
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	warn_clock(&s);
	err = check_lifetimes(&s, &plan);
	if (err == ROTA_OK)
		err = slots_tend(&s);
	if (err == ROTA_OK)
		err = carry_open(&carry, &s);
	if (err == ROTA_OK)
		err = run(&s, &plan, &carry);
	carry_close(&carry);
	return session_close(&s, err);
}
