/* SPDX-License-Identifier: Apache-2.0 */
/* rota repo sign: on the offline machine, show what a bundle changes, ask, and sign it. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/repo/bundle_diff.h"
#include "host/repo/bundle_record.h"
#include "host/repo/bundle_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct opts_list tokens;
static const char *out;
static bool yes, show, again, json;

static const struct opts_row rows[] = {
	{ "show", NULL, "verify and show, sign nothing", OPTS_FLAG, &show },
	{ "token", "NAME", "only this token of rota.ini signs; may repeat", OPTS_LIST, &tokens },
	{ "yes", NULL, "do not ask", OPTS_FLAG, &yes },
	{ "out", "FILE", "where the signed bundle goes (default: in the place of FILE)", OPTS_TEXT,
		&out },
	{ "again", NULL, "sign although this machine signed another file of that version",
		OPTS_FLAG, &again },
	{ "json", NULL, "as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota repo sign [OPTION]... FILE",
	.text = "Verifies a bundle of `rota repo export` from this machine's own trust/root.json, "
		"shows every\n"
		"value that signing it changes, asks, and adds the signatures of the tokens at "
		"hand until the\n"
		"threshold is met. Refuses what goes back, what is not the next version, and what "
		"the role may\n"
		"not say. Several people sign one after the other, or each a copy.",
	.examples = "  rota --dir /media/vault repo sign --show /media/stick/release-2\n"
		    "  rota --dir /media/vault repo sign --token releases-1 /media/stick/release-2",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* A value as JSON in ASCII: nothing of it moves the cursor or turns the line around. The caller frees. */
static char *plain(const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);

	if (!text)
		abort();
	for (char *c = text; *c; c++)
		if (*c == 0x7F)
			*c = '?';
	return text;
}

static void print_value(char mark, const char *path, const json_t *value)
{
	char *text = plain(value);

	printf("  %c %s = %s\n", mark, path, text);
	free(text);
}

static void on_change(void *ctx, const char *path, const json_t *was, const json_t *now)
{
	json_t *list = ctx, *one;

	if (json) {
		one = json_pack("{s:s}", "path", path);
		if (was)
			json_object_set(one, "was", (json_t *)(uintptr_t)was);
		if (now)
			json_object_set(one, "now", (json_t *)(uintptr_t)now);
		json_array_append_new(list, one);
		return;
	}
	if (was)
		print_value('-', path, was);
	if (now)
		print_value('+', path, now);
}

static void print_head(const struct rota_bundle_item *item, const char *hex, uint64_t left_s)
{
	char left[ROTA_DURATION_LEN];

	rota_duration_text(left_s, left);
	printf("role %s, version %llu after %llu, expires in %s\n", item->role,
		(unsigned long long)rota_chain_version(item->now),
		(unsigned long long)rota_chain_version(item->was), left);
	printf("  SHA-256 that is signed: %s\n", hex);
	for (size_t i = 0; i < item->who_count; i++)
		printf("  signatures%s: %u of %u\n", i ? " under the new keys" : "",
			rota_bundle_have(item, i), item->who[i].threshold);
}

/* One item; for --json an object. */
static json_t *show_item(
	const struct rota_bundle_view *view, const struct rota_bundle_item *item, uint64_t now)
{
	json_t *changes = json_array();
	const struct rota_bundle_sink sink = { .ctx = changes, .change = on_change };
	char hex[ROTA_DIGEST_HEX];
	uint64_t issued, expires;

	rota_hex(ROTA_SPAN(item->digest), hex);
	if (!json && rota_metadata_times(item->now, &issued, &expires))
		print_head(item, hex, expires - now);
	rota_bundle_diff(view, item, &sink);
	return json_pack("{s:o,s:b,s:s,s:s,s:i,s:i,s:I}", "changes", changes, "complete",
		(int)rota_bundle_complete(item), "digest", hex, "role", item->role, "signatures",
		(int)json_array_size(item->signatures), "threshold",
		(int)item->who[item->who_count - 1].threshold, "version",
		(json_int_t)rota_chain_version(item->now));
}

static void show_all(const struct rota_bundle_view *view, uint64_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < view->count; i++)
		json_array_append_new(list, show_item(view, &view->items[i], now));
	if (json) {
		json_dumpf(list, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		printf("\n");
	}
	fflush(stdout);
	json_decref(list);
}

static void report(const struct rota_bundle_view *view, const char *file, unsigned added)
{
	bool complete = true;

	for (size_t i = 0; i < view->count; i++)
		complete &= rota_bundle_complete(&view->items[i]);
	fprintf(stderr, "rota: %u signature%s added to %s; %s\n", added, added == 1 ? "" : "s",
		file,
		complete ? "it is complete: rota repo import on the connected machine"
			 : "further people must sign it");
}

static enum rota_err sign(struct session *s, struct rota_bundle_view *view, const char *file)
{
	const struct rota_bundle_hand hand = { .tokens = tokens.count ? tokens.at : NULL,
		.token_count = tokens.count };
	struct rota_fail last;
	unsigned added;

	ROTA_TRY(rota_bundle_record_check(&s->dir, view, again, &s->why));
	if (!yes)
		ROTA_TRY(session_confirm(s, "Sign this?"));
	if (rota_bundle_sign(&s->desk, view, &hand, &added, &last) != ROTA_OK) {
		s->why = last;
		return last.err;
	}
	if (added == 0)
		return rota_fail(&s->why, ROTA_ERR_DENIED,
			"no token at hand has a key that may sign this and has not yet%s%s",
			last.text[0] ? ": " : "", last.text);
	ROTA_TRY(rota_bundle_save(view->bundle, file, &s->why));
	report(view, file, added);
	return ROTA_OK;
}

static enum rota_err run(struct session *s, const char *file)
{
	struct rota_bundle bundle;
	struct rota_bundle_base base;
	struct rota_bundle_view view;
	enum rota_err err;

	ROTA_TRY(rota_bundle_load(file, &bundle, &s->why));
	base = (struct rota_bundle_base){ .roots = bundle.roots, .targets = bundle.targets };
	err = rota_bundle_view_open(&s->dir, &bundle, &base, s->desk.now, &view, &s->why);
	if (err == ROTA_OK) {
		show_all(&view, s->desk.now);
		if (!show)
			err = sign(s, &view, out ? out : file);
		rota_bundle_view_close(&view);
	}
	rota_bundle_free(&bundle);
	return err == ROTA_OK ? ROTA_OK : rota_fail_in(&s->why, "%s", file);
}

int verb_repo_sign(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), show ? SESSION_READ : SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
