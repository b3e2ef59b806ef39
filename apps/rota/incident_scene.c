/* SPDX-License-Identifier: Apache-2.0 */
/* An incident's record: written when it begins, read by every step, put away at its end. */
#include "apps/rota/incident.h"
#include "apps/rota/incident_steps.h"
#include "host/base/when.h"
#include "host/keys/period.h"
#include "host/repo/store.h"
#include "host/sign/duty.h"
#include "host/sign/p256.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_MAX 65536 /* eight keys, 64 devices and releases each of 70 bytes */
#define FOLDER "incidents"

void incident_path(
	const struct incident_scene *c, const char *file, char out[static ROTA_FILE_PATH_MAX])
{
	char name[ROTA_FILE_PATH_MAX];

	snprintf(name, sizeof(name), FOLDER "/%s%s%s", c->what->name, *file ? "/" : "", file);
	rota_authdir_path(&c->s->dir, name, out);
}

/* ---- reading ---- */

static bool read_key(const json_t *row, struct incident_key *out)
{
	const struct {
		const char *name, **to;
	} members[] = { { "id", &out->id }, { "label", &out->label },
		{ "successor", &out->successor }, { "to", &out->to }, { "token", &out->token },
		{ "use", &out->use } };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		*members[i].to = json_string_value(json_object_get(row, members[i].name));
		if (!*members[i].to)
			return false;
	}
	return true;
}

static enum rota_err read_record(struct incident_scene *c, const char *path)
{
	const json_t *keys, *row;
	size_t i;

	ROTA_TRY(rota_json_load(path, RECORD_MAX, &c->record, &c->s->why));
	keys = json_object_get(c->record, "keys");
	json_array_foreach(keys, i, row)
	{
		if (i == INCIDENT_KEYS_MAX || !read_key(row, &c->key[i]))
			return rota_fail(&c->s->why, ROTA_ERR_CORRUPT, "%s: key %zu", path, i + 1);
		c->key_count = i + 1;
	}
	return ROTA_OK;
}

enum rota_err incident_open(
	struct incident_scene *c, const struct incident *what, struct session *s)
{
	char path[ROTA_FILE_PATH_MAX];
	enum rota_err err = ROTA_OK;

	*c = (struct incident_scene){ .what = what, .s = s, .log = -1 };
	incident_path(c, "record", path);
	if (rota_file_exists(path))
		err = read_record(c, path);
	if (err == ROTA_OK)
		err = rota_keys_load(&s->dir, &c->keys, &s->why);
	if (err != ROTA_OK)
		incident_close(c);
	return err;
}

void incident_close(struct incident_scene *c)
{
	rota_keys_free(c->keys);
	json_decref(c->record);
	c->keys = NULL;
	c->record = NULL;
}

/* ---- the log ---- */

/* The entry INCIDENT; null where there is no log. */
static enum rota_err tell(struct incident_scene *c, const json_t *line, json_t **entry)
{
	const char *use = c->what->uses[0];
	json_t *whole = json_pack("{s:s,s:O}", "kind", "incident", "what", line);
	const struct rota_notary_event event = { .role = use && rota_duty_find(use) ? use : "root",
		.event = whole };
	const struct rota_notary *notary = &c->s->notary;
	uint64_t index;
	enum rota_err err = notary->record(notary->ctx, &event, &index, &c->s->why);

	json_decref(whole);
	if (err == ROTA_OK)
		*entry = index == ROTA_NOTARY_NO_ENTRY ? json_null()
						       : json_integer((json_int_t)index);
	return err;
}

enum rota_err incident_note(struct incident_scene *c, const char *did)
{
	const struct passwd *user = getpwuid(getuid());
	const char *id = c->at < c->key_count ? c->key[c->at].id : "";
	char at[ROTA_WHEN_LEN], path[ROTA_FILE_PATH_MAX];
	struct rota_bytes line;
	json_t *event, *entry;
	enum rota_err err;

	rota_when_text(rota_when_now(), at);
	event = json_pack("{s:s,s:s,s:s,s:s,s:s}", "at", at, "did", did, "incident", c->what->name,
		"key", id, "user", user ? user->pw_name : "");
	err = tell(c, event, &entry);
	if (err == ROTA_OK) {
		json_object_set_new(event, "entry", entry);
		err = rota_json_encode(event, ROTA_JSON_FILE, &line, &c->s->why);
	}
	json_decref(event);
	ROTA_TRY(err);
	rota_bytes_add_text(&line, "\n");
	rota_authdir_path(&c->s->dir, FOLDER "/log", path);
	err = rota_file_append(path, rota_bytes_span(&line), 0644, &c->s->why);
	rota_bytes_free(&line);
	return err;
}

/* ---- beginning ---- */

static const char *use_of(const struct incident *what, const struct rota_key_info *key)
{
	for (size_t i = 0; what->uses[i]; i++)
		if (rota_key_has_use(key->uses, what->uses[i]))
			return what->uses[i];
	return NULL;
}

