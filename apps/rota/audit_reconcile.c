/* SPDX-License-Identifier: Apache-2.0 */
/* rota audit reconcile: has the log an entry for each signature that a token made?
 *
 * What a token counts is what its vendor's tool says ([token NAME] audit). Only what came since the last time is compared, as
 * keys sign before there is a daemon. The log is read before the tokens and after them: an entry comes before its signature.
 */
#include "apps/rota/opts.h"
#include "apps/rota/reconcile.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/agent/command.h"
#include "host/log/walk.h"
#include "ports/crypto_openssl/crypto_openssl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_S 300 /* an HSM's whole log */
#define OUTPUT_MAX (1024 * 1024)
#define ROWS_MAX 4096 /* keys of all tokens that are audited */
#define KEPT "reconciled"

static const char *config;
static bool json;

static const struct opts_row rows[] = {
	{ "config", "FILE", "signd.ini of the daemon (default /etc/rota/signd.ini)", OPTS_TEXT,
		&config },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota audit reconcile [OPTION]...",
	.text = "Compares how often each key signed, as its token counts it, with the entries of "
		"the signing\n"
		"log since the last time. A signature without an entry is an incident: somebody "
		"used the key\n"
		"beside the daemon. The counts come from the command `audit` of each token in "
		"rota.ini.",
	.examples = "  rota audit reconcile --config /etc/rota/signd.ini",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

struct audit {
	struct rota_policy *policy;
	char *log; /* folder */
	struct reconcile_row row[ROWS_MAX];
	size_t count;
	bool again; /* the log is read for the second time */
};

/* ---- which keys ---- */

static struct reconcile_row *find(
	struct audit *a, const char *scope, const char *token, const char *label)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->row[i].scope, scope) == 0 && strcmp(a->row[i].token, token) == 0 &&
			strcmp(a->row[i].label, label) == 0)
			return &a->row[i];
	return NULL;
}

/* The log's own key is nobody's party. */
static struct reconcile_row *log_row(struct audit *a)
{
	const struct rota_seat *key = &rota_policy_log(a->policy)->key;

	return find(a, rota_policy_scope_at(a->policy, 0)->product, key->token->name, key->key);
}

static void add_log_key(struct audit *a)
{
	const struct rota_seat *key = &rota_policy_log(a->policy)->key;
	struct reconcile_row *r = log_row(a);

	if (r || a->count == ROWS_MAX)
		return;
	r = &a->row[a->count++];
	*r = (struct reconcile_row){ .scope = rota_policy_scope_at(a->policy, 0)->product,
		.first = true };
	snprintf(r->token, sizeof(r->token), "%s", key->token->name);
	snprintf(r->label, sizeof(r->label), "%s", key->key);
}

static enum rota_err add_keys(
	struct audit *a, const struct rota_authdir *dir, struct rota_fail *why)
{
	struct rota_keys *keys;

	ROTA_TRY(rota_keys_load(dir, &keys, why));
	for (size_t i = 0; i < rota_keys_count(keys); i++) {
		const struct rota_key_info *k = rota_keys_at(keys, i);
		struct reconcile_row *r = &a->row[a->count];

		if (!k->token[0] || !k->label[0] || k->state == ROTA_KEY_DESTROYED)
			continue;
		if (a->count == ROWS_MAX) {
			rota_keys_free(keys);
			return rota_fail(why, ROTA_ERR_LIMIT, "more than %d keys", ROWS_MAX);
		}
		*r = (struct reconcile_row){ .scope = dir->product, .first = true };
		snprintf(r->token, sizeof(r->token), "%s", k->token);
		snprintf(r->label, sizeof(r->label), "%s", k->label);
		if (!rota_unhex(k->id, ROTA_BUF(r->id)))
			continue;
		a->count++;
	}
	rota_keys_free(keys);
	return ROTA_OK;
}

/* ---- the log's side ---- */

static enum rota_err take_entry(void *ctx, const struct rota_log_entry *e, struct rota_fail *why)
{
	struct audit *a = ctx;

	(void)why;
	for (size_t i = 0; i < a->count; i++) {
		struct reconcile_row *r = &a->row[i];

		if (memcmp(r->id, e->leaf.key, sizeof(e->leaf.key)) != 0)
			continue;
		if (rota_leaf_is_signed(e->leaf.kind))
			*(a->again ? &r->after : &r->before) += 1;
		r->failed += a->again && e->leaf.kind == ROTA_LEAF_FAILED;
	}
	return ROTA_OK;
}

/* Checkpoints are no entries: the log writer counts them itself, each before it is signed. */
static enum rota_err add_checkpoints(struct audit *a, struct rota_fail *why)
{
	char *path = rota_text("%s/checkpoints", a->log);
	struct reconcile_row *r = log_row(a);
	struct rota_bytes text = { 0 };
	enum rota_err err = ROTA_OK;

