/* SPDX-License-Identifier: Apache-2.0 */
/* rota rollout set: which release the devices of a channel install, and which of them already do. */
#include "apps/rota/opts.h"
#include "apps/rota/session.h"
#include "apps/rota/verb.h"
#include "host/base/when.h"
#include "host/pki/enrol.h"
#include "host/repo/ledger.h"
#include "host/repo/released.h"
#include "host/repo/retire.h"
#include "host/repo/rollout.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"
#include "rota/codec/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGES_MAX 32 /* SPEC 8.2 */
#define TAG_LEN 16

static const char *version, *product, *channel, *state, *open_stage, *attempt, *id;
static const char *retry_max, *backoff, *window;
static struct opts_list stages;
static bool json;

static const struct opts_row rows[] = {
	{ "version", "VERSION", "release to install", OPTS_TEXT, &version },
	{ "channel", "NAME", "channel (default production)", OPTS_TEXT, &channel },
	{ "stage", "STAGE",
		"everyone, ppm=N, group=NAME, region=NAME, canary=DEVICE,...; may repeat",
		OPTS_LIST, &stages },
	{ "open", "N",
		"index of the last open stage (default: the last one; 0 where a signing daemon "
		"signs, which opens one after the other)",
		OPTS_TEXT, &open_stage },
	{ "state", "STATE", "active (default), paused, aborted or done", OPTS_TEXT, &state },
	{ "attempt", "N", "0 to 7: raise it to draw anew (default 0)", OPTS_TEXT, &attempt },
	{ "id", "TEXT", "campaign id (default VERSION-ATTEMPT)", OPTS_TEXT, &id },
	{ "retry", "N", "installs after a failed one, at most 8 (default 2)", OPTS_TEXT,
		&retry_max },
	{ "backoff", "TIME", "wait before a retry (default 1h)", OPTS_TEXT, &backoff },
	{ "window", "HH:MM-HH:MM", "time of the UTC day in which devices install", OPTS_TEXT,
		&window },
	{ "product", "NAME", "product (default: rota.ini's)", OPTS_TEXT, &product },
	{ "json", NULL, "print what was made as JSON", OPTS_FLAG, &json },
	{ NULL, NULL, NULL, OPTS_FLAG, NULL },
};

static const struct opts_usage usage = {
	.synopsis = "rota rollout set --version VERSION [OPTION]...",
	.text = "Writes and signs the rollout policy, the only pointer to what a device installs. "
		"A\n"
		"device takes part when one of the stages up to the open one admits it, within "
		"the\n"
		"ceilings that the release signers set. `rota publish` makes it count.",
	.examples =
		"  rota rollout set --version 2.0.0\n"
		"  rota rollout set --version 2.0.0 --stage group=lab --stage ppm=10000 --open 0\n"
		"  rota rollout set --version 2.0.0 --stage everyone --state paused",
	.rows = rows,
	.operands_min = 0,
	.operands_max = 0,
};

/* SPEC 8.5, with the release.json digest as the label. */
static void make_tag(const uint8_t release[static ROTA_DIGEST_LEN], const struct rota_bytes *spki,
	char out[static 2 * TAG_LEN + 1])
{
	struct rota_digest *digest = rota_digest_new();
	const uint8_t len[2] = { 0, ROTA_DIGEST_LEN };
	uint8_t value[ROTA_DIGEST_LEN];

	rota_digest_add(digest, ROTA_STR("rota-tag-v1"));
	rota_digest_add(digest, ROTA_SPAN(len));
	rota_digest_add(digest, rota_span(release, ROTA_DIGEST_LEN));
	rota_digest_add(digest, rota_bytes_span(spki));
	rota_digest_get(digest, value);
	rota_digest_free(digest);
	rota_hex(rota_span(value, TAG_LEN), out);
}

