/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rota/slots.h"
#include "host/keys/told.h"
#include "host/repo/ahead.h"
#include "host/repo/store.h"
#include "host/sign/p256.h"
#include "host/series/link.h"
#include "ports/pkcs11/handed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const roles[] = { "snapshot", "timestamp" };

/* ---- made ---- */

static bool any(const void *ctx, const uint8_t *point)
{
	(void)ctx;
	(void)point;
	return true;
}

/* In the token that all slots share. */
static enum rota_err make_shared(const struct rota_authdir *dir, uint64_t version, bool landing,
	struct rota_series_pair *out, struct rota_fail *why)
{
	uint8_t *const points[] = { out->snapshot, out->timestamp };
	struct slots_token where;

	slots_token(dir, version, landing, false, &where);
	for (size_t i = 0; i < 2; i++) {
		char label[ROTA_SLOT_LABEL_MAX];
		enum rota_err err;

		rota_slot_label(roles[i], version, label);
		err = rota_pkcs11_generate(&where.token, label, points[i], why);
		if (err == ROTA_ERR_STATE) {
			ROTA_TRY(rota_pkcs11_destroy(&where.token, label, any, NULL, why));
			err = rota_pkcs11_generate(&where.token, label, points[i], why);
		}
		ROTA_TRY(err);
	}
	return ROTA_OK;
}

/* The token that a run left that was cut off: the keeper gives its PINs, since no root names its keys. */
static enum rota_err undo(const struct rota_authdir *dir, int keeper, uint64_t version,
	const struct rota_pkcs11_token *token, struct rota_fail *why)
{
	enum rota_err err = rota_link_undo(keeper, version, why);
	char path[ROTA_FILE_PATH_MAX];

	if (err == ROTA_ERR_NOT_FOUND)
		return ROTA_OK;
	ROTA_TRY(err);
	rota_authdir_path(dir, "series", path);
	ROTA_TRY(rota_file_mkdirs(path, 0750, why));
	ROTA_TRY(rota_pkcs11_handed_take(token, keeper, why));
	ROTA_TRY(rota_link_done(keeper, why));
	err = rota_pkcs11_handed_release(token, why);
	if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND)
		return err;
	rota_authdir_path(dir, token->pin_file, path);
	return rota_file_remove(path, why);
}

static enum rota_err make_own(const struct rota_authdir *dir, int keeper,
	const struct rota_timeslot *slot, struct rota_series_pair *out, struct rota_fail *why)
{
	char labels[2][ROTA_SLOT_LABEL_MAX];
	const char *const keys[2] = { labels[0], labels[1] };
	uint8_t points[2][ROTA_P256_KEY_LEN];
	struct slots_token where;

	slots_token(dir, slot->version, false, true, &where);
	ROTA_TRY(undo(dir, keeper, slot->version, &where.token, why));
	for (size_t i = 0; i < 2; i++)
		rota_slot_label(roles[i], slot->version, labels[i]);
	ROTA_TRY(rota_link_put_pin(keeper, slot, why));
	ROTA_TRY(rota_pkcs11_handed_make(&where.token, keeper, keys, points, why));
	memcpy(out->snapshot, points[0], sizeof(out->snapshot));
	memcpy(out->timestamp, points[1], sizeof(out->timestamp));
	return ROTA_OK;
}

enum rota_err slots_make(const struct rota_authdir *dir, int keeper,
	const struct rota_timeslot *slot, bool landing, struct rota_series_pair *out,
	struct rota_fail *why)
{
	if (landing || keeper < 0)
		return make_shared(dir, slot->version, landing, out, why);
	return make_own(dir, keeper, slot, out, why);
}

/* ---- destroyed ---- */

/* The key that a root names, and no other of that label. */
static bool is_named(const void *ctx, const uint8_t *point)
{
	char id[ROTA_DIGEST_HEX];

	rota_p256_key_id(point, id);
	return json_object_get(json_object_get(ctx, "keys"), id) != NULL;
}

static enum rota_err destroy_keys(const struct rota_pkcs11_token *token, const json_t *root,
	uint64_t version, struct rota_fail *why)
{
	for (size_t i = 0; i < 2; i++) {
		char label[ROTA_SLOT_LABEL_MAX];
		enum rota_err err;

		rota_slot_label(roles[i], version, label);
		err = rota_pkcs11_destroy(token, label, is_named, root, why);
		if (err != ROTA_OK && err != ROTA_ERR_NOT_FOUND) /* a run was cut off */
			return err;
	}
	return ROTA_OK;
}

/* The daemon empties its tokens, and then nobody has their PINs: of *done slots it is known. */
static enum rota_err is_emptied(struct session *s, uint64_t version, bool *done)
{
	enum rota_err err;
	int fd;

	ROTA_TRY(rota_link_open(s->dir.keeper, &fd, &s->why));
	err = rota_link_look(fd, version, &s->why);
	close(fd);
	*done = err == ROTA_ERR_NOT_FOUND;
	return *done ? ROTA_OK : err;
}

static enum rota_err note_destroyed(struct session *s, const json_t *root)
{
	json_t *one = json_pack("[O]", (json_t *)(uintptr_t)root);
	enum rota_err err = slots_note(s, one, ROTA_KEY_WAS_DESTROYED);

	json_decref(one);
	return err;
}

/* Both halves, then the token with all that it ever had. */
static enum rota_err destroy(struct session *s, const json_t *root, uint64_t version, bool kept)
{
	struct slots_token where;
	enum rota_err err;

