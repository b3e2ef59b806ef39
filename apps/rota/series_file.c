/* SPDX-License-Identifier: Apache-2.0 */
/* rota series sign, finish: a series that is carried to the people of root, and back. */
#include "apps/rota/opts.h"
#include "apps/rota/series.h"
#include "apps/rota/verb.h"
#include "host/ceremony/fingerprint.h"
#include "host/repo/ahead.h"
#include "host/repo/chain.h"
#include "host/repo/seriesfile.h"
#include "host/series/series.h"

#include <stdio.h>

#define COPIES_MAX 16

static const char *heard;
static bool yes, again;

static const struct opts_row sign_rows[] = {
	{ "fingerprint", "TEXT", "what was read aloud: another series is refused", OPTS_TEXT,
		&heard },
	{ "yes", NULL, "do not ask; needs --fingerprint", OPTS_FLAG, &yes },
	{ "again", NULL, "sign although this machine signed other roots of these versions",
		OPTS_FLAG, &again },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage sign_usage = {
	.synopsis = "rota series sign [OPTION]... FILE",
	.text = "Verifies what `rota series prepare` wrote from this machine's own "
		"trust/root.json, "
		"refuses any\n"
		"root that changes more than version, times and the keys of snapshot and "
		"timestamp, shows what is\n"
		"common once and a line for each, asks, and signs all of them with the tokens of "
		"root at hand.",
	.examples = "  rota --dir /media/vault series sign /media/stick/series",
	.rows = sign_rows,
	.operands_min = 1,
	.operands_max = 1,
};

static const struct opts_row finish_rows[] = {
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage finish_usage = {
	.synopsis = "rota series finish FILE...",
	.text = "Takes the file back, or several copies of it, checks that each root has the "
		"threshold, and puts the\n"
		"series behind the roots that there are. What a keeper is to have goes there, and "
		"from then on\n"
		"`rota publish` does the rest.",
	.examples = "  rota series finish /media/stick/series\n"
		    "  rota series finish anna/series bert/series",
	.rows = finish_rows,
	.operands_min = 1,
	.operands_max = COPIES_MAX,
};

static enum rota_err load(struct session *s, const char *path, struct rota_seriesfile *f)
{
	ROTA_TRY(rota_seriesfile_load(path, f, &s->why));
	if (rota_seriesfile_open(&s->dir, f, s->desk.now, &s->why) == ROTA_OK)
		return ROTA_OK;
	rota_seriesfile_free(f);
	return rota_fail_in(&s->why, "%s", path);
}

static enum rota_err show(struct session *s, const struct rota_seriesfile *f)
{
	char fingerprint[ROTA_FINGERPRINT_LEN];
	struct rota_bytes text;

	ROTA_TRY(rota_series_show(f->before, f->roots, &text, &s->why));
	fwrite(text.p, 1, text.len, stdout);
	rota_bytes_free(&text);
	ROTA_TRY(rota_fingerprint_series(f->roots, fingerprint, &s->why));
	printf("fingerprint %s\n", fingerprint);
	fflush(stdout);
	if (!heard || rota_fingerprint_is(heard, fingerprint))
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_HASH,
		"this is not what was read aloud; sign nothing, and find out whose series it is");
}

static enum rota_err sign(struct session *s, struct rota_seriesfile *f, const char *path)
{
	struct rota_fail last;
	unsigned keys;

	ROTA_TRY(rota_seriesfile_check(&s->dir, f, again, &s->why));
	ROTA_TRY(show(s, f));
	ROTA_TRY(session_confirm(s, yes,
		"Is this the fingerprint that was read to you, and are all of them to be signed?"));
	if (rota_seriesfile_sign(&s->desk, f, &keys, &last) != ROTA_OK) {
		s->why = last;
		return last.err;
	}
	if (!keys)
		return rota_fail(&s->why, ROTA_ERR_DENIED,
			"no token at hand has a key that may sign this and has not yet%s%s",
			last.text[0] ? ": " : "", last.text);
	ROTA_TRY(rota_seriesfile_save(f, path, &s->why));
	fprintf(stderr, "rota: signed with %u key%s; %s %s\n", keys, keys == 1 ? "" : "s", path,
		rota_seriesfile_complete(f)
			? "is complete: rota series finish on the connected machine"
			: "must be signed by further people");
	return ROTA_OK;
}

int verb_series_sign(int argc, char **argv)
{
	struct rota_seriesfile f;
	struct session s;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&sign_usage, argc, argv, &at, &status))
		return status;
	if (yes && !heard)
		return opts_wrong(
			&sign_usage, "--yes needs --fingerprint: somebody must have compared it");
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	err = load(&s, argv[at], &f);
	if (err == ROTA_OK) {
		err = sign(&s, &f, argv[at]);
		rota_seriesfile_free(&f);
	}
	return session_close(&s, err);
}

static enum rota_err merge(
	struct session *s, struct rota_seriesfile *all, char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rota_seriesfile other;
		enum rota_err err;

		ROTA_TRY(load(s, paths[i], &other));
		err = rota_seriesfile_merge(all, &other, &s->why);
		rota_seriesfile_free(&other);
		if (err != ROTA_OK)
			return rota_fail_in(&s->why, "%s", paths[i]);
	}
	return ROTA_OK;
}

/* Behind what there is here, whatever the file says of that. */
static enum rota_err take(struct session *s, const struct rota_seriesfile *f)
{
	json_t *before;
	enum rota_err err;

	if (!rota_seriesfile_complete(f))
		return rota_fail(&s->why, ROTA_ERR_THRESHOLD,
			"the series must be signed by further people of root");
	ROTA_TRY(rota_ahead_newest(&s->dir, &before, &s->why));
	if (!json_equal(before, f->before))
		err = rota_fail(&s->why, ROTA_ERR_STATE,
			"root %llu was signed meanwhile; prepare the series again",
			(unsigned long long)rota_chain_version(before));
	else
		err = series_put(s, &before, json_object_get(f->whole, "roots_next"));
	json_decref(before);
	ROTA_TRY(err);
	return series_finish(s, f->roots);
}

static enum rota_err finish(struct session *s, char **paths, size_t count)
{
	struct rota_seriesfile f;
	enum rota_err err;

	ROTA_TRY(load(s, paths[0], &f));
	err = merge(s, &f, paths + 1, count - 1);
	if (err == ROTA_OK)
		err = take(s, &f);
	if (err == ROTA_OK)
		printf("roots %llu to %llu are here\n",
			(unsigned long long)rota_chain_version(json_array_get(f.roots, 0)),
			(unsigned long long)rota_chain_version(
				json_array_get(f.roots, json_array_size(f.roots) - 1)));
	rota_seriesfile_free(&f);
	return err;
}

int verb_series_finish(int argc, char **argv)
{
	struct session s;
	int at, status;

	if (!opts_parse(&finish_usage, argc, argv, &at, &status))
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	return session_close(&s, finish(&s, argv + at, (size_t)(argc - at)));
}