/* "DEVICE,DEVICE" to a sorted list of tags. */
static enum rota_err canary_stage(struct session *s, const char *list,
	const uint8_t release[static ROTA_DIGEST_LEN], json_t **stage)
{
	char *copy = rota_text("%s", list), *rest = copy, *one;
	json_t *tags = json_array();
	enum rota_err err = ROTA_OK;

	while (err == ROTA_OK && (one = strsep(&rest, ",")) != NULL) {
		struct rota_bytes spki = { 0 };
		char tag[2 * TAG_LEN + 1];

		err = rota_enrol_spki(&s->dir, one, &spki, &s->why);
		if (err == ROTA_OK) {
			make_tag(release, &spki, tag);
			json_array_append_new(tags, json_string(tag));
		}
		rota_bytes_free(&spki);
	}
	free(copy);
	*stage = json_pack("{s:s,s:o}", "kind", "canary", "tags", tags);
	return err;
}

static bool stage_ok(const char *text)
{
	const char *value = strchr(text, '=');
	uint64_t ppm;

	if (strncmp(text, "ppm=", 4) == 0)
		return opts_number(text + 4, 1000000, &ppm);
	if (strncmp(text, "group=", 6) == 0 || strncmp(text, "region=", 7) == 0)
		return rota_name_ok(value + 1);
	return strcmp(text, "everyone") == 0 || (strncmp(text, "canary=", 7) == 0 && value[1]);
}

/* Of a text that stage_ok() passed. */
static enum rota_err make_stage(struct session *s, const char *text,
	const uint8_t release[static ROTA_DIGEST_LEN], json_t **stage)
{
	const char *value = strchr(text, '=');
	uint64_t ppm;

	*stage = NULL;
	if (strcmp(text, "everyone") == 0) {
		*stage = json_pack("{s:s}", "kind", "everyone");
		return ROTA_OK;
	}
	if (strncmp(text, "ppm=", 4) == 0 && opts_number(text + 4, 1000000, &ppm)) {
		*stage = json_pack("{s:s,s:I}", "kind", "ppm", "ppm", (json_int_t)ppm);
		return ROTA_OK;
	}
	if (strncmp(text, "canary=", 7) == 0)
		return canary_stage(s, text + 7, release, stage);
	*stage = json_pack("{s:s%,s:s}", "kind", text, (size_t)(value - text), "name", value + 1);
	return ROTA_OK;
}