	slots_token(&s->dir, version, rota_root_lands(root), kept, &where);
	err = destroy_keys(&where.token, root, version, &s->why);
	if (kept && (err == ROTA_OK || err == ROTA_ERR_NOT_FOUND || err == ROTA_ERR_DENIED)) {
		err = rota_pkcs11_handed_release(&where.token, &s->why);
		if (err == ROTA_ERR_NOT_FOUND) /* a run was cut off */
			err = ROTA_OK;
	}
	ROTA_TRY(err);
	return note_destroyed(s, root);
}

/* *done: nobody can sign with the slot's keys any more. */
static enum rota_err put_away(struct session *s, const struct rota_ahead *a, size_t i, bool *done)
{
	uint64_t version = a->timeline.at[i].version;

	*done = true;
	if (!rota_authdir_slots_held(&s->dir) || !a->kept[i] || rota_ahead_pin(&s->dir, version))
		return destroy(s, a->root[i], version, a->kept[i]);
	ROTA_TRY(is_emptied(s, version, done));
	return *done ? note_destroyed(s, a->root[i]) : ROTA_OK;
}

/* One that is over, or (last, ordinary) of no more use here. *done: it went. */
static enum rota_err retire(
	struct session *s, const struct rota_ahead *a, size_t i, bool *done, unsigned *count)
{
	const json_t *root = a->root[i];
	bool plain = root && !json_object_get(root, "x-rota-slot-end");
	bool last = i + 1 == a->timeline.count;

	*done = false;
	if (!root || (a->kept[i] && !a->open[i] && !rota_authdir_slots_held(&s->dir)) ||
		(!rota_timeline_over(&a->timeline, i, s->desk.now) && !(plain && last)))
		return ROTA_OK;
	if (!plain)
		ROTA_TRY(put_away(s, a, i, done));
	if (!plain && !*done)
		return ROTA_OK;
	ROTA_TRY(rota_ahead_drop(&s->dir, a->timeline.at[i].version, &s->why));
	*count += !plain;
	*done = true;
	return ROTA_OK;
}

enum rota_err slots_retire(struct session *s, unsigned *count)
{
	enum rota_err err = ROTA_OK;
	struct rota_ahead ahead;
	uint64_t published;
	bool on = true;

	*count = 0;
	ROTA_TRY(rota_store_newest(&s->dir, "root", false, &published, &s->why));
	ROTA_TRY(rota_ahead_open(&s->dir, &ahead, &s->why));
	for (size_t i = 1; err == ROTA_OK && on && i < ahead.timeline.count; i++)
		if (ahead.timeline.at[i].version > published)
			on = false;
		else
			err = retire(s, &ahead, i, &on, count);
	rota_ahead_close(&ahead);
	return err;
}

/* ---- written down ---- */

static enum rota_err note_one(struct session *s, struct rota_keys *k, const json_t *root,
	size_t role, struct rota_key_event *e)
{
	const json_t *entry = json_object_get(json_object_get(root, "roles"), roles[role]);
	const char *id = json_string_value(json_array_get(json_object_get(entry, "keyids"), 0));
	const struct rota_key_info *known;
	bool there = id && rota_keys_find(k, id, &known, &s->why) == ROTA_OK;

	if (!id || there == (e->what == ROTA_KEY_MADE) ||
		(there && known->state == ROTA_KEY_DESTROYED))
		return ROTA_OK;
	snprintf(e->id, sizeof(e->id), "%s", id);
	snprintf(e->uses, sizeof(e->uses), "%s", roles[role]);
	return rota_keys_note(k, e, &s->why);
}

static enum rota_err note_pair(
	struct session *s, struct rota_keys *k, const json_t *root, enum rota_key_happening what)
{
	struct rota_key_event e = { .what = what, .at_s = s->desk.now };
	uint64_t version = (uint64_t)json_integer_value(json_object_get(root, "version"));
	bool landing = rota_root_lands(root);
	const struct rota_token *section = landing ? s->dir.standby_token : s->dir.slot_token;
	struct slots_token where;

	slots_token(&s->dir, version, landing, rota_ahead_kept(&s->dir, version), &where);
	if (what == ROTA_KEY_MADE) {
		snprintf(e.token, sizeof(e.token), "%s", where.token.name);
		snprintf(e.owner, sizeof(e.owner), "%s", section->owner);
	} else {
		snprintf(e.reason, sizeof(e.reason), "its slot is over");
	}
	for (size_t i = 0; i < 2; i++) {
		if (what == ROTA_KEY_MADE)
			rota_slot_label(roles[i], version, e.label);
		ROTA_TRY(note_one(s, k, root, i, &e));
	}
	return ROTA_OK;
}

enum rota_err slots_note(struct session *s, const json_t *roots, enum rota_key_happening what)
{
	enum rota_err err = ROTA_OK;
	struct rota_keys *k;

	ROTA_TRY(rota_keys_load(&s->dir, &k, &s->why));
	for (size_t i = 0; err == ROTA_OK && i < json_array_size(roots); i++)
		err = note_pair(s, k, json_array_get(roots, i), what);
	if (err == ROTA_OK)
		err = rota_keys_settle(k, &s->why);
	rota_keys_free(k);
	return err == ROTA_OK ? rota_keys_tell(&s->dir, &s->notary, &s->why) : err;
}