static enum rota_err add_key(struct incident_scene *c, const struct incident_begun *told,
	const struct rota_key_info *key, json_t *keys)
{
	const char *use = use_of(c->what, key);
	size_t at = json_array_size(keys);
	const char *to = at < told->tokens->count ? told->tokens->at[at] : key->token;
	char successor[ROTA_SIGNER_LABEL_MAX + 1];

	if (!use)
		return rota_fail(&c->s->why, ROTA_ERR_ARGUMENT,
			"key %.16s signs %s; that is another incident", key->id, key->uses);
	if (at == INCIDENT_KEYS_MAX)
		return rota_fail(&c->s->why, ROTA_ERR_LIMIT, "more than %d keys in one incident",
			INCIDENT_KEYS_MAX);
	if (!key->token[0] || !key->label[0])
		return rota_fail(&c->s->why, ROTA_ERR_NOT_FOUND,
			"key %.16s: in which token it lies is not known here; begin where rota "
			"keys list shows one",
			key->id);
	snprintf(successor, sizeof(successor), "%s-after-%.8s", use, key->id);
	json_array_append_new(keys,
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id", key->id, "label", key->label,
			"successor", successor, "to", to, "token", key->token, "use", use));
	return ROTA_OK;
}

/* Of an incident that nobody names keys of: the one that signs now. Of image keys that is the first. */
static bool is_meant(const struct incident_scene *c, const struct rota_key_info *key)
{
	const char *use = use_of(c->what, key);
	const struct rota_seat *first;

	if (!use || !key->named)
		return false;
	first = &rota_authdir_party(&c->s->dir, use)->seats[0];
	return strcmp(use, "image") != 0 ||
		(strcmp(first->token->name, key->token) == 0 &&
			strcmp(first->key, key->label) == 0);
}

static enum rota_err add_keys(
	struct incident_scene *c, const struct incident_begun *told, json_t *keys)
{
	const struct rota_key_info *key;

	for (size_t i = 0; i < told->keys->count; i++) {
		ROTA_TRY(rota_keys_find(c->keys, told->keys->at[i], &key, &c->s->why));
		ROTA_TRY(add_key(c, told, key, keys));
	}
	for (size_t i = 0; told->keys->count == 0 && i < rota_keys_count(c->keys); i++)
		if (is_meant(c, rota_keys_at(c->keys, i)))
			ROTA_TRY(add_key(c, told, rota_keys_at(c->keys, i), keys));
	if (json_array_size(keys) == 0 && c->what->uses[0])
		return rota_fail(&c->s->why, ROTA_ERR_NOT_FOUND,
			"no key of %s counts; rota keys list shows them", c->what->uses[0]);
	return ROTA_OK;
}

static json_t *texts(const struct opts_list *list)
{
	json_t *out = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(out, json_string(list->at[i]));
	return out;
}

/* The policy's digest, so that it is seen when another one counts; "": none. */
char *incident_policy(const struct incident_scene *c)
{
	char *path = rota_text("rollouts/%s.json", c->s->dir.product), *text;
	const json_t *entry;
	json_t *content = NULL;
	struct rota_fail ignored;
	const char *hex = NULL;

	if (rota_store_signed(&c->s->dir, "rollouts", &content, &ignored) == ROTA_OK) {
		entry = json_object_get(json_object_get(content, "targets"), path);
		hex = json_string_value(
			json_object_get(json_object_get(entry, "hashes"), "sha256"));
	}
	text = rota_text("%s", hex ? hex : "");
	json_decref(content);
	free(path);
	return text;
}

static enum rota_err write_record(struct incident_scene *c)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	incident_path(c, "", path);
	ROTA_TRY(rota_file_mkdirs(path, 0755, &c->s->why));
	ROTA_TRY(rota_json_encode(c->record, ROTA_JSON_FILE, &text, &c->s->why));
	incident_path(c, "record", path);
	err = rota_file_write(path, rota_bytes_span(&text), 0644, &c->s->why);
	rota_bytes_free(&text);
	return err;
}

enum rota_err incident_begin(struct incident_scene *c, const struct incident_begun *told)
{
	json_t *keys = json_array();
	char at[ROTA_WHEN_LEN];
	enum rota_err err;
	char *policy;

	if (c->record) {
		json_decref(keys);
		return rota_fail(&c->s->why, ROTA_ERR_STATE,
			"this incident began at %s and is not over; see rota incident %s",
			json_string_value(json_object_get(c->record, "at")), c->what->name);
	}
	err = add_keys(c, told, keys);
	policy = incident_policy(c);
	rota_when_text(c->s->desk.now, at);
	c->record = json_pack("{s:s,s:o,s:i,s:o,s:o,s:s,s:s,s:s,s:o}", "at", at, "devices",
		texts(told->devices), "format", 1, "hardware", texts(told->hardware), "keys", keys,
		"name", c->what->name, "policy", policy, "reason", told->reason, "releases",
		texts(told->releases));
	free(policy);
	if (err == ROTA_OK)
		err = write_record(c);
	return err == ROTA_OK ? incident_note(c, "begun") : err;
}

enum rota_err incident_end(struct incident_scene *c)
{
	char from[ROTA_FILE_PATH_MAX], to[ROTA_FILE_PATH_MAX], stamp[32];
	time_t now = (time_t)c->s->desk.now;
	struct tm utc;

	c->at = c->key_count;
	ROTA_TRY(incident_note(c, "over"));
	gmtime_r(&now, &utc);
	strftime(stamp, sizeof(stamp), "-%Y%m%dT%H%M%SZ", &utc);
	incident_path(c, "", from);
	if ((size_t)snprintf(to, sizeof(to), "%s%s", from, stamp) >= sizeof(to))
		return rota_fail(&c->s->why, ROTA_ERR_LIMIT, "%s: the name is too long", from);
	return rota_file_rename(from, to, &c->s->why);
}