static enum rota_err make_stages(
	struct session *s, const uint8_t release[static ROTA_DIGEST_LEN], json_t *list)
{
	if (stages.count == 0)
		stages.at[stages.count++] = "everyone";
	if (stages.count > STAGES_MAX)
		return rota_fail(
			&s->why, ROTA_ERR_LIMIT, "more than %d stages (SPEC 8.2)", STAGES_MAX);
	for (size_t i = 0; i < stages.count; i++) {
		json_t *stage;

		enum rota_err err = make_stage(s, stages.at[i], release, &stage);
		if (stage)
			json_array_append_new(list, stage);
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* What the release's signers allow (SPEC 8.7); NULL: it cannot be read, and the devices will say so. */
static json_t *read_ceilings(
	struct session *s, const char *path, const uint8_t sha256[static ROTA_DIGEST_LEN])
{
	char file[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	json_t *release, *ceilings = NULL;

	rota_store_target_path(&s->dir, path, sha256, file);
	if (rota_file_read(file, ROTA_RELEASE_MAX, &text, &s->why) != ROTA_OK)
		return NULL;
	if (rota_json_parse(rota_bytes_span(&text), &release, &s->why) == ROTA_OK) {
		ceilings = json_incref(json_object_get(release, "ceilings"));
		json_decref(release);
	}
	rota_bytes_free(&text);
	return ceilings;
}

static bool lists(const json_t *groups, const char *name)
{
	for (size_t i = 0; i < json_array_size(groups); i++)
		if (strcmp(json_string_value(json_array_get(groups, i)), name) == 0)
			return true;
	return false;
}

/* A stage beyond the ceilings admits nobody, and no device says so to the person who opened it. */
static void warn_idle_stages(const json_t *ceilings, const json_t *list)
{
	json_int_t most = json_integer_value(json_object_get(ceilings, "canary"));

	for (size_t i = 0; ceilings && i < stages.count; i++) {
		size_t tags = json_array_size(json_object_get(json_array_get(list, i), "tags"));

		if (strncmp(stages.at[i], "group=", 6) == 0 &&
			!lists(json_object_get(ceilings, "groups"), stages.at[i] + 6))
			fprintf(stderr,
				"rota: stage %s admits nobody: release %s was signed without "
				"--group %s\n",
				stages.at[i], version, stages.at[i] + 6);
		else if ((json_int_t)tags > most)
			fprintf(stderr,
				"rota: stage %zu admits nobody: it has %zu canaries, release %s "
				"was "
				"signed with --canary %lld\n",
				i, tags, version, (long long)most);
	}
}

/* A withdrawn release is for no device, whatever the policy says (SPEC 16.4). */
static void warn_withdrawn(
	const struct session *s, const char *name, const uint8_t sha256[static ROTA_DIGEST_LEN])
{
	struct rota_ledger ledger;
	char hex[ROTA_DIGEST_HEX];
	struct rota_fail why;

	if (rota_ledger_open(&s->dir, &rota_revocations_kind, name, &ledger, &why) != ROTA_OK)
		return; /* `rota withdraw` says what is wrong with it */
	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), hex);
	if (lists(json_object_get(ledger.file, "withdrawn"), hex))
		fprintf(stderr,
			"rota: release %s is withdrawn: no device installs it until `rota withdraw "
			"--undo %s`\n",
			version, version);
	rota_ledger_close(&ledger);
}

/* "HH:MM-HH:MM" to seconds of the day. */
static bool parse_window(const char *text, unsigned *from_s, unsigned *to_s)
{
	unsigned h1, m1, h2, m2;
	char rest;

	if (sscanf(text, "%2u:%2u-%2u:%2u%c", &h1, &m1, &h2, &m2, &rest) != 4)
		return false;
	*from_s = h1 * 3600 + m1 * 60;
	*to_s = h2 * 3600 + m2 * 60;
	return h1 < 24 && h2 < 24 && m1 < 60 && m2 < 60;
}

struct numbers {
	uint64_t attempt, retry, backoff_s, open;
	unsigned from_s, to_s;
};

static int check_options(struct numbers *n)
{
	static const char *const states[] = { "active", "paused", "aborted", "done" };
	bool known = false;

	if (!version)
		return opts_wrong(&usage, "--version VERSION is needed");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		known |= !state || strcmp(state, states[i]) == 0;
	if (!known)
		return opts_wrong(
			&usage, "--state %s is none of active, paused, aborted, done", state);
	if (channel && !rota_name_ok(channel))
		return opts_wrong(
			&usage, "channel '%s' is no name of 1 to 32 [a-z0-9._-]", channel);
	if (!opts_number(attempt ? attempt : "0", 7, &n->attempt))
		return opts_wrong(&usage, "--attempt is 0 to 7 (SPEC 8.2)");
	if (!opts_number(retry_max ? retry_max : "2", 8, &n->retry))
		return opts_wrong(&usage, "--retry is 0 to 8 (SPEC 8.2)");
	if (!rota_duration_parse(backoff ? backoff : "1h", &n->backoff_s))
		return opts_wrong(&usage, "--backoff %s is no time", backoff);
	if (window && !parse_window(window, &n->from_s, &n->to_s))
		return opts_wrong(&usage, "--window %s is not HH:MM-HH:MM", window);
	n->open = stages.count ? stages.count - 1 : 0;
	if (open_stage && !opts_number(open_stage, n->open, &n->open))
		return opts_wrong(&usage, "--open %s is no stage: they count from 0", open_stage);
	for (size_t i = 0; i < stages.count; i++)
		if (!stage_ok(stages.at[i]))
			return opts_wrong(&usage,
				"--stage %s is none of everyone, ppm=N, group=NAME, region=NAME, "
				"canary=DEVICE,...",
				stages.at[i]);
	if (id && (strlen(id) < 1 || strlen(id) > 64))
		return opts_wrong(&usage, "--id has 1 to 64 bytes (SPEC 8.2)");
	return 0;
}

static json_t *make_campaign(const struct numbers *n, const char *path,
	const uint8_t sha256[static ROTA_DIGEST_LEN], json_t *list)
{
	char hex[ROTA_DIGEST_HEX], name[65];
	json_t *campaign;

	rota_hex(rota_span(sha256, ROTA_DIGEST_LEN), hex);
	snprintf(name, sizeof(name), "%.40s-%u", version, (unsigned)n->attempt);
	campaign = json_pack("{s:I,s:s,s:s,s:I,s:{s:s,s:s},s:{s:I,s:I},s:o,s:s}", "attempt",
		(json_int_t)n->attempt, "channel", channel ? channel : "production", "id",
		id ? id : name, "open", (json_int_t)n->open, "release", "path", path, "sha256", hex,
		"retry", "backoff_s", (json_int_t)n->backoff_s, "max", (json_int_t)n->retry,
		"stages", list, "state", state ? state : "active");
	if (window)
		json_object_set_new(campaign, "window",
			json_pack("{s:i,s:i}", "from_s", (int)n->from_s, "to_s", (int)n->to_s));
	return campaign;
}

static enum rota_err set(struct session *s, const struct numbers *n, struct rota_rollout_done *done)
{
	const char *name = product ? product : s->dir.product;
	const char *role = channel && strcmp(channel, "ci") == 0 ? "ci" : "releases";
	uint8_t sha256[ROTA_DIGEST_LEN];
	json_t *list = json_array();
	char path[256];
	enum rota_err err =
		rota_rollout_find_release(&s->dir, role, name, version, path, sha256, &s->why);

