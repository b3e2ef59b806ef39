/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keys/keys.h"
#include "host/base/when.h"
#include "host/keys/named.h"
#include "host/keys/period.h"
#include "host/sign/duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS "keys"

/* Six lines of at most 900 bytes for each key. */
#define EVENTS_MAX ((size_t)ROTA_KEYS_KNOWN_MAX * 6 * 900)

/* Least digits of an id that somebody types. */
#define ID_TYPED_MIN 8

struct rota_keys {
	const struct rota_authdir *dir;
	struct rota_key_info *at;
	uint64_t *slot_end_s; /* beside each: of a pre-signed root's key, else 0 */
	size_t count, room;
	struct rota_bytes unwritten; /* lines that follow from what is public */
	bool full;
};

static struct rota_key_info *find(const struct rota_keys *k, const char *id)
{
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->at[i].id, id) == 0)
			return &k->at[i];
	return NULL;
}

static struct rota_key_info *add(struct rota_keys *k, const char *id)
{
	if (k->count == ROTA_KEYS_KNOWN_MAX)
		return NULL;
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 64;
		k->at = realloc(k->at, k->room * sizeof(*k->at));
		k->slot_end_s = realloc(k->slot_end_s, k->room * sizeof(*k->slot_end_s));
		if (!k->at || !k->slot_end_s)
			abort();
	}
	k->slot_end_s[k->count] = 0;
	k->at[k->count] = (struct rota_key_info){ 0 };
	snprintf(k->at[k->count].id, sizeof(k->at[0].id), "%s", id);
	return &k->at[k->count++];
}

static void describe(struct rota_key_info *key, const struct rota_key_event *e)
{
	if (e->token[0])
		memcpy(key->token, e->token, sizeof(key->token));
	if (e->label[0])
		memcpy(key->label, e->label, sizeof(key->label));
	if (e->owner[0])
		memcpy(key->owner, e->owner, sizeof(key->owner));
	if (e->uses[0])
		memcpy(key->uses, e->uses, sizeof(key->uses));
}

/* An event happens to the table. */
static enum rota_err apply(
	struct rota_keys *k, const struct rota_key_event *e, struct rota_fail *why)
{
	struct rota_key_info *key = find(k, e->id);

	if (!key && e->what != ROTA_KEY_MADE)
		return rota_fail(why, ROTA_ERR_STATE, "key %.16s was never made", e->id);
	if (!key) {
		key = add(k, e->id);
		if (!key)
			return rota_fail(
				why, ROTA_ERR_LIMIT, "more than %d keys", ROTA_KEYS_KNOWN_MAX);
		key->made_s = e->at_s;
	} else if (rota_key_step(&key->state, &key->compromised, e->what) != ROTA_OK) {
		return rota_fail(why, ROTA_ERR_STATE,
			"key %.16s is %s%s; nothing leads from there to this (SPEC 25.2)", e->id,
			rota_key_state_text(key->state), key->compromised ? ", compromised" : "");
	}
	if (e->what == ROTA_KEY_ACTIVATED)
		key->from_s = e->at_s;
	describe(key, e);
	return ROTA_OK;
}

static enum rota_err read_lines(struct rota_keys *k, struct rota_span text, struct rota_fail *why)
{
	size_t row = 0;

	while (text.len) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		struct rota_key_event e;
		size_t len;

		if (!end)
			return ROTA_OK;
		len = (size_t)(end - text.p);
		row++;
		if (rota_key_event_read(rota_span(text.p, len), &e, why) != ROTA_OK ||
			apply(k, &e, why) != ROTA_OK) {
			why->err = ROTA_ERR_CORRUPT;
			return rota_fail_in(why, "line %zu of the file '" EVENTS "'", row);
		}
		text = rota_span(end + 1, text.len - len - 1);
	}
	return ROTA_OK;
}

static enum rota_err read_events(struct rota_keys *k, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];
	struct rota_bytes text;
	enum rota_err err;

	rota_authdir_path(k->dir, EVENTS, path);
	if (!rota_file_exists(path))
		return ROTA_OK;
	ROTA_TRY(rota_file_read(path, EVENTS_MAX, &text, why));
	err = read_lines(k, rota_bytes_span(&text), why);
	rota_bytes_free(&text);
	return err;
}

/* What nobody wrote down yet: it counts from here on, and will be written. */
static void infer(struct rota_keys *k, const struct rota_key_event *e)
{
	struct rota_fail why;

	if (apply(k, e, &why) != ROTA_OK || rota_key_event_write(e, &k->unwritten, &why) != ROTA_OK)
		k->full = true;
}

