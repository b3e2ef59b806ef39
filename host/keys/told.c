/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/told.h"
#include "host/keys/period.h"
#include "host/sign/duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS "keys"
#define TOLD "keys.told"
#define TOLD_MAX 32 /* digits of a length */
#define EVENTS_MAX ((size_t)ROTA_KEYS_KNOWN_MAX * 6 * 900) /* as host/keys/keys.c */
#define BATCH_MAX 40 /* lines of at most 900 bytes in a private record of 60,000 (SPEC 21.3) */

struct telling {
	const struct rota_authdir *dir;
	const struct rota_notary *notary;
	const struct rota_keys *keys;
	const char *role; /* of the batch */
	json_t *batch;
	bool deaf; /* there is no log */
};

/* Whose matter it is: the first role that the key signs, root for all that is none. */
static const char *role_of(const struct telling *t, const json_t *line)
{
	const char *id = json_string_value(json_object_get(line, "id"));
	const struct rota_key_info *key;
	struct rota_fail ignored;

	if (id && rota_keys_find(t->keys, id, &key, &ignored) == ROTA_OK)
		for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
			if (rota_key_has_use(key->uses, rota_duties[i].name))
				return rota_duties[i].name;
	return "root";
}

static enum rota_err send(struct telling *t, struct rota_fail *why)
{
	struct rota_notary_event event = { .role = t->role };
	json_t *whole;
	uint64_t entry;
	enum rota_err err;

	if (json_array_size(t->batch) == 0)
		return ROTA_OK;
	whole = json_pack("{s:s,s:{s:O}}", "kind", "key", "what", "events", t->batch);
	event.event = whole;
	err = t->notary->record(t->notary->ctx, &event, &entry, why);
	json_decref(whole);
	json_array_clear(t->batch);
	t->deaf = err == ROTA_OK && entry == ROTA_NOTARY_NO_ENTRY;
	return err;
}

static enum rota_err add(struct telling *t, struct rota_span text, struct rota_fail *why)
{
	const char *role;
	json_t *line;

	ROTA_TRY(rota_json_parse(text, &line, why));
	role = role_of(t, line);
	if (t->role && (strcmp(role, t->role) != 0 || json_array_size(t->batch) == BATCH_MAX))
		if (send(t, why) != ROTA_OK) {
			json_decref(line);
			return why->err;
		}
	t->role = role;
	json_array_append_new(t->batch, line);
	return ROTA_OK;
}

/* Whole lines; half a one that a cut left is none. *done: bytes of them. */
static enum rota_err tell_lines(
	struct telling *t, struct rota_span text, uint64_t *done, struct rota_fail *why)
{
	while (text.len && !t->deaf) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : 0;

		if (!end)
			break;
		ROTA_TRY(add(t, rota_span(text.p, len), why));
		text = rota_span(end + 1, text.len - len - 1);
		*done += len + 1;
	}
	return t->deaf ? ROTA_OK : send(t, why);
}

static enum rota_err read_told(const char *path, uint64_t *told, struct rota_fail *why)
{
	struct rota_bytes text;

	*told = 0;
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, TOLD_MAX, &text, why));
	*told = strtoull((const char *)text.p, NULL, 10);
	rota_bytes_free(&text);
	return ROTA_OK;
}

static enum rota_err tell_rest(struct telling *t, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX], told_path[ROTA_FILE_PATH_MAX], number[TOLD_MAX];
	struct rota_bytes text;
	uint64_t told, before;
	enum rota_err err = ROTA_OK;

	rota_authdir_path(t->dir, EVENTS, path);
	rota_authdir_path(t->dir, TOLD, told_path);
	ROTA_TRY(read_told(told_path, &told, why));
	ROTA_TRY(rota_file_read(path, EVENTS_MAX, &text, why));
	before = told;
	if (told < text.len)
		err = tell_lines(
			t, rota_span_skip(rota_bytes_span(&text), (size_t)told), &told, why);
	rota_bytes_free(&text);
	if (err != ROTA_OK || t->deaf || told == before)
		return err;
	snprintf(number, sizeof(number), "%llu\n", (unsigned long long)told);
	return rota_file_write(told_path, rota_span_cstr(number), 0644, why);
}

enum rota_err rota_keys_tell(
	const struct rota_authdir *dir, const struct rota_notary *notary, struct rota_fail *why)
{
	struct telling t = { .dir = dir, .notary = notary };
	char path[ROTA_FILE_PATH_MAX];
	struct rota_keys *keys;
	enum rota_err err;

	rota_authdir_path(dir, EVENTS, path);
	/* The directory of a machine without network has no repository, and its lines for itself (SPEC 25.1). */
	if (!dir->signd[0] || !rota_file_exists(path) || !rota_file_exists(dir->repo))
		return ROTA_OK;
	ROTA_TRY(rota_keys_load(dir, &keys, why));
	t.keys = keys;
	t.batch = json_array();
	err = tell_rest(&t, why);
	json_decref(t.batch);
	rota_keys_free(keys);
	return err == ROTA_OK
		? ROTA_OK
		: rota_fail_in(why, "it is done, and the signing log has no entry of it yet");
}