	json_t *ceilings;

	if (err == ROTA_OK)
		err = make_stages(s, sha256, list);
	if (err != ROTA_OK) {
		json_decref(list);
		return err;
	}
	ceilings = read_ceilings(s, path, sha256);
	warn_idle_stages(ceilings, list);
	json_decref(ceilings);
	warn_withdrawn(s, name, sha256);
	return rota_rollout_set(
		&s->desk, name, make_campaign(n, path, sha256, list), done, &s->why);
}

int verb_rollout_set(int argc, char **argv)
{
	struct rota_rollout_done done;
	struct numbers n = { 0 };
	struct session s;
	uint64_t least;
	enum rota_err err;
	int at, status;

	if (!opts_parse(&usage, argc, argv, &at, &status))
		return status;
	status = check_options(&n);
	if (status)
		return status;
	if (session_open(&s, verb_dir(), SESSION_WRITE) != ROTA_OK)
		return say_fail(&s.why);
	if (!open_stage && s.dir.signd[0])
		n.open = 0;
	err = rota_released_record(&s.desk, &least, &s.why); /* or the daemon does not know it */
	if (err == ROTA_OK)
		err = set(&s, &n, &done);
	if (err == ROTA_OK && json)
		printf("{\"path\":\"%s\",\"role_version\":%llu,\"sequence\":%llu}\n", done.path,
			(unsigned long long)done.done.role_version,
			(unsigned long long)done.done.sequence);
	else if (err == ROTA_OK)
		printf("%s sequence %llu: %s %s to channel %s; rota publish makes it count\n",
			done.path, (unsigned long long)done.done.sequence, state ? state : "active",
			version, channel ? channel : "production");
	return session_close(&s, err);
}