static void infer_named(struct rota_keys *k, const char *id, const char *use, uint64_t since_s)
{
	struct rota_key_event e = { .what = ROTA_KEY_MADE, .at_s = since_s };
	struct rota_key_info *key = find(k, id);
	size_t len = key ? strlen(key->uses) : 0;

	snprintf(e.id, sizeof(e.id), "%s", id);
	if (!key) {
		snprintf(e.uses, sizeof(e.uses), "%s", use);
		infer(k, &e);
	} else if (!rota_key_has_use(key->uses, use) && len + strlen(use) + 1 < sizeof(e.uses)) {
		e.what = ROTA_KEY_DESCRIBED;
		snprintf(e.uses, sizeof(e.uses), "%s%s%s", key->uses, len ? " " : "", use);
		infer(k, &e);
	}
	key = find(k, id);
	if (key && key->state == ROTA_KEY_PRE_ACTIVE) {
		e = (struct rota_key_event){ .what = ROTA_KEY_ACTIVATED, .at_s = since_s };
		memcpy(e.id, key->id, sizeof(e.id));
		infer(k, &e);
	}
}

static void on_named(void *ctx, const char *id, const char *use, uint64_t since_s, uint64_t end_s)
{
	struct rota_keys *k = ctx;
	uint8_t digest[ROTA_DIGEST_LEN];
	struct rota_key_info *key;

	if (!id || !rota_unhex(id, ROTA_BUF(digest)))
		return;
	infer_named(k, id, use, since_s);
	key = find(k, id);
	if (!key)
		return;
	key->named = true;
	if (end_s)
		k->slot_end_s[key - k->at] = end_s;
}

/* Only of keys that metadata names: of others (approval, log) nothing public says when they go. */
static bool is_public(const char *uses)
{
	for (size_t i = 0; i < ROTA_DUTY_COUNT; i++)
		if (rota_key_has_use(uses, rota_duties[i].name))
			return true;
	return false;
}

/* While slots sign, the keys that rota.ini gives to their roles stand by: the root that ends a series names them (SPEC 23.9). */
static bool stands_by(const struct rota_keys *k, const struct rota_key_info *key)
{
	static const char *const roles[] = { "snapshot", "timestamp" };
	bool slots = false, seated = false;

	for (size_t i = 0; i < k->count; i++)
		slots |= k->slot_end_s[i] != 0;
	for (size_t r = 0; slots && r < sizeof(roles) / sizeof(roles[0]); r++) {
		const struct rota_party *party = rota_authdir_party(k->dir, roles[r]);

		for (size_t i = 0; party && i < party->seat_count; i++)
			seated |= strcmp(party->seats[i].token->name, key->token) == 0 &&
				strcmp(party->seats[i].key, key->label) == 0;
	}
	return seated;
}

static void infer_gone(struct rota_keys *k, uint64_t newest_s)
{
	for (size_t i = 0; i < k->count; i++) {
		struct rota_key_event e = { .what = ROTA_KEY_WAS_DEACTIVATED, .at_s = newest_s };

		if (k->at[i].state != ROTA_KEY_ACTIVE || k->at[i].named ||
			!is_public(k->at[i].uses) || stands_by(k, &k->at[i]))
			continue;
		memcpy(e.id, k->at[i].id, sizeof(e.id));
		infer(k, &e);
	}
}

static void set_end(struct rota_key_info *key, uint64_t slot_end_s)
{
	uint64_t period = rota_key_period_of(key->uses);

	key->in_slot = slot_end_s != 0;
	key->until_s = 0;
	if (key->state == ROTA_KEY_ACTIVE && (period || slot_end_s))
		key->until_s = slot_end_s ? slot_end_s : key->from_s + period;
	key->replace_s = key->until_s;
}

/* The keys of people of one use that end together: each but the last gives way earlier, a share of the period apart, so
 * that there is one ceremony for one key at a time, and never one for all. */
static void stagger(struct rota_keys *k, const char *use)
{
	struct rota_key_info *group[ROTA_SIGNERS_MAX];
	uint64_t period;
	size_t n = 0;

	if (!rota_key_period(use, &period) || period == 0)
		return;
	for (size_t i = 0; i < k->count && n < ROTA_SIGNERS_MAX; i++) {
		struct rota_key_info *key = &k->at[i];
		size_t to = n;

		if (!key->until_s || !rota_key_has_use(key->uses, use))
			continue;
		for (n++; to > 0 && group[to - 1]->until_s < key->until_s; to--)
			group[to] = group[to - 1];
		group[to] = key;
	}
	for (size_t i = 1; i < n; i++) {
		uint64_t most = group[i - 1]->replace_s - period / n;

		if (group[i]->replace_s > most)
			group[i]->replace_s = most;
	}
}

static void set_ends(struct rota_keys *k)
{
	for (size_t i = 0; i < k->count; i++)
		set_end(&k->at[i], k->slot_end_s[i]);
	for (size_t i = 0; i < k->dir->party_count; i++)
		if (k->dir->parties[i].is_role && !rota_party_online(&k->dir->parties[i]))
			stagger(k, k->dir->parties[i].name);
}