	if (r && access(path, F_OK) == 0)
		err = rota_file_read(path, 24, &text, why);
	if (err == ROTA_OK && text.len > 0)
		*(a->again ? &r->after : &r->before) += strtoull((const char *)text.p, NULL, 10);
	rota_bytes_free(&text);
	free(path);
	return err;
}

static enum rota_err read_log(struct audit *a, struct rota_fail *why)
{
	const struct rota_log_visitor visitor = { .ctx = a, .take = take_entry };
	char *journal = rota_text("%s/journal", a->log);
	enum rota_err err = rota_log_walk_journal(&rota_crypto_openssl, journal, &visitor, why);

	free(journal);
	return err == ROTA_OK ? add_checkpoints(a, why) : err;
}

/* ---- the token's side ---- */

static enum rota_err take_line(struct audit *a, const struct rota_authdir *dir,
	const struct rota_token *t, const char *line, struct rota_fail *why)
{
	char label[64], rest; /* a seat's key is as long */
	struct reconcile_row *r;
	uint64_t count;

	if (sscanf(line, "%63s %" SCNu64 " %c", label, &count, &rest) != 2)
		return rota_fail(why, ROTA_ERR_FORMAT,
			"token %s: its audit said '%.80s', not LABEL COUNT", t->name, line);
	r = find(a, dir->product, t->name, label);
	if (r)
		r->signatures = count;
	return ROTA_OK;
}

static enum rota_err run_audit(const struct rota_authdir *dir, const struct rota_token *t,
	const char *file, struct rota_bytes *out, struct rota_fail *why)
{
	char *line = rota_text("cd \"$DIR\" && ( %s ) >\"$OUT\"", t->audit);
	char *into = rota_text("OUT=%s", file), *in = rota_text("DIR=%s", dir->dir);
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const env[] = { path, into, in, NULL };
	enum rota_err err = rota_command_run(line, env, COMMAND_S, NULL, why);

	if (err == ROTA_OK)
		err = rota_file_read(file, OUTPUT_MAX, out, why);
	unlink(file);
	free(line);
	free(into);
	free(in);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(why, "token %s, audit", t->name);
}

/* What it prints goes through a folder that nobody else can write: whoever runs this is more than those who own the log. */
static enum rota_err hear_audit(const struct rota_authdir *dir, const struct rota_token *t,
	struct rota_bytes *out, struct rota_fail *why)
{
	char folder[] = "/tmp/rota-audit-XXXXXX", *file;
	enum rota_err err;

	if (!mkdtemp(folder))
		return rota_fail_errno(why, errno, "no folder in /tmp");
	file = rota_text("%s/counts", folder);
	err = run_audit(dir, t, file, out, why);
	free(file);
	rmdir(folder);
	return err;
}

static enum rota_err ask_token(struct audit *a, const struct rota_authdir *dir,
	const struct rota_token *t, struct rota_fail *why)
{
	char *rest, *line;
	struct rota_bytes out = { 0 };
	enum rota_err err = hear_audit(dir, t, &out, why);

	rest = (char *)out.p;
	while (err == ROTA_OK && (line = strsep(&rest, "\n")) != NULL)
		if (*line)
			err = take_line(a, dir, t, line, why);
	rota_bytes_free(&out);
	return err;
}

/* Keys of tokens that do not count are not looked at. */
static enum rota_err ask_tokens(struct audit *a, struct rota_fail *why)
{
	const struct rota_authdir *dir;
	size_t left = 0;

	for (size_t n = 0; (dir = rota_policy_scope_at(a->policy, n)) != NULL; n++)
		for (size_t i = 0; i < dir->token_count; i++) {
			const struct rota_token *t = &dir->tokens[i];

			if (t->audit)
				ROTA_TRY(ask_token(a, dir, t, why));
			for (size_t k = 0; t->audit && k < a->count; k++)
				if (a->row[k].scope == dir->product &&
					strcmp(a->row[k].token, t->name) == 0) {
					struct reconcile_row moved = a->row[left];

					a->row[left++] = a->row[k];
					a->row[k] = moved;
				}
		}
	a->count = left;
	if (left > 0)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		"no token in rota.ini says how its signatures are counted ([token NAME] audit)");
}

/* ---- what was so the last time ---- */

static void name_of(const struct reconcile_row *r, char out[static 200])
{
	char id[ROTA_DIGEST_HEX];

	rota_hex(ROTA_SPAN(r->id), id);
	snprintf(out, 200, "%s/%s:%s/%.16s", r->scope, r->token, r->label, id);
}

static char *kept_path(const struct audit *a)
{
	return rota_text("%s/" KEPT, rota_policy_daemon(a->policy)->state);
}

