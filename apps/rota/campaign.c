/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of `rota campaign` share: the registry, the daemon, requests that lie in DIR/campaigns. */
#include "apps/rota/campaign.h"
#include "apps/rota/fleet_census.h"
#include "host/base/when.h"
#include "host/notary/client.h"
#include "host/notary/refusal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_ENDING ".ask"
#define ASK_MAX ((size_t)64 * 1024) /* a reason and the members of 32.1 */

/* ---- the registry ---- */

enum rota_err campaign_fleet_open(struct session *s, struct campaign_fleet *out)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_db db;

	*out = (struct campaign_fleet){ 0 };
	if (!fleet_database(s, path))
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s: [fleet] database is not set: it names rotad's, in which the devices "
			"are",
			s->dir.ini.path);
	ROTA_TRY(rota_db_sqlite_look(path, &out->sqlite, &db, &s->why));
	return rota_db_sqlite_registry(out->sqlite, &out->reg, &s->why);
}

void campaign_fleet_close(struct campaign_fleet *f)
{
	rota_db_sqlite_close(f->sqlite);
	*f = (struct campaign_fleet){ 0 };
}

/* ---- the daemon ---- */

enum rota_err campaign_client(struct session *s, struct rota_client **out)
{
	const struct rota_client_server server = rota_client_server(&s->dir);

	*out = NULL;
	if (!s->dir.signd[0])
		return rota_fail(&s->why, ROTA_ERR_NOT_FOUND,
			"%s names no signd: campaigns are asked for at the signing daemon",
			s->dir.ini.path);
	ROTA_TRY(session_daemon(s));
	return rota_client_open(&server, out, &s->why);
}

void campaign_path(const struct session *s, const char *id, const char *ending,
	char out[static ROTA_FILE_PATH_MAX])
{
	char name[ROTA_DIGEST_HEX + 64];

	snprintf(name, sizeof(name), CAMPAIGN_FOLDER "/%s.%s", id, ending);
	rota_authdir_path(&s->dir, name, out);
}

/* Whether the log has it all the same: the answer was lost. */
static bool has_it(struct session *s, struct rota_client *c, const char *id)
{
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_fail ignored;
	struct rota_ask ask;

	(void)s;
	if (!rota_unhex(id, ROTA_BUF(digest)) ||
		rota_client_campaign(c, digest, &ask, &ignored) != ROTA_OK)
		return false;
	rota_ask_free(&ask);
	return true;
}

enum rota_err campaign_send(
	struct session *s, struct rota_client *c, const char *id, struct rota_answer *answer)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	campaign_path(s, id, "ask", path);
	ROTA_TRY(rota_file_read(path, ASK_MAX, &text, &s->why));
	err = rota_client_ask(c, rota_bytes_span(&text), answer, &s->why);
	rota_bytes_free(&text);
	ROTA_TRY(err);
	err = rota_client_verdict(answer, &s->why);
	if (answer->kind == ROTA_ANSWER_PENDING)
		return ROTA_ERR_BUSY;
	if (err != ROTA_OK && has_it(s, c, id))
		err = ROTA_OK;
	if (err == ROTA_OK || !rota_client_may_stand(answer)) {
		struct rota_fail ignored;

		/* where it stays it is asked again, answered `replay`, and goes then */
		(void)!rota_file_remove(path, &ignored);
	}
	return err;
}

/* The id of a request's file; false: it is none. */
static bool ask_of(const char *name, char id[static ROTA_DIGEST_HEX])
{
	uint8_t digest[ROTA_DIGEST_LEN];

	if (strlen(name) != ROTA_DIGEST_HEX - 1 + strlen(ASK_ENDING) ||
		strcmp(name + ROTA_DIGEST_HEX - 1, ASK_ENDING) != 0)
		return false;
	memcpy(id, name, ROTA_DIGEST_HEX - 1);
	id[ROTA_DIGEST_HEX - 1] = '\0';
	return rota_unhex(id, ROTA_BUF(digest));
}

/* A refusal is told, and ends the request; it is no reason not to go on with others. */
static enum rota_err settle_one(struct session *s, struct rota_client *c, const char *id)
{
	struct rota_answer answer = { 0 };
	enum rota_err err = campaign_send(s, c, id, &answer);

	if (err == ROTA_OK || err == ROTA_ERR_BUSY)
		return ROTA_OK;
	if (answer.kind != ROTA_ANSWER_REFUSED)
		return err;
	fprintf(stderr, "rota: campaign %.16s: %s\n", id, s->why.text);
	return ROTA_OK;
}

enum rota_err campaign_settle(struct session *s, struct rota_client *c)
{
	char folder[ROTA_FILE_PATH_MAX], id[ROTA_DIGEST_HEX];
	enum rota_err err = ROTA_OK;
	struct dirent *entry;
	DIR *dir;

	rota_authdir_path(&s->dir, CAMPAIGN_FOLDER, folder);
	dir = opendir(folder);
	while (dir && err == ROTA_OK && (entry = readdir(dir)) != NULL)
		if (ask_of(entry->d_name, id))
			err = settle_one(s, c, id);
	if (dir)
		closedir(dir);
	return err;
}

/* ---- words and settings ---- */

uint8_t campaign_purpose(const char *word)
{
	return word ? rota_purpose_of(rota_span_cstr(word)) : 0;
}

enum rota_err campaign_setting(struct session *s, const char *key, uint64_t least, uint64_t most,
	uint64_t fallback, uint64_t *out)
{
	const char *text = rota_ini_get(&s->dir.ini, "rotation", key);

	*out = fallback;
	if (!text)
		return ROTA_OK;
	if (rota_duration_parse(text, out) && *out >= least && *out <= most)
		return ROTA_OK;
	return rota_fail(&s->why, ROTA_ERR_FORMAT,
		"%s: [rotation] %s: %s is no time from %llud to %llud", s->dir.ini.path, key, text,
		(unsigned long long)(least / 86400), (unsigned long long)(most / 86400));
}