static enum rota_err load(struct rota_keys *k, struct rota_fail *why)
{
	const struct rota_keys_named sink = { .ctx = k, .key = on_named };
	uint64_t newest;
	bool there;

	ROTA_TRY(read_events(k, why));
	ROTA_TRY(rota_keys_named(k->dir, &sink, &there, &newest, why));
	if (there)
		infer_gone(k, newest);
	if (k->full)
		return rota_fail(why, ROTA_ERR_LIMIT, "more than %d keys", ROTA_KEYS_KNOWN_MAX);
	set_ends(k);
	return ROTA_OK;
}

enum rota_err rota_keys_load(
	const struct rota_authdir *dir, struct rota_keys **out, struct rota_fail *why)
{
	struct rota_keys *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	k->dir = dir;
	if (load(k, why) != ROTA_OK) {
		rota_keys_free(k);
		*out = NULL;
		return why->err;
	}
	*out = k;
	return ROTA_OK;
}

void rota_keys_free(struct rota_keys *k)
{
	if (!k)
		return;
	rota_bytes_free(&k->unwritten);
	free(k->slot_end_s);
	free(k->at);
	free(k);
}

size_t rota_keys_count(const struct rota_keys *k)
{
	return k->count;
}

const struct rota_key_info *rota_keys_at(const struct rota_keys *k, size_t n)
{
	return &k->at[n];
}

enum rota_err rota_keys_find(const struct rota_keys *k, const char *id,
	const struct rota_key_info **out, struct rota_fail *why)
{
	size_t len = strlen(id), found = 0;

	for (size_t i = 0; i < k->count && len >= ID_TYPED_MIN; i++)
		if (strncmp(k->at[i].id, id, len) == 0 && found++ == 0)
			*out = &k->at[i];
	if (found == 1)
		return ROTA_OK;
	return rota_fail(why, ROTA_ERR_NOT_FOUND,
		found ? "more than one key has an id that begins with %s; give more digits"
		      : "no key has the id %s (eight digits or more); see rota keys list",
		id);
}

enum rota_err rota_keys_note(
	struct rota_keys *k, const struct rota_key_event *e, struct rota_fail *why)
{
	ROTA_TRY(apply(k, e, why));
	set_ends(k);
	return rota_key_event_write(e, &k->unwritten, why);
}

enum rota_err rota_keys_settle(struct rota_keys *k, struct rota_fail *why)
{
	char path[ROTA_FILE_PATH_MAX];

	if (k->unwritten.len == 0)
		return ROTA_OK;
	rota_authdir_path(k->dir, EVENTS, path);
	ROTA_TRY(rota_file_append(path, rota_bytes_span(&k->unwritten), 0644, why));
	rota_bytes_free(&k->unwritten);
	k->unwritten = (struct rota_bytes){ 0 };
	return ROTA_OK;
}

enum rota_err rota_keys_catch_up(const struct rota_authdir *dir, struct rota_fail *why)
{
	struct rota_keys *k;
	enum rota_err err;

	ROTA_TRY(rota_keys_load(dir, &k, why));
	err = rota_keys_settle(k, why);
	rota_keys_free(k);
	return err;
}

enum rota_keys_trouble rota_keys_trouble(const struct rota_key_info *key, uint64_t now)
{
	if (key->named && key->state != ROTA_KEY_ACTIVE)
		return ROTA_KEY_NAMED;
	if (!key->until_s)
		return ROTA_KEY_WELL;
	if (now >= key->until_s)
		return ROTA_KEY_OVER;
	if (key->in_slot)
		return ROTA_KEY_WELL;
	if (key->replace_s <= key->from_s ||
		now >= key->from_s + (key->replace_s - key->from_s) / 4 * 3)
		return ROTA_KEY_SOON;
	return ROTA_KEY_WELL;
}

void rota_keys_trouble_text(const struct rota_key_info *key, uint64_t now, char out[static 96])
{
	char left[ROTA_DURATION_LEN];

	out[0] = 0;
	switch (rota_keys_trouble(key, now)) {
	case ROTA_KEY_WELL:
		break;
	case ROTA_KEY_SOON:
		rota_duration_text(key->replace_s > now ? key->replace_s - now : 0, left);
		snprintf(out, 96, "its successor is due in %s", left);
		break;
	case ROTA_KEY_OVER:
		snprintf(out, 96, "its period is over; replace it");
		break;
	case ROTA_KEY_NAMED:
		snprintf(out, 96, "it is %s%s, and its signatures still count; replace it",
			key->compromised ? "compromised" : rota_key_state_text(key->state),
			key->compromised && key->state == ROTA_KEY_DESTROYED ? " and destroyed"
									     : "");
		break;
	}
}
