/* SPDX-License-Identifier: Apache-2.0 */
/* rota status: each role's version, what is left of its life, and who signs it. */
#include "apps/rota/carry.h"
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/keys/keys.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BAR 12

static bool json;

static const struct opts_row rows[] = {
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota status [OPTION]...",
	.text = "Shows per role: version published, version staged and waiting for `rota publish`, "
		"how\n"
		"much of its life is used, when it expires, its signers and threshold. Needs no "
		"token.",
	.examples = "  rota status\n  rota --dir /srv/authority status --json",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

struct row {
	const struct rota_party *party;
	uint64_t published, newest, issued, expires;
};

static enum rota_err look(struct session *s, const char *role, struct row *row)
{
	json_t *content;

	row->party = rota_authdir_party(&s->dir, role);
	ROTA_TRY(rota_store_newest(&s->dir, role, false, &row->published, &s->why));
	ROTA_TRY(rota_store_newest(&s->dir, role, true, &row->newest, &s->why));
	ROTA_TRY(rota_store_signed(&s->dir, role, &content, &s->why));
	if (!rota_metadata_times(content, &row->issued, &row->expires))
		row->issued = row->expires = 0;
	json_decref(content);
	return ROTA_OK;
}

static void seats(const struct rota_party *party, char *out, size_t room)
{
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; i < party->seat_count && len < room; i++)
		len += (size_t)snprintf(
			out + len, room - len, "%s%s", i ? " " : "", party->seats[i].token->name);
}

static void print_row(const struct row *row, uint64_t now)
{
	uint64_t life = row->expires > row->issued ? row->expires - row->issued : 1;
	uint64_t used = now > row->issued ? now - row->issued : 0;
	size_t filled = used >= life ? BAR : (size_t)(used * BAR / life);
	char bar[BAR + 1], left[ROTA_DURATION_LEN], staged[24] = "", who[256];

	memset(bar, '.', BAR);
	memset(bar, '#', filled);
	bar[BAR] = 0;
	if (row->newest > row->published)
		snprintf(staged, sizeof(staged), "+%llu", (unsigned long long)row->newest);
	rota_duration_text(row->expires > now ? row->expires - now : 0, left);
	seats(row->party, who, sizeof(who));
	printf("%-12s %5llu %-5s [%s] %8s  %u of %zu  %s\n", row->party->name,
		(unsigned long long)row->published, staged, bar,
		row->expires > now ? left : "EXPIRED", row->party->threshold,
		row->party->seat_count, who);
}

static json_t *row_json(const struct row *row, uint64_t now)
{
	json_t *who = json_array();
	char expires[ROTA_WHEN_LEN];

	for (size_t i = 0; i < row->party->seat_count; i++)
		json_array_append_new(who, json_string(row->party->seats[i].token->name));
	rota_when_text(row->expires, expires);
	return json_pack("{s:b,s:s,s:I,s:I,s:s,s:o,s:i}", "expired", row->expires <= now, "expires",
		expires, "newest", (json_int_t)row->newest, "published", (json_int_t)row->published,
		"role", row->party->name, "signers", who, "threshold", (int)row->party->threshold);
}

/* Keys whose time comes, below the roles. `rota keys list --json` has them for programs. */
static enum rota_err print_keys(struct session *s)
{
	struct rota_keys *k;
	char trouble[96];

	ROTA_TRY(rota_keys_load(&s->dir, &k, &s->why));
	for (size_t i = 0; i < rota_keys_count(k); i++) {
		const struct rota_key_info *key = rota_keys_at(k, i);

		rota_keys_trouble_text(key, s->desk.now, trouble);
		if (trouble[0])
			printf("key %.16s of %s: %s\n", key->id, key->uses, trouble);
	}
	rota_keys_free(k);
	return ROTA_OK;
}

/* The signing log, where rota.ini names one. `rota audit verify --json` says more. */
static enum rota_err print_log(struct session *s)
{
	struct carry carry = { .kept = false };
	struct carry_standing log;
	enum rota_err err = carry_open(&carry, s);

	if (err == ROTA_OK && carry.kept)
		err = carry_look(&carry, s, &log);
	if (err == ROTA_OK && carry.kept && log.published)
		printf("log: %" PRIu64
		       " entries published, cosigned by %u of the %u witnesses wanted\n",
			log.entries, log.witnesses, carry.policy.need);
	if (err == ROTA_OK && carry.kept && !log.published)
		printf("log: nothing of it is published\n");
	if (err == ROTA_OK && carry.kept && log.unproven)
		printf("log: %zu release%s without a proof\n", log.unproven,
			log.unproven == 1 ? "" : "s");
	carry_close(&carry);
	return err;
}

int verb_status(int argc, char **argv)
{
	struct row all[ROTA_DUTY_COUNT];
	struct session s;
	enum rota_err err = ROTA_OK;
	json_t *list;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_READ) != ROTA_OK)
		return say_fail(&s.why);
	for (size_t i = 0; i < ROTA_DUTY_COUNT && err == ROTA_OK; i++)
		err = look(&s, rota_duties[i].name, &all[i]);
	list = json_array();
	if (err == ROTA_OK && !json)
		printf("role         versn stage  life used    expires  signs\n");
	for (size_t i = 0; i < ROTA_DUTY_COUNT && err == ROTA_OK; i++) {
		json_array_append_new(list, row_json(&all[i], s.desk.now));
		if (!json)
			print_row(&all[i], s.desk.now);
	}
	if (err == ROTA_OK && !json)
		err = print_keys(&s);
	if (err == ROTA_OK && !json)
		err = print_log(&s);
	if (err == ROTA_OK && json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	json_decref(list);
	return session_close(&s, err);
}
