/* SPDX-License-Identifier: Apache-2.0 */
/* rota ceremony sign: on one person's machine, show, compare, ask and sign; and write it down. */
#include "apps/rota/bundle_show.h"
#include "apps/rota/ceremony.h"
#include "apps/rota/verb.h"
#include "host/repo/bundle_record.h"
#include "host/repo/bundle_sign.h"
#include "host/sign/p256.h"

#include <stdio.h>
#include <string.h>

static struct opts_list tokens, accept;
static const char *heard;
static bool yes, again;

static const struct opts_row rows[] = {
	{ "fingerprint", "TEXT", "what was read aloud: another bundle is refused", OPTS_TEXT,
		&heard },
	{ "accept-threshold", "ROLE=N",
		"the role takes N people from now on, whatever this rota.ini says; may repeat",
		OPTS_LIST, &accept },
	{ "token", "NAME", "only this token of rota.ini signs; may repeat", OPTS_LIST, &tokens },
	{ "yes", NULL, "do not ask; needs --fingerprint", OPTS_FLAG, &yes },
	{ "again", NULL, "sign although this machine signed another file of that version",
		OPTS_FLAG, &again },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota ceremony sign [OPTION]... FOLDER",
	.text = "Verifies what `rota ceremony prepare` put into FOLDER from this machine's own "
		"trust/root.json,\n"
		"shows every value that signing it changes and the fingerprint to be compared with "
		"what was read\n"
		"aloud, asks, signs with the tokens at hand, and writes a line into the "
		"transcript.",
	.examples = "  rota --dir /media/vault ceremony sign /media/stick/2027\n"
		    "  rota --dir /media/vault ceremony sign --token root-1 --accept-threshold "
		    "root=3 three",
	.rows = rows,
	.operands_min = 1,
	.operands_max = 1,
};

/* Whether a line of the transcript says so already. */
static bool is_written(const struct rota_transcript *t, const char *id, const char *role)
{
	for (size_t i = 0; i < json_array_size(t->lines); i++) {
		const json_t *list = json_object_get(json_array_get(t->lines, i), "keys");

		for (size_t n = 0; n < json_array_size(list); n++) {
			const json_t *one = json_array_get(list, n);
			const char *key = json_string_value(json_object_get(one, "key"));
			const char *of = json_string_value(json_object_get(one, "role"));

			if (key && of && strcmp(key, id) == 0 && strcmp(of, role) == 0)
				return true;
		}
	}
	return false;
}

static bool is_picked(const struct rota_token *token)
{
	for (size_t i = 0; i < tokens.count; i++)
		if (strcmp(tokens.at[i], token->name) == 0)
			return true;
	return tokens.count == 0;
}

static void add_seat(struct session *s, const struct rota_transcript *t,
	const struct rota_bundle_item *item, const struct rota_seat *seat, json_t *list)
{
	uint8_t point[ROTA_P256_KEY_LEN];
	char id[ROTA_DIGEST_HEX];
	struct rota_fail ignored;

	if (!is_picked(seat->token) ||
		rota_tokens_public(&s->tokens, seat, point, &ignored) != ROTA_OK)
		return;
	rota_p256_key_id(point, id);
	if (rota_bundle_has_signed(item, id) && !is_written(t, id, item->role))
		json_array_append_new(list,
			json_pack("{s:s,s:s,s:s,s:s,s:s}", "key", id, "label", seat->key, "owner",
				seat->token->owner, "role", item->role, "token",
				seat->token->label));
}

/* The keys at hand that have signed and of which the transcript does not say so: those of now, and of a run that was
 * cut off behind its signatures. */
static json_t *unwritten(
	struct session *s, const struct ceremony *c, const struct rota_bundle_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < view->count; i++) {
		const struct rota_bundle_item *item = &view->items[i];
		const struct rota_party *party = rota_authdir_party(&s->dir, item->duty->name);

		for (size_t n = 0; n < party->seat_count; n++)
			add_seat(s, &c->transcript, item, &party->seats[n], list);
	}
	return list;
}

static enum rota_err write_down(struct session *s, struct ceremony *c,
	const struct rota_bundle_view *view, const struct rota_fail *last)
{
	json_t *list = unwritten(s, c, view), *line;
	char path[CEREMONY_PATH_MAX];

	if (json_array_size(list) == 0) {
		json_decref(list);
		return rota_fail(&s->why, ROTA_ERR_DENIED,
			"no token at hand has a key that may sign this and has not yet%s%s",
			last->text[0] ? ": " : "", last->text);
	}
	line = ceremony_line("signed", c->fingerprint, s->desk.now);
	json_object_set_new(line, "keys", list);
	ROTA_TRY(rota_transcript_add(&c->transcript, line, &s->why));
	ceremony_path(c->folder, "bundle", path);
	ROTA_TRY(rota_bundle_save(&c->bundle, path, &s->why));
	ceremony_path(c->folder, "transcript", path);
	return rota_transcript_save(&c->transcript, path, &s->why);
}

static enum rota_err compare(struct session *s, const struct ceremony *c)
{
	printf("fingerprint %s\n", c->fingerprint);
	fflush(stdout);
	if (heard && !rota_fingerprint_is(heard, c->fingerprint))
		return rota_fail(&s->why, ROTA_ERR_HASH,
			"%s: this is not what was read aloud; sign nothing, and find out whose "
			"bundle it is",
			c->folder);
	return session_confirm(s, yes,
		"Is this the fingerprint that was read to you, and is all "
		"of it to be signed?");
}

static void report(const struct rota_bundle_view *view, const char *folder)
{
	bool complete = true;

	for (size_t i = 0; i < view->count; i++)
		complete &= rota_bundle_complete(&view->items[i]);
	fprintf(stderr, "rota: signed; %s %s\n", folder,
		complete ? "is complete: rota ceremony finish on the connected machine"
			 : "must be signed by further people");
}

static enum rota_err sign(struct session *s, struct ceremony *c, struct rota_bundle_view *view)
{
	const struct rota_bundle_hand hand = { .tokens = tokens.count ? tokens.at : NULL,
		.token_count = tokens.count };
	struct rota_fail last;
	unsigned added;

	bundle_show(view, s->desk.now, false);
	ROTA_TRY(rota_bundle_record_check(&s->dir, view, again, &s->why));
	ROTA_TRY(compare(s, c));
	if (rota_bundle_sign(&s->desk, view, &hand, &added, &last) != ROTA_OK) {
		s->why = last;
		return last.err;
	}
	ROTA_TRY(write_down(s, c, view, &last));
	report(view, c->folder);
	return ROTA_OK;
}

static enum rota_err run(struct session *s, const char *folder)
{
	struct rota_bundle_base base;
	struct rota_bundle_view view;
	struct ceremony c;
	enum rota_err err;

	ROTA_TRY(ceremony_thresholds(s, &accept));
	ROTA_TRY(ceremony_open(folder, &c, &s->why));
	base = (struct rota_bundle_base){ .roots = c.bundle.roots, .targets = c.bundle.targets };
	err = rota_bundle_view_open(&s->dir, &c.bundle, &base, s->desk.now, &view, &s->why);
	if (err == ROTA_OK) {
		err = sign(s, &c, &view);
		rota_bundle_view_close(&view);
	}
	ceremony_close(&c);
	return err;
}

int verb_ceremony_sign(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (yes && !heard)
		return opts_wrong(
			&usage, "--yes needs --fingerprint: somebody must have compared it");
	opts_trim_slashes(argv[at]);
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, run(&s, argv[at]));
}