static enum rota_err load_kept(struct audit *a, struct rota_fail *why)
{
	char *path = kept_path(a), name[200];
	json_t *kept = NULL;
	enum rota_err err = ROTA_OK;

	if (access(path, F_OK) == 0)
		err = rota_json_load(path, OUTPUT_MAX, &kept, why);
	free(path);
	for (size_t i = 0; err == ROTA_OK && kept && i < a->count; i++) {
		const json_t *one;

		name_of(&a->row[i], name);
		one = json_object_get(kept, name);
		a->row[i].first = one == NULL;
		a->row[i].kept_entries =
			(uint64_t)json_integer_value(json_object_get(one, "entries"));
		a->row[i].kept_signatures =
			(uint64_t)json_integer_value(json_object_get(one, "signatures"));
		a->row[i].kept_failed =
			(uint64_t)json_integer_value(json_object_get(one, "failed"));
	}
	json_decref(kept);
	return err;
}

static enum rota_err keep(const struct audit *a, struct rota_fail *why)
{
	char *path = kept_path(a), name[200];
	json_t *whole = json_object();
	struct rota_bytes text;
	enum rota_err err;

	for (size_t i = 0; i < a->count; i++) {
		name_of(&a->row[i], name);
		json_object_set_new(whole, name,
			json_pack("{s:I,s:I,s:I}", "entries", (json_int_t)a->row[i].before,
				"failed", (json_int_t)a->row[i].failed, "signatures",
				(json_int_t)a->row[i].signatures));
	}
	err = rota_json_encode(whole, ROTA_JSON_FILE, &text, why);
	json_decref(whole);
	if (err == ROTA_OK) {
		err = rota_file_write(path, rota_bytes_span(&text), 0640, why);
		rota_bytes_free(&text);
	}
	free(path);
	return err;
}

/* ---- what is told ---- */

static void print_row(const struct reconcile_row *r, const json_t *one)
{
	json_int_t failed = json_integer_value(json_object_get(one, "failed"));

	printf("%s %s:%s  %lld signatures, %lld entries", r->scope, r->token, r->label,
		(long long)json_integer_value(json_object_get(one, "signatures")),
		(long long)json_integer_value(json_object_get(one, "entries")));
	if (failed > 0)
		printf(", %lld of them FAILED", (long long)failed);
	printf("%s\n",
		r->first                        ? " (counted for the first time)"
			: reconcile_is_wrong(r) ? "  SIGNED WITHOUT AN ENTRY"
						: "");
}

static size_t report(const struct audit *a)
{
	json_t *list = json_array();
	size_t wrong = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct reconcile_row *r = &a->row[i];
		json_t *one = reconcile_json(r);

		wrong += reconcile_is_wrong(r);
		json_array_append_new(list, one);
		if (!json)
			print_row(r, one);
	}
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	json_decref(list);
	return wrong;
}

static enum rota_err reconcile(struct audit *a, struct rota_fail *why)
{
	const struct rota_authdir *dir;
	enum rota_err err;
	bool entered;
	size_t wrong;

	a->log = rota_text("%s/log", rota_policy_daemon(a->policy)->state);
	for (size_t n = 0; (dir = rota_policy_scope_at(a->policy, n)) != NULL; n++)
		ROTA_TRY(add_keys(a, dir, why));
	add_log_key(a);
	ROTA_TRY(read_log(a, why));
	ROTA_TRY(ask_tokens(a, why));
	a->again = true;
	ROTA_TRY(read_log(a, why));
	ROTA_TRY(load_kept(a, why));
	wrong = report(a);
	err = reconcile_enter(a->policy, a->row, a->count, &entered, why);
	if (wrong > 0) /* what was kept stays, so that it is told until it was looked into */
		return rota_fail(why, ROTA_ERR_CORRUPT,
			"%zu keys signed what the log has no entry of: somebody used them beside "
			"the "
			"daemon (rota incident)",
			wrong);
	if (err != ROTA_OK) /* and the next time compares from where the last one ended */
		return rota_fail_in(why, "the sums are not in the log");
	if (!entered && !json)
		printf("not entered into the log: no [rule] lets this user record events of role "
		       "root\n");
	return keep(a, why);
}

int verb_audit_reconcile(int argc, char **argv)
{
	struct audit *a;
	struct rota_fail why;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	a = calloc(1, sizeof(*a));
	if (!a)
		abort();
	err = rota_policy_load(config ? config : "/etc/rota/signd.ini", &a->policy, &why);
	if (err == ROTA_OK) {
		err = reconcile(a, &why);
		rota_policy_free(a->policy);
	}
	free(a->log);
	free(a);
	return err == ROTA_OK ? 0 : say_fail(&why);
}
