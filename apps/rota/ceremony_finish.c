/* SPDX-License-Identifier: Apache-2.0 */
/* rota ceremony finish: what was signed is taken back and published, and the transcript kept. */
#include "apps/rota/ceremony.h"
#include "apps/rota/verb.h"
#include "host/keys/told.h"
#include "host/repo/bundle_import.h"
#include "host/repo/chain.h"

#include <stdio.h>
#include <string.h>

#define FOLDERS_MAX 16

static struct opts_list accept;

static const struct opts_row rows[] = {
	{ "accept-threshold", "ROLE=N",
		"the role takes N people from now on, whatever rota.ini says; may repeat",
		OPTS_LIST, &accept },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota ceremony finish [OPTION]... FOLDER...",
	.text = "Takes the folder of a ceremony back, or several copies of it, checks that each "
		"threshold is met,\n"
		"publishes what was signed, keeps the joined transcript in DIR/ceremonies, and "
		"writes down which\n"
		"keys became active or were deactivated. Safe to repeat after an interruption.",
	.examples = "  rota ceremony finish /media/stick/2027\n"
		    "  rota ceremony finish --accept-threshold root=3 anna/three bert/three",
	.rows = rows,
	.operands_min = 1,
	.operands_max = FOLDERS_MAX,
};

/* DIR/ceremonies/FINGERPRINT[END]. */
static enum rota_err kept_path(struct session *s, const struct ceremony *c, const char *end,
	char out[static ROTA_FILE_PATH_MAX])
{
	char name[64];

	rota_authdir_path(&s->dir, "ceremonies", out);
	ROTA_TRY(rota_file_mkdirs(out, 0755, &s->why));
	snprintf(name, sizeof(name), "ceremonies/%s%s", c->fingerprint, end);
	rota_authdir_path(&s->dir, name, out);
	return ROTA_OK;
}

/* Who signed what with which key, for whoever looks it up in the log; the transcript itself stays here. */
static json_t *told(const struct rota_transcript *t)
{
	const json_t *first = json_array_get(t->lines, 0);
	json_t *signers = json_array(), *line;
	size_t i;

	json_array_foreach(t->lines, i, line)
	{
		if (json_object_get(line, "keys"))
			json_array_extend(signers, json_object_get(line, "keys"));
	}
	return json_pack("{s:O,s:o,s:O,s:O,s:O}", "fingerprint",
		json_object_get(first, "fingerprint"), "keys", signers, "parts",
		json_object_get(first, "parts"), "purpose", json_object_get(first, "purpose"),
		"reason", json_object_get(first, "reason"));
}

/* The entry CEREMONY, with the digest of the transcript. */
static enum rota_err tell(struct session *s, const struct ceremony *c, const char *path)
{
	struct rota_notary_event event = { 0 };
	char hex[ROTA_DIGEST_HEX];
	struct rota_bundle_part part;
	struct rota_bytes text;
	json_t *whole;
	uint64_t entry;
	enum rota_err err;

	if (!rota_bundle_part(&c->bundle, 0, &part))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, ROTA_TRANSCRIPT_MAX, &text, &s->why));
	rota_digest_hex(rota_bytes_span(&text), hex);
	rota_bytes_free(&text);
	whole = json_pack(
		"{s:s,s:s,s:o}", "digest", hex, "kind", "ceremony", "what", told(&c->transcript));
	event.role = part.role;
	event.event = whole;
	err = s->notary.record(s->notary.ctx, &event, &entry, &s->why);
	json_decref(whole);
	return err;
}

/* It is kept under another name until the log was told; whoever finishes a second time finds it there. */
static enum rota_err keep(struct session *s, struct ceremony *c)
{
	char path[ROTA_FILE_PATH_MAX], untold[ROTA_FILE_PATH_MAX];

	ROTA_TRY(kept_path(s, c, "", path));
	ROTA_TRY(kept_path(s, c, ".untold", untold));
	if (rota_file_exists(path))
		return ROTA_OK;
	if (!rota_file_exists(untold)) {
		ROTA_TRY(rota_transcript_add(&c->transcript,
			ceremony_line("finished", c->fingerprint, s->desk.now), &s->why));
		ROTA_TRY(rota_transcript_save(&c->transcript, untold, &s->why));
	}
	ROTA_TRY(tell(s, c, untold));
	return rota_file_rename(untold, path, &s->why);
}

/* rota.ini is people's: it is not changed behind their back, and until they do, `rota doctor` says so. */
static void report(const struct ceremony *c, const struct rota_publish_role *done)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		if (done[i].published)
			printf("%-12s version %llu\n", done[i].name,
				(unsigned long long)done[i].version);
	printf("fingerprint %s: finished, transcript in ceremonies/%s\n", c->fingerprint,
		c->fingerprint);
	for (size_t i = 0; i < accept.count; i++)
		printf("next: %.*s: set threshold = %s in rota.ini, here and on the signers' "
		       "machines\n",
			(int)strcspn(accept.at[i], "="), accept.at[i],
			strchr(accept.at[i], '=') + 1);
}

static enum rota_err join(struct ceremony *all, size_t count, struct rota_fail *why)
{
	for (size_t i = 1; i < count; i++)
		if (rota_transcript_join(&all[0].transcript, &all[i].transcript, why) != ROTA_OK)
			return rota_fail_in(why, "%s", all[i].folder);
	return ROTA_OK;
}

static enum rota_err import(struct session *s, struct ceremony *all, size_t count)
{
	struct rota_publish_role done[ROTA_DUTY_COUNT];
	struct rota_bundle copies[FOLDERS_MAX];

	ROTA_TRY(join(all, count, &s->why));
	for (size_t i = 0; i < count; i++)
		copies[i] = all[i].bundle;
	ROTA_TRY(rota_bundle_import(&s->desk, copies, count, done, &s->why));
	ROTA_TRY(keep(s, &all[0]));
	ROTA_TRY(rota_keys_catch_up(&s->dir, &s->why));
	ROTA_TRY(rota_keys_tell(&s->dir, &s->notary, &s->why));
	report(&all[0], done);
	return ROTA_OK;
}

static enum rota_err finish(struct session *s, char **folders, size_t count)
{
	struct ceremony all[FOLDERS_MAX];
	enum rota_err err = ceremony_thresholds(s, &accept);
	size_t open = 0;

	while (err == ROTA_OK && open < count) {
		opts_trim_slashes(folders[open]);
		err = ceremony_open(folders[open], &all[open], &s->why);
		open += err == ROTA_OK;
	}
	if (err == ROTA_OK)
		err = import(s, all, count);
	while (open > 0)
		ceremony_close(&all[--open]);
	return err;
}

int verb_ceremony_finish(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, finish(&s, argv + at, (size_t)(argc - at)));
}
